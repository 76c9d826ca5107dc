"""The metrics of a scraped page: whether their series are there, and of a kind that can be measured so."""

import math
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from console.core.checked import Remark, Sign
from console.core.counters import Page
from console.core.ladder import range_of
from console.core.measures import Scraped, names
from console.core.naming import nearest, quoted
from console.core.watched import Gauge, Metric, Quantile, Scrape
from console.engine.checks.case import Case
from console.targets.scrape import described
from console.targets.source import SourceError

Make = Callable[[Sign, str, str], Remark]
_BUCKET = "_bucket"
_FEW = 4
"""Pages that a window should hold, so that one that is late takes no number away."""


class _Shown(Struct, frozen=True):
    """A page, and what it says of its series."""

    page: Page
    types: Mapping[str, str]

    def type_of(self, name: str) -> str:
        """The type that a series, or what it is a part of, is declared with; empty where none is."""
        wholes = (name, name.removesuffix("_total"), name.removesuffix(_BUCKET))
        return next((self.types[whole] for whole in wholes if whole in self.types), "")

    def bounds(self, histogram: str) -> list[float]:
        """Upper bounds of its buckets, sorted."""
        series = self.page.series.get(f"{histogram}{_BUCKET}", {})
        told = (dict(labels).get("le", "") for labels in series)
        return sorted({bound for text in told if (bound := _number(text)) is not None})


async def examine(case: Case, source: Scrape, metrics: Mapping[str, Metric], make: Make) -> dict[str, Remark]:
    """What is wrong with a metric's series, by the metric; nothing where the page did not come."""
    means = case.means
    try:
        shown = _Shown(*await described(means.client, source.url, source.limit, means.clock))
    except SourceError:
        return {}  # it is gone since it was asked a second ago, which the watcher tells
    found: dict[str, Remark] = {}
    for name, metric in metrics.items():
        for remark in _of(name, metric, source, shown, make):
            found.setdefault(name, remark)
    return found


def _of(name: str, metric: Metric, source: Scrape, shown: _Shown, make: Make) -> Iterator[Remark]:
    """What is wrong with one metric, the worst first."""
    measure = metric.measure
    if not isinstance(measure, Scraped):
        return
    for series in sorted(names([measure])):
        if not shown.page.series.get(series):
            yield make(Sign.LACK, f"{name}: {_missing(series, shown)}", _advice(name))
    if isinstance(measure, Gauge):
        return
    if isinstance(measure, Quantile):
        yield from _buckets(name, metric, measure, shown, make)
    else:
        for series in sorted(names([measure])):
            if (kind := shown.type_of(series)) not in ("", "counter", "gauge", "untyped", "unknown"):
                yield make(Sign.LACK, f"{name}: `{series}` is a {kind}, a counter is wanted", _advice(name))
            elif _falls_below_zero(shown, series):
                yield make(Sign.LACK, f"{name}: `{series}` is below zero, so it is no counter", _advice(name))
    if measure.over < _FEW * source.every:
        yield make(
            Sign.WARN,
            f"{name}: `over` of {measure.over:g} s holds fewer than {_FEW} looks, {source.every:g} s apart",
            f"make `over` of `{name}` longer, or `every` of `sources.{measure.source}` shorter",
        )


def _missing(series: str, shown: _Shown) -> str:
    """That a series is not there, and what may have been meant."""
    histogram = series.removesuffix(_BUCKET)
    if series.endswith(_BUCKET) and (kind := shown.type_of(histogram)):
        return f"`{histogram}` is a {kind}, a histogram is wanted"
    close = nearest(series, shown.page.series)
    return f"no series {quoted(series)}" + (f": did you mean {quoted(close)}?" if close else "")


def _buckets(name: str, metric: Metric, measure: Quantile, shown: _Shown, make: Make) -> Iterator[Remark]:
    """Whether the buckets reach as far as the rungs do: a quantile never shows more than the last bound."""
    bounds = shown.bounds(measure.histogram)
    finite = [bound for bound in bounds if math.isfinite(bound)]
    if not bounds:
        return
    if bounds[-1] != math.inf or not finite:
        yield make(Sign.LACK, f"{name}: `{measure.histogram}` has no buckets up to +Inf", _advice(name))
        return
    rungs = metric.rungs
    written = {"warn": rungs.warn, "mandatory": rungs.mandatory, "automatic": rungs.automatic}
    for rung, condition in written.items():
        reach = range_of(condition, name) if condition else None
        if condition and reach and reach.low > (finite[-1], 0):
            yield make(
                Sign.LACK,
                f"{name}: its last bucket ends at {finite[-1]:g} s: {rung}, `{condition.text}`, never holds",
                f"give `{measure.histogram}` buckets beyond {reach.low[0]:g} s, or lower the rung",
            )


def _falls_below_zero(shown: _Shown, series: str) -> bool:
    return any(value < 0 for value in shown.page.series.get(series, {}).values())


def _advice(name: str) -> str:
    return f"name the right series in the measure of `{name}`, or have the service export it"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
