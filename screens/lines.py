"""Lines of styled text, laid out in terminal cells; the one door through which words reach the screen.

Knows nothing of textual: a line is a tuple of spans, a span is text with a role, and a theme gives
each role its looks. Foreign text is made harmless here (see `span`), so no widget can forget it.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size

from console.core.format import plain
from console.core.wording import Tone


class Role(StrEnum):
    """What a span means; the theme says how that looks."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ALARM = "alarm"
    """Bad, and to be seen from across the room."""
    PRESS = "press"
    """The key to press next."""
    ACT = "act"
    """What a person can press, or is asked to."""
    ACTOR = "actor"
    """In whose name the keys are pressed."""
    CRITICAL = "critical"
    MEDIUM = "medium"
    LOW = "low"
    """The three risks of an environment."""


class Span(NamedTuple):
    """A piece of a line. Made by `span`, never by hand."""

    text: str
    role: Role
    cells: int


Line = tuple[Span, ...]
ROLE_OF = {
    Tone.PLAIN: Role.PLAIN,
    Tone.GOOD: Role.GOOD,
    Tone.WARN: Role.WARN,
    Tone.BAD: Role.BAD,
    Tone.PERSON: Role.STRONG,
}
"""How words of each tone look."""
ELLIPSIS = "…"
RULE = "─"
SEPARATOR = "│"
LABEL_CELLS = 9


def span(text: str, role: Role = Role.PLAIN) -> Span:
    """A span of any text, its control characters written out."""
    text = plain(text)
    return Span(text, role, cell_len(text))


def line(*parts: Span | str) -> Line:
    """A line of spans and plain words."""
    return tuple(part if isinstance(part, Span) else span(part) for part in parts)


def width(spans: Iterable[Span]) -> int:
    """Cells that the spans take."""
    return sum(part.cells for part in spans)


def text(spans: Iterable[Span]) -> str:
    """The words of a line, without roles."""
    return "".join(part.text for part in spans)


def elide(part: Span, cells: int) -> Span:
    """The span in at most so many cells, its end replaced by an ellipsis where it is longer."""
    if part.cells <= cells:
        return part
    if cells <= 0:
        return Span("", part.role, 0)
    kept = set_cell_size(part.text, cells - 1).rstrip() + ELLIPSIS
    return Span(kept, part.role, cell_len(kept))


def fit(spans: Sequence[Span], cells: int) -> Line:
    """The line in exactly so many cells: elided or padded at its end."""
    kept: list[Span] = []
    room = cells
    for part in spans:
        if part.cells > room:
            kept.append(elide(part, room))
            room -= kept[-1].cells
            break
        kept.append(part)
        room -= part.cells
    return (*kept, blank(room)) if room > 0 else tuple(kept)


def blank(cells: int) -> Span:
    """So many empty cells."""
    return Span(" " * max(0, cells), Role.PLAIN, max(0, cells))


def cell(part: Span, cells: int, *, right: bool = False) -> Line:
    """One span in exactly so many cells, flush left or right."""
    part = elide(part, cells)
    pad = blank(cells - part.cells)
    return (pad, part) if right else (part, pad)


def flush(left: Sequence[Span], right: Sequence[Span], cells: int) -> Line:
    """The right part at the right edge, whole where there is room for it; the left one has the rest."""
    if width(right) > cells:
        return fit(right, cells)
    return (*fit(left, cells - width(right)), *right)


def pack(parts: Sequence[tuple[int, Line]], cells: int, gap: int = 1) -> Line:
    """The parts that fit, in their order, `gap` cells apart; those of the highest rank are dropped first."""
    kept = [(rank, part) for rank, part in parts if width(part)]

    def taken() -> int:
        return sum(width(part) for _, part in kept) + gap * max(0, len(kept) - 1)

    while kept and taken() > cells:
        kept.remove(max(kept, key=lambda item: item[0]))
    joined: list[Span] = []
    for index, (_, part) in enumerate(kept):
        joined += [blank(gap), *part] if index else part
    return tuple(joined)


def rule(cells: int, *words: Span) -> Line:
    """A horizontal rule with words in it, `─ words ─────`."""
    if not words:
        return (span(RULE * cells, Role.DIM),)
    body = fit(words, min(width(words), max(0, cells - 4)))
    rest = cells - 3 - width(body)
    return (span(RULE + " ", Role.DIM), *body, span(" " + RULE * rest, Role.DIM))


def wrap(words: str, cells: int, role: Role = Role.PLAIN, indent: int = 0) -> list[Line]:
    """Words broken at spaces, and where a word is longer than a line, inside it; nothing is lost."""
    lines: list[str] = []
    row = ""
    for word in plain(words).split(" "):
        grown = f"{row} {word}" if row else word
        if cell_len(grown) <= cells - (indent if lines else 0):
            row = grown
            continue
        if row:
            lines.append(row)
        *full, row = chop_cells(word, max(1, cells - indent)) or [""]
        lines += full
    lines.append(row)
    return [(blank(indent if n else 0), span(each, role)) for n, each in enumerate(lines)]


def labelled(
    name: str, words: str, cells: int, role: Role = Role.PLAIN, column: int = LABEL_CELLS
) -> list[Line]:
    """Words with their name in a narrow column before them; a name that is longer gets the room it needs."""
    column = max(column, len(name) + 1)
    first, *more = wrap(words, cells - column, role)
    head = (span(f"{name:<{column}}", Role.DIM), *first)
    return [head, *((blank(column), *row) for row in more)]
