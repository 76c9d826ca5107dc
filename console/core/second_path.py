"""The second path: whether another source agrees that what an automatic rule speaks of is so. Pure.

A broken monitor must not roll back a healthy service. For each metric that may, the strategy names a
condition on metrics of other sources; it agrees when that is true of what was measured after the alarm.
"""

from msgspec import Struct

from console.core.clock import Stamp
from console.core.format import value
from console.core.metrics import Row, Rung
from console.core.strategy import Environment
from console.core.truth import Facts, Truth, Watched

_BLIND = (Rung.STALE, Rung.NO_SOURCE)
_VERDICT = {True: "agrees", False: "disagrees", None: "cannot be told"}


class Second(Struct, frozen=True):
    """What the second path of a metric says."""

    agrees: Truth
    """None: it cannot be told."""
    words: str
    """On one line, with the values."""


def second(environment: Environment, metric: str, row: Row, since: Stamp) -> Second:
    """What the second path of a metric says at a tick, by what was measured after `since`."""
    rule = environment.automatic
    condition = rule.second_path.get(metric) if rule else None
    if condition is None:
        return Second(None, f"the strategy names no second path of {metric}")
    watched = Watched(condition.node, {})
    names = [name for name in environment.metrics if name in watched.names]
    values = {name: _value(environment, row, name, since) for name in names}
    watched.observe(Facts(row.at, values, dict.fromkeys(values, row.at), frozenset()))
    readings = "; ".join(_words(environment, name, values[name]) for name in names)
    text = " ".join(condition.text.split())
    return Second(watched.truth, f"second path of {metric} {_VERDICT[watched.truth]}, {text}: {readings}")


def _value(environment: Environment, row: Row, name: str, since: Stamp) -> float | None:
    """The value of a metric; None where it is stale, older than the alarm, or rests on too few samples."""
    reading, metric = row.reading(name), environment.metrics[name]
    if reading is None or reading.measured is None or reading.rung in _BLIND:
        return None
    few = reading.count is not None and reading.count < metric.at_least
    return None if few or reading.measured.seconds_since(since) <= 0 else reading.value


def _words(environment: Environment, name: str, number: float | None) -> str:
    metric = environment.metrics[name]
    return f"{metric.title} {'not known' if number is None else value(number, metric.unit)}"
