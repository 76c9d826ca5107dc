"""The metric panes: worst rung first, each with its value, the threshold that decides, and what to do."""

from collections.abc import Sequence

from msgspec import Struct

from console.core.conditions import Comparison, Condition
from console.core.format import value
from console.core.freshness import rungs_now
from console.core.ladder import range_of
from console.core.metrics import Reading, Rung
from console.core.protocols import Snapshot
from console.core.standing import health
from console.core.state import Incident
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
_SAID_BY_SIGN = (CALM, WARNS, UNJUDGED)
"""Words that the sign says as well, where there is no room for both."""
_CALM = (Rung.OK, Rung.RECOVERED, Rung.WAITING, Rung.NO_SOURCE)
"""Rungs that may be folded into a count."""


class MetricView(Struct, frozen=True):
    """One metric as its pane shows it."""

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


class MetricsView(Struct, frozen=True):
    """All metrics, the most urgent first."""

    metrics: tuple[MetricView, ...]


# -- from the snapshot ------------------------------------------------------------------------------


def metrics_view(snapshot: Snapshot, environment: Environment) -> MetricsView:
    """Every metric of the strategy, as of the newest sample; as stale, where that is too old to be true."""
    past, rungs = trends(snapshot.rows, snapshot.at), rungs_now(snapshot, environment)
    newest = snapshot.rows[-1] if snapshot.rows else None
    demand = _demand(snapshot.state.incident)
    views = []
    for name, metric in environment.metrics.items():
        reading = newest.reading(name) if newest else None
        action = _action(snapshot, metric, rungs[name], reading, demand)
        views.append(_metric(name, metric, rungs[name], reading, past.get(name, ()), action))
    return MetricsView(tuple(sorted(views, key=_urgency)))


def _urgency(view: MetricView) -> float:
    return _ORDER.index(Rung.WARN) - 0.5 if view.arming else _ORDER.index(view.rung)


def _metric(
    name: str, metric: Metric, rung: Rung, reading: Reading | None, trend: Trend, action: str
) -> MetricView:
    arming = _arming(rung, reading)
    limit = _limit(name, _deciding(metric, rung, arming=arming))
    number = reading.value if reading else None
    if action in (CALM, WARNS) and number is not None and metric.critical:
        action = "CRITICAL" if _meets(number, metric.critical.when, name) else action
    return MetricView(
        title=metric.title,
        rung=rung,
        judged=_judged(metric),
        value="" if number is None or rung in _UNMEASURED else value(number, metric.unit),
        limit=f"{limit.operator}{limit.number:g}" if limit else "",
        action=action,
        was=_was(trend, metric) if rung is Rung.STALE else "",
        arming=arming,
        trend=trend,
        full=limit.number if limit else 0.0,
    )


def _arming(rung: Rung, reading: Reading | None) -> bool:
    """Whether a rung that demands a rollback, where none does yet, is only a matter of time."""
    arms = reading.arms if reading else None
    calm = rung not in _UNMEASURED and not rung.says_roll_back
    return calm and arms is not None and arms.says_roll_back


def _deciding(metric: Metric, rung: Rung, *, arming: bool) -> Condition | None:
    """The condition to show: the one that holds, or the first that would."""
    rungs = metric.rungs
    if arming or rung is Rung.MANDATORY:
        return rungs.mandatory
    if rung is Rung.AUTOMATIC:
        return rungs.automatic or rungs.mandatory
    return rungs.warn or rungs.mandatory or rungs.automatic


def _demand(incident: Incident | None) -> str:
    """What a rung that demands a rollback says: it is obeyed once, and its window outlives its cause."""
    if incident is None or incident.status == "suspected":
        return "ROLL BACK"
    if health(incident):
        return "settling"
    if incident.status == "resolved":
        return "still fires"
    return "still sick" if incident.gate_opened else "ROLL BACK"


def _judged(metric: Metric) -> bool:
    rungs = metric.rungs
    return any((rungs.recovered, rungs.warn, rungs.mandatory, rungs.automatic))


def _action(snapshot: Snapshot, metric: Metric, rung: Rung, reading: Reading | None, demand: str) -> str:
    if rung.says_roll_back:
        return demand
    if rung is Rung.NO_SOURCE:
        return "NO SOURCE"
    if reading is None:
        return "no sample"
    if rung is Rung.STALE:
        age = snapshot.at.seconds_since(reading.measured) if reading.measured else None
        return "STALE, never" if age is None else f"STALE {duration(age)}"
    if reading.arms_in_s is not None:
        left = duration(reading.arms_in_s)
        return f"ARMS in {left}" if _arming(rung, reading) else f"warns in {left}"
    if rung is Rung.WAITING:
        return "too few" if reading.measured else "no data yet"
    if not _judged(metric):
        return UNJUDGED
    return WARNS if rung is Rung.WARN else CALM


def _was(trend: Trend, metric: Metric) -> str:
    """What was measured last, while it was."""
    last = next((number for number in reversed(trend) if number is not None), None)
    return "" if last is None else value(last, metric.unit)


def _limit(metric: str, condition: Condition | None) -> Comparison | None:
    """The first comparison of that metric in a condition: its threshold."""
    leaves = condition.leaves() if condition else ()
    return next((leaf for leaf in leaves if isinstance(leaf, Comparison) and leaf.metric == metric), None)


def _meets(number: float, condition: Condition | None, metric: str) -> bool:
    """Whether a value is one that a simple condition on that metric speaks of, whatever its window."""
    found = range_of(condition, metric) if condition else None
    return found is not None and found.low <= (number, 0) <= found.high


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
        word = metric.rung.value
        if metric.rung in (Rung.OK, Rung.RECOVERED):
            word = CALM if metric.judged else UNJUDGED
        kinds[word] = kinds.get(word, 0) + 1
    calm = all(metric.rung in _CALM and not metric.arming for metric in metrics)
    sign, role = (" ✓  ", Role.GOOD) if calm else (" !  ", Role.WARN)
    words = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return fit((span(sign, role), span(f"and {words}", role)), cells)
