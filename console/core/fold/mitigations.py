"""Mitigations: what became of each, told by the steps that do them and take them back."""

from typing import Literal

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import run_of
from console.core.mitigating import UNDO, named_by
from console.core.state import Mitigated, State

Status = Literal["doing", "in force", "failed", "unclear", "undone"]
_DONE: dict[bool, Status] = {False: "in force", True: "undone"}
_FOUND: dict[tuple[str, bool], Status] = {
    ("done", False): "in force",
    ("done", True): "undone",
    ("not done", False): "undone",
    ("not done", True): "in force",
}


def follow(state: State, event: ev.Event) -> State:
    """The state with what the event says of a mitigation; most say nothing of one."""
    match event.body:
        case ev.EngineStarted():
            return _cut_off(state, event)
        case ev.StepIntent():
            return _told(state, event, "doing", "")
        case ev.StepOutcome(status="done", words=words):
            return _told(state, event, None, words)
        case ev.StepOutcome(words=words):
            return _failed(state, event, words)
        case ev.StepProbed(finding=finding, words=words):
            return _told(state, event, _FOUND.get((finding, _undoes(state, event)), "unclear"), words)
    return state


def _undoes(state: State, event: ev.Event) -> bool:
    run = run_of(state, event)
    return run is not None and run.plan_wish.verb == UNDO


def _told(state: State, event: ev.Event, status: Status | None, words: str) -> State:
    """`status` None: what was to be done is done."""
    run = run_of(state, event)
    name = named_by(run.plan_wish) if run else None
    if run is None or name is None:
        return state
    undo = _undoes(state, event)
    before = state.mitigations.get(name)
    if status == "doing" and undo:
        return state  # it is in force until it has been taken back
    incident = state.open_incident.id if state.open_incident else None
    if undo and before is not None:
        incident = before.incident
    after = Mitigated(status or _DONE[undo], event.at, run.commander or "", incident, words)
    return replace(state, mitigations={**state.mitigations, name: after})


def _failed(state: State, event: ev.Event, words: str) -> State:
    """What could not be done may have been done in part; what could not be taken back is still in force."""
    if not _undoes(state, event):
        return _told(state, event, "failed", words)
    run = run_of(state, event)
    name = named_by(run.plan_wish) if run else None
    before = state.mitigations.get(name) if name else None
    if name is None or before is None:
        return state
    told = replace(before, words=f"could not be taken back: {words}")
    return replace(state, mitigations={**state.mitigations, name: told})


def _cut_off(state: State, event: ev.Event) -> State:
    """An engine that died in the middle of one: unclear until the next has looked."""
    words = "the engine ended in the middle of it"
    unclear = {
        name: replace(one, status="unclear", since=event.at, words=words)
        for name, one in state.mitigations.items()
        if one.status == "doing"
    }
    return replace(state, mitigations={**state.mitigations, **unclear}) if unclear else state
