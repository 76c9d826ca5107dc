"""Trends: what the last minutes were like, in few cells, and where nobody looked."""

import math

from hypothesis import given
from hypothesis import strategies as st

from console.core.metrics import Reading, Row, Rung
from console.core.trend import BARS, POINTS, WINDOW_S, bars, reach_s, trends
from tests.unit.core.test_course import at

GAP_S = 3.0
NUMBERS = st.none() | st.floats(allow_nan=False)


def row(seconds: float, value: float | None = 1.0, rung: Rung = Rung.OK) -> Row:
    return Row(at(seconds), (Reading("errors", value, 10, at(seconds), rung),))


def trend_of(rows: list[Row], now: float) -> tuple[float | None, ...]:
    return trends(rows, at(now), GAP_S)["errors"]


def test_a_quarter_of_an_hour_is_sixty_points() -> None:
    """What is older is left out."""
    rows = [row(second, float(second)) for second in range(1200)]
    trend = trend_of(rows, 1199)
    assert len(trend) == POINTS
    assert trend[-1] == 1199
    assert min(value for value in trend if value is not None) >= 1199 - WINDOW_S
    assert reach_s(rows, at(1199)) == WINDOW_S


def test_few_rows_have_a_point_each() -> None:
    assert trend_of([row(second, float(second)) for second in range(5)], 4) == (0, 1, 2, 3, 4)
    assert reach_s([row(0), row(4)], at(4)) == 4


def test_no_row_is_no_trend() -> None:
    assert trends([], at(0), GAP_S) == {}
    assert trends([row(0)], at(WINDOW_S + 1), GAP_S) == {}
    assert reach_s([], at(0)) == 0


def test_where_nobody_looked_there_is_a_gap() -> None:
    """Between two engines, and after the last one."""
    rows = [*(row(second) for second in range(30)), *(row(second) for second in range(90, 120))]
    trend = trend_of(rows, 119)
    assert trend.count(None) in range(28, 32)
    assert None not in trend[:14] + trend[-14:]
    assert set(trend_of([row(second) for second in range(30)], 60)[-14:]) == {None}


def test_rows_that_come_unevenly_leave_no_holes() -> None:
    trend = trend_of([row(seconds) for seconds in (0, 1.4, 1.6, 3.1, 3.2, 5.0, 6.3)], 6.3)
    assert None not in trend


def test_what_is_stale_has_no_bar() -> None:
    """Its last value stands in the row, and is not true any more."""
    assert trend_of([row(0, 5.0), row(1, 5.0, Rung.STALE)], 1) == (5.0, None)


@given(st.lists(NUMBERS, max_size=60).map(tuple), st.floats(0, 1e9), st.integers(-1, 70))
def test_bars_keep_to_their_cells(trend: tuple[float | None, ...], full: float, cells: int) -> None:
    drawn = bars(trend, full, cells)
    assert len(drawn) == max(0, min(cells, len(trend)))
    assert set(drawn) <= {*BARS, " "}


@given(st.lists(st.floats(0, 100), min_size=20, max_size=60).map(tuple), st.integers(1, 19))
def test_a_peak_is_seen_in_however_few_bars(trend: tuple[float, ...], cells: int) -> None:
    """And, where low is bad, a dip."""
    peak = (*trend[:7], 1e6, *trend[8:])
    assert BARS[-1] in bars(peak, 0.0, cells)
    dip = tuple(100.0 if index != 7 else 0.0 for index in range(len(trend)))
    assert BARS[0] in bars(dip, 100.0, cells, low=True)


def test_infinity_is_the_highest_and_makes_nothing_else_low() -> None:
    assert bars((1.0, math.inf, -math.inf), 1.0, 3) == f"{BARS[-1]}{BARS[-1]}{BARS[0]}"
