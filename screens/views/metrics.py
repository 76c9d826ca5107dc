"""The metric panes: worst rung first, each with its value, the threshold that decides, and what to do."""

from collections.abc import Sequence

from msgspec import Struct

from console.core.conditions import Comparison, Condition
from console.core.format import value
from console.core.ladder import range_of
from console.core.metrics import Reading, Row, Rung
from console.core.protocols import Snapshot
from console.core.strategy import Environment
from console.core.watched import Metric
from console.core.words import duration
from screens.lines import SEPARATOR, Line, Role, blank, cell, elide, fit, span
from screens.lines import width as width_of
from screens.trend import Trend, bars, trends

TITLE_CELLS = 12
VALUE_CELLS = 7
LIMIT_CELLS = 6
ACTION_CELLS = 15
LEAST_BARS = 4
CALM = "ok"
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
_ORDER = (
    Rung.AUTOMATIC,
    Rung.MANDATORY,
    Rung.WARN,
    Rung.STALE,
    Rung.WAITING,
    Rung.OK,
    Rung.RECOVERED,
    Rung.NO_SOURCE,
)
_UNMEASURED = (Rung.STALE, Rung.NO_SOURCE)
_SAID_BY_SIGN = (CALM, WARNS)
"""Words that the sign says as well, where there is no room for both."""
_CALM = (Rung.OK, Rung.RECOVERED, Rung.WAITING, Rung.NO_SOURCE)
"""Rungs that may be folded into a count."""


class MetricView(Struct, frozen=True):
    """One metric as its pane shows it."""

    title: str
    rung: Rung
    value: str
    """Empty when nothing is measured now."""
    limit: str
    """The threshold of the rule that decides, `>10`."""
    action: str
    """What to do about it, or why nothing can be said."""
    arming: bool
    trend: Trend
    full: float
    """What a full bar stands for at least: the threshold."""


class MetricsView(Struct, frozen=True):
    """All metrics, the most urgent first."""

    metrics: tuple[MetricView, ...]


# -- from the snapshot ------------------------------------------------------------------------------


def metrics_view(snapshot: Snapshot, environment: Environment) -> MetricsView:
    """Every metric of the strategy, as of the newest sample."""
    past = trends(snapshot.rows, snapshot.at)
    newest = snapshot.rows[-1] if snapshot.rows else None
    incident = snapshot.state.open_incident
    rolling = incident is not None and incident.gate_opened is not None
    views = []
    for name, metric in environment.metrics.items():
        reading = newest.reading(name) if newest else None
        views.append(_metric(snapshot, name, metric, reading, past.get(name, ()), rolling=rolling))
    return MetricsView(tuple(sorted(views, key=_urgency)))


def _urgency(view: MetricView) -> float:
    return _ORDER.index(Rung.WARN) - 0.5 if view.arming else _ORDER.index(view.rung)


def _metric(
    snapshot: Snapshot, name: str, metric: Metric, reading: Reading | None, trend: Trend, *, rolling: bool
) -> MetricView:
    rung = _rung(metric, reading)
    arms = _arms_in(name, metric, snapshot.rows) if rung in (Rung.WARN, Rung.WAITING, Rung.OK) else None
    number = reading.value if reading else None
    critical = number is not None and metric.critical and _meets(number, metric.critical.when, name)
    limit = _limit(name, _deciding(metric, rung, arming=arms is not None))
    if arms is not None:
        action = f"ARMS in {duration(arms)}"
    elif critical and not rung.says_roll_back:
        action = "CRITICAL"
    else:
        action = _action(snapshot, rung, reading, rolling=rolling)
    return MetricView(
        title=metric.title,
        rung=rung,
        value="" if rung in _UNMEASURED else value(number, metric.unit),
        limit=f"{limit.operator}{limit.number:g}" if limit else "",
        action=action,
        arming=arms is not None,
        trend=trend,
        full=limit.number if limit else 0.0,
    )


def _rung(metric: Metric, reading: Reading | None) -> Rung:
    if metric.measure is None:
        return Rung.NO_SOURCE
    return reading.rung if reading else Rung.WAITING


def _deciding(metric: Metric, rung: Rung, *, arming: bool) -> Condition | None:
    """The condition to show: the one that holds, or the first that would."""
    rungs = metric.rungs
    if arming or rung is Rung.MANDATORY:
        return rungs.mandatory
    if rung is Rung.AUTOMATIC:
        return rungs.automatic or rungs.mandatory
    return rungs.warn or rungs.mandatory or rungs.automatic


