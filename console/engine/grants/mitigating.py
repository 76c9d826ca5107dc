"""Mitigations: who may have one done or taken back, beside the incident or as its plan."""

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.mitigating import may_not, way_back_begun, wish_of
from console.core.naming import unknown
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.Mitigate, case: Case) -> tuple[Body, ...]:
    known = case.environment.mitigations
    if ask.name not in known:
        words = unknown("mitigation", ask.name, known) if known else "the strategy names no `mitigations`"
        raise RefusedError(words)
    mitigation = known[ask.name]
    case.counts(case.actor)
    if why := may_not(mitigation, case.state.incident, case.actor):
        raise RefusedError(why)
    if ask.undo and mitigation.undo is None:
        raise RefusedError(f"{mitigation.title} cannot be taken back: the strategy names no `undo`")
    wish = wish_of(ask.name, undo=ask.undo)
    if mitigation.authority == "matrix":
        _can_be_planned(case)
        return (ev.PlanningStarted(wish),)
    if errand := case.state.open_errand:
        raise RefusedError(f"{errand.id}, {errand.wish.verb}, is under way: wait for it")
    return (ev.ErrandBegun(wish),)


def _can_be_planned(case: Case) -> None:
    """It takes the place of the incident's plan, so none may be under way."""
    incident = case.settled_plan()
    if incident.running():
        raise RefusedError(f"{incident.running()[0].id} is under way: abort, or wait for it")
    if way_back_begun(incident):
        raise RefusedError("the way back is under way: it is too late for a mitigation that needs a plan")
