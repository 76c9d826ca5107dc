"""Whether the rungs of one metric are in order: none may hold where the rung below it does not."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from console.core.conditions import Comparison, Condition, Held, Node
from console.core.naming import quoted
from console.core.parts import Finding, Part

CLIMBING = ("warn", "mandatory", "automatic")
"""The rungs of which each demands the one before it."""

Bound = tuple[float, int]
"""A number, and which side of it: 0 is the number itself, 1 just above it, -1 just below."""


@dataclass(frozen=True, slots=True)
class Range:
    """The values for which a comparison holds, and for how many seconds it must."""

    low: Bound
    high: Bound
    seconds: float

    def within(self, other: "Range") -> bool:
        """Whether every value of this range is one of `other`."""
        return self.low >= other.low and self.high <= other.high

    def meets(self, other: "Range") -> bool:
        """Whether some value is in both."""
        return max(self.low, other.low) <= min(self.high, other.high)


def range_of(condition: Condition, metric: str) -> Range | None:
    """The range of a condition that compares `metric` once and says nothing else; None for any other."""
    outer: Node = condition.node
    node, seconds = (outer.condition, outer.seconds) if isinstance(outer, Held) else (outer, 0.0)
    if not isinstance(node, Comparison) or node.metric != metric:
        return None
    number = node.number
    ranges: dict[str, tuple[Bound, Bound]] = {
        "<": ((-math.inf, 0), (number, -1)),
        "<=": ((-math.inf, 0), (number, 0)),
        ">": ((number, 1), (math.inf, 0)),
        ">=": ((number, 0), (math.inf, 0)),
        "=": ((number, 0), (number, 0)),
    }
    return Range(*ranges[node.operator], seconds) if node.operator in ranges else None


def unsupported(rungs: Part) -> Iterator[Finding]:
    """An automatic rung without the mandatory one that it demands, unless a name that is none hides it."""
    if rungs["automatic"].value is None or rungs["mandatory"].value is not None:
        return
    if {*(rungs.names or ())} <= {"recovered", *CLIMBING}:
        yield rungs["automatic"].wrong(
            "`automatic` demands a `mandatory` rung, which is missing: add it, or call this one `mandatory`",
            on_key=True,
        )


def out_of_order(metric: str, rungs: Part) -> Iterator[Finding]:
    """The first two rungs of a metric that contradict each other, as far as they can be compared."""
    known: dict[str, tuple[str, Range]] = {}
    for rung, part in rungs.items():
        if part.condition and (found := range_of(part.condition, metric)):
            known[rung] = quoted(part.condition.text.strip()), found
    for lower, upper in pairwise(rung for rung in CLIMBING if rung in known):
        (below, wide), (above, narrow) = known[lower], known[upper]
        if not narrow.within(wide) or (wide.within(narrow) and narrow.seconds < wide.seconds):
            yield rungs[upper].wrong(
                f"{above} can hold while `{lower}`, {below}, does not: `{upper}` must be the stricter one"
            )
            return
    yield from _both(rungs, known)


def _both(rungs: Part, known: Mapping[str, tuple[str, Range]]) -> Iterator[Finding]:
    """A value that has recovered cannot be bad as well."""
    for rung in CLIMBING:
        if "recovered" in known and rung in known and known["recovered"][1].meets(known[rung][1]):
            words = known["recovered"][0]
            yield rungs["recovered"].wrong(f"{words} can hold together with `{rung}`, {known[rung][0]}")
            return