def _action(snapshot: Snapshot, rung: Rung, reading: Reading | None, *, rolling: bool) -> str:
    if rung.says_roll_back:
        return "still sick" if rolling else "ROLL BACK"
    if rung is Rung.STALE:
        measured = reading.measured if reading else None
        return f"STALE {duration(snapshot.at.seconds_since(measured))}" if measured else "STALE, never"
    if reading is None and rung is Rung.WAITING:
        return "no sample"
    return {Rung.WARN: WARNS, Rung.NO_SOURCE: "NO SOURCE", Rung.WAITING: "too few"}.get(rung, CALM)


def _limit(metric: str, condition: Condition | None) -> Comparison | None:
    """The first comparison of that metric in a condition: its threshold."""
    leaves = condition.leaves() if condition else ()
    return next((leaf for leaf in leaves if isinstance(leaf, Comparison) and leaf.metric == metric), None)


def _meets(number: float, condition: Condition | None, metric: str) -> bool:
    """Whether a value is one that a simple condition on that metric speaks of, whatever its window."""
    found = range_of(condition, metric) if condition else None
    return found is not None and found.low <= (number, 0) <= found.high


def _arms_in(name: str, metric: Metric, rows: Sequence[Row]) -> float | None:
    """Seconds until the mandatory rung holds if nothing changes; None where no window is under way."""
    condition = metric.rungs.mandatory
    found = range_of(condition, name) if condition else None
    if found is None or not found.seconds:
        return None
    first = None
    for row in reversed(rows):
        reading = row.reading(name)
        if reading is None or reading.value is None or not _meets(reading.value, condition, name):
            break
        first = row.at
    return max(0.0, found.seconds - rows[-1].at.seconds_since(first)) if first else None


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
            return _pane(shown[index], cells)
        return _folded(folded, cells) if folded and index == len(shown) else (blank(cells),)

    return [_row([pane(rows * x + y, cells) for x, cells in enumerate(columns)]) for y in range(rows)]


def _row(panes: Sequence[Line]) -> Line:
    joined = list(panes[0])
    for pane in panes[1:]:
        joined += [span(SEPARATOR, Role.DIM), *pane]
    return tuple(joined)


def _pane(view: MetricView, cells: int) -> Line:
    role = Role.WARN if view.arming else _ROLE.get(view.rung, Role.GOOD)
    sign = "! " if view.arming else _SIGN.get(view.rung, "✓ ")
    title = span(view.title, Role.STRONG if role is Role.BAD else Role.PLAIN)
    head = (span(f" {sign} ", role), *cell(title, TITLE_CELLS))
    room = cells - width_of(head) - 1
    return fit((*head, *(_measured if view.value else _unmeasured)(view, role, room)), cells)


def _unmeasured(view: MetricView, role: Role, room: int) -> Line:
    return (blank(1), elide(span(view.action, role), room - 1))


def _measured(view: MetricView, role: Role, room: int) -> Line:
    """Value, threshold, trend and action, as far as there is room: the action before the trend."""
    value_cells = cell(span(view.value, role), VALUE_CELLS, right=True)
    room -= VALUE_CELLS
    wide = room >= LIMIT_CELLS + LEAST_BARS + ACTION_CELLS
    action = view.action if wide or view.action not in _SAID_BY_SIGN else ""
    taken = ACTION_CELLS if wide else (len(action) + 1 if action else 0)
    parts = [*value_cells]
    if room - taken >= LIMIT_CELLS:
        parts += [blank(1), *cell(span(view.limit, Role.DIM), LIMIT_CELLS - 1)]
        room -= LIMIT_CELLS
    if room - taken > 1:
        parts += cell(span(bars(view.trend, view.full, room - taken), role), room - taken, right=True)
    return (*parts, blank(1), span(action, role))


def _folded(metrics: Sequence[MetricView], cells: int) -> Line:
    """`✓ and 5 ok, 1 no source`: what there is no room for, counted."""
    kinds: dict[str, int] = {}
    for metric in metrics:
        word = CALM if metric.rung in (Rung.OK, Rung.RECOVERED) else metric.rung.value
        kinds[word] = kinds.get(word, 0) + 1
    calm = all(metric.rung in _CALM and not metric.arming for metric in metrics)
    sign, role = (" ✓  ", Role.GOOD) if calm else (" !  ", Role.WARN)
    words = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return fit((span(sign, role), span(f"and {words}", role)), cells)
