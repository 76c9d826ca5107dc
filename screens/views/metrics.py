"""The metric panes: worst rung first, each with its value, the threshold that decides, and what to do."""

from collections.abc import Sequence

from msgspec import Struct

from console.core.format import value
from console.core.freshness import blind_after_s
from console.core.metrics import Rung
from console.core.protocols import Snapshot
from console.core.readout import Readout, meets, readouts
from console.core.recommendation import Level, of_snapshot
from console.core.standing import health
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.trend import Trend, bars, trends
from console.core.watched import Critical
from console.core.words import brief, duration
from screens.lines import SEPARATOR, Line, Role, blank, cell, elide, fit, span
from screens.lines import width as width_of

TITLE_CELLS = 12
VALUE_CELLS = 7
LIMIT_CELLS = 6
ACTION_CELLS = 15
AGE_CELLS = 3
LEAST_BARS = 4
CALM = "ok"
UNJUDGED = "no rule"
WARNS = "warns"

_SIGN = {
    Rung.AUTOMATIC: "!!",
    Rung.MANDATORY: "!!",
    Rung.WARN: "! ",
    Rung.STALE: "? ",
    Rung.WAITING: "· ",
    Rung.NO_SOURCE: "- ",
}
_ROLE = {
    Rung.AUTOMATIC: Role.BAD,
    Rung.MANDATORY: Role.BAD,
    Rung.WARN: Role.WARN,
    Rung.STALE: Role.WARN,
    Rung.WAITING: Role.PLAIN,
    Rung.NO_SOURCE: Role.DIM,
}
_SAID_BY_SIGN = (CALM, WARNS, UNJUDGED)
"""Words that the sign says as well, where there is no room for both."""
_CALM = (Rung.OK, Rung.RECOVERED, Rung.WAITING, Rung.NO_SOURCE)
"""Rungs that may be folded into a count."""


class MetricView(Struct, frozen=True):
    """One metric as its pane shows it."""

    name: str
    title: str
    rung: Rung
    judged: bool
    """Whether any rule speaks of it; what is only counted is neither good nor bad."""
    value: str
    """Empty when nothing is measured now."""
    limit: str
    """The threshold of the rule that decides, `>10`."""
    action: str
    """What to do about it, or why nothing can be said."""
    was: str
    """The value before it went stale; empty while there is a value, and where there was none."""
    arming: bool
    trend: Trend
    full: float
    """What a full bar stands for at least: the threshold."""
    low_is_bad: bool
    """Whether the lowest of the values that share a bar is the one to show."""
    age: str
    """How old the sample is; empty without a value."""


class MetricsView(Struct, frozen=True):
    """All metrics, the most urgent first."""

    metrics: tuple[MetricView, ...]


# -- from the snapshot ------------------------------------------------------------------------------


def metrics_view(snapshot: Snapshot, environment: Environment) -> MetricsView:
    """Every metric of the strategy, as of the newest sample; as stale, where that is too old to be true."""
    past = trends(snapshot.rows, snapshot.at, blind_after_s(environment))
    demand = _demand(snapshot.state.incident, of_snapshot(snapshot, environment).level)
    return MetricsView(
        tuple(
            _metric(one, environment.metrics[one.name].critical, past.get(one.name, ()), demand)
            for one in readouts(snapshot, environment)
        )
    )


def _metric(readout: Readout, critical: Critical | None, trend: Trend, demand: str) -> MetricView:
    action, number, limit = _action(readout, demand), readout.value, readout.limit
    if action in (CALM, WARNS) and number is not None and critical:
        action = "CRITICAL" if meets(number, critical.when, readout.name) else action
    return MetricView(
        name=readout.name,
        title=readout.title,
        rung=readout.rung,
        judged=readout.judged,
        value="" if number is None else value(number, readout.unit),
        limit=f"{limit.operator}{limit.number:g}" if limit else "",
        action=action,
        was=_was(trend, readout) if readout.rung is Rung.STALE else "",
        arming=readout.arming,
        trend=trend,
        full=limit.number if limit else 0.0,
        low_is_bad=readout.low_is_bad,
        age="" if number is None or readout.age_s is None else brief(readout.age_s),
    )


def _demand(incident: Incident | None, advised: Level) -> str:
    """What a rung that demands a rollback says: it is obeyed once, and its window outlives its cause."""
    if advised == "held":
        return "HELD"
    if incident is None or incident.status == "suspected":
        return "ROLL BACK"
    if health(incident):
        return "settling"
    if incident.status == "resolved":
        return "still fires"
    return "still sick" if incident.gate_opened else "ROLL BACK"


def _action(readout: Readout, demand: str) -> str:
    rung, reading = readout.rung, readout.reading
    if rung.says_roll_back:
        return demand
    if rung is Rung.NO_SOURCE:
        return "NO SOURCE"
    if reading is None:
        return "no sample"
    if rung is Rung.STALE:
        return "STALE, never" if readout.age_s is None else f"STALE {duration(readout.age_s)}"
    if reading.arms_in_s is not None:
        left = duration(reading.arms_in_s)
        return f"ARMS in {left}" if readout.arming else f"warns in {left}"
    if rung is Rung.WAITING:
        return "too few" if reading.measured else "no data yet"
    if not readout.judged:
        return UNJUDGED
    return WARNS if rung is Rung.WARN else CALM


