"""The run: deciding about a step, stopping it, going on."""

from console.core import events as ev
from console.core import requests as rq
from console.core.commanding import to_allow
from console.core.events import Body
from console.core.policy import choices
from console.core.requests import Choice
from console.core.undoing import is_undone
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.Decide, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    steps = [step.id for step in incident.plan.steps] if incident.plan else []
    if ask.step not in steps:
        raise RefusedError(f"no step {ask.step} in the plan; there are {', '.join(steps) or 'none'}")
    allowed = choices(incident, ask.step)
    if not allowed:
        status = incident.step(ask.step).status
        why = "it is being looked into" if status.asks else "there is nothing to decide about it"
        raise RefusedError(f"{ask.step} is {status}: {why}")
    if ask.choice not in allowed:
        raise RefusedError(f"{ask.step} can be answered with {', '.join(allowed)}, not with {ask.choice}")
    if ask.choice is Choice.SKIP and not ask.reason.strip():
        raise RefusedError("a step is skipped by name and with a reason: give one")
    attempt = incident.step(ask.step).attempt
    return (ev.StepDecided(step=ask.step, attempt=attempt, choice=ask.choice, reason=ask.reason),)


@grant.register
def _(ask: rq.Allow, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    if case.actor != incident.commander:
        raise RefusedError(f"{incident.commander} commands {incident.id}: nobody else may say yes to a step")
    if ask.plan_hash != incident.plan_hash:
        raise RefusedError("the plan has changed since you read it: look at the new one and say yes to that")
    if ask.typed != case.name:
        raise RefusedError(f"typed {ask.typed!r}, but this is {case.name}")
    waiting = [step.id for step in to_allow(incident)]
    if ask.step not in waiting:
        raise RefusedError(f"{ask.step} waits for nobody's yes; {', '.join(waiting) or 'nothing'} does")
    case.counts(case.actor)
    return (ev.StepAllowed(step=ask.step, plan_hash=ask.plan_hash),)


@grant.register
def _(ask: rq.Abort, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    if not incident.undo:
        if incident.aborted is not None:
            raise RefusedError("the run is aborted already")
        if incident.plan is None or incident.finished:
            raise RefusedError("nothing runs that could be aborted")
    return (ev.RunAborted(reason=ask.reason or f"{case.actor} said so"),)


@grant.register
def _(ask: rq.Resume, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    if incident.aborted is None:
        raise RefusedError("the run is not aborted")
    if incident.undo:
        raise RefusedError("it is being taken back: x stops that first")
    if is_undone(incident):
        raise RefusedError("what was done has been taken back: plan anew (T)")
    return (ev.RunResumed(),)


@grant.register
def _(ask: rq.Stop, case: Case) -> tuple[Body, ...]:
    return (ev.EngineStopped(reason=f"{case.actor} asked for it"),)
