"""Impact: what share fails now, how much has failed since the onset, how fast, and whether it gets better."""

from collections import deque
from collections.abc import Iterable
from itertools import takewhile

from msgspec import Struct

from console.core.clock import Stamp
from console.core.live import Impact
from console.core.measures import percent_failing
from console.core.metrics import Row, Rung
from console.core.strategy import Environment

REMEMBERED_S = 900.0
"""How far back an onset may lie and still be counted from, without rows on record."""
RATE_S = 60.0
"""Failures a minute are those of the last minute, or of the measure's window if that is shorter."""
TREND_S = 120.0
"""The trend is that of the last two minutes, or of the measure's window if that is shorter."""
LEAST_SPAN_S = 1.0
"""Nothing is said of a speed that was watched for less."""
STEADY_POINTS = 2.0
STEADY_PART = 0.1
"""The share has moved when it moved by more than this many points and by more than this part of itself."""
NOT_KNOWN = "not known yet"


class _Mark(Struct, frozen=True):
    at: Stamp
    failures: int
    """Counted by this tracker; only differences mean something."""
    percent: float | None


class ImpactTracker:
    """The impact of an incident, followed row by row.

    Give it every row, also while there is no incident: a rule that asks for five minutes finds an onset
    that is five minutes old. It remembers fifteen minutes. After a start in the middle of an incident,
    give it first the rows on record since the onset.
    """

    def __init__(self, environment: Environment) -> None:
        self._metric = environment.impact.metric
        metric = environment.metrics.get(self._metric)
        self._measure = metric.measure if metric else None
        self._of_users = environment.impact.users or ""
        of_users = environment.metrics.get(self._of_users)
        self._users_in = of_users.unit if of_users else "count"
        self._users: float | None = None
        over = getattr(self._measure, "over", RATE_S)
        self._rate_s, self._trend_s = min(RATE_S, over), min(TREND_S, over)
        self._onset: Stamp | None = None
        self._before = 0
        self._counted: int | None = None
        self._failures = 0
        self._marks: deque[_Mark] = deque()

    def reset(self, onset: Stamp | None) -> None:
        """Count from `onset` on, as far back as it is remembered; None: there is no incident."""
        self._onset = onset
        if onset is not None:
            earlier = (mark.failures for mark in self._marks if mark.at.seconds_since(onset) <= 0)
            first = self._marks[0].failures if self._marks else self._failures
            self._before = max(earlier, default=first)

    def observe(self, row: Row) -> Impact | None:
        """One more row, later than all before it; the impact as of then, None without an incident."""
        reading = row.reading(self._metric)
        of_users = row.reading(self._of_users)
        self._users = of_users.value if of_users and of_users.rung is not Rung.STALE else None
        if reading is not None:
            # An engine that was started again counts from 0.
            before = reading.failed if self._counted is None else self._counted
            self._failures += reading.failed - before if reading.failed >= before else reading.failed
            self._counted = reading.failed
            if self._onset is not None and row.at.seconds_since(self._onset) <= 0:
                self._before = self._failures
            self._marks.append(_Mark(row.at, self._failures, percent_failing(self._measure, reading.value)))
            while row.at.seconds_since(self._marks[0].at) > REMEMBERED_S:
                self._marks.popleft()
        return self._impact(self._onset) if self._onset is not None else None

    def _impact(self, onset: Stamp) -> Impact:
        """As of the newest row.

        The trend compares the mean share failing in the newer half of the trend's time (or of the time
        since the onset) with that in the older half. `worse` is more than 2 points up and more than a
        tenth of the older mean, `better` the same downwards, `steady` in between; `not known yet` while
        nothing is measured now, or fewer than two rows of either half were.
        """
        percent = self._marks[-1].percent if self._marks else None
        known = percent is not None
        return Impact(
            percent=percent,
            failures=self._failures - self._before,
            per_minute=_per_minute(self._since(onset, self._rate_s)) if known else None,
            trend=_trend(self._since(onset, self._trend_s)) if known else NOT_KNOWN,
            users=self._users,
            users_in=self._users_in,
        )

    def _since(self, onset: Stamp, seconds: float) -> list[_Mark]:
        """The marks of the last `seconds` that are not older than the onset, oldest first."""
        newest = self._marks[-1].at

        def wanted(mark: _Mark) -> bool:
            return mark.at.seconds_since(onset) >= 0 and newest.seconds_since(mark.at) <= seconds

        return list(takewhile(wanted, reversed(self._marks)))[::-1]


def _span_s(marks: list[_Mark]) -> float:
    return marks[-1].at.seconds_since(marks[0].at) if marks else 0.0


def _per_minute(marks: list[_Mark]) -> float | None:
    span_s = _span_s(marks)
    return None if span_s < LEAST_SPAN_S else (marks[-1].failures - marks[0].failures) * 60.0 / span_s


def _trend(marks: list[_Mark]) -> str:
    span_s = _span_s(marks)
    newest = [mark for mark in marks if marks[-1].at.seconds_since(mark.at) < span_s / 2]
    older, newer = _shares(marks[: -len(newest)] if newest else marks), _shares(newest)
    if span_s < LEAST_SPAN_S or min(len(older), len(newer)) < 2:
        return NOT_KNOWN
    before, now = sum(older) / len(older), sum(newer) / len(newer)
    if abs(now - before) <= max(STEADY_POINTS, STEADY_PART * before):
        return "steady"
    return "worse" if now > before else "better"


def _shares(marks: Iterable[_Mark]) -> list[float]:
    return [mark.percent for mark in marks if mark.percent is not None]
