"""One metric in full: the list it stands in, its chart, how each of its rules stands, and what is asked."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from console.core.clock import Stamp
from console.core.course import Piece, Span, course
from console.core.freshness import PATIENCE_S, blind_after_s
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
from console.core.protocols import Snapshot
from console.core.readout import Readout, Rule, readouts
from console.core.standing import healthy_at
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.trend import WINDOW_S, reach_s
from screens.chart import FOOT_LINES, ChartView, Mark, Threshold, draw_chart
from screens.lines import LABEL_CELLS, Line, Role, blank, cell, labelled, rule, span, wrap
from screens.views.metrics import draw_metric, metrics_view

CHART_LINES = (10, 20)
LIST_LINES = 3
"""The least of each; the chart at most as many as its second number."""
FACTS_LINES = 13
"""What rules, question and source mostly take."""
LEGEND_LINES = 2
_RUNG_CELLS = 10
_LEAST_INCIDENT_S = 120.0


class Reach(StrEnum):
    """How far back the chart goes."""

    QUARTER = "15 minutes"
    INCIDENT = "the whole incident"
    HOUR = "1 hour"
    HOURS = "4 hours"


_SECONDS = {Reach.QUARTER: WINDOW_S, Reach.HOUR: 3600.0, Reach.HOURS: 4 * 3600.0}


class Looking(Struct, frozen=True):
    """What somebody looks at."""

    metric: str
    reach: Reach = Reach.QUARTER
    past: tuple[Piece, ...] | None = ()
    """What a snapshot has let go of; None while it is being read."""


def reaches(snapshot: Snapshot) -> tuple[Reach, ...]:
    """How far back one can look now."""
    return tuple(reach for reach in Reach if reach is not Reach.INCIDENT or snapshot.state.incident)


def chosen(snapshot: Snapshot, environment: Environment, metric: str) -> str:
    """That metric, where there is one; else the most urgent."""
    return metric if metric in environment.metrics else names(snapshot, environment)[0]


def names(snapshot: Snapshot, environment: Environment) -> list[str]:
    """All metrics, the most urgent first."""
    return [readout.name for readout in readouts(snapshot, environment)]


def covers(snapshot: Snapshot) -> bool:
    """Whether a snapshot has the last minutes whole: its engine, or one before it, looked all that time."""
    return reach_s(snapshot.rows, snapshot.at) > WINDOW_S - PATIENCE_S


def span_of(reach: Reach, snapshot: Snapshot, environment: Environment) -> Span:
    """The time that is drawn; that of an incident begins before its onset and ends with it."""
    gap_s = blind_after_s(environment)
    incident = snapshot.state.incident
    if reach is not Reach.INCIDENT or incident is None:
        return Span(snapshot.at, _SECONDS.get(reach, WINDOW_S), gap_s)
    end = incident.resolved or snapshot.at
    lasted = end.seconds_since(incident.onset)
    return Span(end, max(_LEAST_INCIDENT_S, lasted * 1.25), gap_s)


def metric_view(
    snapshot: Snapshot, environment: Environment, looking: Looking, width: int, height: int
) -> list[Line]:
    """Everything about one metric, in lines of `width` cells; the chart is within the first `height`."""
    found = {readout.name: readout for readout in readouts(snapshot, environment)}
    readout = found[chosen(snapshot, environment, looking.metric)]
    chart_lines = max(CHART_LINES[0], min(CHART_LINES[1], CHART_LINES[0] + (height - 34) // 2))
    room = height - chart_lines - FOOT_LINES - LEGEND_LINES - FACTS_LINES
    chart = chart_view(snapshot, environment, readout, looking)
    return [
        *_list(snapshot, environment, readout.name, width, max(LIST_LINES, room)),
        *draw_chart(chart, width, chart_lines),
        *_facts(snapshot, environment, readout, width),
    ]


def _list(snapshot: Snapshot, environment: Environment, metric: str, width: int, most: int) -> list[Line]:
    """The metrics around the chosen one."""
    views = metrics_view(snapshot, environment).metrics
    at = next(index for index, view in enumerate(views) if view.name == metric)
    first = max(0, min(len(views) - most, at - most // 2))
    return [
        (span("▸" if view.name == metric else " ", Role.ACT), *draw_metric(view, width - 1))
        for view in views[first : first + most]
    ]


# -- the chart --------------------------------------------------------------------------------------


def chart_view(snapshot: Snapshot, environment: Environment, readout: Readout, looking: Looking) -> ChartView:
    """What the chart of one metric shows."""
    span_ = span_of(looking.reach, snapshot, environment)
    rows = snapshot.rows
    past = looking.past or ()
    older = [piece for piece in past if not rows or rows[0].at.seconds_since(piece.since) > 0]
    reading = ", being read" if looking.past is None else ""
    return ChartView(
        pieces=(*older, *course(rows, readout.name)),
        span=span_,
        unit=readout.unit,
        thresholds=tuple(
            Threshold(rule.rung, rule.threshold.number) for rule in readout.rules if rule.threshold
        ),
        marks=tuple(_within(span_, _marks(snapshot))),
        words=f"{looking.reach}{reading}",
        judged=readout.judged,
    )


def _within(span_: Span, marks: Iterator[Mark]) -> Iterator[Mark]:
    for mark in sorted(marks, key=lambda mark: mark.at.utc_us):
        if 0 <= span_.now.seconds_since(mark.at) <= span_.seconds:
            yield mark


def _marks(snapshot: Snapshot) -> Iterator[Mark]:
    for landing in snapshot.state.landed:
        if landing.before is not None:
            yield Mark("L", f"{landing.release} landed", landing.since)
    incident = snapshot.state.incident
    for letter, words, at in _chapters(incident) if incident else ():
        if at is not None:
            yield Mark(letter, words, at)


def _chapters(incident: Incident) -> Sequence[tuple[str, str, Stamp | None]]:
    return (
        ("O", "onset", incident.onset),
        ("D", "declared", incident.declared),
        ("G", "gate opened", incident.gate_opened),
        ("H", "healthy", healthy_at(incident)),
        ("E", "resolved", incident.resolved),
    )


# -- below it ---------------------------------------------------------------------------------------


def _facts(snapshot: Snapshot, environment: Environment, readout: Readout, width: int) -> Iterator[Line]:
    yield rule(width, span(readout.title, Role.STRONG), span(f" {readout.name}: {readout.rung}"))
    for one in reversed(readout.rules):
        yield from _rule(readout, one, snapshot, width)
    if not readout.rules:
        yield from labelled("rules", "none: it is only counted", width, Role.DIM)
    for words in standing_words(readout, environment):
        yield from labelled("", words, width)
    yield from _asked(snapshot, environment, readout, width)


def _rule(readout: Readout, one: Rule, snapshot: Snapshot, width: int) -> Iterator[Line]:
    holds = bool(one.holds)
    calm = one.rung is Rung.RECOVERED
    role = (Role.GOOD if calm else Role.BAD if one.rung.says_roll_back else Role.WARN) if holds else Role.DIM
    sign = ("✓" if calm else "!") if holds else "·"
    head = (span(f" {sign} ", role), *cell(span(str(one.rung), role), _RUNG_CELLS), blank(1))
    how = rule_words(readout, one, snapshot.at.utc_us)
    room = width - LABEL_CELLS - _RUNG_CELLS
    first, *more = wrap(f"{one.words}, {how}", room, role if holds else Role.PLAIN)
    yield (*head, *first)
    yield from ((blank(_RUNG_CELLS + 4), *row) for row in more)


def _asked(snapshot: Snapshot, environment: Environment, readout: Readout, width: int) -> Iterator[Line]:
    measure = environment.metrics[readout.name].measure
    if measure is None:
        yield from labelled("measure", NO_MEASURE, width, Role.DIM)
        return
    source = environment.sources[measure.source]
    yield from _lines("measure", measure_words(measure, source), width)
    if count := count_words(measure, source):
        yield from _lines("count", count, width)
    yield from labelled("source", source_words(measure.source, source), width)
    yield from labelled("taken", taken_words(readout), width)
    trouble = snapshot.live.trouble.get(measure.source) if snapshot.live else None
    if trouble:
        yield from labelled("trouble", trouble, width, Role.WARN)


def _lines(name: str, text: str, width: int) -> Iterator[Line]:
    """A question as it was written, line by line."""
    for number, row in enumerate(text.splitlines() or [""]):
        yield from labelled("" if number else name, row, width)
