"""What can be done to a cache short of restoring it: measure it, drop the keys of a prefix, drop all."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from console.core.errors import StatedError
from console.core.format import size
from console.targets.progress import Progress
from console.targets.redis.sample import names
from console.targets.redis.server import CacheServer

_GLOB = b"\\*?[]^-"
"""Characters that mean something else than themselves where names are matched."""


class PrefixError(StatedError):
    """Keys that the strategy does not let us drop by themselves; one line with those that it does."""


class Dropped(Struct, frozen=True):
    """Keys before, dropped, and after; what is there afterwards was written meanwhile."""

    before: int
    dropped: int
    after: int


class Measured(Struct, frozen=True):
    """A cache over a few seconds."""

    keys: int
    """In all databases."""
    memory: int
    """Bytes in use at the end."""
    maxmemory: int
    """0: no limit."""
    policy: str
    evicted: int
    """Keys dropped meanwhile because of the limit."""
    hits: int
    misses: int
    """Reads meanwhile that found, and did not find, their key."""
    seconds: float

    @property
    def hit_rate(self) -> float | None:
        """Between 0 and 1; None when nothing was read."""
        reads = self.hits + self.misses
        return self.hits / reads if reads else None

    @property
    def words(self) -> str:
        """`512 MB of 1.0 GB (allkeys-lru), 120 keys; in 5 s: no eviction, 97.1 % of 812 reads hit`."""
        limit = f" of {size(self.maxmemory)} ({self.policy})" if self.maxmemory else ""
        evicted = f"{self.evicted:,} evicted" if self.evicted else "none evicted"
        reads = f"{self.hits + self.misses:,} reads"
        hit = f"{self.hit_rate:.1%} of {reads} hit" if self.hit_rate is not None else "nothing was read"
        return f"{size(self.memory)}{limit}, {self.keys:,} keys; in {self.seconds:g} s: {evicted}, {hit}"


async def measure(server: CacheServer, seconds: float) -> Measured:
    """What the cache uses now, and how it is read over so many seconds."""
    before = await server.state()
    await asyncio.sleep(seconds)
    after = await server.state()
    return Measured(
        keys=sum(after.keys.values()),
        memory=after.memory,
        maxmemory=after.maxmemory,
        policy=after.policy,
        evicted=after.evicted - before.evicted,
        hits=after.hits - before.hits,
        misses=after.misses - before.misses,
        seconds=seconds,
    )


def allowed(prefix: str, prefixes: Sequence[str]) -> None:
    """PrefixError unless every key with that beginning also begins with one that may be dropped."""
    if prefix and any(prefix.startswith(one) for one in prefixes if one):
        return
    may = ", ".join(f"`{one}`" for one in prefixes) or "none"
    raise PrefixError(
        f"keys that begin with `{prefix}` may not be dropped by themselves: `cache.prefixes` has {may}"
    )


async def count_prefix(server: CacheServer, prefix: str) -> int:
    """Keys of the URL's database that begin with it."""
    seen = set[bytes]()
    async with server.connect(server.database) as client:
        async for page in names(client, literal(prefix)):
            seen.update(page)
    return len(seen)


async def invalidate(server: CacheServer, prefix: str, report: Progress) -> Dropped:
    """Drop every key of the URL's database that begins with `prefix`, its characters as they are.

    Every key that is there when this begins is dropped; it may be repeated.
    """
    before, dropped = await count_prefix(server, prefix), 0
    async with server.connect(server.database) as client:
        async for page in names(client, literal(prefix)):
            if page:
                dropped += int(await client.unlink(*page))
                report("dropping keys", done=dropped, total=max(before, dropped), unit="keys")
    return Dropped(before, dropped, await count_prefix(server, prefix))


async def flush(server: CacheServer) -> Dropped:
    """Drop every key of the URL's database; it may be repeated."""
    async with server.connect(server.database) as client:
        before = int(await client.dbsize())
        await client.flushdb(asynchronous=True)
        return Dropped(before, before, int(await client.dbsize()))


def literal(prefix: str) -> bytes:
    """The pattern that matches what begins with exactly these characters."""
    escaped = (b"\\" + bytes((one,)) if one in _GLOB else bytes((one,)) for one in prefix.encode())
    return b"".join(escaped) + b"*"
