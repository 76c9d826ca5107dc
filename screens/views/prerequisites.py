"""What must be so before the gate: a line each, met or not, and by what."""

from collections.abc import Sequence

from console.core.prerequisites import Judged
from screens.lines import Line, Role, blank, span, wrap


def prerequisite_lines(judged: Sequence[Judged], width: int) -> list[Line]:
    """Each item with what shows it, or what it waits for."""
    lines: list[Line] = []
    for one in judged:
        first, *more = wrap(f"{one.item.title}: {one.words}", width - 2)
        lines.append((span(*sign_of(one)), blank(1), *first))
        lines += [(blank(2), *row) for row in more]
    return lines


def sign_of(one: Judged) -> tuple[str, Role]:
    """The sign before an item, and how it is meant."""
    if one.waived:
        return "!", Role.WARN
    return ("✓", Role.GOOD) if one.met else ("·", Role.WARN)
