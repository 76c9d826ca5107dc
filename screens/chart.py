"""A chart of one metric: its course, the thresholds as lines, what happened on the time axis, and gaps."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from console.core.clock import Stamp
from console.core.course import Column, Piece, Span, columns, most_urgent
from console.core.format import clock, value
from console.core.metrics import Rung
from console.core.watched import Unit
from screens.lines import Line, Role, blank, cell, fit, span, wrap
from screens.lines import Span as Cells

GUTTER_CELLS = 12
FOOT_LINES = 3
"""Rungs, marks and times, below the chart itself."""
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The dots of a braille sign: its left column and its right one, from the top."""
_BRAILLE = 0x2800
_THRESHOLD, _MARK = "┄", "┊"
_SHARE = 0.2
"""A threshold is left out where its distance would leave less than this of the height to the values."""
_LABEL = {Rung.RECOVERED: "recov", Rung.WARN: "warn", Rung.MANDATORY: "mand", Rung.AUTOMATIC: "auto"}
_ROLE = {
    Rung.RECOVERED: Role.GOOD,
    Rung.OK: Role.GOOD,
    Rung.WARN: Role.WARN,
    Rung.MANDATORY: Role.BAD,
    Rung.AUTOMATIC: Role.BAD,
    Rung.STALE: Role.WARN,
    Rung.NO_SOURCE: Role.DIM,
}
_LETTER = {
    Rung.RECOVERED: ("r", "recovered"),
    Rung.OK: ("─", "ok"),
    Rung.WARN: ("!", "warn"),
    Rung.MANDATORY: ("M", "mandatory"),
    Rung.AUTOMATIC: ("A", "automatic"),
    Rung.WAITING: ("w", "waiting"),
    Rung.STALE: ("?", "stale"),
    Rung.NO_SOURCE: ("n", "no source"),
}
_TOLD = ("p", "before the engine looked, by Prometheus' own record")


class Threshold(NamedTuple):
    """A line across the chart."""

    rung: Rung
    number: float


class Mark(NamedTuple):
    """Something that happened."""

    letter: str
    words: str
    at: Stamp


class ChartView(Struct, frozen=True):
    """What a chart shows."""

    pieces: tuple[Piece, ...]
    """Oldest first."""
    span: Span
    unit: Unit
    thresholds: tuple[Threshold, ...]
    marks: tuple[Mark, ...]
    words: str
    """What stands in the middle below it."""
    judged: bool = True
    """Whether any rule speaks of the metric; what is only counted is neither good nor bad."""


class _Scale(NamedTuple):
    low: float
    high: float

    def dot(self, number: float, dots: int) -> int:
        """In which of so many dots a value lies, counted from the bottom; what is beyond is at the edge."""
        if math.isinf(number):
            return dots - 1 if number > 0 else 0
        spread = self.high / 2 - self.low / 2  # halves, because the whole may be more than a float holds
        part = (number / 2 - self.low / 2) / spread if spread else 0.0
        return round(min(1.0, max(0.0, part)) * (dots - 1))


