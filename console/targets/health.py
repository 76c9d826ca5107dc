"""The health endpoint: what it answers, judged by its status and by its body. Fails closed."""

from collections.abc import Mapping
from typing import Any, Protocol

import httpx
import msgspec
from msgspec import Struct

from console.core.clock import Clock, Stamp
from console.core.format import plain
from console.core.health_verdict import HealthRule
from console.core.instances import spread
from console.core.moments import written
from console.core.naming import quoted
from console.targets import certificate, web
from console.targets.source import CannotAskError, SourceError, UnreachedError

MAX_BYTES = 1 << 20
"""A longer answer is not healthy."""
MAX_VERSION = 100
"""Characters of a version or commit that are kept."""


class Health(Struct, frozen=True):
    """One answer of the service about itself, or the lack of one."""

    ok: bool
    words: str
    """One line: what makes it healthy, or what is wrong."""
    version: str | None
    """What the service says it runs, healthy or not; None where the answer does not say."""
    commit: str | None
    at: Stamp
    """When the answer was there, or was given up."""
    status: int | None = None
    """Of HTTP; None without an answer."""
    took_s: float | None = None
    """From the question to the last byte; None without an answer."""
    certified_until: int | None = None
    """When the certificate of whoever answered expires, seconds since 1970; None without one."""
    reached: bool = True
    """Whether the service had the question; what did not get there says nothing about it."""
    each: Mapping[str, "Health"] = {}
    """What each of several instances answered, by its name; the rest is what that comes to together."""

    @property
    def anybody(self) -> bool:
        """Whether any instance answers as it should."""
        return any(one.ok for one in self.each.values()) if self.each else self.ok

    @property
    def mixed(self) -> str:
        """Which instances run another release than most, in words; empty where all that tell it agree."""
        return spread({name: one.version for name, one in self.each.items() if one.version is not None})

    def other_than(self, version: str) -> str | None:
        """What it runs instead of `version`, in words; None where it is that one."""
        return None if self.version == version else f"answers {self.version or 'no version'}, not {version}"


class Asking(Protocol):
    """Whoever asks a service how it is."""

    async def ask(self) -> Health:
        """One question and its answer; a service that cannot be reached is an answer too."""
        ...


class HealthProbe:
    """Asks one health endpoint."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        clock: Clock,
        url: str,
        *,
        limit_s: float,
        status: int = httpx.codes.OK,
        body: Mapping[str, str] | None = None,
        version: str | None = None,
        commit: str | None = None,
        components: Mapping[str, str] | None = None,
    ) -> None:
        """`body` maps dotted paths of the JSON answer to the words they must hold; `version` and `commit`
        are the dotted paths of what the service says it runs, `components` those of the versions of what it
        is made of, by name. An answer takes at most `limit_s` seconds.
        """
        self._client = client
        self._clock = clock
        self._url = url
        self._limit_s = limit_s
        self._status = status
        self._body = dict(body or {})
        self._version = version
        self._commit = commit
        self._components = dict(components or {})

    @classmethod
    def by(cls, rule: HealthRule, client: httpx.AsyncClient, clock: Clock) -> "HealthProbe":
        """The probe of the endpoint that a rule speaks of."""
        return cls(
            client,
            clock,
            rule.url,
            limit_s=rule.limit_s,
            status=rule.status,
            body=rule.body,
            version=rule.version,
            commit=rule.commit,
            components=rule.components,
        )

    async def ask(self) -> Health:
        """One question and its answer; a service that cannot be reached is an answer too."""
        try:
            answer = await web.get(self._client, self._url, limit_s=self._limit_s, max_bytes=MAX_BYTES)
        except web.ExpiredError as error:
            return await self._expired(str(error))
        except SourceError as error:
            reached = not isinstance(error, CannotAskError | UnreachedError)
            return Health(
                ok=False, words=str(error), version=None, commit=None, at=self._clock.now(), reached=reached
            )
        at = self._clock.now()
        body = _json(answer.body)
        wrong = self._wrong(answer.status, body)
        return Health(
            ok=not wrong,
            words=", ".join(wrong) or self._good(),
            version=self._release(body),
            commit=_told(body, self._commit),
            at=at,
            status=answer.status,
            took_s=answer.took_s,
            certified_until=answer.certified_until,
        )

    def _release(self, body: Any) -> str | None:
        """The version; a component that is of another is told with it: together they are no release."""
        version = _told(body, self._version)
        told = {name: _told(body, path) for name, path in self._components.items()}
        others = [f"{name} {other or 'unknown'}" for name, other in told.items() if other != version]
        return f"{version} ({', '.join(others)})" if version and others else version

    async def _expired(self, words: str) -> Health:
        """No answer, because the certificate has expired; and when it did, which is asked beside."""
        until = await certificate.expired_at(self._url, self._limit_s)
        since = "" if until is None else f", since {written(until * 1_000_000)}"
        return Health(
            ok=False,
            words=f"{words}{since}",
            version=None,
            commit=None,
            at=self._clock.now(),
            certified_until=until,
            reached=False,
        )

    def _wrong(self, status: int, body: Any) -> list[str]:
        """What is not as it must be, in words."""
        wrong = [] if status == self._status else [f"answers {status}, not {self._status}"]
        for path, wanted in self._body.items():
            held = _words(_at(body, path))
            if held is None:
                wrong.append(f"its body has no {quoted(path)}")
            elif held != wanted:
                wrong.append(f"{path} is {quoted(held)}, not {quoted(wanted)}")
        return wrong

    def _good(self) -> str:
        return ", ".join(
            [f"answers {self._status}", *(f"{path} is {held}" for path, held in self._body.items())]
        )


def _json(raw: bytes) -> Any:
    """What the body says; None when it is not JSON, which has no fields either."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _at(body: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _words(value: Any) -> str | None:
    """A plain value as people write it in a strategy (`true`, `3`, `ok`); None for anything else."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode() if isinstance(value, bool | int | float) else None


def _told(body: Any, path: str | None) -> str | None:
    words = _words(_at(body, path)) if path else None
    return plain(words)[:MAX_VERSION] if words else None
