"""How an event is told; each kind's own words stand in the modules beside."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import singledispatch

import msgspec
from msgspec import Struct

from console.core import events as ev


class Tone(StrEnum):
    """How a line of the timeline is meant."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    PERSON = "person"
    """Somebody decided or said something."""


class Said(Struct, frozen=True):
    """An event in words."""

    words: str
    """One line, without time and actor; may hold text from outside as it came."""
    tone: Tone = Tone.PLAIN


Names = Mapping[str, str]
"""Titles of steps, of prerequisites and of checklist items, by id."""


Title = Callable[[str], str]
"""The title of an id."""


@singledispatch
def words_of(body: ev.Body, event: ev.Event, _title: Title) -> Said:
    """An event by its body; one of a kind that nobody has words for is shown raw."""
    raw = body.raw if isinstance(body, ev.Unknown) else msgspec.json.encode(body)
    return Said(f"{event.kind} version {event.version}: {raw.decode('utf-8', 'backslashreplace')}")
