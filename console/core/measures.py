"""From counts to values: what each measure of the strategy makes of pages and of tries."""

from collections.abc import Iterable

from msgspec import Struct

from console.core.clock import Stamp
from console.core.counters import History, Page, bucket_quantile
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.watched import FailureRatio, Gauge, Measure, Quantile, SuccessRatio

Scraped = FailureRatio | SuccessRatio | Quantile | Gauge
"""The measures that a page of metrics answers."""


class Measured(Struct, frozen=True):
    """What is known of one metric at one moment, before the ladder judges it."""

    value: float | None
    """In the metric's own unit; None when unknown, or when there was nothing to take a share of."""
    count: int | None
    """How many requests, tries or probes it rests on; None when unknown or when that means nothing."""
    at: Stamp | None
    """When it was taken at its source, or when that worked last; None when it never did."""
    failed: int = 0
    """Failures counted since the engine started."""


NOTHING = Measured(None, None, None)


class UnwatchableError(StatedError):
    """What the strategy asks for cannot be watched; the message says which part of it, and why."""

    exit = Exit.USAGE


class Tally:
    """Tries of a source that either answers or does not."""

    def __init__(self) -> None:
        self._tried = 0
        self._failed = 0
        self._in_a_row = 0
        self._at: Stamp | None = None

    def add(self, at: Stamp, *, good: bool) -> None:
        """One more try, begun at `at`."""
        self._tried += 1
        self._failed += not good
        self._in_a_row = 0 if good else self._in_a_row + 1
        self._at = at

    def failures_in_a_row(self) -> Measured:
        """How many of the last tries failed without a good one between them."""
        return self._measured(float(self._in_a_row))

    def unavailable(self) -> Measured:
        """1 when the last try failed, 0 when it was good."""
        return self._measured(float(self._in_a_row > 0))

    def _measured(self, value: float) -> Measured:
        if self._at is None:
            return NOTHING
        return Measured(value, self._tried, self._at, self._failed)


def new_history(measures: Iterable[Scraped]) -> History:
    """An empty history that remembers what these measures need, and no more."""
    counters: set[str] = set()
    histograms: set[str] = set()
    horizon_s = 0.0
    for measure in measures:
        counters |= _counters(measure)
        if isinstance(measure, Quantile):
            histograms.add(measure.histogram)
        if not isinstance(measure, Gauge):
            horizon_s = max(horizon_s, measure.over)
    return History(counters, histograms, horizon_s)


def names(measures: Iterable[Scraped]) -> frozenset[str]:
    """The names on the page that these measures need."""
    found: set[str] = set()
    for measure in measures:
        found |= _counters(measure)
        if isinstance(measure, Quantile):
            found.add(f"{measure.histogram}_bucket")
        if isinstance(measure, Gauge):
            found |= {measure.gauge} | ({measure.of} if measure.of else set())
    return frozenset(found)


def from_page(measure: Scraped, page: Page | None, history: History) -> Measured:
    """What a measure makes of the newest page, which `history` already holds; None where there is none.

    A share of nothing has no value but a count of 0; what is missing has neither, and no time.
    """
    match measure:
        case Quantile():
            return _quantile(measure, page, history)
        case Gauge():
            return _gauge(measure, page)
        case _:
            return _ratio(measure, page, history)


def percent_failing(measure: Measure | None, value: float | None) -> float | None:
    """The share that fails, in per cent, where a measure's value says so."""
    if value is None:
        return None
    if isinstance(measure, FailureRatio):
        return value
    return 100.0 - value if isinstance(measure, SuccessRatio) else None


def _counters(measure: Scraped) -> set[str]:
    if isinstance(measure, FailureRatio | SuccessRatio):
        return {measure.total, _part(measure)}
    return set()


def _part(measure: FailureRatio | SuccessRatio) -> str:
    """The counter that is held against the total; UnwatchableError when the strategy names none."""
    part = measure.failed if isinstance(measure, FailureRatio) else measure.succeeded or measure.failed
    if part is None:
        raise UnwatchableError(f"a success ratio of `{measure.total}` needs `succeeded` or `failed`")
    return part


def _ratio(measure: FailureRatio | SuccessRatio, page: Page | None, history: History) -> Measured:
    total = history.increase(measure.total, measure.over)
    part = history.increase(_part(measure), measure.over)
    failed = _failed(measure, history)
    if page is None or total is None or part is None:
        return Measured(None, None, None, failed)
    # The two counters are not read in one instant, so that a part can be ahead of its whole.
    whole = max(total, part)
    if whole <= 0:
        return Measured(None, 0, page.at, failed)
    wanted = whole - part if isinstance(measure, SuccessRatio) and not measure.succeeded else part
    return Measured(100.0 * wanted / whole, round(whole), page.at, failed)


def _failed(measure: FailureRatio | SuccessRatio, history: History) -> int:
    """Failures since the first page; where successes are counted, what has not succeeded yet is one."""
    if isinstance(measure, SuccessRatio) and measure.succeeded:
        return max(0, round(history.grown(measure.total) - history.grown(measure.succeeded)))
    return round(history.grown(_part(measure)))


def _quantile(measure: Quantile, page: Page | None, history: History) -> Measured:
    buckets = history.buckets(measure.histogram, measure.over)
    if page is None or not buckets:
        return NOTHING
    observations = round(max(count for _, count in buckets))
    value = bucket_quantile(measure.q, buckets)
    return NOTHING if value is None and observations else Measured(value, observations, page.at)


def _gauge(measure: Gauge, page: Page | None) -> Measured:
    value = page.total(measure.gauge) if page else None
    if page is None or value is None:
        return NOTHING
    if measure.of is not None:
        of = page.total(measure.of)
        return Measured(100.0 * value / of, None, page.at) if of else NOTHING
    return Measured(value, None, page.at)
