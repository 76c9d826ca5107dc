"""The metrics, for the command line: where each stands, by which rule, since when, and what it was."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Annotated, Literal

from cyclopts import Parameter
from msgspec import Struct

from console.core.course import Piece
from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.format import plain, value
from console.core.freshness import blind_after_s
from console.core.metric_words import (
    NO_MEASURE,
    count_words,
    measure_words,
    rule_words,
    source_words,
    standing_words,
    taken_words,
)
from console.core.metrics import Rung
from console.core.moments import moment_of, written
from console.core.naming import quoted, unknown
from console.core.protocols import Snapshot
from console.core.readout import Readout, readouts
from console.core.strategy import Environment
from console.core.trend import Trend, bars, reach_s, trends
from console.core.words import brief
from console.store.room import LocalRoom
from console.subcommands.room import enter
from console.subcommands.tell import document
from console.subcommands.where import Where, find

HERE = Where()
PIECES = 240
"""In at most about how many pieces a course is told."""
RECORDED = "recorded"
"""What is said instead of a rung where a source has told of the past from its own record."""
_BARS = 20


class MetricsError(StatedError):
    """What is asked for does not exist, or is no moment."""

    exit = Exit.USAGE


class Limit(Struct, frozen=True):
    """A threshold, `> 5 %`."""

    operator: str
    number: float
    unit: str


class Source(Struct, frozen=True):
    """What is asked, and whom."""

    name: str
    words: str
    measure: str
    """The question, exactly; of what is counted from a page, as PromQL would put it."""
    count: str
    """The question that tells how much the value rests on; empty where there is none."""
    trouble: str
    """Why the last question brought no good answer; empty when it did."""


class Ruled(Struct, frozen=True):
    """The rule of one rung."""

    rung: Rung
    words: str
    holds: bool | None
    """None where that cannot be said."""
    left_s: float | None
    """Seconds until it holds if nothing changes; None where no window is under way."""


class Stretch(Struct, frozen=True):
    """A piece of the course with its extremes; null, both of them, where nothing was known."""

    since: str
    until: str
    low: float | None
    high: float | None
    rung: Rung | None
    """The most urgent of those that it stood on; None where its source told of it from its own record."""


class Told(Struct, frozen=True):
    """One metric. Moments are dates in UTC, values in its own unit."""

    name: str
    title: str
    unit: str
    value: float | None
    rung: Rung
    since: str | None
    rule: str
    """The words of the rule that holds; empty where none does."""
    threshold: Limit | None
    rules: tuple[Ruled, ...]
    count: int | None
    at_least: int
    measured: str | None
    age_s: float | None
    source: Source | None
    """None: NO SOURCE."""
    trend: Trend
    """Over `trend_s`, in equal parts, the newest last; null where nothing was known."""
    course: tuple[Stretch, ...] | None
    """With --since."""


class Report(Struct, frozen=True, kw_only=True):
    """With `--json`, printed as it stands here."""

    schema: Literal["warroom.metrics/1"] = "warroom.metrics/1"
    environment: str
    at: str
    since: str | None
    """From when on `course` is told."""
    trend_s: float
    metrics: tuple[Told, ...]
    """The most urgent first."""


def metrics(
    name: str | None = None,
    /,
    *,
    since: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    json: bool = False,
    where: Where = HERE,
) -> int:
    """Each metric: value, rung, threshold, trend of 15 minutes, age; of one NAME, its rules and source too.

    Parameters
    ----------
    name
        As the strategy calls it.
    since
        Tells the course from then on: 14:05:30, a date, or -1h for so long ago.
    json
        One document on stdout.
    """
    place = find(where)
    room = enter(place)
    snapshot = room.snapshot()
    found = _chosen(readouts(snapshot, place.environment), name)
    start_us = _moment(since, snapshot)
    courses = asyncio.run(_courses(room, snapshot, found, start_us)) if start_us is not None else {}
    report = _report(place.name, snapshot, place.environment, found, start_us, courses)
    if snapshot.trouble:
        print(plain(snapshot.trouble), file=sys.stderr)
    if json:
        print(document(report))
    else:
        for words in _lines(snapshot, place.environment, found, report, whole=name is not None):
            print(plain(words))
    return Exit.FAILED if snapshot.trouble else Exit.DONE


def _chosen(found: Sequence[Readout], name: str | None) -> Sequence[Readout]:
    names = [readout.name for readout in found]
    if name is None:
        return found
    if name not in names:
        raise MetricsError(unknown("metric", name, names))
    return [readout for readout in found if readout.name == name]


def _moment(since: str | None, snapshot: Snapshot) -> int | None:
    now = snapshot.at.utc_us
    try:
        start = moment_of(since, now=now, known=now) if since is not None else None
    except ValueError as error:
        raise MetricsError(f"--since: {error}") from None
    if start is not None and start >= now:
        raise MetricsError(f"--since: {quoted(since or '')} is not in the past")
    return start


async def _courses(
    room: LocalRoom, snapshot: Snapshot, found: Sequence[Readout], start_us: int
) -> Mapping[str, Sequence[Piece]]:
    seconds = (snapshot.at.utc_us - start_us) / 1e6
    since = snapshot.at.before(seconds)
    try:
        return {one.name: await room.course(one.name, since, snapshot.at, seconds / PIECES) for one in found}
    except OSError as error:
        raise StatedError(f"{error.filename}: cannot be read: {error.strerror}") from error


# -- the document -----------------------------------------------------------------------------------


def _report(
    name: str,
    snapshot: Snapshot,
    environment: Environment,
    found: Sequence[Readout],
    start_us: int | None,
    courses: Mapping[str, Sequence[Piece]],
) -> Report:
    past = trends(snapshot.rows, snapshot.at, blind_after_s(environment))
    return Report(
        environment=name,
        at=written(snapshot.at.utc_us),
        since=None if start_us is None else written(start_us),
        trend_s=round(reach_s(snapshot.rows, snapshot.at), 3),
        metrics=tuple(
            _told(snapshot, environment, one, past.get(one.name, ()), courses.get(one.name)) for one in found
        ),
    )


def _told(
    snapshot: Snapshot,
    environment: Environment,
    one: Readout,
    trend: Trend,
    course: Sequence[Piece] | None,
) -> Told:
    limit = one.limit
    return Told(
        name=one.name,
        title=one.title,
        unit=one.unit,
        value=one.value,
        rung=one.rung,
        since=written(one.since.utc_us) if one.since else None,
        rule=next((rule.words for rule in one.rules if rule.rung is one.rung), ""),
        threshold=Limit(limit.operator, limit.number, limit.unit) if limit else None,
        rules=tuple(Ruled(rule.rung, rule.words, rule.holds, rule.left_s) for rule in one.rules),
        count=one.count,
        at_least=one.at_least,
        measured=written(one.measured.utc_us) if one.measured else None,
        age_s=one.age_s,
        source=_source(snapshot, environment, one),
        trend=trend,
        course=None if course is None else tuple(map(_stretch, course)),
    )


def _stretch(piece: Piece) -> Stretch:
    since, until = written(piece.since.utc_us), written(piece.until.utc_us)
    return Stretch(since, until, piece.low, piece.high, None if piece.told else piece.rung)


def _source(snapshot: Snapshot, environment: Environment, one: Readout) -> Source | None:
    measure = environment.metrics[one.name].measure
    if measure is None:
        return None
    source = environment.sources[measure.source]
    trouble = snapshot.live.trouble if snapshot.live else {}
    return Source(
        name=measure.source,
        words=source_words(measure.source, source),
        measure=measure_words(measure, source),
        count=count_words(measure, source),
        trouble=trouble.get(measure.source, ""),
    )


# -- to lines ---------------------------------------------------------------------------------------


def _lines(
    snapshot: Snapshot, environment: Environment, found: Sequence[Readout], report: Report, *, whole: bool
) -> Iterator[str]:
    for one, told in zip(found, report.metrics, strict=True):
        limit = f"{told.threshold.operator}{told.threshold.number:g}" if told.threshold else ""
        shown = value(one.value, one.unit)
        age = "" if one.age_s is None else brief(one.age_s)
        trend = bars(told.trend, _full(one), _BARS, low=one.low_is_bad)
        yield f"{one.title:<12} {shown:>7} {limit:<6} {trend:<{_BARS}} {one.rung:<9} {age:>3}  {one.name}"
        if whole:
            yield from (f"  {words}" for words in _whole(snapshot, environment, one, told))
        if told.course is not None:
            yield from (f"  {words}" for words in _course(one, told.course))


def _full(one: Readout) -> float:
    return one.limit.number if one.limit else 0.0


def _whole(snapshot: Snapshot, environment: Environment, one: Readout, told: Told) -> Iterator[str]:
    for rule in reversed(one.rules):
        yield f"{rule.rung:<10} {rule.words}, {rule_words(one, rule, snapshot.at.utc_us)}"
    yield from standing_words(one, environment)
    source = told.source
    if source is None:
        yield f"measure    {NO_MEASURE}"
        return
    yield from (f"measure    {words}" for words in source.measure.splitlines())
    yield from (f"count      {words}" for words in source.count.splitlines())
    yield f"source     {source.words}"
    yield f"taken      {taken_words(one)}"
    if source.trouble:
        yield f"trouble    {source.trouble}"


def _course(one: Readout, stretches: Sequence[Stretch]) -> Iterator[str]:
    """From rung to rung, with the extremes on each."""
    if not stretches:
        yield "no sample since then"
    for (rung, known), group in groupby(stretches, key=lambda each: (each.rung, each.low is not None)):
        each = list(group)
        low = min((part.low for part in each if part.low is not None), default=None)
        high = max((part.high for part in each if part.high is not None), default=None)
        shown = dict.fromkeys((value(low, one.unit), value(high, one.unit)))
        told = " to ".join(shown) if known else "nothing known"
        yield f"{each[0].since} to {each[-1].until}  {rung or RECORDED:<9}  {told}"
