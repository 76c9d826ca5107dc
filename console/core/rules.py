"""The ladder: on which rung each metric stands, by whose words, since when, and what arms next (STRATEGY 1).

For one metric, in this order:

- the highest of warn, mandatory and automatic that is true, and whose lower ones are true as well;
- NO_SOURCE, STALE (no data for three intervals) or WAITING (too few samples to be a trend);
- the rung it had, while a sample is late but not three intervals late;
- WAITING while a `for` window is under way; RECOVERED when that is true; OK.

A value that rests on too few samples, or that is stale, is unknown to every condition that mentions it.

Up goes at once, down only when it has been better for a while (see settling).
"""

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from itertools import chain, takewhile

from msgspec import Struct

from console.core.clock import Stamp
from console.core.conditions import Condition
from console.core.measures import NOTHING, Measured, UnwatchableError
from console.core.metrics import LADDER, Rung
from console.core.settling import Settling, Verdict
from console.core.truth import Facts, Watched
from console.core.watched import Metric

STALE_AFTER = 3
"""Intervals without data after which a source is silent."""


def silence_s(every_s: float, limit_s: float) -> float:
    """Seconds without data after which a source is silent: three intervals.

    Where one question may take longer than that, it is as long as one may take, or a service that hangs
    would look like one that nobody asks.
    """
    return max(STALE_AFTER * every_s, every_s + limit_s)


class Standing(Struct, frozen=True):
    """Where a metric stands."""

    rung: Rung
    since: Stamp
    """When it came to this rung."""
    rule: str = ""
    """The words of the rule that decided; empty where none did."""
    onset: Stamp | None = None
    """When that which the rule speaks of began; of an automatic rung, when the mandatory one's did."""
    arms: Rung | None = None
    """The rung above, whose `for` window is under way."""
    arms_in_s: float | None = None
    """Seconds until that rung holds if nothing changes."""


class _Rule(Struct, frozen=True):
    rung: Rung
    condition: Condition
    watched: Watched