def _was(trend: Trend, readout: Readout) -> str:
    """What was measured last, while it was."""
    last = next((number for number in reversed(trend) if number is not None), None)
    return "" if last is None else value(last, readout.unit)


# -- to lines ---------------------------------------------------------------------------------------


def columns_for(width: int) -> tuple[int, ...]:
    """The cells of the panes that stand side by side; where it is narrow, the worst get more."""
    if width >= 160:
        return (width - 2) // 3, (width - 2) // 3, width - 2 - 2 * ((width - 2) // 3)
    left = (width - 1) // 2 if width >= 100 else width - 33
    return left, width - 1 - left


def metric_lines(number: int, width: int) -> int:
    """Lines that so many panes take."""
    return -(-number // len(columns_for(width)))


def draw_metrics(view: MetricsView, width: int, height: int) -> list[Line]:
    """The panes, down each column and then to the next; calm ones fold into a count for want of room."""
    columns = columns_for(width)
    room = max(0, height) * len(columns)
    shown = view.metrics if len(view.metrics) <= room else view.metrics[: max(0, room - 1)]
    folded = view.metrics[len(shown) :]
    rows = min(height, -(-(len(shown) + bool(folded)) // len(columns)))

    def pane(index: int, cells: int) -> Line:
        if index < len(shown):
            return draw_metric(shown[index], cells)
        return _folded(folded, cells) if folded and index == len(shown) else (blank(cells),)

    return [_row([pane(rows * x + y, cells) for x, cells in enumerate(columns)]) for y in range(rows)]


def _row(panes: Sequence[Line]) -> Line:
    joined = list(panes[0])
    for pane in panes[1:]:
        joined += [span(SEPARATOR, Role.DIM), *pane]
    return tuple(joined)


def draw_metric(view: MetricView, cells: int) -> Line:
    """One metric in so many cells."""
    role = Role.WARN if view.arming else _ROLE.get(view.rung, Role.GOOD if view.judged else Role.PLAIN)
    sign = "! " if view.arming else _SIGN.get(view.rung, "✓ " if view.judged else "· ")
    title = span(view.title, Role.STRONG if role is Role.BAD else Role.PLAIN)
    head = (span(f" {sign} ", role), *cell(title, TITLE_CELLS))
    room = cells - width_of(head) - 1
    return fit((*head, *(_measured if view.value else _unmeasured)(view, role, room)), cells)


def _unmeasured(view: MetricView, role: Role, room: int) -> Line:
    """Why there is no value; and the last one, where there is room for all of it."""
    action = elide(span(view.action, role), room - 1)
    was = span(f", was {view.was}" if view.was else "", Role.DIM)
    return (blank(1), action, was) if action.cells + was.cells < room else (blank(1), action)


def _measured(view: MetricView, role: Role, room: int) -> Line:
    """Value, threshold, trend, action and age, as far as there is room: the action before the trend."""
    value_cells = cell(span(view.value, role), VALUE_CELLS, right=True)
    room -= VALUE_CELLS
    wide = room >= LIMIT_CELLS + LEAST_BARS + ACTION_CELLS
    action = view.action if wide or view.action not in _SAID_BY_SIGN else ""
    taken = ACTION_CELLS if wide else (len(action) + 1 if action else 0)
    parts = [*value_cells]
    if room - taken >= LIMIT_CELLS:
        parts += [blank(1), *cell(span(view.limit, Role.DIM), LIMIT_CELLS - 1)]
        room -= LIMIT_CELLS
    room -= taken
    age = span(view.age, Role.DIM)
    if not action and room < LEAST_BARS:
        return (*parts, *cell(age, room + 1, right=True))
    aged = room >= LEAST_BARS + AGE_CELLS + 1
    if aged:
        room -= AGE_CELLS + 1
    if room > 1:
        trend = bars(view.trend, view.full, room, low=view.low_is_bad)
        parts += cell(span(trend, role), room, right=True)
    said = cell(span(action, role), taken - 1) if aged else (span(action, role),)
    return (*parts, blank(1), *said, *((blank(1), *cell(age, AGE_CELLS, right=True)) if aged else ()))


def _folded(metrics: Sequence[MetricView], cells: int) -> Line:
    """`✓ and 5 ok, 1 no source`: what there is no room for, counted."""
    kinds: dict[str, int] = {}
    for metric in metrics:
        word = metric.rung.value
        if metric.rung in (Rung.OK, Rung.RECOVERED):
            word = CALM if metric.judged else UNJUDGED
        kinds[word] = kinds.get(word, 0) + 1
    calm = all(metric.rung in _CALM and not metric.arming for metric in metrics)
    sign, role = (" ✓  ", Role.GOOD) if calm else (" !  ", Role.WARN)
    words = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return fit((span(sign, role), span(f"and {words}", role)), cells)
