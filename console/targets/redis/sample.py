"""A sample of a cache's keys with type, content and expiry, chosen by the keys' names alone."""

import hashlib
import heapq
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from console.targets.redis.server import CacheServer

SIZE = 100
"""Keys of each database that are looked at."""
SCANNED = 100_000
"""Keys of each database that these are chosen from, at most."""
ELEMENTS = 256
"""Elements of a list, sorted set or stream that are compared; hashes and sets above are compared by size."""
BYTES = 1 << 16
"""Bytes of a string that are compared, beside its length."""
TOLERANCE_MS = 1000
"""An expiry is told as what is left of it: two tellings of the same one differ by the time that they take."""
PAGE = 1000
_BATCH = 50
_GONE, _NEVER = -2, -1
"""What PTTL says of a key that is not there, and of one that stays."""
_SIZES = {
    b"string": "STRLEN",
    b"list": "LLEN",
    b"set": "SCARD",
    b"zset": "ZCARD",
    b"hash": "HLEN",
    b"stream": "XLEN",
}

Words = tuple[str | int | bytes, ...]
"""A command."""


class Key(Struct, frozen=True):
    """A key as it was at one moment."""

    database: int
    name: bytes
    type: str
    digest: str
    """SHA-256 over size and content, the same whatever server holds it."""
    expires: int | None
    """UTC milliseconds by the server's clock; None: never."""


class Comparison(Struct, frozen=True):
    """Keys as they should be, held against the same ones as they are."""

    same: int
    expired: int
    """Gone, as they had to be by now."""
    wrong: tuple[str, ...]
    """What is different, a sentence each."""


async def names(client: Redis, match: bytes | None = None) -> AsyncIterator[list[bytes]]:
    """All names of a database, page by page; none that is there throughout is left out."""
    cursor = 0
    while True:
        cursor, page = await client.scan(cursor, match=match, count=PAGE)
        yield [name.encode() if isinstance(name, str) else name for name in page]
        if cursor == 0:
            return


async def choose(server: CacheServer, database: int) -> list[bytes]:
    """SIZE names of a database, always the same ones of the same keys: those whose hashes are smallest."""
    chosen: list[tuple[int, bytes]] = []
    scanned = 0
    async with server.connect(database) as client:
        async for page in names(client):
            scanned += len(page)
            ranked = ((int.from_bytes(hashlib.sha256(name).digest()[:8]), name) for name in page)
            chosen = heapq.nsmallest(SIZE, {*chosen, *ranked})
            if scanned >= SCANNED:
                break
    return [name for _, name in chosen]


async def look(server: CacheServer, database: int, wanted: Sequence[bytes]) -> list[Key | None]:
    """These keys as they are now; None for one that is not there, or changes while it is looked at.

    Reading a key makes it a recently used one, as any reader does.
    """
    found: list[Key | None] = []
    async with server.connect(database) as client:
        for start in range(0, len(wanted), _BATCH):
            found += await _look(client, database, wanted[start : start + _BATCH])
    return found


async def _look(client: Redis, database: int, wanted: Sequence[bytes]) -> list[Key | None]:
    kinds = await _each(client, [("TYPE", name) for name in wanted])
    sizes = await _each(client, [_size(kind, name) for kind, name in zip(kinds, wanted, strict=True)])
    asked: list[Words] = [("TIME",)]
    for kind, name, size in zip(kinds, wanted, sizes, strict=True):
        asked += [("PTTL", name), _size(kind, name), _content(kind, name, size)]
    now, *answers = await _each(client, asked, at_once=True)
    seen = zip(answers[::3], answers[1::3], answers[2::3], strict=True)
    return [
        _key(database, name, kind, _milliseconds(now), said)
        for name, kind, said in zip(wanted, kinds, seen, strict=True)
    ]


async def _each(client: Redis, commands: Sequence[Words], *, at_once: bool = False) -> list[Any]:
    """What each of them answers, an error among it; `at_once`: with nothing of others in between."""
    async with client.pipeline(transaction=at_once) as pipeline:
        for words in commands:
            pipeline.execute_command(*words)
        return list(await pipeline.execute(raise_on_error=False))


