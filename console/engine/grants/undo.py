"""How far one key goes, the next step by its key, and the way back of steps that were done."""

from console.core import events as ev
from console.core import requests as rq
from console.core import undoing
from console.core.events import Body
from console.core.pacing import pace_of, to_release
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.SetPace, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    if pace_of(incident, case.environment.pace) == ask.pace:
        raise RefusedError(f"one key goes through a {ask.pace} already")
    return (ev.RunPaced(ask.pace),)


@grant.register
def _(ask: rq.Run, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    try:
        steps = to_release(incident, ask.what, case.environment.pace)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    return (ev.RunReleased(steps, incident.plan_hash or ""),)


@grant.register
def _(ask: rq.Undo, case: Case) -> tuple[Body, ...]:
    """The gate that was opened covers the way back of the very steps behind it: it stood in the plan."""
    incident = case.settled_plan()
    if why := undoing.refused(incident):
        raise RefusedError(why)
    if ask.plan_hash != incident.plan_hash:
        raise RefusedError("the plan has changed since you read it: look at what there is to take back now")
    if ask.typed != case.name:
        raise RefusedError(f"typed {ask.typed!r}, but this is {case.name}")
    steps = undoing.order(incident, ask.down_to)
    if not steps:
        known = ", ".join(step.id for step in undoing.undoable(incident))
        raise RefusedError(f"{ask.down_to} has nothing to take back; {known} have")
    if why := undoing.may_not(incident, steps, case.actor):
        raise RefusedError(why)
    case.counts(case.actor)
    ids = tuple(step.id for step in steps)
    return (ev.UndoAsked(ids, incident.plan_hash or "", ask.reason),)
