"""Every kind of event in a line of plain words, for timeline and report. Total: no event is silent."""

from console.core.events import Event
from console.core.wording import (  # each registers its kinds
    alerting,
    automatic,
    ci,
    engine,
    gate,
    incident,
    plan,
    review,
    staff,
    standing,
    undo,
)
from console.core.wording.base import Names, Said, Tone, words_of

__all__ = [
    "Names",
    "Said",
    "Tone",
    "alerting",
    "automatic",
    "ci",
    "engine",
    "gate",
    "incident",
    "plan",
    "review",
    "said",
    "staff",
    "standing",
    "undo",
]


def said(event: Event, names: Names) -> Said:
    """What the timeline says of an event; ids without a title are said as they are."""
    return words_of(event.body, event, lambda key: names.get(key, key))
