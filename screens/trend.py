"""Trends: readings of the last minutes as a row of small bars."""

from collections.abc import Iterable, Sequence

from console.core.clock import Stamp
from console.core.metrics import Row

BARS = "▁▂▃▄▅▆▇█"
WINDOW_S = 900.0
"""How far back a trend looks."""
POINTS = 60
"""How many points a trend keeps of that."""

Trend = tuple[float | None, ...]


def trends(rows: Sequence[Row], now: Stamp) -> dict[str, Trend]:
    """Each metric's last reading in each of at most 60 equal parts of the last 15 minutes or less."""
    seen = [row for row in rows if now.seconds_since(row.at) <= WINDOW_S]
    if not seen:
        return {}
    kept = seen if len(seen) <= POINTS else list(_last_of_each(seen, now))
    values = [{reading.metric: reading.value for reading in row.readings} for row in kept]
    names = {name for row in values for name in row}
    return {name: tuple(row.get(name) for row in values) for name in names}


def _last_of_each(rows: Sequence[Row], now: Stamp) -> Iterable[Row]:
    span_s = now.seconds_since(rows[0].at) or 1.0
    parts: dict[int, Row] = {}
    for row in rows:
        age = now.seconds_since(row.at)
        parts[min(POINTS - 1, int((1 - age / span_s) * POINTS))] = row
    return parts.values()


def bars(trend: Trend, full: float, cells: int) -> str:
    """The trend in at most `cells` bars, newest at the right; the highest stands for `full` or more."""
    if cells <= 0:
        return ""
    shown = _squeezed(trend, cells)
    top = max([full, *(value for value in shown if value is not None)])
    return "".join(_bar(value, top) for value in shown)


def _squeezed(trend: Trend, cells: int) -> Trend:
    if len(trend) <= cells:
        return trend
    return tuple(trend[(index + 1) * len(trend) // cells - 1] for index in range(cells))


def _bar(value: float | None, top: float) -> str:
    if value is None:
        return " "
    if top <= 0:
        return BARS[0]
    return BARS[min(len(BARS) - 1, max(0, int(value / top * len(BARS))))]