def _size(kind: bytes, name: bytes) -> Words:
    return (_SIZES.get(kind, "EXISTS"), name)


def _content(kind: bytes, name: bytes, size: object) -> Words:
    """What to ask for of it, in bounds; its size once more where only that is compared."""
    if kind == b"string":
        return ("GETRANGE", name, 0, BYTES - 1)
    if kind == b"list":
        return ("LRANGE", name, 0, ELEMENTS - 1)
    if kind == b"zset":
        return ("ZRANGE", name, 0, ELEMENTS - 1, "WITHSCORES")
    if kind == b"stream":
        return ("XRANGE", name, "-", "+", "COUNT", ELEMENTS)
    if isinstance(size, int) and size <= ELEMENTS and kind in (b"set", b"hash"):
        return ("SMEMBERS" if kind == b"set" else "HGETALL", name)
    return _size(kind, name)


def _key(database: int, name: bytes, kind: bytes, now: int, said: tuple[Any, Any, Any]) -> Key | None:
    left, size, content = said
    if kind == b"none" or left == _GONE or any(isinstance(one, ResponseError) for one in said):
        return None
    if kind == b"zset":  # servers write the same score in different ways
        content = [float(one) if odd % 2 else one for odd, one in enumerate(content)]
    digest = hashlib.sha256(b"%b %d " % (kind, size))
    for piece in _flat(content):
        digest.update(b"%d:%b" % (len(piece), piece))
    return Key(database, name, kind.decode(), digest.hexdigest(), None if left == _NEVER else now + left)


def _flat(content: Any) -> Iterator[bytes]:
    """Its bytes in an order that only the content decides."""
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, dict):
        yield from _flat(sorted(content.items()))
    elif isinstance(content, set):
        yield from _flat(sorted(content))
    elif isinstance(content, list | tuple):
        for one in content:
            yield from _flat(one)
    else:
        yield repr(content).encode()


def _milliseconds(time: tuple[int, int]) -> int:
    return time[0] * 1000 + time[1] // 1000


async def compared(server: CacheServer, expected: Sequence[Key]) -> Comparison:
    """Keys as they should be, held against those that a server has."""
    by_database = sorted(expected, key=lambda key: key.database)
    found: list[Key | None] = []
    for database, keys in groupby(by_database, key=lambda key: key.database):
        found += await look(server, database, [key.name for key in keys])
    now = int((await server.info())["server_time_usec"]) // 1000
    return held_against(by_database, found, now)


def held_against(expected: Sequence[Key], found: Sequence[Key | None], now: int) -> Comparison:
    """What became of keys; `now` is the clock that they expire by, UTC milliseconds, after `found`."""
    same, expired, wrong = 0, 0, []
    for key, other in zip(expected, found, strict=True):
        if other is None and key.expires is not None and key.expires <= now + TOLERANCE_MS:
            expired += 1
        elif words := _difference(key, other):
            wrong.append(f"key {key.name.decode(errors='replace')!r} of database {key.database} {words}")
        else:
            same += 1
    return Comparison(same, expired, tuple(wrong))


def is_same(key: Key, other: Key | None) -> bool:
    """Whether type, content and expiry are the same."""
    return not _difference(key, other)


def _difference(key: Key, other: Key | None) -> str:
    if other is None:
        return "is not there"
    if other.type != key.type:
        return f"is a {other.type}, and was a {key.type}"
    if other.digest != key.digest:
        return "has another value"
    if (key.expires is None) != (other.expires is None):
        return "expires, and did not" if key.expires is None else "never expires, and did"
    if key.expires is not None and other.expires is not None:
        late = (other.expires - key.expires) / 1000
        if abs(late) > TOLERANCE_MS / 1000:
            return f"expires {abs(late):.1f} s {'later' if late > 0 else 'earlier'} than it did"
    return ""
