"""What a cache says of itself: memory, and what was evicted or found in it since the question before."""

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct
from redis import exceptions

from console.core.clock import Clock, Stamp
from console.targets.redis.server import CacheError, CacheServer
from console.targets.shell import Shell
from console.targets.source import Answered, CannotAskError, SourceError, resolved

_MINUTE_S = 60.0
_OURS = (exceptions.AuthenticationError, exceptions.NoPermissionError)
"""What a server says to credentials that it does not take: it is there, and it is we who are wrong."""
_COUNTERS = ("evicted_keys", "keyspace_hits", "keyspace_misses")
_NUMBERS = ("used_memory", "maxmemory", "loading", *_COUNTERS)


class _Told(Struct, frozen=True):
    """One answer to `INFO`: what we need of it, as far as this server tells it."""

    at: Stamp
    run_id: str
    """Names the process, with which its counters begin again."""
    numbers: Mapping[str, int]

    def grown(self, before: "_Told") -> dict[str, int]:
        """How far each counter went on since then; nothing where they were reset in between."""
        grown = {
            name: self.numbers[name] - before.numbers[name]
            for name in _COUNTERS
            if name in self.numbers and name in before.numbers
        }
        return grown if self.run_id == before.run_id and min(grown.values(), default=0) >= 0 else {}


class CacheStats:
    """One Redis, asked with `INFO` on a new connection each time, and never twice for one answer."""

    def __init__(self, url: Callable[[], str], here: Shell, clock: Clock, *, limit_s: float) -> None:
        """`url` is asked at each look: the password may have been rotated."""
        self._url = url
        self._here = here
        self._clock = clock
        self._limit_s = limit_s
        self._before: _Told | None = None

    async def look(self) -> Answered:
        """`memory` where there is a maxmemory; `evictions`, `lookups` and `hit_rate` from the second on.

        A failure while it tells everybody that it is loading. SourceError when it does not answer,
        CannotAskError when its URL or our credentials are wrong.
        """
        url = resolved(self._url)
        server = CacheServer(lambda: url, self._here, limit_s=self._limit_s)
        told = await self._ask(server)
        before, self._before = self._before, told
        known = {**_memory(told.numbers), **(_rates(told, before) if before else {})}
        loading = f"{server.place}: it is loading its data, and serves nobody yet"
        return Answered(known, loading if told.numbers.get("loading") else "")

    async def _ask(self, server: CacheServer) -> _Told:
        try:
            async with asyncio.timeout(self._limit_s):
                info = await server.info()
        except CacheError as error:
            raise _kind(error)(str(error)) from None
        except TimeoutError:
            raise SourceError(f"{server.place}: no answer within {self._limit_s:g} s") from None
        except TypeError:  # the driver's only word about a parameter of the URL that it does not know
            raise CannotAskError(f"{server.place}: its URL has an option that there is not") from None
        numbers = {name: value for name in _NUMBERS if isinstance(value := info.get(name), int)}
        if not numbers:
            raise SourceError(f"{server.place}: it does not answer INFO as Redis does")
        return _Told(self._clock.now(), str(info.get("run_id")), numbers)


def _memory(numbers: Mapping[str, int]) -> dict[str, float]:
    """Without a limit of its own it shares the machine's memory, which is the host's matter."""
    most, used = numbers.get("maxmemory"), numbers.get("used_memory")
    return {"memory": 100.0 * used / most} if most and used is not None else {}


def _rates(now: _Told, before: _Told) -> dict[str, float]:
    """Evictions a minute, what was asked for, and hits in per cent of that where it was anything."""
    grown, passed_s = now.grown(before), now.at.seconds_since(before.at)
    rates: dict[str, float] = {}
    if "evicted_keys" in grown and passed_s > 0:
        rates["evictions"] = grown["evicted_keys"] * _MINUTE_S / passed_s
    if {"keyspace_hits", "keyspace_misses"} <= grown.keys():
        rates["lookups"] = float(grown["keyspace_hits"] + grown["keyspace_misses"])
    if rates.get("lookups"):
        rates["hit_rate"] = 100.0 * grown["keyspace_hits"] / rates["lookups"]
    return rates


def _kind(error: CacheError) -> type[SourceError]:
    """Whose fault it is, by what the driver had said; where it had said nothing, the URL is no URL."""
    said = error.__context__
    if not isinstance(said, exceptions.RedisError) or isinstance(said, _OURS):
        return CannotAskError
    return CannotAskError if isinstance(said.__context__, PermissionError) else SourceError
