"""Steps taken back, and how far one key goes."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply, changed, is_present, run_of, step_changed
from console.core.plan import Phase, Plan
from console.core.state import Incident, State, Status, StepState
from console.core.undoing import DEPLOYS


@apply.register
def _(body: ev.RunPaced, event: ev.Event, state: State) -> State:
    return changed(state, event, pace=body.pace)


@apply.register
def _(body: ev.RunReleased, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    if run is None or run.plan_hash != body.plan_hash:
        return state
    return changed(state, event, released=tuple(dict.fromkeys((*run.released, *body.steps))))


@apply.register
def _(body: ev.StepFound, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    if run is None or not is_present(state, event, body.step, body.attempt):
        return state
    # What the first attempt found is how it was: a later one may find what an earlier one has left.
    return step_changed(state, event, body.step, before={**body.facts, **run.step(body.step).before})


@apply.register
def _(body: ev.UndoAsked, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    if run is None or run.plan_hash != body.plan_hash:
        return state
    why = f": {body.reason}" if body.reason else ""
    return changed(state, event, undo=body.steps, aborted=f"{event.actor} takes it back{why}")


@apply.register
def _(body: ev.UndoIntent, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    if run is None or run.plan_hash != body.plan_hash:
        return state
    began = StepState(Status.RUNNING, body.attempt, began=event.at)
    return changed(state, event, undos={**run.undos, body.step: began})


@apply.register
def _(body: ev.UndoOutcome, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    known = run.undos.get(body.step) if run else None
    if run is None or run.plan is None or known is None or known.attempt != body.attempt:
        return state
    ended = replace(
        known,
        status=Status(body.status),
        ended=event.at,
        seconds=body.seconds,
        words=body.words,
        facts=body.facts,
        output=body.output,
    )
    after = replace(run, undos={**run.undos, body.step: ended})
    if body.status == "failed":
        return changed(state, event, undos=after.undos, undo=())  # a person decides how to go on
    return changed(state, event, **_without(after, run.plan, body.step))


def _without(run: Incident, plan: Plan, step_id: str) -> dict[str, object]:
    """What is left of a run when a step has been taken back: what was proven after it proves nothing now."""
    gone = {step_id}
    if any(step.id == step_id and step.phase is Phase.SWITCH for step in plan.steps):
        later = (step for phase in (Phase.PROVE, Phase.CLOSE) for step in plan.of_phase(phase))
        gone |= {step.id for step in later if step.back is None and run.step(step.id).status.settled}
    slots = {slot for step in plan.steps if step.id in gone for slot in step.fills}
    undone = {id_: replace(run.step(id_), status=Status.UNDONE, facts={}) for id_ in gone}
    deployed = any(step.id == step_id and step.action in DEPLOYS for step in plan.steps)
    tag = (plan.code.target.tag,) if plan.code and deployed else ()
    return {
        "undos": run.undos,
        "undo": tuple(each for each in run.undo if each != step_id),
        "steps": {**run.steps, **undone},
        "evidence": {slot: known for slot, known in run.evidence.items() if slot not in slots},
        "items": {name: tick for name, tick in run.items.items() if tick.step not in gone},
        "given_up": tuple(dict.fromkeys((*run.given_up, *tag))),
    }
