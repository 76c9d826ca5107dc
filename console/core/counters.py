"""Counters over time: increases with restarts of the service in between, and quantiles of histograms."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from console.core.clock import Stamp

Labels = tuple[tuple[str, str], ...]
"""The labels of one series, sorted by name."""
Key = tuple[str, float | None]
"""A counter's name, and for the bucket of a histogram its upper bound."""


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


class _Entry(Struct, frozen=True):
    """What had been counted by the time of one page."""

    at: Stamp
    counted: Mapping[Key, float]


class History:
    """Pages of counters over a window, from which increases are taken.

    A counter that is lower than before was restarted from 0, so all it shows is increase. The first value
    of a series is where counting starts and not an increase, as in PromQL: nobody knows when it was
    reached. A series that was away for longer than `horizon_s` starts anew. What is missing is None,
    never 0. All windows end at the newest page and need at least two pages in them.
    """

    def __init__(self, counters: Iterable[str], histograms: Iterable[str], horizon_s: float) -> None:
        self._buckets = frozenset(f"{name}_bucket" for name in histograms)
        self._names = frozenset(counters) | self._buckets
        self._horizon_us = horizon_s * 1e6
        self._last: dict[tuple[str, Labels], tuple[float, int]] = {}
        self._counted: dict[Key, float] = {}
        self._entries: list[_Entry] = []

    def add(self, page: Page) -> None:
        """One more page, later than all before it."""
        seen: set[Key] = set()
        for name in self._names & page.series.keys():
            for labels, value in page.series[name].items():
                key = self._key(name, labels)
                if key is not None and math.isfinite(value) and value >= 0:
                    self._count(name, labels, key, value, page.at.boot_us)
                    seen.add(key)
        self._entries.append(_Entry(page.at, {key: self._counted[key] for key in seen}))
        self._forget(page.at.boot_us - self._horizon_us)

    def increase(self, name: str, over_s: float) -> float | None:
        """How much a counter, all its series together, grew in the last `over_s` seconds."""
        return self._increase((name, None), over_s)

    def grown(self, name: str) -> float:
        """How much a counter grew since its first page; never falls."""
        return self._counted.get((name, None), 0.0)

    def buckets(self, histogram: str, over_s: float) -> list[tuple[float, float]]:
        """Upper bound and increase of each bucket in the last `over_s` seconds; empty when unknown."""
        name = f"{histogram}_bucket"
        newest = self._entries[-1].counted if self._entries else {}
        bounds = sorted(bound for key, bound in newest if key == name and bound is not None)
        grown = [(bound, self._increase((name, bound), over_s)) for bound in bounds]
        return [(bound, increase) for bound, increase in grown if increase is not None]

    def _key(self, name: str, labels: Labels) -> Key | None:
        """What a series is counted under; None for a bucket without a readable bound."""
        if name not in self._buckets:
            return name, None
        try:
            bound = float(dict(labels)["le"])
        except (KeyError, ValueError):
            return None
        return None if math.isnan(bound) else (name, bound)

    def _count(self, name: str, labels: Labels, key: Key, value: float, at_us: int) -> None:
        before = self._last.get((name, labels))
        grown = 0.0 if before is None else value - before[0] if value >= before[0] else value
        self._counted[key] = self._counted.get(key, 0.0) + grown
        self._last[name, labels] = (value, at_us)

    def _forget(self, before_us: float) -> None:
        """Drop what no window can reach any more."""
        del self._entries[: bisect_left(self._entries, before_us, key=lambda entry: entry.at.boot_us)]
        gone = [series for series, (_, at_us) in self._last.items() if at_us < before_us]
        for series in gone:
            del self._last[series]

    def _increase(self, key: Key, over_s: float) -> float | None:
        if not self._entries or key not in self._entries[-1].counted:
            return None
        newest = self._entries[-1]
        start_us = newest.at.boot_us - over_s * 1e6
        first = bisect_left(self._entries, start_us, key=lambda entry: entry.at.boot_us)
        for entry in self._entries[first:-1]:
            if key in entry.counted:
                return newest.counted[key] - entry.counted[key]
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
