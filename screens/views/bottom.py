"""The lines at the bottom: the notice, NEXT, and the keys."""

from collections.abc import Sequence

from msgspec import Struct

from console.core.commands import COMMANDS, Command, command
from console.core.next_line import NextStep
from console.core.protocols import Snapshot
from console.core.recommendation import Recommendation
from console.core.strategy import Environment
from console.core.wording import Said, Tone
from screens.lines import ROLE_OF, Line, Role, blank, flush, line, pack, rule, span, wrap
from screens.lines import width as width_of

NEXT_LINES = 2
NOTICE_LINES = 3
NEXT_RANK = -1
"""What NEXT points at stays on the line, however narrow that is."""
_HEAD = " NEXT "
_SIGN = {Tone.GOOD: "✓", Tone.BAD: "✗", Tone.WARN: "?", Tone.PLAIN: "▸", Tone.PERSON: "▸"}


class NextView(Struct, frozen=True):
    """One sentence and one key; above it what this console has just been told, or what runs beside."""

    sentence: str
    key: str
    notice: str = ""
    notice_role: Role = Role.PLAIN
    beside: Said | None = None
    """The verb that runs beside the incident, while there is nothing else to tell."""
    advised: Recommendation | None = None
    """What is recommended of a rollback, while that is still to be decided."""


class KeysView(Struct, frozen=True):
    """The commands, each with whether it is possible now, and which one NEXT points at."""

    keys: tuple[tuple[str, str, bool, int], ...]
    """Key, label, possible, rank."""
    next_key: str


def next_view(
    step: NextStep,
    notice: str,
    notice_role: Role,
    beside: Said | None = None,
    advised: Recommendation | None = None,
) -> NextView:
    """The NEXT line of a moment."""
    key = command(step.command).key if step.command else ""
    return NextView(step.sentence, key, notice, notice_role, beside, advised)


def keys_view(
    snapshot: Snapshot | None,
    environment: Environment,
    next_id: str | None,
    commands: Sequence[Command] = COMMANDS,
) -> KeysView:
    """The keys line of a moment; before the first snapshot everything counts as possible.

    `next_id` is the command that NEXT points at.
    """
    keys = tuple(
        (
            entry.key,
            entry.label,
            snapshot is None or entry.possible(snapshot, environment) is None,
            NEXT_RANK if entry.id == next_id else entry.rank,
        )
        for entry in commands
    )
    return KeysView(keys, command(next_id).key if next_id else "")


def draw_next(view: NextView, width: int, height: int) -> list[Line]:
    """A rule or the notice, then the sentence on one line or two, with its key at the right edge."""
    above = [rule(width, *_head(view, width - 6))]
    if view.notice:
        above = [*(above if view.advised else ()), *_noticed(view, width)]
    room = width - len(_HEAD) - 4
    sentence = wrap(view.sentence, room, Role.STRONG)
    if len(sentence) > NEXT_LINES:
        rest = " ".join(part.text for row in sentence[NEXT_LINES - 1 :] for part in row if part.text)
        sentence = [*sentence[: NEXT_LINES - 1], line(span(rest, Role.STRONG))]
    key = line(span(f" {view.key} ", Role.PRESS)) if view.key else line(span("   "))
    first = flush((span(_HEAD, Role.ACT), *sentence[0]), key, width)
    more = [flush((blank(len(_HEAD)), *row), (blank(4),), width) for row in sentence[1:]]
    return [*above, first, *more][:height]


_GAP = 3
_ADVISED = {
    "none": ("rollback: none, ", Role.GOOD),
    "consider": ("CONSIDER A ROLLBACK: ", Role.WARN),
    "mandatory": ("ROLL BACK: ", Role.BAD),
    "held": ("ROLLBACK HELD: ", Role.WARN),
}


def _head(view: NextView, cells: int) -> Line:
    """The recommendation, and what runs beside; for want of room its first words, or nothing of none."""
    beside, advised = () if view.notice else _beside(view), view.advised
    if advised is None:
        return beside
    first, role = _ADVISED[advised.level]
    whole = line(span(f"{first}{advised.cause or advised.words}", role))
    if not beside:
        return whole
    if width_of(whole) + width_of(beside) + _GAP <= cells:
        return (*whole, blank(_GAP), *beside)
    if advised.level == "none":
        return beside
    return (span(first.removesuffix(": "), role), blank(_GAP), *beside)


def _beside(view: NextView) -> Line:
    said = view.beside
    return line(span(f"{_SIGN[said.tone]} {said.words}", ROLE_OF[said.tone])) if said else ()


def _noticed(view: NextView, width: int) -> list[Line]:
    rows = wrap(view.notice, width - 4, view.notice_role)
    rows = rows[:NOTICE_LINES]
    signs = [" » ", *("   " for _ in rows[1:])]
    return [
        flush((span(sign, view.notice_role), *row), (), width) for sign, row in zip(signs, rows, strict=True)
    ]


def draw_keys(view: KeysView, width: int, height: int) -> list[Line]:
    """As many keys as fit, in the registry's order; what is not possible now is dim, in its place."""
    parts = [(rank, _key(key, label, view, possible=possible)) for key, label, possible, rank in view.keys]
    return [(blank(1), *pack(parts, width - 2))][:height]


def _key(key: str, label: str, view: KeysView, *, possible: bool) -> Line:
    if key == view.next_key:
        return line(span(f"{key} {label}", Role.PRESS))
    if not possible:
        return line(span(f"{key} {label}", Role.DIM))
    return line(span(key, Role.ACT), f" {label}")
