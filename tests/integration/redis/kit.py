"""What the tests of the cache share: a cache worth saving, a line to it that can be cut, what it holds."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import redis

from console.core.backups import CacheFacts
from console.targets.process import Programs
from console.targets.redis.save import save
from console.targets.redis.server import CacheServer
from console.targets.redis.verify import Bench, Saved
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard
from tests.servers import LOOPBACK, RedisServer

HOUR_MS = 3_600_000
PATIENCE_S = 10.0
PAGE = 1 << 14


def programs_of(folder: Path) -> Programs:
    """Programs of an engine whose state is in that folder."""
    return Programs({"PATH": os.environ["PATH"]}, tag=folder)


def cache_of(server: RedisServer, folder: Path, *, limit_s: float = 5.0, url: str = "") -> CacheServer:
    """The server as the program sees it, by its own URL or another one."""
    return CacheServer(lambda: url or server.url, HostShell(programs_of(folder)), limit_s=limit_s)


def bench_of(folder: Path) -> Bench:
    """Where saved caches are proven in these tests."""
    return Bench(programs_of(folder), folder / "work")


class Served(Protocol):
    """A Redis for tests, on this machine or in a container."""

    def client(self) -> "redis.Redis":
        """A client of it; close it."""
        ...


def hasten(server: Served) -> None:
    """Let the server not wait for more replicas before it sends a snapshot: its default is 5 s."""
    with server.client() as client:
        client.config_set("repl-diskless-sync-delay", 0)


def fill(server: Served, keys: int = 2000) -> None:
    """So many keys in three databases: all types, half of them with an hour and more to live."""
    with server.client() as client:
        for database, share in ((0, 0.8), (1, 0.15), (5, 0.05)):
            client.select(database)
            for start in range(0, round(keys * share), 1000):
                _fill(client, range(start, min(start + 1000, round(keys * share))))


def _fill(client: "redis.Redis", numbers: range) -> None:
    pipeline = client.pipeline(transaction=False)
    for number in numbers:
        name = f"session:{number}"
        match number % 6:
            case 0 | 1:
                pipeline.set(name, f"value {number} " * (1 + number % 20))
            case 2:
                pipeline.hset(name, mapping={"user": number, "chain": "1", "nonce": number * 7})
            case 3:
                pipeline.sadd(name, "a", "b", number)
            case 4:
                pipeline.zadd(name, {"first": number / 3, "second": 2.5})
            case 5:
                pipeline.rpush(name, *range(number % 7 + 1))
        if number % 2:
            pipeline.pexpire(name, HOUR_MS + number * 1000)
    pipeline.execute()


def contents(server: Served) -> dict[tuple[int, bytes], tuple[Any, ...]]:
    """Everything that the server holds: type, value and moment of expiry in seconds, by database and name."""
    found: dict[tuple[int, bytes], tuple[Any, ...]] = {}
    with server.client() as client:
        for database in (int(name[2:]) for name in client.info("keyspace")):
            client.select(database)
            names = sorted(client.scan_iter(count=1000))
            kinds = _all(client, "type", names)
            now = client.time()[0]
            lives = [ms if ms < 0 else now + ms // 1000 for ms in _all(client, "pttl", names)]
            values = _values(client, names, kinds)
            for name, kind, life, value in zip(names, kinds, lives, values, strict=True):
                found[database, name] = (kind, value, life)
    return found


def _all(client: "redis.Redis", command: str, names: list[bytes]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for name in names:
        getattr(pipeline, command)(name)
    return pipeline.execute()


def _values(client: "redis.Redis", names: list[bytes], kinds: list[bytes]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for name, kind in zip(names, kinds, strict=True):
        match kind:
            case b"string":
                pipeline.get(name)
            case b"hash":
                pipeline.hgetall(name)
            case b"set":
                pipeline.smembers(name)
            case b"zset":
                pipeline.zrange(name, 0, -1, withscores=True)
            case _:
                pipeline.lrange(name, 0, -1)
    return pipeline.execute()


def assert_same(
    found: dict[tuple[int, bytes], tuple[Any, ...]], wanted: dict[tuple[int, bytes], tuple[Any, ...]]
) -> None:
    """The same keys with type and value, and expiries that are told within two seconds of each other."""
    assert found.keys() == wanted.keys()
    for key, (kind, value, life) in wanted.items():
        assert found[key][:2] == (kind, value), key
        assert abs(found[key][2] - life) <= 2, key


async def saved(server: RedisServer, folder: Path, name: str = "saved") -> Saved:
    """The cache saved as it is now, into a folder of that name."""
    hasten(server)
    place = folder / name
    place.mkdir()
    facts: CacheFacts = await save(cache_of(server, folder), place, Heard())
    return Saved(place, facts)


class Line:
    """A way to a server through ours, which can be cut or go silent after so many bytes of its answers."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.after = float("inf")
        """Bytes that one connection brings before it fails."""
        self.silent = False
        """Whether it fails by silence, and for new connections too; else it is cut."""
        self.failed = asyncio.Event()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            if self.silent and self.failed.is_set():
                await asyncio.Event().wait()
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target)
            copies = self._copy(reader, far_writer, float("inf")), self._copy(far_reader, writer, self.after)
            await asyncio.gather(*copies)
        finally:
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: float) -> None:
        try:
            with suppress(OSError):
                while left >= 0 and (piece := await reader.read(PAGE)):
                    left -= len(piece)
                    writer.write(piece if left >= 0 else b"")
                    await writer.drain()
            if left < 0:
                self.failed.set()
            if left < 0 and self.silent:
                await asyncio.Event().wait()
        finally:
            writer.close()


@asynccontextmanager
async def line_to(server: RedisServer) -> AsyncIterator[tuple[Line, str]]:
    """A line to the server, and the URL that goes through it."""
    line, tasks = Line(server.port), set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(line.accept(reader, writer)))

    listening = await asyncio.start_server(accept, LOOPBACK, 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield line, f"redis://:{server.password}@{LOOPBACK}:{port}/0"
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def command_lines() -> list[str]:
    """Command line of every process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


async def until(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fails after ten seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)