def draw_chart(view: ChartView, width: int, height: int) -> list[Line]:
    """The chart in `height` lines of `width` cells, its foot and what its letters mean below that."""
    cells = max(1, width - GUTTER_CELLS - 1)
    found = columns(view.pieces, view.span, 2 * cells)
    scale = _scale(view, found)
    canvas = _canvas(found, scale, cells, height)
    lines = [
        _row(view, scale, canvas, found, row, height=height, cells=cells) for row in range(max(1, height))
    ]
    if not any(column and column.low is not None for column in found):
        lines[height // 2] = fit((blank(GUTTER_CELLS + 1), span("no sample in this time", Role.DIM)), width)
    return [*lines, *_foot(view, found, cells), *_legend(view, found, width)]


# -- values to dots ---------------------------------------------------------------------------------


def _scale(view: ChartView, found: Sequence[Column | None]) -> _Scale:
    """From the lowest to the highest that is drawn: the values, and the thresholds that are near enough."""
    numbers = [
        number
        for column in found
        if column
        for number in (column.low, column.high)
        if number is not None and math.isfinite(number)
    ]
    if view.unit == "flag":
        return _Scale(min([0.0, *numbers]), max([1.0, *numbers]))
    limits = [threshold.number for threshold in view.thresholds]
    if not numbers:
        numbers = limits or [0.0, 1.0]
    low, high = min(numbers), max(numbers)
    spread = high - low
    for count, limit in enumerate(sorted(limits, key=lambda limit: max(low - limit, limit - high))):
        wider = min(low, limit), max(high, limit)
        if count == 0 or spread >= _SHARE * (wider[1] - wider[0]):
            low, high = wider
    return _padded(low, high)


def _padded(low: float, high: float) -> _Scale:
    """With room above and below a flat line; from 0 where that is near, never below it without need."""
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return _Scale(low - room if low < 0 or low > room else 0.0, high + room)
    if 0 < low < high / 2:
        low = 0.0
    return _Scale(low, high)


def _canvas(found: Sequence[Column | None], scale: _Scale, cells: int, height: int) -> list[list[int]]:
    """The dots of each cell, line by line from the top."""
    dots = 4 * height
    canvas = [[0] * cells for _ in range(height)]
    before: tuple[int, int] | None = None
    for index, column in enumerate(found):
        if column is None or column.low is None or column.high is None:
            continue
        bottom, top = scale.dot(column.low, dots), scale.dot(column.high, dots)
        here = bottom, top
        if column.joined and before:
            bottom, top = min(bottom, before[1]), max(top, before[0])
        for dot in range(bottom, top + 1):
            row, part = divmod(dots - 1 - dot, 4)
            canvas[row][index // 2] |= _DOTS[index % 2][part]
        before = here
    return canvas


# -- dots to lines ----------------------------------------------------------------------------------


def _row(
    view: ChartView,
    scale: _Scale,
    canvas: list[list[int]],
    found: Sequence[Column | None],
    row: int,
    *,
    height: int,
    cells: int,
) -> Line:
    """One line: what stands at the left, and the cells."""
    limits = [limit for limit in view.thresholds if _row_of(limit.number, scale, height) == row]
    marked = {view.span.place(mark.at, cells) for mark in view.marks}
    parts = []
    for index, dots in enumerate(canvas[row]):
        if dots:
            rung = _rung(found, index)
            role = _ROLE.get(rung, Role.PLAIN) if rung and view.judged else Role.PLAIN
            parts.append((chr(_BRAILLE + dots), role))
        elif limits:
            parts.append((_THRESHOLD, Role.DIM))
        else:
            parts.append((_MARK, Role.DIM) if index in marked else (" ", Role.PLAIN))
    return (*_gutter(view, scale, limits, row, height), *_runs(parts))


def _row_of(number: float, scale: _Scale, height: int) -> int | None:
    """The line that a threshold is on; None where it is beyond what is drawn."""
    if not scale.low <= number <= scale.high:
        return None
    return (4 * height - 1 - scale.dot(number, 4 * height)) // 4


def _gutter(view: ChartView, scale: _Scale, limits: Sequence[Threshold], row: int, height: int) -> Line:
    if limits:
        limit = limits[-1]
        words = f"{_LABEL[limit.rung]} {value(limit.number, view.unit)}"
        return (*cell(span(words, _ROLE[limit.rung]), GUTTER_CELLS, right=True), span("┤", Role.DIM))
    edge = {0: scale.high, height - 1: scale.low}.get(row)
    words = "" if edge is None else value(edge, view.unit)
    return (*cell(span(words, Role.DIM), GUTTER_CELLS, right=True), span("│", Role.DIM))


def _runs(parts: Sequence[tuple[str, Role]]) -> Iterator[Cells]:
    """Neighbours of one role as one span."""
    text, role = "", Role.PLAIN
    for sign, own in parts:
        if own is not role and text:
            yield span(text, role)
            text = ""
        text, role = text + sign, own
    if text:
        yield span(text, role)


def _rung(found: Sequence[Column | None], cell_index: int) -> Rung | None:
    """The most urgent rung of a cell's two columns."""
    rungs = [column.rung for column in found[2 * cell_index : 2 * cell_index + 2] if column]
    return most_urgent(*rungs) if rungs else None


# -- below it ---------------------------------------------------------------------------------------


def _letter(found: Sequence[Column | None], cell_index: int) -> tuple[str, Role]:
    """What stands for a cell's rung; nothing where there is no sample."""
    rung = _rung(found, cell_index)
    if rung is None:
        return " ", Role.PLAIN
    if all(column.told for column in found[2 * cell_index : 2 * cell_index + 2] if column):
        return _TOLD[0], Role.DIM
    return _LETTER[rung][0], _ROLE.get(rung, Role.DIM)


def _foot(view: ChartView, found: Sequence[Column | None], cells: int) -> Iterator[Line]:
    yield (
        *cell(span("rung", Role.DIM), GUTTER_CELLS, right=True),
        span("│", Role.DIM),
        *_runs([_letter(found, index) for index in range(cells)]),
    )
    signs = [" "] * cells
    for mark in sorted(view.marks, key=lambda mark: mark.at.utc_us):
        signs[_free(signs, view.span.place(mark.at, cells))] = mark.letter
    yield (blank(GUTTER_CELLS + 1), span("".join(signs), Role.STRONG))
    start = clock(view.span.now.before(view.span.seconds))
    end = clock(view.span.now)
    middle = span(view.words, Role.DIM)
    room = max(0, cells - len(start) - len(end))
    left = max(0, (room - middle.cells) // 2)
    between = fit((blank(left), middle), room)
    yield (blank(GUTTER_CELLS + 1), span(start, Role.DIM), *between, span(end, Role.DIM))


def _free(signs: Sequence[str], wanted: int) -> int:
    """The nearest place that nothing stands in; the wanted one where all are taken."""
    free = [index for index, sign in enumerate(signs) if sign == " "]
    return min(free, key=lambda index: (abs(index - wanted), -index), default=wanted)


def _legend(view: ChartView, found: Sequence[Column | None], width: int) -> list[Line]:
    """What the letters mean: those that are there."""
    cells = len(found) // 2
    present = {_letter(found, index)[0] for index in range(cells)}
    known = [*_LETTER.values(), _TOLD]
    rungs = " · ".join(f"{sign} {words}" for sign, words in known if sign in present)
    marks = " · ".join(f"{mark.letter} {mark.words} {clock(mark.at)}" for mark in view.marks)
    return [row for words in (marks, rungs) if words for row in wrap(words, width, Role.DIM)]
