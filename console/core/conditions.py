"""The shorthand for conditions, `error_rate > 10% for 5m`: a grammar, and the tree it yields."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, Literal, cast, get_args

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from console.core.grammar import GRAMMAR, MAX_LENGTH, no_operator, seconds, what_was_expected

Operator = Literal["<", "<=", ">", ">=", "=", "!="]
_OPERATORS: dict[str, Operator] = {operator: operator for operator in get_args(Operator)}


class ConditionError(ValueError):
    """A condition that does not follow the grammar; `str()` is one line with the column.

    `column` counts from 1 in the text, `message` says what was expected and found, without the column.
    """

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric against a number, in `%`, in `s` (other units of time are normalised), or without a unit."""

    metric: str
    operator: Operator
    number: float
    unit: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Flag:
    """A name that is simply true or not: a declared trigger, or a metric of unit `flag`."""

    name: str
    column: int = field(default=1, compare=False)


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

    def __str__(self) -> str:
        return self.text

    def names(self) -> Iterator[tuple[str, int]]:
        """Every metric and flag it mentions, with its column in `text` (from 1)."""
        for leaf in self.leaves():
            yield (leaf.metric if isinstance(leaf, Comparison) else leaf.name), leaf.column

    def leaves(self) -> Iterator[Comparison | Flag]:
        """Every comparison and flag in it, in the order in which they are written."""
        return _leaves(self.node)


def _leaves(node: Node) -> Iterator[Comparison | Flag]:
    match node:
        case Comparison() | Flag():
            yield node
        case Not(flag=flag):
            yield flag
        case Held(condition=inner):
            yield from _leaves(inner)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _leaves(part)


def parse(text: str) -> Condition:
    """The condition that `text` says; ConditionError with column and what was expected."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(MAX_LENGTH + 1, f"a condition has at most {MAX_LENGTH} characters")
    try:
        node: Node = _Build().transform(_parser().parse(text))
    except (UnexpectedCharacters, UnexpectedToken) as error:
        raise _explained(error, text) from None
    except VisitError as error:  # lark wraps what a rule raises
        raise error.orig_exc from None
    return Condition(text, node)


def write(node: Node) -> str:
    """The shortest text that parses to this tree."""
    match node:
        case Comparison():
            return f"{node.metric} {node.operator} {_number(node.number)}{node.unit}"
        case Flag():
            return node.name
        case Not():
            return f"not {node.flag.name}"
        case Held():
            return f"{_grouped(node.condition, Held, AllOf, AnyOf)} for {_number(node.seconds)}s"
        case AllOf():
            return " and ".join(_grouped(part, AllOf, AnyOf) for part in node.parts)
        case AnyOf():
            return " or ".join(_grouped(part, AnyOf) for part in node.parts)


def _grouped(node: Node, *kinds: type) -> str:
    """The text of a part, in parentheses where it is of a kind that would bind otherwise."""
    return f"({write(node)})" if isinstance(node, kinds) else write(node)


def _number(value: float) -> str:
    """A number without exponent and without a needless `.0`; it reads back as the same float."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@cache
def _parser() -> Lark:
    """The parser, made at the first use: making it takes longer than all conditions of a file."""
    return Lark(GRAMMAR, start="any_of", parser="lalr", maybe_placeholders=True)


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """From lark's tree to ours."""

    def comparison(self, name: Token, operator: Token, quantity: tuple[float, str]) -> Comparison:
        if operator not in _OPERATORS:
            raise ConditionError(_column(operator), no_operator(operator))
        number, unit = quantity
        return Comparison(str(name), _OPERATORS[operator], number, unit, column=_column(name))

    def quantity(self, number: Token, unit: Token | None) -> tuple[float, str]:
        if unit is None or unit.type == "PERCENT":
            return float(number), str(unit or "")
        return seconds(number, unit), "s"

    def flag(self, name: Token) -> Flag:
        return Flag(str(name), column=_column(name))

    def negation(self, name: Token) -> Not:
        return Not(self.flag(name))

    def held_for(self, condition: Node, number: Token, unit: Token) -> Held:
        return Held(condition, seconds(number, unit))

    def all_of(self, *parts: Node) -> AllOf:
        return AllOf(parts)

    def any_of(self, *parts: Node) -> AnyOf:
        return AnyOf(parts)


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _explained(error: UnexpectedCharacters | UnexpectedToken, text: str) -> ConditionError:
    """What the parser stumbled over, in plain words."""
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    at = len(text.rstrip()) if ended else cast("int", error.pos_in_stream)  # lark types it as None
    read = _parser().parse_interactive(text[:at])
    read.exhaust_lexer()
    allowed: set[str] = read.accepts()  # type: ignore[no-untyped-call]
    return ConditionError(at + 1, what_was_expected(text, at, allowed))
