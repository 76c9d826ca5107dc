"""What is frozen, and what it was before; it outlives its incident."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply
from console.core.state import Freeze, State


@apply.register
def _(body: ev.CiFrozen, event: ev.Event, state: State) -> State:
    name = f"{body.repository} {body.workflow}"
    if name in state.frozen:
        return state  # by then it is as we have made it: what counts is what it was before the first attempt
    freeze = Freeze(body.repository, body.workflow, body.before, event.incident, event.at)
    return replace(state, frozen={**state.frozen, name: freeze})


@apply.register
def _(body: ev.CiUnfrozen, event: ev.Event, state: State) -> State:
    name = f"{body.repository} {body.workflow}"
    return replace(state, frozen={key: kept for key, kept in state.frozen.items() if key != name})
