"""A Prometheus server, asked for numbers by PromQL and for its own alerts, by its own clock alone."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

import httpx
from msgspec import Struct

from console.core.naming import quoted
from console.core.redaction import Redactor
from console.core.rules import silence_s
from console.core.watched import Prometheus
from console.targets import web
from console.targets.source import Answered, CannotAskError, SourceError, resolved
from console.targets.together import together
from console.targets.watch.prometheus_api import RefusedError, Reply, Told, standing

AT_ONCE = 4
"""Questions that are under way at the same time."""
MAX_BYTES = 4 << 20
"""A longer answer is refused."""
ALERT = "alert "
"""What the key of an alert begins with; what follows is its name. No PromQL begins so."""
PLAINEST = "vector(1)"
"""What is asked where nothing else is, to see whether the server answers."""
_SHOWN = 160
"""Characters of trouble with one question."""

_Outcome = Told | SourceError
_Known = TypeVar("_Known")


class Point(Struct, frozen=True):
    """A value in the past."""

    age_s: float
    """Seconds ago, by the server's clock; whoever knows when it was asked knows the moment."""
    value: float


class PrometheusServer:
    """A server, and what is asked of it.

    What it is asked never holds a time of ours, because one of the two clocks may be wrong. A series that has
    been silent for longer than the source may be is left out of what is not a window (from Prometheus 2.43
    on; an older one looks back five minutes, unless the series ended with its target or was marked stale).
    """

    def __init__(
        self,
        source: Prometheus,
        keys: Collection[str],
        secret: Callable[[str], str],
        client: httpx.AsyncClient,
    ) -> None:
        """`keys` are questions in PromQL, and alerts as `alert NAME`.

        `secret` resolves the token's reference at every look, since it may have been rotated.
        """
        self._source = source
        self._alerts = sorted(key.removeprefix(ALERT) for key in keys if key.startswith(ALERT))
        self._questions = sorted(key for key in keys if not key.startswith(ALERT))
        self._secret = secret
        self._client = client

    async def look(self) -> Answered:
        """The number of each question that brings exactly one, and of each alert: 1 while it fires, else 0.

        A mistake of one question, or no answer to it, leaves the others as they are. SourceError when not one
        was answered, CannotAskError when our address or token is wrong.
        """
        asking = self._asking()
        questions = self._questions if self._questions or self._alerts else [PLAINEST]
        errands = [self._number(asking, question) for question in questions]
        if self._alerts:
            errands.append(self._standings(asking))
        outcomes = {key: outcome for part in await together(*errands) for key, outcome in part.items()}
        _raise_if_silent(outcomes, asking)
        told = {key: outcome.number for key, outcome in outcomes.items() if isinstance(outcome, Told)}
        numbers = {key: number for key, number in told.items() if number is not None}
        return Answered(numbers, troubles=_troubles(outcomes, asking))

    async def course(
        self, question: str, *, since_s: float, step_s: float, until_s: float = 0.0
    ) -> list[Point]:
        """What a question would have brought from `since_s` to `until_s` ago, every `step_s`, oldest first.

        Where it brings no number there is no point. Raises SourceError, also for a mistake of the question.
        """
        asking = self._asking()
        try:
            now = await _time(asking)
            reply = await asking.ask(
                "query_range",
                query=question,
                start=f"{now - since_s:.3f}",
                end=f"{now - until_s:.3f}",
                step=f"{step_s:.3f}",
                lookback_delta=self._lookback(),
            )
            return [Point(now - at, value) for at, value in reply.points()]
        except SourceError as error:
            raise type(error)(f"{quoted(question)}: {asking.safe(str(error))}") from None

    async def about(self, path: str, kind: type[_Known], **words: str | list[str]) -> _Known:
        """What another part of the API says, read as `kind`; SourceError, also where it does not know it."""
        asking = self._asking()
        try:
            return (await asking.ask(path, **words)).read(kind)
        except SourceError as error:
            raise type(error)(asking.safe(str(error))) from None

    async def time(self) -> float:
        """The Unix time by the server's clock; SourceError."""
        asking = self._asking()
        try:
            return await _time(asking)
        except SourceError as error:
            raise type(error)(asking.safe(str(error))) from None

    async def _number(self, asking: "_Asking", question: str) -> dict[str, _Outcome]:
        try:
            reply = await asking.ask("query", query=question, lookback_delta=self._lookback())
            return {question: reply.number()}
        except SourceError as error:
            return {question: error}

    async def _standings(self, asking: "_Asking") -> dict[str, _Outcome]:
        """All alerts by one question. Their rules are asked, because a list of alerts does not tell one that
        does not fire from one that nobody has defined.
        """
        # Two of the parameters only make the answer shorter, and older servers do not know them.
        wanted: dict[str, str | list[str]] = {
            "type": "alert",
            "exclude_alerts": "true",
            "rule_name[]": self._alerts,
        }
        try:
            rules = (await asking.ask("rules", **wanted)).rules()
        except SourceError as error:
            return {f"{ALERT}{name}": error for name in self._alerts}
        return {f"{ALERT}{name}": standing(name, rules) for name in self._alerts}

    def _asking(self) -> "_Asking":
        return _Asking(self._source, self._token(), self._client)

    def _token(self) -> str | None:
        if self._source.token is None:
            return None
        token = resolved(partial(self._secret, self._source.token))
        if not token.isascii() or not token.isprintable() or " " in token:
            raise CannotAskError(
                f"{self._source.token}: no token: it holds spaces or characters other than ASCII"
            )
        return token

    def _lookback(self) -> str:
        return f"{silence_s(self._source.every, self._source.limit):.3f}"


