"""The shorthand for conditions, `error_rate > 10% for 5m`: a grammar, and the tree it yields."""
# AST only for now; parse() comes with the grammar.

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Operator = Literal["<", "<=", ">", ">=", "=", "!="]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric against a number, in the unit that was written (`%`, `s`, or none)."""

    metric: str
    operator: Operator
    number: float
    unit: str
    column: int


@dataclass(frozen=True, slots=True)
class Flag:
    """A name that is simply true or not: a declared trigger, or a metric of unit `flag`."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a flag."""

    flag: Flag


@dataclass(frozen=True, slots=True)
class Held:
    """A condition that must have been true, without a gap, for a window."""

    condition: "Node"
    seconds: float


@dataclass(frozen=True, slots=True)
class AllOf:
    """`and`."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`or`."""

    parts: tuple["Node", ...]


Node = Comparison | Flag | Not | Held | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as somebody wrote it, and what it means."""

    text: str
    node: Node

    def names(self) -> Iterator[tuple[str, int]]:
        """Every metric and flag it mentions, with its column in `text` (from 1)."""
        return _names(self.node)


def _names(node: Node) -> Iterator[tuple[str, int]]:
    match node:
        case Comparison(metric=name, column=column) | Flag(name=name, column=column):
            yield name, column
        case Not(flag=flag):
            yield from _names(flag)
        case Held(condition=inner):
            yield from _names(inner)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _names(part)


def parse(text: str) -> Condition:
    """The condition that `text` says; ConditionError with column and what was expected."""
    raise NotImplementedError
