"""A slow evaluator of the ladder, right by definition: it asks the whole past at every question."""

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field

from console.core.clock import Stamp
from console.core.conditions import AllOf, AnyOf, Comparison, Condition, Flag, Held, Node, Not
from console.core.measures import Measured
from console.core.metrics import LADDER, Rung
from console.core.rules import Standing
from console.core.watched import Metric

SIGNS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


Told = tuple[Rung, str, Stamp | None]
"""A rung, the words of the rule that decided, and the onset."""


def height(rung: Rung) -> int:
    """On the ladder; a window under way is as high as OK."""
    return LADDER.index(Rung.OK if rung is Rung.WAITING else rung)


@dataclass(frozen=True)
class Moment:
    """What was known at one tick."""

    at: Stamp
    measured: Mapping[str, Measured]
    flags: frozenset[str]


@dataclass
class Reference:
    """All moments so far; every question about moment `i` is answered from moments 0 to `i`."""

    metrics: Mapping[str, Metric]
    gaps: Mapping[str, float]
    settle_s: float = 0.0
    past: list[Moment] = field(default_factory=list)

    def blind(self, name: str, i: int) -> Rung | None:
        metric, moment = self.metrics[name], self.past[i]
        sample = moment.measured.get(name, Measured(None, None, None))
        if metric.measure is None:
            return Rung.NO_SOURCE
        if moment.at.seconds_since(sample.at or self.past[0].at) > self.gaps[name]:
            return Rung.STALE
        if sample.at is None:
            return Rung.WAITING
        if sample.count is not None and sample.count < metric.at_least:
            return Rung.WAITING
        return None

    def value(self, name: str, i: int) -> float | None:
        if self.blind(name, i):
            return None
        return self.past[i].measured[name].value

    def truth(self, node: Node, i: int) -> bool | None:
        match node:
            case Comparison(metric=name, operator=sign, number=number):
                value = self.value(name, i)
                return None if value is None else SIGNS[sign](value, number)
            case Flag(name=name) if name not in self.metrics:
                return name in self.past[i].flags
            case Flag(name=name):
                value = self.value(name, i)
                return None if value is None else value != 0
            case Not(flag=flag):
                inner = self.truth(flag, i)
                return None if inner is None else not inner
            case Held(condition=inner, seconds=seconds):
                now = self.truth(inner, i)
                if not now:
                    return now
                run = self.run(inner, i)
                return run[-1].seconds_since(run[0]) >= seconds
            case AllOf(parts=parts):
                truths = [self.truth(part, i) for part in parts]
                return False if False in truths else None if None in truths else True
            case AnyOf(parts=parts):
                truths = [self.truth(part, i) for part in parts]
                return True if True in truths else None if None in truths else False

    def names(self, node: Node) -> list[str]:
        return [name for name, _ in Condition("", node).names()]

    def gap(self, node: Node) -> float:
        return max((self.gaps[name] for name in self.names(node) if name in self.gaps), default=math.inf)

    def sample(self, node: Node, i: int) -> Stamp:
        moment = self.past[i]
        stamps = []
        for name in self.names(node):
            if name not in self.metrics:
                stamps.append(moment.at)
            elif (sample := moment.measured.get(name)) and sample.at:
                stamps.append(sample.at)
        return max(stamps, key=lambda stamp: stamp.boot_us) if stamps else moment.at

    def run(self, node: Node, i: int) -> list[Stamp]:
        """Samples, oldest first, of the unbroken run of truth that lasts until moment `i`."""
        samples: list[Stamp] = []
        moments_after = []
        for j in range(i, -1, -1):
            truth = self.truth(node, j)
            if truth is False:
                break
            if truth is None:
                moments_after.append(self.past[j].at)
                continue
            sample = self.sample(node, j)
            if any(later.seconds_since(sample) > self.gap(node) for later in moments_after):
                break
            moments_after = [sample]
            samples.insert(0, sample)
        return samples

    def onset(self, node: Node, i: int) -> Stamp:
        """When that which makes it true at moment `i` began."""
        match node:
            case Held(condition=inner):
                return self.onset(inner, i)
            case AllOf(parts=parts):
                return max((self.onset(part, i) for part in parts), key=lambda stamp: stamp.boot_us)
            case AnyOf(parts=parts):
                begun = [self.onset(part, i) for part in parts if self.truth(part, i)]
                return min([*begun, self.run(node, i)[0]], key=lambda stamp: stamp.boot_us)
            case _:
                return self.run(node, i)[0]

    def left(self, node: Node, i: int) -> float:
        if self.truth(node, i):
            return 0
        match node:
            case Held(condition=inner, seconds=seconds):
                run = self.run(inner, i)
                return max(0, seconds - self.past[i].at.seconds_since(run[0])) if run else math.inf
            case AllOf(parts=parts):
                return max(self.left(part, i) for part in parts)
            case AnyOf(parts=parts):
                return min(self.left(part, i) for part in parts)
            case _:
                return math.inf

    def ladder(self, name: str) -> list[tuple[Rung, Condition]]:
        rungs = self.metrics[name].rungs
        written = [
            (Rung.WARN, rungs.warn),
            (Rung.MANDATORY, rungs.mandatory),
            (Rung.AUTOMATIC, rungs.automatic),
        ]
        return [(rung, condition) for rung, condition in written if condition]

    def standing(self, name: str, i: int) -> Standing:
        kept = self.kept(name, i)
        rung, rule, onset = kept[i]
        first = i
        while first > 0 and kept[first - 1][0] is rung:
            first -= 1
        return Standing(rung, self.past[first].at, rule, onset, *self.arming(name, i, rung))

    def kept(self, name: str, i: int) -> list[Told]:
        """Where it stood at each moment up to `i`, coming down only when it has been better for long."""
        kept: list[Told] = []
        down: list[bool] = []
        """Of each moment, whether it was better than what had been, and had to wait."""
        for j in range(i + 1):
            told, source = self.verdict(name, j)
            if source == "late":
                kept.append(kept[-1] if kept else told)
                down.append(False)
                continue
            stood = self.stood_before(name, kept, down, j)
            waits = source == "judged" and stood is not None and self.waits(name, stood, told[0], down, j)
            silent = j > 0 and self.silent_before(name, down, j)
            if waits and stood:
                kept.append((Rung.WAITING, "", None) if silent else stood)
            else:
                kept.append(told)
            down.append(waits)
        return kept

    def silent_before(self, name: str, down: list[bool], i: int) -> bool:
        """Whether it was blind since it stood somewhere last, or has been waiting since then to settle."""
        for j in range(i - 1, -1, -1):
            source = self.verdict(name, j)[1]
            if source == "blind":
                return True
            if source == "judged" and not down[j]:
                return False
        return False

    def stood_before(self, name: str, kept: list[Told], down: list[bool], i: int) -> Told | None:
        """Where it stood when it was judged last, and that counted."""
        for j in range(i - 1, -1, -1):
            if self.verdict(name, j)[1] == "judged" and not down[j]:
                return kept[j]
        return None

    def waits(self, name: str, stood: Told, now: Rung, down: list[bool], i: int) -> bool:
        """Whether it is better than where it stood, and has not been so for long enough."""
        if not self.settle_s or height(now) >= height(stood[0]):
            return False
        if self.silent_before(name, down, i) and height(stood[0]) <= height(Rung.OK):
            return False
        better = None
        for j in range(i, -1, -1):
            told, source = self.verdict(name, j)
            arms = self.arming(name, j, told[0])[0] if source == "judged" else None
            if source != "judged" or (j < i and not down[j]):
                break
            if arms and height(arms) >= height(stood[0]):
                break
            better = self.past[j].at
        return better is None or self.past[i].at.seconds_since(better) < self.settle_s

    def arming(self, name: str, i: int, stands: Rung) -> tuple[Rung | None, float | None]:
        climbing = [rung for rung, _ in self.ladder(name)]
        reached = climbing.index(stands) + 1 if stands in climbing else 0
        for rung, condition in self.ladder(name)[reached:][:1]:
            left = self.left(condition.node, i)
            return (None, None) if left == math.inf else (rung, left)
        return None, None

    def verdict(self, name: str, i: int) -> tuple[Told, str]:
        """What moment `i` alone says, and whether that is `judged`, `blind` (unknown) or `late`."""
        ladder = self.ladder(name)
        for k in range(len(ladder), 0, -1):
            if all(self.truth(condition.node, i) for _, condition in ladder[:k]):
                rung, condition = ladder[k - 1]
                mandatory = [c for r, c in ladder[:k] if r is Rung.MANDATORY]
                onset = self.onset((mandatory or [condition])[0].node, i)
                return (rung, condition.text, onset), "judged"
        if blind := self.blind(name, i):
            return (blind, "", None), "blind"
        if ladder and self.truth(ladder[0][1].node, i) is None:
            others = [
                self.blind(other, i) for other in self.names(ladder[0][1].node) if other in self.metrics
            ]
            for reason in (Rung.NO_SOURCE, Rung.STALE, Rung.WAITING):
                if reason in others and self.value(name, i) is not None:
                    return (reason, "", None), "blind"
        if self.value(name, i) is None or (ladder and self.truth(ladder[0][1].node, i) is None):
            return (Rung.WAITING, "", None), "late"
        return self.calm(name, i), "judged"

    def calm(self, name: str, i: int) -> Told:
        """Where a metric stands that is known, and of which nothing bad holds."""
        if self.arming(name, i, Rung.OK)[0]:
            return Rung.WAITING, "", None
        recovered = self.metrics[name].rungs.recovered
        if recovered and self.truth(recovered.node, i):
            return Rung.RECOVERED, recovered.text, None
        return Rung.OK, "", None