class _Asking:
    """One look: its token, its time limit, and how many questions may be under way at once."""

    def __init__(self, source: Prometheus, token: str | None, client: httpx.AsyncClient) -> None:
        self._url = source.url.rstrip("/")
        self._token = token
        self._client = client
        self._limit_s = source.limit
        self._ends = asyncio.get_running_loop().time() + source.limit
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._redactor = Redactor()
        if token is not None:
            self._redactor.register(token)

    async def ask(self, path: str, **words: str | list[str]) -> Reply:
        """A good answer of that part of the API; the time that is left is all that there is for it."""
        address = f"{self._url}/api/v1/{path}"
        url = f"{address}?{urlencode(words, doseq=True)}"
        try:
            async with asyncio.timeout_at(self._ends), self._gate:
                answer = await web.get(
                    self._client, url, limit_s=self._limit_s, max_bytes=MAX_BYTES, token=self._token
                )
        except TimeoutError:
            where = web.place(httpx.URL(address))
            raise SourceError(f"{where}: no whole answer within {self._limit_s:g} s") from None
        return Reply(answer, web.place(httpx.URL(address)))

    def safe(self, words: str) -> str:
        """Words that a server may have chosen, cut, and without the token that it was sent."""
        words = self._redactor.redact(words)
        return words if len(words) <= _SHOWN else f"{words[: _SHOWN - 1]}…"


async def _time(asking: _Asking) -> float:
    """The Unix time by the server's clock."""
    told = (await asking.ask("query", query="time()")).number()
    if told.number is None:
        raise SourceError(f"its clock {told.words}")
    return told.number


def _raise_if_silent(outcomes: Mapping[str, _Outcome], asking: _Asking) -> None:
    """CannotAskError when the server does not let us ask, SourceError when it has answered nothing at all."""
    failed = [outcome for outcome in outcomes.values() if isinstance(outcome, SourceError)]
    ours = next((error for error in failed if isinstance(error, CannotAskError)), None)
    silent = len(failed) == len(outcomes) and not any(isinstance(error, RefusedError) for error in failed)
    if ours or silent:
        error = ours or failed[0]
        raise type(error)(asking.safe(str(error)))


def _troubles(outcomes: Mapping[str, _Outcome], asking: _Asking) -> dict[str, str]:
    """The questions with trouble, each with what it is."""
    words = {key: each.words if isinstance(each, Told) else str(each) for key, each in outcomes.items()}
    return {key: asking.safe(told) for key, told in words.items() if told}
