"""What the impact line promises: measured numbers, and `not known yet` where there are none."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.core.clock import Stamp
from console.core.impact import ImpactTracker
from console.core.live import Impact
from console.core.metrics import Reading, Row, Rung
from console.core.strategy import Environment
from console.core.watched import FailureRatio, Gauge, Measure, SuccessRatio

SIGNED = SuccessRatio.model_validate(
    {"kind": "successes", "source": "s", "total": "tried", "failed": "failed", "over": "120s"}
)
ERRORS = FailureRatio.model_validate(
    {"kind": "failures", "source": "s", "failed": "errors", "total": "requests", "over": "120s"}
)
LOAD = Gauge(kind="gauge", source="s", gauge="load")


def at(second: float) -> Stamp:
    return Stamp(round(second * 1e6), "boot", round(second * 1e6))


def tracker(measure: Measure | None = SIGNED, users: str | None = None) -> ImpactTracker:
    """One that follows the metric `signing`, and `users` if asked to; of an environment it reads no more."""
    metrics = {
        "signing": SimpleNamespace(measure=measure, unit="%"),
        "suffering": SimpleNamespace(measure=LOAD, unit="count"),
    }
    environment: Any = SimpleNamespace(impact=SimpleNamespace(metric="signing", users=users), metrics=metrics)
    return ImpactTracker(cast("Environment", environment))


def row(second: float, value: float | None, failed: int) -> Row:
    return Row(at(second), (Reading("signing", value, 9, at(second), Rung.WARN, failed),))


def follow(tracked: ImpactTracker, *rows: tuple[float, float | None, int]) -> Impact | None:
    impact = None
    for each in rows:
        impact = tracked.observe(row(*each))
    return impact


def impact_of(*rows: tuple[float, float | None, int], onset: float = 0) -> Impact:
    tracked = tracker()
    tracked.reset(at(onset))
    impact = follow(tracked, *rows)
    assert impact is not None
    return impact


class TestUsers:
    def row(self, second: float, users: float | None, rung: Rung = Rung.OK) -> Row:
        signing = Reading("signing", 85.0, 9, at(second), Rung.WARN, 3)
        return Row(at(second), (signing, Reading("suffering", users, None, at(second), rung)))

    def test_how_many_suffer_is_told_by_a_metric_of_its_own(self) -> None:
        """As of the newest row; what is stale is not known."""
        tracked = tracker(users="suffering")
        tracked.reset(at(0))
        told = [tracked.observe(self.row(1, 12.0)), tracked.observe(self.row(2, 9.0))]
        told += [tracked.observe(self.row(3, 9.0, Rung.STALE)), tracked.observe(self.row(4, None))]
        assert [impact.users if impact else 0 for impact in told] == [12.0, 9.0, None, None]
        assert told[0] is not None
        assert told[0].users_in == "count"

    def test_without_such_a_metric_nobody_is_counted(self) -> None:
        tracked = tracker()
        tracked.reset(at(0))
        impact = tracked.observe(self.row(1, 12.0))
        assert impact is not None
        assert impact.users is None


class TestNumbers:
    def test_the_share_that_fails_now(self) -> None:
        """Whether the strategy counts successes or failures; what counts neither has no share."""
        for measure, percent in ((SIGNED, 15.0), (ERRORS, 85.0), (LOAD, None), (None, None)):
            tracked = tracker(measure)
            tracked.reset(at(0))
            impact = follow(tracked, (1, 85.0, 3))
            assert impact is not None
            assert impact.percent == percent

    def test_failures_since_the_onset(self) -> None:
        """Not those before it."""
        assert impact_of((0, 90, 40), (5, 90, 40), (6, 50, 47), (7, 50, 52), onset=5).failures == 12

    def test_the_onset_lies_in_the_past_when_it_is_found(self) -> None:
        """A rule that asks for five minutes fires five minutes late; what failed in them is counted."""
        tracked = tracker()
        assert follow(tracked, (0, 99, 2), (10, 50, 8), (20, 50, 15)) is None
        tracked.reset(at(5))
        impact = follow(tracked, (30, 50, 21))
        assert impact is not None
        assert impact.failures == 19

    def test_rows_on_record_count_after_a_start_in_the_middle(self) -> None:
        """A new engine replays them; its own count begins at 0 again."""
        rows = ((0, 99, 70), (1, 50, 100), (2, 50, 110), (3, 50, 4), (4, 50, 9))
        assert impact_of(*rows, onset=1).failures == 19

    def test_without_an_incident_there_is_no_impact(self) -> None:
        """Before one, and after it."""
        tracked = tracker()
        assert tracked.observe(row(0, 50, 5)) is None
        tracked.reset(at(0))
        tracked.reset(None)
        assert tracked.observe(row(1, 50, 5)) is None

    def test_failures_a_minute(self) -> None:
        """Of the time since the onset, and of the last minute once that is over."""
        assert impact_of((0, 50, 0), (30, 50, 20)).per_minute == pytest.approx(40)
        rows = [(float(second), 50.0, min(second, 60)) for second in range(0, 181, 10)]
        assert impact_of(*rows).per_minute == pytest.approx(0)

    def test_nothing_is_known_of_a_service_that_is_not_measured(self) -> None:
        """Failures so far are; the share, the speed and the trend are not known yet."""
        rows = [(float(second), 50.0, second) for second in range(10)]
        assert impact_of(*rows, (10, None, 9)) == Impact(None, 9, None, "not known yet")

    def test_one_row_has_no_speed(self) -> None:
        """And no trend."""
        assert impact_of((1, 50, 3)) == Impact(50.0, 0, None, "not known yet")

    def test_memory_is_bounded(self) -> None:
        """Fifteen minutes, however long the watch lasts."""
        tracked = tracker()
        for second in range(0, 20_000, 10):
            tracked.observe(row(second, 50, second))
        assert len(tracked._marks) == 91


class TestTrend:
    @pytest.mark.parametrize(
        ("shares", "trend"),
        [
            ([20, 20, 40, 40], "better"),
            ([40, 40, 20, 20], "worse"),
            ([40, 40, 41, 41], "steady"),
            ([98, 98, 97, 97], "steady"),  # one point up is noise
            ([0, 0, 5, 5], "steady"),  # five points of a hundred are less than a tenth
            ([97, 97, 94, 94], "worse"),
            ([40, 20], "not known yet"),
            ([40, None, 20, 20], "not known yet"),
        ],
    )
    def test_halves_are_compared(self, shares: list[float | None], trend: str) -> None:
        """Success rates in, the direction of the failures out."""
        assert impact_of(*[(10.0 * i, share, 0) for i, share in enumerate(shares)]).trend == trend

    def test_only_the_last_two_minutes_count(self) -> None:
        """What was bad long ago does not make the present better."""
        old = [(float(second), 10.0, 0) for second in range(0, 100, 10)]
        new = [(float(second), 80.0, 0) for second in range(100, 300, 10)]
        assert impact_of(*old, *new).trend == "steady"

    def test_what_was_before_the_onset_does_not_count(self) -> None:
        """Else every incident would begin with `worse`."""
        rows = [(float(second), 99.0 if second < 50 else 30.0, 0) for second in range(0, 100, 10)]
        assert impact_of(*rows, onset=50).trend == "steady"


def test_a_rehearsal_with_windows_of_seconds_sees_its_trend_in_seconds() -> None:
    """A minute of the field is a second there: the measure's window is what is looked at."""
    quick = SuccessRatio.model_validate(
        {"kind": "successes", "source": "s", "total": "tried", "failed": "failed", "over": "4s"}
    )
    sick = [(float(second), 0.0, second) for second in range(36)]
    well = [(float(second), 100.0, 35) for second in range(36, 39)]
    seen = []
    for measure in (quick, SIGNED):
        tracked = tracker(measure)
        tracked.reset(at(0))
        seen.append(follow(tracked, *sick, *well))
    rehearsal, field = seen
    assert rehearsal is not None
    assert field is not None
    assert (rehearsal.trend, rehearsal.per_minute) == ("better", 15.0)
    assert field.per_minute is not None
    assert field.per_minute > 0
