"""What an approver signs: a short text that a person can read, and that says all that the yes is about.

It is made from the plan and the journal, and checked by making it again: a text that differs from that in a
single character is not the one that was asked for.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import asdict

from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.moments import from_written, written

TITLE = "warroom approval 1"
MAX_BYTES = 8 * 1024
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
Decision = Literal["yes", "no"]
Field = tuple[str, str]
"""The name and the value of a line."""


class StatementError(StatedError):
    """A text is no statement that could be signed or counted; one line."""

    exit = Exit.UNAUTHORISED


class Statement(Struct, frozen=True, kw_only=True):
    """One person's decision about one plan."""

    environment: str
    incident: str
    decision: Decision
    because: str
    """Why not; empty with a yes."""
    person: str
    roles: str
    """That the person holds, with commas between them."""
    plan: str
    """Its hash, 64 hex digits."""
    does: tuple[str, ...]
    """The plan in words, a line each."""
    before: str
    """Who had said yes by then, with commas between them; a courtesy, and no proof of it."""
    journal: str
    """Number and hash of the journal's newest event, when it was made."""
    roster: str
    """SHA-256 of the roster, 64 hex digits."""
    issued: int
    """UTC microseconds, whole seconds."""
    expires: int

    @property
    def text(self) -> str:
        """As it is signed, with a line break at its end."""
        return as_text(TITLE, _fields(self))


_NAMES = {"before": "signed before"}
_EMPTY = "nobody"


def _fields(statement: Statement) -> Iterator[Field]:
    for name, value in asdict(statement).items():
        told = _NAMES.get(name, name)
        match value:
            case tuple():
                yield from ((told, line) for line in value)
            case int():
                yield told, written(value)
            case "" if name == "because":
                continue
            case _:
                yield told, value or _EMPTY


def parse(text: str) -> Statement:
    """The statement in a text; StatementError with the line that is wrong."""
    given = fields_of(text, TITLE)
    with reading():
        found = _read(given)
    as_written(text, found.text)
    if (found.decision == "no") is not bool(found.because.strip()):
        raise StatementError("a no says why, in its line `because`, and a yes has no such line")
    return found


def signed_text(text: str, signature: str) -> str:
    """Both together, as they are sent and pasted."""
    return f"{text}{signature.strip()}\n"


def split(document: str, title: str = TITLE) -> tuple[str, str]:
    """The text of that title and the armored signature in what was sent; StatementError when it lacks one.

    Line ends are put right, and what stands around it is left out: a terminal or a mail may have added it.
    """
    whole = document.replace("\r\n", "\n").replace("\r", "\n").strip()
    text, mark, rest = whole.partition(_BEGIN)
    if not mark:
        raise StatementError(f"there is no signature in it: it ends with {_BEGIN} and what follows")
    _, found, fields = f"\n{text}".rpartition(f"\n{title}\n")
    armored, end, _ = rest.partition(_END)
    return f"{found}{fields}".lstrip("\n"), f"{mark}{armored}{end}\n"


def _read(given: list[Field]) -> Statement:
    by_name = dict(given)
    decision = next((one for one in get_args(Decision) if one == by_name["decision"]), None)
    if decision is None:
        raise StatementError("the statement's decision is neither yes nor no")
    before = by_name[_NAMES["before"]]
    return Statement(
        **{name: by_name[name] for name in ("environment", "incident", "person", "roles", "plan")},
        **{name: by_name[name] for name in ("journal", "roster")},
        decision=decision,
        because=by_name.get("because", ""),
        does=tuple(value for name, value in given if name == "does"),
        before="" if before == _EMPTY else before,
        issued=from_written(by_name["issued"]),
        expires=from_written(by_name["expires"]),
    )


# -- what every text that is signed has in common ------------------------------------------------------


def as_text(title: str, fields: Iterable[Field]) -> str:
    """A text as it is signed: its title, and a line for each field."""
    return "".join(f"{line}\n" for line in (title, *(f"{name}: {value}" for name, value in fields)))


def fields_of(text: str, title: str) -> list[Field]:
    """The fields of a text of that title, in order; StatementError with the line that is none."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise StatementError(f"a statement has at most {MAX_BYTES} bytes: this is something else")
    found, _, rest = text.partition("\n")
    if found != title:
        raise StatementError(f"a statement begins with `{title}`: this is something else")
    return [_field(number, line) for number, line in enumerate(rest.splitlines(), 2)]


def _field(number: int, line: str) -> Field:
    name, colon, value = line.partition(": ")
    if not colon or not value.isprintable():
        raise StatementError(f"line {number} of the statement is not `name: value`")
    return name, value


@contextmanager
def reading() -> Iterator[None]:
    """Says of a field that is missing, or of a time that is none, what is wrong: StatementError."""
    try:
        yield
    except KeyError as error:
        raise StatementError(f"the statement lacks its line `{error.args[0]}`") from None
    except ValueError as error:
        raise StatementError(f"the statement's times cannot be read: {error}") from None


def as_written(text: str, again: str) -> None:
    """Refuses a text that is not what was read in it, written again: StatementError."""
    if text != again:
        raise StatementError("the statement is not as Warroom writes it: sign the text as it was sent")


AHEAD_S = 5.0
"""So much may the clock of whoever wrote a text be ahead of the engine's."""


def out_of_time(issued: int, expires: int, now: int, longest_s: float) -> str:
    """Why a text of those times (UTC microseconds) does not count at `now`; empty when it does."""
    if issued > now + AHEAD_S * 1e6:
        return "it was issued at a time that has not come yet: a clock is wrong"
    if expires - issued > 1e6 * longest_s:
        return "it would count for longer than this environment allows"
    return "it has expired: ask again" if expires <= now else ""
