"""What the answers of Prometheus' HTTP API hold: a number, points, or where an alert rule stands."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Raw, Struct

from console.core.format import plain
from console.targets.source import CannotAskError, SourceError
from console.targets.web import Answer

_READ = 2000
"""Characters of a server's own words that are looked at; far more than are shown."""
_T = TypeVar("_T")


class RefusedError(SourceError):
    """The server works, but has no answer to this question."""


class Told(Struct, frozen=True):
    """What one question brought: a number, or words that say why there is none; a warning beside a number."""

    number: float | None
    words: str = ""


class _Envelope(Struct, frozen=True):
    status: Literal["success", "error"]
    data: Raw = Raw()
    kind: str = msgspec.field(name="errorType", default="")
    error: str = ""
    warnings: list[str] | None = None


class _Result(Struct, frozen=True):
    kind: str = msgspec.field(name="resultType")
    result: Raw


class _Value(NamedTuple):
    at: float
    """Unix time by the server's clock."""
    text: str
    """A number, NaN and infinities among them."""


class _Series(Struct, frozen=True):
    value: _Value | None = None
    values: list[_Value] = []


class Rule(Struct, frozen=True):
    """A rule of the server, of which several may have one name."""

    kind: str = msgspec.field(name="type")
    name: str
    state: str = ""
    health: str = ""
    error: str = msgspec.field(name="lastError", default="")


class _Group(Struct, frozen=True):
    rules: list[Rule]


class _Groups(Struct, frozen=True):
    groups: list[_Group]


class Reply:
    """A good answer of the API, which has still to be read as what it should be."""

    def __init__(self, answer: Answer, where: str) -> None:
        """RefusedError when only this question was refused, CannotAskError when we were; SourceError when the
        answer is none.
        """
        self._where = where
        if answer.status in (401, 403):
            raise CannotAskError(f"{where}: answers {answer.status}: its `token` is missing or wrong")
        envelope = self._envelope(answer)
        if envelope.status == "error":
            words = _clean(f"{envelope.kind}: {envelope.error}")
            if answer.status in (400, 422) or envelope.kind == "timeout":
                raise RefusedError(words)
            raise SourceError(f"{where}: answers {answer.status}: {words}")
        self._data = envelope.data
        self._warnings = envelope.warnings or []

    def read(self, kind: type[_T]) -> _T:
        """The whole of it, as `kind`."""
        return self._read(self._data, kind)

    def number(self) -> Told:
        """The scalar, or the value of the one series, that there is."""
        result = self._read(self._data, _Result)
        match result.kind:
            case "scalar":
                told = self._told(self._read(result.result, _Value))
            case "vector":
                told = self._of_one(self._read(result.result, list[_Series]))
            case other:
                told = Told(None, f"brings a {_clean(other)}, one number is wanted")
        return told if told.words else Told(told.number, self._warning())

    def points(self) -> list[tuple[float, float]]:
        """Unix times by the server's clock and values of the one series, without those that are no numbers.

        RefusedError when there are several series.
        """
        result = self._read(self._data, _Result)
        if result.kind != "matrix":
            raise SourceError(f"{self._where}: brings a {_clean(result.kind)}, not a range")
        series = self._read(result.result, list[_Series])
        if len(series) > 1:
            raise RefusedError(_too_many(series))
        told = [(value.at, self._told(value).number) for each in series for value in each.values]
        return [(at, number) for at, number in told if number is not None]

    def rules(self) -> list[Rule]:
        """The alert rules that the server knows."""
        groups = self._read(self._data, _Groups).groups
        return [rule for group in groups for rule in group.rules if rule.kind == "alerting"]

    def _of_one(self, series: Sequence[_Series]) -> Told:
        if not series:
            return Told(None, "brings nothing")
        if len(series) > 1:
            return Told(None, _too_many(series))
        value = series[0].value
        return self._told(value) if value else Told(None, "brings a histogram, one number is wanted")

    def _told(self, value: _Value) -> Told:
        try:
            number = float(value.text)
        except ValueError:
            raise SourceError(f"{self._where}: not a number: {_clean(value.text)}") from None
        return Told(number) if math.isfinite(number) else Told(None, f"brings {number}")

    def _warning(self) -> str:
        """The first of them, which can mean that a part of the data is missing; hints on style are none."""
        warnings = (each for each in self._warnings if not each.startswith("PromQL info"))
        return next((_clean(f"warns: {each}") for each in warnings), "")

    def _envelope(self, answer: Answer) -> _Envelope:
        try:
            return self._read(answer.body, _Envelope)
        except SourceError:
            if answer.status != 200:  # whoever answers may be a proxy, with a page of its own
                raise SourceError(f"{self._where}: answers {answer.status}, not 200") from None
            raise

    def _read(self, raw: bytes | Raw, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(raw, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SourceError(f"{self._where}: not an answer of Prometheus: {_clean(str(error))}") from None


def standing(name: str, rules: Sequence[Rule]) -> Told:
    """1 while an alert of that name fires, 0 while none does; neither, where the server cannot say so."""
    named = [rule for rule in rules if rule.name == name]
    if not named:
        return Told(None, "there is no alert rule of that name")
    if any(rule.state == "firing" and rule.health == "ok" for rule in named):
        return Told(1.0)
    failed = next((rule for rule in named if rule.health == "err"), None)
    if failed:
        return Told(None, _clean(f"its rule cannot be evaluated: {failed.error}"))
    if all(rule.state in ("inactive", "pending") and rule.health == "ok" for rule in named):
        return Told(0.0)
    return Told(None, "its rule was not evaluated yet")


def _too_many(series: Sequence[_Series]) -> str:
    return f"brings {len(series)} series, one is wanted: aggregate it"


def _clean(words: str) -> str:
    """A server's words on one line."""
    return plain(words[:_READ])
