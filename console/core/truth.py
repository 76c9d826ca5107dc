"""A condition under watch: true, false or unknown now, since when, and how long until a window is over.

Truth is three-valued (Kleene's): what nobody measured is unknown, `and` is false as soon as one part is
false, `or` true as soon as one is true, whatever the others are.
"""

import math
import operator
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct

from console.core.clock import Stamp
from console.core.conditions import AllOf, AnyOf, Comparison, Condition, Flag, Held, Node, Not

Truth = bool | None
"""None: unknown."""

_OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


class Facts(Struct, frozen=True):
    """What conditions are judged by at one moment."""

    at: Stamp
    values: Mapping[str, float | None]
    """Every metric's value, None where it is unknown; a name that is not in here is a flag."""
    measured: Mapping[str, Stamp | None]
    """When each of the values was taken."""
    flags: AbstractSet[str]
    """Flags that are raised."""


class Watched:
    """A node of a condition, followed over time.

    `gaps` holds for each metric how many seconds without a sample break a run of samples; a condition on
    several metrics takes the longest, one on flags alone knows no gap.
    """

    def __init__(self, node: Node, gaps: Mapping[str, float]) -> None:
        self._node = node
        self._parts = tuple(Watched(part, gaps) for part in _parts(node))
        self.names = frozenset(name for name, _ in Condition("", node).names())
        self._gap_s = max((gaps[name] for name in self.names if name in gaps), default=math.inf)
        self._since: Stamp | None = None
        self._last: Stamp | None = None
        self.truth: Truth = None

    def observe(self, facts: Facts) -> None:
        """Judge once more, later than before."""
        for part in self._parts:
            part.observe(facts)
        self.truth = self._judge(facts)
        self._follow(facts)

    @property
    def onset(self) -> Stamp | None:
        """When that which makes it true began; for a window, when the window began. None unless true."""
        if not self.truth:
            return None
        begun = [part.onset for part in self._parts if part.onset]
        match self._node:
            case Held() | AllOf():
                return max(begun, key=_order)
            case AnyOf():
                # One part can have taken over from another, so that the whole is older than what is true now.
                return min((stamp for stamp in (*begun, self._since) if stamp), key=_order)
            case _:
                return self._since

    def left(self, at: Stamp) -> float:
        """Seconds until it is true if everything stays as it is; infinite when it never will be."""
        if self.truth:
            return 0.0
        match self._node:
            case Held(seconds=seconds):
                began = self._parts[0]._since
                return max(0.0, seconds - at.seconds_since(began)) if began else math.inf
            case AllOf():
                return max(part.left(at) for part in self._parts)
            case AnyOf():
                return min(part.left(at) for part in self._parts)
            case _:
                return math.inf

    def _judge(self, facts: Facts) -> Truth:
        match self._node:
            case Comparison(metric=name, operator=sign, number=number):
                value = facts.values.get(name)
                return None if value is None else bool(_OPERATORS[sign](value, number))
            case Flag(name=name):
                return _raised(name, facts)
            case Not():
                inner = self._parts[0].truth
                return None if inner is None else not inner
            case Held(seconds=seconds):
                inner = self._parts[0].truth
                return self._parts[0]._lasted() >= seconds if inner else inner
            case AllOf():
                return _first_of((False, None), [part.truth for part in self._parts], otherwise=True)
            case AnyOf():
                return _first_of((True, None), [part.truth for part in self._parts], otherwise=False)

    def _lasted(self) -> float:
        """Seconds between the first and the last sample of the run; -1 without one."""
        return self._last.seconds_since(self._since) if self._last and self._since else -1.0

    def _follow(self, facts: Facts) -> None:
        """Keep the run of samples on which it was true; unknown neither prolongs nor ends it."""
        sample = self._sample(facts) if self.truth else facts.at
        broken = self._last is not None and sample.seconds_since(self._last) > self._gap_s
        if self.truth is False or broken:
            self._since = self._last = None
        if self.truth:
            self._since, self._last = self._since or sample, sample

    def _sample(self, facts: Facts) -> Stamp:
        """The newest sample that it rests on; now, where it rests on a flag, which needs no sampling."""
        stamps = (facts.measured[name] if name in facts.values else facts.at for name in self.names)
        return max((stamp for stamp in stamps if stamp), key=_order, default=facts.at)


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case Not(flag=flag):
            return (flag,)
        case Held(condition=inner):
            return (inner,)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return parts
        case _:
            return ()


def _raised(name: str, facts: Facts) -> Truth:
    if name not in facts.values:
        return name in facts.flags
    value = facts.values[name]
    return None if value is None else value != 0


def _first_of(decisive: tuple[Truth, ...], truths: list[Truth], *, otherwise: Truth) -> Truth:
    """The first of `decisive` that is among `truths`."""
    return next((truth for truth in decisive if truth in truths), otherwise)


def _order(stamp: Stamp) -> int:
    return stamp.boot_us
