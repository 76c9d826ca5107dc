"""Single rows by key, as they are and as they were: what goes back, and what nobody was shown. Pure."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from console.core.format import count
from console.core.state import Incident

SHOWS = "show-rows"
"""The action that reads both versions before anybody says yes."""
SLOT_SHOWN = "rows-shown"
"""The evidence that it leaves, of the SHA-256 of its file."""
_ROW = "row:"
_TOLD = 20
"""Rows of which both versions are among the facts; the file has all of them."""
_LONG = 48
"""Characters of a value that are told; the file has it whole."""

_SIGNED, _SIGNED_LONG = 8, 160
"""Rows that stand in the text that is signed, and characters of each: it has to stay short."""
_WIDE = 600
"""Characters of a row that are told."""

Row = Mapping[str, str | None]
"""Its values as PostgreSQL prints them, by column."""


class Versions(Struct, frozen=True):
    """The rows of the same keys in the live database, and in the copy."""

    table: str
    """Qualified."""
    present: dict[str, dict[str, str | None]]
    """By key, in the order in which they were asked for; one that is not there has no entry."""
    old: dict[str, dict[str, str | None]]
    triggers: tuple[str, ...] = ()
    """Those of the live table that fire when its rows are written."""

    @property
    def changing(self) -> dict[str, tuple[str, ...]]:
        """By key, the columns that would change; all of them where a row comes back."""
        columns = {key: _differing(self.present.get(key, {}), old) for key, old in self.old.items()}
        return {key: names for key, names in columns.items() if names}

    @property
    def words(self) -> str:
        """`2 rows of public.users: 1 goes back in address, 1 comes back`."""
        changing = self.changing
        back = [key for key in changing if key not in self.present]
        columns = dict.fromkeys(name for key, names in changing.items() if key not in back for name in names)
        goes, same = len(changing) - len(back), len(self.old) - len(changing)
        parts = [f"{_go(goes)} back in {', '.join(columns)}"] if goes else []
        parts += [f"{len(back)} {'comes' if len(back) == 1 else 'come'} back"] if back else []
        parts += [f"{same} {'is' if same == 1 else 'are'} what was"] if same else []
        return f"{count(len(self.old), 'row')} of {self.table}: {', '.join(parts)}"

    def lines(self, longest: int | None = None) -> Iterator[tuple[str, str]]:
        """Each key, and what its row is and was; values of no more than `longest` characters."""
        for key, old in self.old.items():
            now = self.present.get(key)
            if now is None:
                was = ", ".join(f"{name} {_told(value, longest)}" for name, value in old.items())
                yield key, f"is not there; was {was}"
            elif names := _differing(now, old):
                parts = (f"{n} is {_told(now[n], longest)}, was {_told(old[n], longest)}" for n in names)
                yield key, "; ".join(parts)
            else:
                yield key, "is what it was"

    @property
    def facts(self) -> dict[str, str]:
        """A line for each of the first rows, for whoever says yes."""
        told = list(self.lines(_LONG))[:_TOLD]
        return {f"{_ROW}{key}": _cut(words) for key, words in told}


def _differing(now: Row, old: Row) -> tuple[str, ...]:
    return tuple(name for name, value in old.items() if name not in now or now[name] != value)


def _go(rows: int) -> str:
    return f"{rows} {'goes' if rows == 1 else 'go'}"


def _told(value: str | None, longest: int | None) -> str:
    if value is None:
        return "null"
    words = msgspec.json.encode(value).decode()
    return words if longest is None or len(words) <= longest else f"{words[:longest]}… ({len(value)} long)"


def _cut(line: str) -> str:
    return line if len(line) <= _WIDE else f"{line[:_WIDE]}… and more columns: the file has all of them"


def unseen(shown: Versions, now: Versions) -> str:
    """What would be done to these rows that nobody was shown; empty when there is nothing.

    A column that was to go back goes back, whoever has written to it since: that is what was shown. A write
    to another column, a row deleted or made since, is a user's that nobody has said yes to losing.
    """
    if shown.table != now.table or shown.old != now.old:
        return f"the copy's rows of {now.table} are not what was shown"
    for key, names in now.changing.items():
        if (key in now.present) is not (key in shown.present):
            what = "made" if key in now.present else "deleted"
            return f"row {key} of {now.table} has been {what} since it was shown"
        if others := [name for name in names if name not in shown.changing.get(key, ())]:
            return f"row {key} of {now.table} has been written to since it was shown, in {', '.join(others)}"
    return ""


def encode(versions: Versions) -> bytes:
    """The bytes of a file that shows them."""
    return msgspec.json.format(msgspec.json.encode(versions), indent=1) + b"\n"


def decode(raw: bytes) -> Versions:
    """The versions in those bytes; msgspec.DecodeError when they hold none."""
    return msgspec.json.decode(raw, type=Versions)


def shown(incident: Incident) -> tuple[tuple[str, str], ...]:
    """Each key with what its row is and was, as the plan's step has found it; nothing before it has."""
    steps = incident.plan.steps if incident.plan else ()
    facts = [incident.step(step.id).facts for step in steps if step.action == SHOWS]
    return tuple(
        (key.removeprefix(_ROW), words)
        for each in facts
        for key, words in each.items()
        if key.startswith(_ROW)
    )


def signed(incident: Incident) -> tuple[str, ...]:
    """What a signature on a plan of rows is about, a line each: the file that shows them, and the first rows.

    Nothing before they are shown, so that what was signed before does not count afterwards.
    """
    evidence = incident.evidence.get(SLOT_SHOWN)
    if incident.plan is None or incident.plan.rows is None or evidence is None:
        return ()
    rows = [f"row {key}: {words}" for key, words in shown(incident)[:_SIGNED]]
    told = (f"{row[:_SIGNED_LONG]}…" if len(row) > _SIGNED_LONG else row for row in rows)
    return (f"{evidence.words}; shown in the file with SHA-256 {evidence.inputs}", *told)


def not_shown(incident: Incident) -> str:
    """Why nobody can say yes yet to a plan of rows; empty when they are shown, or there are none.

    What a row is now is not in the plan: whoever says yes must have been able to read it.
    """
    plan = incident.plan
    if plan is None or plan.rows is None or shown(incident):
        return ""
    return "what becomes of each row is not shown yet: wait until the rows are read"
