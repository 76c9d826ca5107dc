"""The fold: what each kind of event changes in the state. Pure, and total: no event makes it fail."""

from msgspec.structs import replace

from console.core.events import Event
from console.core.fold import (  # noqa: F401 - each registers its kinds of event
    alerting,
    automatic,
    ci,
    engine,
    gate,
    incident,
    mitigations,
    plan,
    review,
    staff,
    standing,
    undo,
)
from console.core.fold.base import apply
from console.core.state import State

REMEMBERED_REQUESTS = 256
"""How many requests are remembered as answered; a request file outlives its answer by a crash only."""


def fold(state: State, event: Event) -> State:
    """The state after one more event."""
    after = mitigations.follow(apply(event.body, event, state), event)
    answered = after.answered
    if event.request and event.request not in answered:
        answered = (*answered, event.request)[-REMEMBERED_REQUESTS:]
    return replace(after, seq=event.seq, answered=answered)
