"""What a plan, or a verb by itself, may be asked for."""

from console.core import events as ev
from console.core import glass
from console.core import requests as rq
from console.core.events import Body
from console.core.plan import Wish
from console.core.state import Incident
from console.core.verbs import RESTORE_ROWS, UNFREEZE, VERBS
from console.core.wishes import alone, contradiction, rows_of, way_back_is_over
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.Replan, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    if incident.running():
        raise RefusedError(f"{incident.running()[0].id} is under way: abort, or wait for it")
    if incident.undo:
        raise RefusedError("it is being taken back: wait for that, or abort first")
    _can_be_wished(case, ask.wish, incident)
    return (ev.PlanningStarted(ask.wish),)


def _can_be_wished(case: Case, wish: Wish, incident: Incident) -> None:
    """A plan that is carried out is not made again; a verb may follow it."""
    if way_back_is_over(incident) and not alone(wish):
        raise RefusedError("the plan has been carried out: resolve the incident, or declare a new one")
    if not wish.code and wish.data is None and wish.verb is None:
        raise RefusedError("a plan that changes neither code nor data, and does nothing else, is none")
    if why := contradiction(wish):
        raise RefusedError(why)
    if wish.break_glass and (why := glass.refused(case.environment.authorisation, wish)):
        raise RefusedError(why)
    if wish.verb is not None:
        _verb(case, wish.verb, alone=False)
    if wish.verb == RESTORE_ROWS:
        _rows(case, wish)


def _rows(case: Case, wish: Wish) -> None:
    """Refuses rows that nobody can find, or that something else would change at the same time."""
    if not alone(wish):
        raise RefusedError("rows go back by key in a plan of their own, when nothing else changes")
    if case.environment.recovery is None:
        raise RefusedError("the strategy names no `recovery` of this environment: no row can go back")
    try:
        rows_of(wish)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _verb(case: Case, name: str, *, alone: bool) -> None:
    """Refuses a verb that does not exist, or cannot be asked for that way."""
    verb = VERBS.get(name)
    if verb is None or verb.alone is not alone:
        known = ", ".join(key for key, each in VERBS.items() if each.alone is alone)
        raise RefusedError(f"no verb {name} that can be asked for this way; there are {known}")
    if verb.needs_backups and case.environment.backups is None:
        raise RefusedError("the strategy names no `backups` of this environment")
    if verb.needs_cache and case.environment.cache is None:
        raise RefusedError("the strategy names no `cache` of this environment")


def _unfreezable(case: Case) -> None:
    """Refuses to unfreeze what is not frozen, or what an open incident still wants frozen."""
    if case.environment.ci is None:
        raise RefusedError("the strategy names no `ci` of this environment")
    if not case.state.frozen:
        raise RefusedError("nothing of the CI is frozen")
    if incident := case.state.open_incident:
        raise RefusedError(f"{incident.id} is open: its plan unfreezes after the proof; or resolve it first")


@grant.register
def _(ask: rq.Errand, case: Case) -> tuple[Body, ...]:
    _verb(case, ask.verb, alone=True)
    if ask.verb == UNFREEZE:
        _unfreezable(case)
    if errand := case.state.open_errand:
        raise RefusedError(f"{errand.id}, {errand.wish.verb}, is under way: wait for it")
    return (ev.ErrandBegun(Wish(code=False, verb=ask.verb, options=ask.options)),)
