"""What is known of each metric now, the most urgent first: for panes, screens and subcommands. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from console.core.clock import Stamp
from console.core.conditions import Comparison, Condition
from console.core.freshness import rungs_now
from console.core.ladder import range_of
from console.core.metrics import LADDER, UNMEASURED, URGENCY, Reading, Rung
from console.core.protocols import Snapshot
from console.core.strategy import Environment
from console.core.watched import Metric, Unit

_JUST_ABOVE_WARN = URGENCY.index(Rung.WARN) - 0.5


class Rule(Struct, frozen=True):
    """The rule of one rung, and how it stands."""

    rung: Rung
    words: str
    """As the strategy has it."""
    holds: bool | None
    """Whether the metric stands on that rung or above; None where that cannot be said."""
    left_s: float | None
    """Seconds until it holds if nothing changes; None where no window is under way."""
    threshold: Comparison | None
    """What the metric itself is compared with; None where the rule names no number."""


class Readout(Struct, frozen=True):
    """One metric, as of the newest sample; as stale, where that is too old to be true."""

    name: str
    title: str
    unit: Unit
    source: str | None
    """None: the metric has none."""
    rung: Rung
    since: Stamp | None
    """When it came to this rung; None where the journal does not say."""
    value: float | None
    """None when nothing is known now."""
    count: int | None
    """How many requests, tries or probes it rests on, where that means something."""
    at_least: int
    """How many it must rest on to be judged."""
    measured: Stamp | None
    """When it was taken at its source; None when it never was."""
    age_s: float | None
    """Seconds since then."""
    reading: Reading | None
    """What the newest sample says; None where it says nothing of this metric."""
    rules: tuple[Rule, ...]
    """From `recovered` up, those that there are."""
    judged: bool
    """Whether any rule speaks of it; what is only counted is neither good nor bad."""
    arming: bool
    """Whether a rung that demands a rollback, where none does yet, is only a matter of time."""
    limit: Comparison | None
    """The threshold that decides: of the rule that holds, or of the first that would."""
    settling: bool
    """Whether the value is better than its rung says, and only has to stay so for a while."""

    @property
    def low_is_bad(self) -> bool:
        """Whether the metric gets worse as its value falls."""
        return self.limit is not None and self.limit.operator in ("<", "<=", "=")


def readouts(snapshot: Snapshot, environment: Environment) -> tuple[Readout, ...]:
    """Every metric of the strategy."""
    rungs = rungs_now(snapshot, environment)
    newest = {reading.metric: reading for reading in snapshot.rows[-1].readings} if snapshot.rows else {}
    made = (
        _readout(snapshot, name, metric, rungs[name], newest.get(name))
        for name, metric in environment.metrics.items()
    )
    return tuple(sorted(made, key=_urgency))


def _urgency(readout: Readout) -> float:
    return _JUST_ABOVE_WARN if readout.arming else URGENCY.index(readout.rung)


def _readout(snapshot: Snapshot, name: str, metric: Metric, rung: Rung, reading: Reading | None) -> Readout:
    known = snapshot.state.rungs.get(name)
    arming = _arming(rung, reading)
    value = reading.value if reading and rung not in UNMEASURED else None
    measured = reading.measured if reading else None
    rules = tuple(_rules(name, metric, rung, reading))
    return Readout(
        name=name,
        title=metric.title,
        unit=metric.unit,
        source=metric.measure.source if metric.measure else None,
        rung=rung,
        since=known.since if known and known.rung is rung else None,
        value=value,
        count=reading.count if reading else None,
        at_least=metric.at_least,
        measured=measured,
        age_s=max(0.0, snapshot.at.seconds_since(measured)) if measured else None,
        reading=reading,
        rules=rules,
        judged=bool(rules),
        arming=arming,
        limit=threshold(name, _deciding(metric, rung, arming=arming)),
        settling=_settling(name, metric, rung, value),
    )


def _arming(rung: Rung, reading: Reading | None) -> bool:
    arms = reading.arms if reading else None
    calm = rung not in UNMEASURED and not rung.says_roll_back
    return calm and arms is not None and arms.says_roll_back


def _conditions(metric: Metric) -> Iterator[tuple[Rung, Condition]]:
    """The rules that a metric has, from the lowest."""
    rungs = metric.rungs
    written = (
        (Rung.RECOVERED, rungs.recovered),
        (Rung.WARN, rungs.warn),
        (Rung.MANDATORY, rungs.mandatory),
        (Rung.AUTOMATIC, rungs.automatic),
    )
    yield from ((rung, condition) for rung, condition in written if condition is not None)


def _rules(name: str, metric: Metric, rung: Rung, reading: Reading | None) -> Iterator[Rule]:
    for own, condition in _conditions(metric):
        arms = reading is not None and reading.arms is own and rung not in UNMEASURED
        yield Rule(
            rung=own,
            words=condition.text,
            holds=_holds(own, rung),
            left_s=reading.arms_in_s if reading and arms else None,
            threshold=threshold(name, condition),
        )


def _holds(own: Rung, rung: Rung) -> bool | None:
    if rung not in LADDER:
        return None
    if own is Rung.RECOVERED:
        return rung is Rung.RECOVERED
    return LADDER.index(rung) >= LADDER.index(own)


def _deciding(metric: Metric, rung: Rung, *, arming: bool) -> Condition | None:
    """The condition to show: the one that holds, or the first that would."""
    rungs = metric.rungs
    if arming or rung is Rung.MANDATORY:
        return rungs.mandatory
    if rung is Rung.AUTOMATIC:
        return rungs.automatic or rungs.mandatory
    return rungs.warn or rungs.mandatory or rungs.automatic


def threshold(metric: str, condition: Condition | None) -> Comparison | None:
    """The first comparison of that metric in a condition."""
    leaves = condition.leaves() if condition else ()
    return next((leaf for leaf in leaves if isinstance(leaf, Comparison) and leaf.metric == metric), None)


def meets(number: float, condition: Condition | None, metric: str) -> bool | None:
    """Whether a value is one that a simple condition on that metric speaks of, whatever its window.

    None where the condition is none of these.
    """
    found = range_of(condition, metric) if condition else None
    return None if found is None else found.low <= (number, 0) <= found.high


def _settling(name: str, metric: Metric, rung: Rung, value: float | None) -> bool:
    held = dict(_conditions(metric)).get(rung)
    return value is not None and rung.is_trouble and meets(value, held, name) is False
