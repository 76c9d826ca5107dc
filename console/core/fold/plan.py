"""A plan, and what becomes of its steps."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply, changed, is_present, run_of, step_changed
from console.core.plan import thaw
from console.core.redeploy import deploys_of
from console.core.requests import Choice
from console.core.state import Evidence, State, Status


@apply.register
def _(body: ev.PlanningFailed, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    wish = {"wish": run.plan_wish} if run and run.plan else {}
    return changed(state, event, planning=False, planning_failed=body.reason, **wish)


def _without_plan(state: State, event: ev.Event) -> State:
    """Plan, and everything that was said, done and proven under it, forgotten."""
    return changed(
        state,
        event,
        plan=None,
        plan_hash=None,
        plan_seq=None,
        steps={},
        evidence={},
        approvals=(),
        refusals=(),
        spoke={},
        asked_since=None,
        planned=None,
        asked={},
        escalated=None,
        waived={},
        gate_opened=None,
        aborted=None,
        released=(),
        undo=(),
        undos={},
    )


@apply.register
def _(body: ev.PlanningStarted, event: ev.Event, state: State) -> State:
    # The plan before it stays until the new one is frozen: if none can be made, it is still the way back.
    changes = {"planning": True, "planning_for": event.actor, "wish": body.wish, "planning_failed": None}
    return changed(state, event, **changes)


@apply.register
def _(body: ev.PlanFrozen, event: ev.Event, state: State) -> State:
    try:
        plan = thaw(bytes(body.plan))
    except (ValueError, RecursionError):
        # As unknown as an event of an unknown kind: a plan's shape is not told by the event's version.
        return replace(
            state, unknown_critical=f"{event.kind} version {event.version}, its plan of another shape"
        )
    run = run_of(state, event)
    if run is None or plan.incident != run.id:
        return state  # made for an incident that was resolved meanwhile
    return changed(
        _without_plan(state, event),
        event,
        plan=plan,
        plan_hash=body.digest,
        plan_seq=event.seq,
        plans=run.plans + 1,
        asked_by=run.planning_for,
        voided=body.voids,
        asked_since=event.seq,
        planned=event.at,
        plan_wish=run.wish,
        planning=False,
        planning_failed=None,
    )


@apply.register
def _(body: ev.StepIntent, event: ev.Event, state: State) -> State:
    return step_changed(
        state,
        event,
        body.step,
        status=Status.RUNNING,
        attempt=body.attempt,
        began=event.at,
        ended=None,
        seconds=None,
        words="",
        finding=None,
    )


@apply.register
def _(body: ev.StepOutcome, event: ev.Event, state: State) -> State:
    if not is_present(state, event, body.step, body.attempt):
        return state
    return step_changed(
        state,
        event,
        body.step,
        status=Status(body.status),
        ended=event.at,
        seconds=body.seconds,
        words=body.words,
        facts=body.facts,
        output=body.output,
    )


@apply.register
def _(body: ev.StepProbed, event: ev.Event, state: State) -> State:
    if not is_present(state, event, body.step, body.attempt):
        return state
    return step_changed(state, event, body.step, finding=body.finding, words=body.words)


_DECIDED = {Choice.RETRY: Status.WAITING, Choice.REDEPLOY: Status.WAITING, Choice.SKIP: Status.SKIPPED}


@apply.register
def _(body: ev.StepDecided, event: ev.Event, state: State) -> State:
    if body.choice is Choice.ABORT:
        return changed(state, event, aborted=body.reason or f"{body.step} was given up")
    if body.choice is Choice.CONTINUE:
        return state  # the outcome that was verified follows in the same transaction
    if not is_present(state, event, body.step, body.attempt):
        return state
    run = run_of(state, event)
    for deploy in deploys_of(run, body.step) if run and body.choice is Choice.REDEPLOY else ():
        state = step_changed(state, event, deploy, status=Status.WAITING, ended=event.at)
    return step_changed(state, event, body.step, status=_DECIDED[body.choice], ended=event.at)


@apply.register
def _(body: ev.StepAllowed, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    if run is None or run.plan is None or run.plan_hash != body.plan_hash:
        return state
    effects = {step.id: step.effects for step in run.plan.steps if step.id == body.step}
    return changed(state, event, allowed={**run.allowed, **effects})


@apply.register
def _(body: ev.EvidenceRecorded, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    if run is None:
        return state
    evidence = Evidence(body.holds, body.words, body.inputs, event.at, body.age_s)
    return changed(state, event, evidence={**run.evidence, body.slot: evidence})


@apply.register
def _(body: ev.RunAborted, event: ev.Event, state: State) -> State:
    return changed(state, event, aborted=body.reason, undo=())


@apply.register
def _(body: ev.RunResumed, event: ev.Event, state: State) -> State:
    return changed(state, event, aborted=None)
