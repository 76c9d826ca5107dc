"""How an event finds the run that it is about; each kind's own part stands in the modules beside."""

from functools import singledispatch

from msgspec.structs import replace

from console.core import events as ev
from console.core.state import Incident, State


@singledispatch
def apply(body: ev.Body, event: ev.Event, state: State) -> State:
    """What one kind of event changes; kinds that change nothing are told on the timeline alone."""
    if isinstance(body, ev.Unknown) and event.critical:
        return replace(state, unknown_critical=f"{event.kind} version {event.version}")
    return state


def run_of(state: State, event: ev.Event) -> Incident | None:
    """The open run that an event is about: the errand of that id, else the incident."""
    if state.open_errand is not None and state.open_errand.id == event.incident:
        return state.open_errand
    return state.open_incident


def changed(state: State, event: ev.Event, **changes: object) -> State:
    """The state with that run changed; unchanged where none is open: what is resolved stays so."""
    run = run_of(state, event)
    if run is None:
        return state
    after = replace(run, **changes)
    return replace(state, errand=after) if run is state.open_errand else replace(state, incident=after)


def step_changed(state: State, event: ev.Event, step: str, **changes: object) -> State:
    run = run_of(state, event)
    if run is None:
        return state
    return changed(state, event, steps={**run.steps, step: replace(run.step(step), **changes)})


def is_present(state: State, event: ev.Event, step: str, attempt: int) -> bool:
    """Whether an event is about the step's present attempt; one about an earlier attempt changes nothing."""
    run = run_of(state, event)
    return run is not None and run.step(step).attempt == attempt
