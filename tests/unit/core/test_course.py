"""Courses: extremes are never lost and gaps never joined, whatever the samples, however few the columns."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core.clock import Stamp
from console.core.course import Column, Piece, Span, columns, course, filled, most_urgent, sampled, thinned
from console.core.metrics import Reading, Row, Rung

GAP_S = 3.0


def at(seconds: float) -> Stamp:
    """So many seconds after a beginning."""
    return Stamp(1_000_000_000_000_000 + round(seconds * 1e6), "boot", 1_000_000_000 + round(seconds * 1e6))


def piece(seconds: float, value: float | None, rung: Rung = Rung.OK) -> Piece:
    return Piece(at(seconds), at(seconds), value, value, rung)


VALUES = st.none() | st.floats(allow_nan=False)
STEPS = st.sampled_from([0.0, 0.2, 1.0, 1.0, 1.0, 2.5, 7.0, 60.0])
RUNGS = st.sampled_from(Rung)


@st.composite
def courses(draw: st.DrawFn) -> list[Piece]:
    """Samples in their order, some apart, some unknown."""
    found, seconds = [], 0.0
    for value, step, rung in draw(st.lists(st.tuples(VALUES, STEPS, RUNGS), min_size=1, max_size=60)):
        seconds += step
        found.append(piece(seconds, value, rung))
    return found


def known(pieces: list[Piece]) -> list[Piece]:
    return [one for one in pieces if one.low is not None]


def extremes(pieces: list[Piece] | list[Column]) -> tuple[float, float]:
    lows = [one.low for one in pieces if one.low is not None]
    highs = [one.high for one in pieces if one.high is not None]
    return min(lows, default=math.inf), max(highs, default=-math.inf)


def drawn(pieces: list[Piece], seconds: float, count: int) -> list[Column | None]:
    return list(columns(pieces, Span(pieces[-1].until, seconds, GAP_S), count))


class TestColumns:
    """From samples to as many columns as a chart has."""

    @given(courses(), st.integers(1, 200))
    def test_the_extremes_are_never_lost(self, pieces: list[Piece], count: int) -> None:
        seconds = pieces[-1].until.seconds_since(pieces[0].since) + 1
        found = [column for column in drawn(pieces, seconds, count) if column]
        assert extremes(found) == extremes(pieces)

    @given(courses(), st.integers(1, 200), st.floats(0.5, 500))
    def test_each_sample_is_within_its_own_column(
        self, pieces: list[Piece], count: int, seconds: float
    ) -> None:
        span = Span(pieces[-1].until, seconds, GAP_S)
        found = columns(pieces, span, count)
        for one in known(pieces):
            place = span.place(one.since, count)
            if place >= 0:
                column = found[place]
                assert column is not None
                assert column.low is not None
                assert column.high is not None
                assert one.low is not None
                assert column.low <= one.low <= column.high

    @given(courses(), st.integers(2, 200))
    def test_no_column_within_a_gap_holds_anything(self, pieces: list[Piece], count: int) -> None:
        seconds = pieces[-1].until.seconds_since(pieces[0].since) + 1
        span = Span(pieces[-1].until, seconds, GAP_S)
        found = columns(pieces, span, count)
        for before, after in pairwise(pieces):
            blind = before.low is None or after.low is None
            if blind or after.since.seconds_since(before.until) > GAP_S:
                between = range(span.place(before.until, count) + 1, span.place(after.since, count))
                assert all(found[index] is None for index in between)
                last = found[span.place(after.since, count)]
                if between and last is not None:
                    assert not last.joined

    def test_samples_that_are_near_each_other_leave_no_hole(self) -> None:
        """Where there are more columns than samples, each goes on until the next."""
        found = drawn([piece(0, 1.0), piece(2, 5.0), piece(4, 3.0)], 4.0, 8)
        assert [column.low if column else None for column in found] == [1, 1, 1, 1, 5, 5, 5, 3]
        assert [bool(column and column.joined) for column in found] == [False, *[True] * 7]

    def test_what_is_stale_is_a_gap_that_says_so(self) -> None:
        found = drawn([piece(0, 1.0), piece(1, None, Rung.STALE), piece(2, 1.0)], 3.0, 3)
        assert [column.low if column else "gap" for column in found] == ["gap", 1.0, 1.0]
        found = drawn([piece(0, 1.0), piece(1, None, Rung.STALE), piece(2, 1.0)], 2.0, 3)
        assert found[1] == Column(None, None, Rung.STALE)
        assert found[2] is not None
        assert not found[2].joined

    def test_the_most_urgent_rung_of_a_column_is_its_own(self) -> None:
        found = drawn([piece(0, 1.0), piece(0.1, 9.0, Rung.MANDATORY), piece(0.2, 1.0)], 10.0, 1)
        assert found == [Column(1.0, 9.0, Rung.MANDATORY)]

    def test_what_came_after_the_end_is_not_drawn(self) -> None:
        pieces = [piece(0, 1.0), piece(1, 2.0), piece(60, 9.0)]
        found = columns(pieces, Span(at(2), 2.0, GAP_S), 2)
        assert extremes([column for column in found if column]) == (1.0, 2.0)

    def test_four_hours_at_one_a_second(self) -> None:
        """One second among 14,400 stays in sight."""
        pieces = [piece(second, 99.0 if second == 7_777 else 1.0) for second in range(14_400)]
        found = drawn(pieces, 14_400.0, 126)
        assert [index for index, column in enumerate(found) if column and column.high == 99.0] == [68]
        assert all(column is not None for column in found)

    def test_across_a_reboot_the_wall_clock_counts(self) -> None:
        before = Piece(Stamp(at(0).utc_us, "old", 5), Stamp(at(0).utc_us, "old", 5), 1.0, 1.0, Rung.OK)
        found = columns([before, piece(9, 2.0)], Span(at(10), 10.0, GAP_S), 10)
        assert [column.low for column in found if column] == [1.0, 2.0]


class TestThinned:
    """Long courses, in bounded memory."""

    @given(courses(), st.sampled_from([0.5, 5.0, 30.0]))
    def test_extremes_and_what_was_not_known_stay(self, pieces: list[Piece], width_s: float) -> None:
        found = list(thinned(pieces, pieces[0].since, width_s))
        assert extremes(found) == extremes(pieces)
        assert any(one.low is None for one in found) == any(one.low is None for one in pieces)
        assert most_urgent(*(one.rung for one in found)) == most_urgent(*(one.rung for one in pieces))

    @given(courses(), st.sampled_from([0.5, 5.0, 30.0]))
    def test_there_are_at_most_two_of_each_width(self, pieces: list[Piece], width_s: float) -> None:
        lasted = pieces[-1].until.seconds_since(pieces[0].since)
        assert len(list(thinned(pieces, pieces[0].since, width_s))) <= 2 * (lasted // width_s + 1)

    @given(courses(), st.sampled_from([0.5, 5.0]), st.integers(1, 60))
    def test_drawn_from_what_is_thinned_no_extreme_is_lost_either(
        self, pieces: list[Piece], width_s: float, count: int
    ) -> None:
        seconds = pieces[-1].until.seconds_since(pieces[0].since) + 1
        found = drawn(list(thinned(pieces, pieces[0].since, width_s)), seconds, count)
        assert extremes([column for column in found if column]) == extremes(pieces)

    def test_nothing_yields_nothing(self) -> None:
        assert list(thinned([], at(0), 1.0)) == []


class TestFilled:
    """Our own samples count; a source's record is for the time before them."""

    def test_where_there_are_samples_of_ours_nothing_else_is_drawn(self) -> None:
        own = [piece(100, 1.0), piece(101, 2.0), piece(200, 3.0)]
        told = [
            Piece(at(start), at(start + 30), 9.0, 9.0, Rung.NO_SOURCE, told=True)
            for start in range(0, 210, 30)
        ]
        found = filled(own, told, at(0))
        assert [(one.low, one.since, one.until) for one in found] == [
            *((9.0, at(start), at(start + 30)) for start in (0, 30, 60)),
            (9.0, at(90), at(100)),
            (1.0, at(100), at(100)),
            (2.0, at(101), at(101)),
            *((9.0, at(start), at(start + 30)) for start in (120, 150)),
            (9.0, at(180), at(200)),
            (3.0, at(200), at(200)),
        ]

    def test_without_samples_of_ours_it_is_all_there_is(self) -> None:
        told = [replace(piece(0, 1.0), told=True)]
        assert filled([], told, at(0)) == told
        assert filled(told, [], at(0)) == told


class TestSamples:
    """What a row says of one metric."""

    @pytest.mark.parametrize("rung", [Rung.STALE, Rung.NO_SOURCE])
    def test_the_last_value_of_what_is_silent_is_not_known_any_more(self, rung: Rung) -> None:
        assert sampled(at(0), Reading("errors", 1.0, 10, at(-9), rung)).low is None

    def test_what_is_no_number_is_not_known(self) -> None:
        assert sampled(at(0), Reading("errors", math.nan, 10, at(0), Rung.OK)).low is None

    def test_infinity_is_a_value(self) -> None:
        """A quantile in the last bucket."""
        assert sampled(at(0), Reading("p99", math.inf, 10, at(0), Rung.MANDATORY)).high == math.inf

    def test_rows_without_the_metric_say_nothing_of_it(self) -> None:
        rows = [Row(at(0), (Reading("p99", 1.0, 1, at(0), Rung.OK),)), Row(at(1), ())]
        assert [one.low for one in course(rows, "p99")] == [1.0]
        assert list(course(rows, "errors")) == []
