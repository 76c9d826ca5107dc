"""Counters over time: increases with restarts of the service in between, and quantiles of histograms."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from msgspec import Struct

from console.core.clock import Stamp

Labels = tuple[tuple[str, str], ...]
"""The labels of one series, sorted by name."""


class Page(Struct, frozen=True):
    """One page of metrics: name, as it was exposed, to its series by labels."""

    at: Stamp
    series: Mapping[str, Mapping[Labels, float]]

    def only(self, names: AbstractSet[str]) -> "Page":
        """The page without what nobody asked for."""
        return Page(self.at, {name: self.series[name] for name in names if name in self.series})

    def total(self, name: str) -> float | None:
        """The sum of a name's series; None when it has none, or a value that is not finite."""
        values = self.series.get(name)
        if not values:
            return None
        total = sum(values.values())
        return total if math.isfinite(total) else None


class _Counter:
    """A counter, or one bucket of a histogram, all its series together."""

    __slots__ = ("counted", "past", "seen_us")

    def __init__(self, pages: int) -> None:
        self.counted = 0.0
        """How much it grew since its first page."""
        self.past = array("d", [math.nan]) * pages
        """What had been counted by the time of each page that is remembered; NaN where it was not on it."""
        self.seen_us = 0


class _Series:
    """One series of a counter as it was last seen."""

    __slots__ = ("at_us", "counter", "value")

    def __init__(self, counter: _Counter) -> None:
        self.counter = counter
        self.value = math.nan
        self.at_us = 0

    def add(self, value: float, at_us: int) -> None:
        """What the newest page shows; the first value is where counting starts."""
        if value >= self.value:
            self.counter.counted += value - self.value
        elif value < self.value:
            self.counter.counted += value
        self.value, self.at_us = value, at_us
        self.counter.seen_us = at_us


class History:
    """Pages of counters over a window, from which increases are taken.

    A counter that is lower than before was restarted from 0, so all it shows is increase. The first value
    of a series is where counting starts and not an increase, as in PromQL: nobody knows when it was
    reached. A series that was away for longer than `horizon_s` starts anew. What is missing is None,
    never 0. All windows end at the newest page and need at least two pages in them.

    A number of eight bytes is kept for each counter and page.
    """

    def __init__(self, counters: Iterable[str], histograms: Iterable[str], horizon_s: float) -> None:
        self._counters = {name: _Counter(0) for name in counters}
        self._buckets: dict[str, dict[float, _Counter]] = {f"{name}_bucket": {} for name in histograms}
        self._horizon_us = horizon_s * 1e6
        self._times = array("q")
        """When each page was there, by boot time in microseconds."""
        self._series: dict[tuple[str, Labels], _Series] = {}

    def add(self, page: Page) -> None:
        """One more page, later than all before it."""
        now_us = page.at.boot_us
        for name in (*self._counters, *self._buckets):
            for labels, value in page.series.get(name, {}).items():
                if 0 <= value < math.inf and (series := self._known(name, labels)):
                    series.add(value, now_us)
        self._times.append(now_us)
        for counter in self._all():
            counter.past.append(counter.counted if counter.seen_us == now_us else math.nan)
        self._forget(now_us - self._horizon_us)

    def increase(self, name: str, over_s: float) -> float | None:
        """How much a counter, all its series together, grew in the last `over_s` seconds."""
        counter = self._counters.get(name)
        return self._increase(counter, self._first(over_s)) if counter else None

    def grown(self, name: str) -> float:
        """How much a counter grew since its first page; never falls."""
        counter = self._counters.get(name)
        return counter.counted if counter else 0.0

    def buckets(self, histogram: str, over_s: float) -> list[tuple[float, float]]:
        """Upper bound and increase of each bucket in the last `over_s` seconds; empty when unknown."""
        first, found = self._first(over_s), self._buckets.get(f"{histogram}_bucket", {})
        grown = [(bound, self._increase(found[bound], first)) for bound in sorted(found)]
        return [(bound, increase) for bound, increase in grown if increase is not None]

    def _known(self, name: str, labels: Labels) -> _Series | None:
        """The series as it was seen before, or a new one; None for a bucket without a readable bound."""
        series = self._series.get((name, labels))
        if series is None and (counter := self._counter(name, labels)):
            series = self._series[name, labels] = _Series(counter)
        return series

    def _counter(self, name: str, labels: Labels) -> _Counter | None:
        """What a series is counted under."""
        if name in self._counters:
            return self._counters[name]
        try:
            bound = float(dict(labels)["le"])
        except (KeyError, ValueError):
            return None
        if math.isnan(bound):
            return None
        return self._buckets[name].setdefault(bound, _Counter(len(self._times)))

    def _all(self) -> Iterator[_Counter]:
        return chain(self._counters.values(), *(found.values() for found in self._buckets.values()))

    def _forget(self, before_us: float) -> None:
        """Drop what no window can reach any more."""
        if gone := bisect_left(self._times, before_us):
            del self._times[:gone]
            for counter in self._all():
                del counter.past[:gone]
        for key in [key for key, series in self._series.items() if series.at_us < before_us]:
            del self._series[key]
        for found in self._buckets.values():
            for bound in [bound for bound, counter in found.items() if counter.seen_us < before_us]:
                del found[bound]

    def _first(self, over_s: float) -> int:
        """Place of the oldest page in the last `over_s` seconds."""
        return bisect_left(self._times, self._times[-1] - over_s * 1e6) if self._times else 0

    def _increase(self, counter: _Counter, first: int) -> float | None:
        """Since the first page from that place on that has it, to the newest; None without two such pages."""
        past = counter.past
        for place in range(first, len(past) - 1):
            if past[place] == past[place]:  # not NaN
                return None if math.isnan(past[-1]) else past[-1] - past[place]
        return None


def bucket_quantile(q: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """The `q` quantile of a histogram's buckets (upper bound, cumulative count), sorted by bound.

    The rules are those of PromQL's histogram_quantile (bucketQuantile in Prometheus' promql/quantile.go):
    linear inside a bucket; the lowest bucket begins at 0 when its bound is positive; a quantile in the
    +Inf bucket is the highest finite bound; counts that fall from one bucket to the next are raised. None
    without a +Inf bucket, with fewer than two buckets, or without observations.
    """
    if len(buckets) < 2 or buckets[-1][0] != math.inf:
        return None
    counts = _rising(count for _, count in buckets)
    if counts[-1] <= 0:
        return None
    rank = q * counts[-1]
    index = bisect_left(counts, rank, hi=len(counts) - 1)
    if index == len(counts) - 1:
        return buckets[-2][0]
    end = buckets[index][0]
    if index == 0:
        return end if end <= 0 else end * rank / counts[0]
    start, below = buckets[index - 1][0], counts[index - 1]
    # Rounding must not carry it into the next bucket.
    return min(end, start + (end - start) * (rank - below) / (counts[index] - below))


def _rising(counts: Iterable[float]) -> list[float]:
    highest, rising = 0.0, []
    for count in counts:
        highest = max(highest, count)
        rising.append(highest)
    return rising