class Ladder:
    """All metrics of one environment, judged together, because a rule may speak of any of them."""

    def __init__(
        self, metrics: Mapping[str, Metric], gaps: Mapping[str, float], settle_s: float = 0.0
    ) -> None:
        """`gaps` holds, for each metric that has a measure, the seconds without data that make it stale;
        `settle_s` is how long a metric must have been better before it comes down.

        Raises UnwatchableError for an automatic rung without the mandatory one that it requires.
        """
        self._metrics = metrics
        self._gaps = gaps
        self._rules = {name: self._climbing(name, metric) for name, metric in metrics.items()}
        self._recovered = {
            name: self._rule(Rung.RECOVERED, metric.rungs.recovered)
            for name, metric in metrics.items()
            if metric.rungs.recovered
        }
        self._settling = {name: Settling(settle_s) for name in metrics}
        self._standings: dict[str, Standing] = {}
        self._began: Stamp | None = None

    def observe(
        self, measured: Mapping[str, Measured], flags: AbstractSet[str], at: Stamp
    ) -> Mapping[str, Standing]:
        """Where each metric stands at `at`, which is later than before.

        `measured` may repeat the last sample of a metric, and lack metrics of which nothing is known.
        `flags` are the declared triggers that are raised.
        """
        self._began = self._began or at
        taken = {name: measured.get(name, NOTHING) for name in self._metrics}
        blind = {name: self._blind(name, sample, at) for name, sample in taken.items()}
        values = {name: None if blind[name] else sample.value for name, sample in taken.items()}
        facts = Facts(at, values, {name: sample.at for name, sample in taken.items()}, flags)
        for rule in (*self._recovered.values(), *chain.from_iterable(self._rules.values())):
            rule.watched.observe(facts)
        self._standings = {name: self._stand(name, facts, blind) for name in self._metrics}
        return self._standings

    def _rule(self, rung: Rung, condition: Condition) -> _Rule:
        return _Rule(rung, condition, Watched(condition.node, self._gaps))

    def _climbing(self, name: str, metric: Metric) -> tuple[_Rule, ...]:
        """The rungs above OK that a metric has, from the lowest."""
        rungs = metric.rungs
        if rungs.automatic and not rungs.mandatory:
            raise UnwatchableError(
                f"metric `{name}` has an automatic rung but no mandatory one, which it requires"
            )
        written = (
            (Rung.WARN, rungs.warn),
            (Rung.MANDATORY, rungs.mandatory),
            (Rung.AUTOMATIC, rungs.automatic),
        )
        return tuple(self._rule(rung, condition) for rung, condition in written if condition)

    def _blind(self, name: str, sample: Measured, at: Stamp) -> Rung | None:
        """Why a metric's value must not be judged; None when it may be, or when it is only late."""
        metric = self._metrics[name]
        if metric.measure is None:
            return Rung.NO_SOURCE
        if at.seconds_since(sample.at or self._began or at) > self._gaps[name]:
            return Rung.STALE
        too_few = sample.count is not None and sample.count < metric.at_least
        return Rung.WAITING if too_few or sample.at is None else None

    def _stand(self, name: str, facts: Facts, blind: Mapping[str, Rung | None]) -> Standing:
        """The new standing; one that is only late stays where it stood."""
        before, settling = self._standings.get(name), self._settling[name]
        verdict = self._verdict(name, facts, blind)
        if verdict is not None:
            verdict = settling.settled(verdict, self._arming(name, facts.at, verdict.rung)[0], facts.at)
        else:
            settling.late()
            verdict = Verdict(before.rung, before.rule, before.onset) if before else Verdict(Rung.WAITING)
        since = before.since if before and before.rung is verdict.rung else facts.at
        arms, arms_in_s = self._arming(name, facts.at, verdict.rung)
        return Standing(verdict.rung, since, verdict.rule, verdict.onset, arms, arms_in_s)

    def _verdict(self, name: str, facts: Facts, blind: Mapping[str, Rung | None]) -> Verdict | None:
        held = list(takewhile(lambda rule: rule.watched.truth, self._rules[name]))
        if held:
            return Verdict(held[-1].rung, held[-1].condition.text, _onset(held))
        if blind[name] or facts.values[name] is None:
            return _new(blind[name])
        if any(rule.watched.truth is None for rule in self._rules[name][:1]):
            return _new(_gravest(self._rules[name][0], blind))
        if self._arming(name, facts.at, Rung.OK)[0]:
            return Verdict(Rung.WAITING)
        recovered = self._recovered.get(name)
        if recovered and recovered.watched.truth:
            return Verdict(Rung.RECOVERED, recovered.condition.text)
        return Verdict(Rung.OK)

    def _arming(self, name: str, at: Stamp, rung: Rung) -> tuple[Rung, float] | tuple[None, None]:
        """The next rung above `rung`, if it would hold by waiting, and the seconds until then."""
        height = LADDER.index(rung) if rung in LADDER else 0
        above = next((rule for rule in self._rules[name] if LADDER.index(rule.rung) > height), None)
        left = above.watched.left(at) if above else math.inf
        return (None, None) if above is None or math.isinf(left) else (above.rung, left)


def _onset(held: list[_Rule]) -> Stamp | None:
    """When the matter began: with the mandatory rung, where one holds."""
    first = next((rule for rule in held if rule.rung is Rung.MANDATORY), held[-1])
    return first.watched.onset


def _new(rung: Rung | None) -> Verdict | None:
    return Verdict(rung, judged=False) if rung else None


def _gravest(rule: _Rule, blind: Mapping[str, Rung | None]) -> Rung | None:
    """Why a rule that also speaks of other metrics is unknown; None when those are only late."""
    reasons = {blind.get(name) for name in rule.watched.names}
    return next((rung for rung in (Rung.NO_SOURCE, Rung.STALE, Rung.WAITING) if rung in reasons), None)
