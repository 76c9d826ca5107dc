"""What each measure of the strategy makes of pages and of tries."""

from collections.abc import Mapping

import pytest

from console.core.clock import Stamp
from console.core.counters import Page
from console.core.measures import (
    Measured,
    Scraped,
    Tally,
    UnwatchableError,
    from_page,
    names,
    new_history,
    percent_failing,
)
from console.core.watched import FailureRatio, FailuresInARow, Gauge, Quantile, SuccessRatio

FAILURES = FailureRatio.model_validate(
    {"kind": "failures", "source": "s", "failed": "errors", "total": "requests", "over": "10s"}
)
SIGNED = SuccessRatio.model_validate(
    {"kind": "successes", "source": "s", "total": "tried", "failed": "failed", "over": "10s"}
)
CONFIRMED = SuccessRatio.model_validate(
    {"kind": "successes", "source": "s", "total": "sent", "succeeded": "confirmed", "over": "10s"}
)
P50 = Quantile.model_validate(
    {"kind": "quantile", "source": "s", "histogram": "wait_seconds", "q": 0.5, "over": "10s"}
)
MEMORY = Gauge(kind="gauge", source="s", gauge="used", of="size")
UP = Gauge(kind="gauge", source="s", gauge="up")


def at(second: float) -> Stamp:
    return Stamp(round(second * 1e6), "boot", round(second * 1e6))


def taken(measure: Scraped, *pages: Mapping[str, float]) -> Measured:
    """What a measure makes of the last of these pages, one a second."""
    history, page = new_history([measure]), None
    for second, series in enumerate(pages):
        page = Page(at(second), {name: {(): value} for name, value in series.items()})
        history.add(page)
    return from_page(measure, page, history)


class TestShares:
    def test_failures_among_all(self) -> None:
        """In per cent of the increases, with the number of tries that it rests on."""
        seen = taken(FAILURES, {"errors": 5, "requests": 100}, {"errors": 8, "requests": 120})
        assert seen == Measured(15.0, 20, at(1), 3)

    def test_successes_as_what_did_not_fail(self) -> None:
        """`signings` has no counter of successes."""
        seen = taken(SIGNED, {"tried": 10, "failed": 0}, {"tried": 18, "failed": 2})
        assert seen == Measured(75.0, 8, at(1), 2)

    def test_successes_counted_directly(self) -> None:
        """What has not succeeded has failed."""
        seen = taken(CONFIRMED, {"sent": 0, "confirmed": 0}, {"sent": 8, "confirmed": 6})
        assert seen == Measured(75.0, 8, at(1), 2)

    @pytest.mark.parametrize("tries", [3, 7, 49])
    def test_no_success_at_all_is_exactly_zero(self, tries: int) -> None:
        """A rule says `= 0`, and must not miss by a rounding error."""
        assert taken(SIGNED, {"tried": 0, "failed": 0}, {"tried": tries, "failed": tries}).value == 0.0

    def test_a_share_of_nothing_is_unknown_but_measured(self) -> None:
        """No tries: there is a page and a count of 0, and no share."""
        assert taken(FAILURES, *[{"errors": 5, "requests": 100}] * 2) == Measured(None, 0, at(1), 0)

    def test_a_part_that_is_ahead_of_its_whole(self) -> None:
        """Counters are not read in one instant: never more than 100 %, and failures alone are a share too."""
        assert taken(FAILURES, {"errors": 0, "requests": 0}, {"errors": 3, "requests": 2}).value == 100.0
        assert taken(SIGNED, {"failed": 0, "tried": 0}, {"failed": 3, "tried": 0}) == Measured(
            0.0, 3, at(1), 3
        )

    def test_a_missing_counter_is_unknown(self) -> None:
        """And says no time, so that it becomes stale; what had failed before stays counted."""
        pages = {"errors": 0, "requests": 0}, {"errors": 4, "requests": 9}, {"requests": 12}
        assert taken(FAILURES, *pages) == Measured(None, None, None, 4)

    def test_without_a_page_nothing_is_known(self) -> None:
        """The last scrape failed: an old page does not speak for now."""
        for measure in (FAILURES, SIGNED, P50, MEMORY, UP):
            assert from_page(measure, None, new_history([measure])) == Measured(None, None, None, 0)

    def test_a_success_ratio_of_nothing_is_refused(self) -> None:
        """It names neither what failed nor what succeeded."""
        with pytest.raises(UnwatchableError, match="`tried` needs `succeeded` or `failed`"):
            names([SIGNED.model_copy(update={"failed": None})])


class TestOthers:
    def test_a_quantile_in_seconds(self) -> None:
        """With the number of observations that it rests on."""
        history, page = new_history([P50]), None
        for second, count in enumerate((0.0, 10.0)):
            buckets = {"0.1": 0.0, "0.3": count, "+Inf": count}
            page = Page(at(second), {"wait_seconds_bucket": {(("le", le),): n for le, n in buckets.items()}})
            history.add(page)
        seen = from_page(P50, page, history)
        assert seen.value == pytest.approx(0.2)
        assert (seen.count, seen.at) == (10, at(1))

    def test_a_gauge_as_it_stands(self) -> None:
        """One page is enough."""
        assert taken(UP, {"up": 1}) == Measured(1.0, None, at(0))

    def test_a_gauge_of_another_in_per_cent(self) -> None:
        """Of nothing there is no share."""
        assert taken(MEMORY, {"used": 3, "size": 4}) == Measured(75.0, None, at(0))
        assert taken(MEMORY, {"used": 3, "size": 0}) == Measured(None, None, None)
        assert taken(MEMORY, {"used": 3}) == Measured(None, None, None)

    def test_names_are_all_that_is_kept_of_a_page(self) -> None:
        """So they must be complete."""
        assert names([FAILURES, SIGNED, P50, MEMORY]) == {
            "errors",
            "requests",
            "tried",
            "failed",
            "wait_seconds_bucket",
            "used",
            "size",
        }

    def test_who_fails(self) -> None:
        """A share of failures, a share of successes, and what says nothing about people."""
        assert percent_failing(FAILURES, 15.0) == 15.0
        assert percent_failing(SIGNED, 75.0) == 25.0
        assert percent_failing(P50, 2.0) is None
        assert percent_failing(FAILURES, None) is None


class TestTally:
    def test_failures_in_a_row(self) -> None:
        """One good answer ends the row, not the count of failures."""
        tally, seen = Tally(), []
        for second, good in enumerate([True, False, False, True, False]):
            tally.add(at(second), good=good)
            seen.append(tally.failures_in_a_row())
        assert [measured.value for measured in seen] == [0, 1, 2, 0, 1]
        assert seen[-1] == Measured(1.0, 5, at(4), 3)

    def test_unavailable_is_a_flag(self) -> None:
        """1 from the first failed try to the next good one."""
        tally, seen = Tally(), []
        for second, good in enumerate([True, False, False, True]):
            tally.add(at(second), good=good)
            seen.append(tally.unavailable().value)
        assert seen == [0, 1, 1, 0]

    def test_before_the_first_try_nothing_is_known(self) -> None:
        """Not even that nothing failed."""
        assert Tally().failures_in_a_row() == Tally().unavailable() == Measured(None, None, None)

    def test_kinds_are_told_apart(self) -> None:
        """A page answers all measures but those of tries."""
        assert not isinstance(FailuresInARow(kind="failures in a row", source="s"), Scraped)
