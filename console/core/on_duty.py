"""Who is on call: what a source answered, and whom of the roster it means; else the roster's word. Pure."""

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.format import clock, plain
from console.core.live import OnDuty
from console.core.naming import quoted
from console.core.roster import Person, Roster
from console.core.strategy import Environment
from console.core.words import age

ON_CALL = "on-call-engineer"
"""Who is asked first where the strategy has no escalation path: whoever holds this role."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NobodyError(StatedError):
    """It does not follow from an answer who is on call; the message says why."""


class Answer(Struct, frozen=True):
    """What a source said."""

    names: tuple[str, ...]
    """Handles, contacts, or texts with one of them in it: the first that means somebody counts."""
    until: int | None = None
    """Until when, UTC microseconds."""


class Shift(Struct, frozen=True):
    """An event of a calendar that covers the moment."""

    summary: str
    attendees: tuple[str, ...]
    began: int
    """UTC microseconds."""
    ends: int


def on_duty(environment: Environment, roster: Roster, answer: Answer, now: Stamp) -> OnDuty:
    """Whom of the roster an answer means; NobodyError when nobody, or more than one."""
    assert environment.on_call is not None  # noqa: S101 - somebody has asked it
    person = _meant(roster, answer)
    if why := person.not_valid(now.utc_us):
        raise NobodyError(f"{person.handle} {why}, says the roster")
    return OnDuty((person.handle,), environment.on_call.kind, now, answer.until)


def by_roster(environment: Environment, roster: Roster, now: Stamp, trouble: str = "") -> OnDuty:
    """The roster's word; `trouble` says why it is needed, where the strategy names another source."""
    role = first_role(environment)
    people = tuple(p.handle for p in roster.people if role in p.roles and not p.not_valid(now.utc_us))
    return OnDuty(people, "roster", now, trouble=trouble)


def first_role(environment: Environment) -> str:
    """The role that is asked first."""
    path = environment.authorisation.escalation
    return path.roles[0] if path else ON_CALL


def _meant(roster: Roster, answer: Answer) -> Person:
    for name in answer.names:
        found = list(_named(roster, name))
        if len(found) > 1:
            both = " and ".join(person.handle for person in found)
            raise NobodyError(f"{quoted(name)} names {both}")
        if found:
            return found[0]
    said = " or ".join(map(quoted, answer.names[:2])) or "nobody"
    raise NobodyError(f"{said} is no handle and no contact of the roster")


def _named(roster: Roster, name: str) -> Iterator[Person]:
    """Whose handle or contact it is; else who has theirs in it, as a word by itself."""
    text = name.strip().removeprefix("mailto:").casefold()
    exact = [person for person in roster.people if text in _names(person)]
    yield from exact or (person for person in roster.people if any(_within(text, n) for n in _names(person)))


def _names(person: Person) -> tuple[str, ...]:
    contact = (person.contact or "").strip().removeprefix("mailto:")
    return tuple(name.casefold() for name in (person.handle, contact) if name)


def _within(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.@-]){re.escape(name)}(?![\w@-])", text) is not None


# -- answers, read ----------------------------------------------------------------------------------


def of_output(text: str) -> Answer:
    """What a command printed: JSON with `person` and perhaps `until`, or a name on its first line."""
    if text.lstrip().startswith("{"):
        return of_json(text.encode(), "person", "until")
    first = next(iter(text.strip().splitlines()), "").strip()
    if not first:
        raise NobodyError("it printed nothing")
    return Answer((first,))


def of_json(raw: bytes, field: str, until: str | None) -> Answer:
    """What stands at two dotted paths of a document; without a moment where there is none."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NobodyError(f"no JSON: {plain(str(error)[:100])}") from None
    name = at(document, field)
    if not isinstance(name, str) or not name.strip():
        raise NobodyError(f"there is no text at {quoted(field)}")
    return Answer((name,), _moment(at(document, until)) if until else None)


def at(document: Any, path: str) -> Any:
    """The value at a dotted path, in which a number is a place in a list; None where there is none."""
    for part in path.split("."):
        if isinstance(document, list) and part.isdecimal() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict):
            document = document.get(part)
        else:
            return None
    return document


def _moment(value: Any) -> int | None:
    """UTC microseconds of a date as text, or of seconds since 1970; None where it is absent."""
    match value:
        case None:
            return None
        case str():
            return _of_date(value)
        case int() | float() if not isinstance(value, bool) and math.isfinite(value) and 0 <= value < 1e11:
            return round(value * 1e6)
        case _:
            raise NobodyError(f"until when is no moment: {quoted(str(value))}")


def _of_date(text: str) -> int:
    try:
        date = datetime.fromisoformat(text)
        return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise NobodyError(f"until when is no moment: {quoted(text)}") from None


# -- in words ---------------------------------------------------------------------------------------


def who(duty: OnDuty) -> str:
    """`eng-1`; `eng-1, eng-2`; `nobody`."""
    return ", ".join(duty.people) or "nobody"


def source_words(duty: OnDuty, now: Stamp) -> str:
    """Where that is from, how old it is, and why: `calendar, 02:10 old`."""
    old = f"{age(max(0.0, now.seconds_since(duty.at)))} old"
    because = [f"because {duty.trouble}"] if duty.trouble else []
    return ", ".join([duty.source, old, *because])


def whole_words(duty: OnDuty, now: Stamp) -> str:
    """`oncall-1 (calendar, 02:10 old) until 18:00:00Z`."""
    until = f" until {clock(now.on_wall(duty.until))}Z" if duty.until is not None else ""
    return f"{who(duty)} ({source_words(duty, now)}){until}"
