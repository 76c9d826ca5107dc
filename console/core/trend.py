"""Trends: readings of the last minutes as a row of small bars. Pure."""

import math
from collections.abc import Sequence

from console.core.clock import Stamp
from console.core.course import known
from console.core.metrics import Row

BARS = "▁▂▃▄▅▆▇█"
WINDOW_S = 900.0
"""How far back a trend looks."""
POINTS = 60
"""How many points a trend keeps of that."""

Trend = tuple[float | None, ...]
"""The newest last; None where nothing was known."""


def reach_s(rows: Sequence[Row], now: Stamp) -> float:
    """Seconds that a trend of these rows looks back: 15 minutes, or to the first of them; 0 without one."""
    first = next((age for row in rows if (age := now.seconds_since(row.at)) <= WINDOW_S), 0.0)
    return max(0.0, first)


def trends(rows: Sequence[Row], now: Stamp, gap_s: float) -> dict[str, Trend]:
    """Each metric's last reading in each of at most 60 equal parts of the last 15 minutes or less.

    Rows that are further apart than `gap_s` have a gap between them.
    """
    seen = [row for row in rows if now.seconds_since(row.at) <= WINDOW_S]
    if not seen:
        return {}
    values = [
        {reading.metric: known(reading) for reading in row.readings} if row else {}
        for row in _spread(seen, now, gap_s)
    ]
    names = {name for part in values for name in part}
    return {name: tuple(part.get(name) for part in values) for name in names}


def _spread(rows: Sequence[Row], now: Stamp, gap_s: float) -> list[Row | None]:
    """The last row of each part of the time that they take; the one before it where a part is between two."""
    reach = now.seconds_since(rows[0].at) or 1.0
    number = min(POINTS, len(rows))
    parts: list[Row | None] = [None] * number
    for row in rows:
        parts[min(number - 1, max(0, int((1 - now.seconds_since(row.at) / reach) * number)))] = row
    near_s = max(gap_s, 2 * reach / number)
    after, upcoming = now, [now] * number
    for index in range(number - 1, -1, -1):
        upcoming[index] = after
        here = parts[index]
        after = here.at if here else after
    for index in range(1, number):
        before = parts[index - 1]
        if parts[index] is None and before and upcoming[index].seconds_since(before.at) <= near_s:
            parts[index] = before
    return parts


def bars(trend: Trend, full: float, cells: int, *, low: bool = False) -> str:
    """The trend in at most `cells` bars, newest at the right; the highest stands for `full` or more.

    Where there are more readings than bars, each is the highest of its own, or with `low` the lowest.
    """
    if cells <= 0:
        return ""
    shown = _squeezed(trend, cells, low=low)
    top = max([full, *(value for value in shown if value is not None and math.isfinite(value))])
    return "".join(_bar(value, top) for value in shown)


def _squeezed(trend: Trend, cells: int, *, low: bool) -> Trend:
    if len(trend) <= cells:
        return trend
    worst = min if low else max
    groups = (
        trend[index * len(trend) // cells : (index + 1) * len(trend) // cells] for index in range(cells)
    )
    return tuple(worst((value for value in group if value is not None), default=None) for group in groups)


def _bar(value: float | None, top: float) -> str:
    if value is None:
        return " "
    if math.isinf(value):
        return BARS[-1 if value > 0 else 0]
    if top <= 0:
        return BARS[0]
    return BARS[min(len(BARS) - 1, int(min(1.0, max(0.0, value / top)) * len(BARS)))]
