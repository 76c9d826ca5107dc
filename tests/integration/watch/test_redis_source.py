"""The cache as a source: its numbers against what was done to a real server, and how it can have none."""

import asyncio
import os
import secrets
import signal
import socket
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path

import pytest

from console.core.errors import StatedError
from console.core.measures import NOTHING
from console.core.watched import Cached, Stat, Unavailable
from console.engine.watchers.readings import ReadingsWatcher
from console.targets.shell import HostShell
from console.targets.source import Answered, CannotAskError, SourceError
from console.targets.watch.redis import CacheStats
from tests.integration.targets.test_sampler import HandClock
from tests.integration.watch.kit import LIMIT_S, made, ordinary_user, programs_of, refused, serving
from tests.servers import LOOPBACK, RedisServer

DOWN = Unavailable(kind="unavailable", source="cache")


def stats_of(url: str, clock: HandClock | None = None, *, limit_s: float = LIMIT_S) -> CacheStats:
    here = HostShell(programs_of(Path("/nowhere")))
    return CacheStats(lambda: url, here, clock or HandClock(), limit_s=limit_s)


async def test_the_first_look_knows_what_needs_no_other(redis_server: RedisServer) -> None:
    """A server without maxmemory has no share of it, and rates need a look before: neither is 0."""
    assert (await stats_of(redis_server.url).look()).numbers == {}
    with redis_server.client() as client:
        client.config_set("maxmemory", "64mb")
    assert (await stats_of(redis_server.url).look()).numbers.keys() == {"memory"}


async def test_memory_is_a_share_of_maxmemory(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", "40mb")
        before = (await stats_of(redis_server.url).look()).numbers["memory"]
        for number in range(20):
            client.set(f"weight{number}", bytes(1 << 20))
        after = (await stats_of(redis_server.url).look()).numbers["memory"]
        used = client.info("memory")["used_memory"]
    assert before < 10
    assert after > 50
    assert after == pytest.approx(100 * used / (40 << 20), abs=1)


async def test_the_hit_rate_is_that_since_the_look_before(redis_server: RedisServer) -> None:
    """What was asked for earlier does not count; where nothing was, there is no rate."""
    stats = stats_of(redis_server.url)
    with redis_server.client() as client:
        client.set("here", 1)
        for _ in range(50):
            client.get("missing")
        await stats.look()
        quiet = (await stats.look()).numbers
        assert ("hit_rate" not in quiet, quiet["lookups"]) == (True, 0.0)
        for key in ("here", "here", "here", "missing"):
            client.get(key)
        found = (await stats.look()).numbers
        assert (found["hit_rate"], found["lookups"]) == (75.0, 4.0)
        client.get("missing")
        assert (await stats.look()).numbers["hit_rate"] == 0.0
        client.get("here")
        assert (await stats.look()).numbers["hit_rate"] == 100.0


async def test_evictions_are_told_a_minute(redis_server: RedisServer) -> None:
    """As many as the server counts, over the time that our own clock says; 0 when there were none."""
    clock = HandClock()
    stats = stats_of(redis_server.url, clock)
    with redis_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        await stats.look()
        await clock.move(5)
        assert (await stats.look()).numbers["evictions"] == 0
        client.config_set("maxmemory", client.info("memory")["used_memory"] + (1 << 20))
        for number in range(40):
            client.set(f"key{number}", bytes(100_000))
        evicted = client.info("stats")["evicted_keys"]
        await clock.move(15)
        found = (await stats.look()).numbers["evictions"]
        # Our own connection takes memory, too, which may have cost another key.
        assert evicted * 4 <= found <= client.info("stats")["evicted_keys"] * 4
    assert evicted > 10


async def test_counters_that_begin_again_are_no_rate(redis_server: RedisServer) -> None:
    """After a restart, and after CONFIG RESETSTAT, the next look has no rate, and the one after has."""
    clock = HandClock()
    stats = stats_of(redis_server.url, clock)

    async def seen() -> dict[str, float]:
        await clock.move(5)
        return dict((await stats.look()).numbers)

    with redis_server.client() as client:
        client.get("missing")
        await seen()
        client.config_resetstat()
        assert await seen() == {}
        assert await seen() == {"evictions": 0.0, "lookups": 0.0}
    redis_server.stop()
    await refused(stats)
    redis_server.start()
    with redis_server.client() as client:
        for _ in range(20):  # more than before the restart: the counters alone would not tell
            client.get("missing")
        assert await seen() == {}
        client.get("missing")
        assert await seen() == {"evictions": 0.0, "lookups": 1.0, "hit_rate": 0.0}


async def test_a_server_that_is_not_there_is_unavailable(redis_server: RedisServer) -> None:
    """The measure says so, and takes it back when the server is there again."""
    source = Cached(kind="redis", url="env:URL", every="1s", limit="1s")  # type: ignore[arg-type]
    watcher = ReadingsWatcher(source, stats_of(redis_server.url), HandClock())
    unavailable = watcher.reader(DOWN)
    await watcher.ask()
    assert (unavailable().value, watcher.trouble) == (0.0, "")
    redis_server.stop()
    await watcher.ask()
    assert unavailable().value == 1.0
    assert watcher.trouble.startswith(f"cache on {LOOPBACK}:{redis_server.port}: ")
    redis_server.start()
    await watcher.ask()
    assert (unavailable().value, watcher.trouble) == (0.0, "")


async def test_a_server_that_hangs_is_given_up(redis_server: RedisServer) -> None:
    """It takes connections, and answers none."""
    os.kill(redis_server.pid, signal.SIGSTOP)
    try:
        error = await refused(stats_of(redis_server.url))
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)
    assert type(error) is SourceError
    assert str(error) == f"cache on {LOOPBACK}:{redis_server.port}: no answer within 1 s"


async def test_an_answer_that_does_not_end_is_given_up() -> None:
    """A byte now and then keeps each read alive, but not the look."""

    async def drip(_: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"$1000000\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    async with serving(drip) as port:
        error = await refused(stats_of(f"redis://{LOOPBACK}:{port}/0"))
    assert str(error) == f"cache on {LOOPBACK}:{port}: no answer within 1 s"


@pytest.mark.parametrize(
    "said", [b"+OK\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"$-1\r\n", b"*1\r\n:7\r\n"]
)
async def test_another_server_is_told_from_a_cache(said: bytes) -> None:
    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        while await reader.read(1 << 16):
            writer.write(said * 4)

    async with serving(answer) as port:
        error = await refused(stats_of(f"redis://{LOOPBACK}:{port}/0"))
    assert type(error) is SourceError


async def test_a_server_that_loads_is_unavailable_and_has_numbers(redis_7: RedisServer) -> None:
    """It answers us, and refuses every question of the service."""
    with redis_7.client() as client, client.pipeline() as pipeline:
        for number in range(1000):
            pipeline.set(f"key{number}", "value")
        pipeline.execute()
        client.save()
    redis_7.stop()
    redis_7.settings |= {
        "appendonly": "no",
        "maxmemory": "64mb",
        "key-load-delay": "1000",
        "loading-process-events-interval-bytes": "1024",
    }
    starting = asyncio.create_task(asyncio.to_thread(redis_7.start))
    answered = Answered()
    while not answered.failure:
        assert not starting.done()
        with suppress(SourceError):  # nobody listens at first
            answered = await stats_of(redis_7.url).look()
    assert answered.failure.endswith(": it is loading its data, and serves nobody yet")
    assert answered.numbers.keys() == {"memory"}
    await starting
    assert (await stats_of(redis_7.url).look()).numbers.keys() == {"memory"}


# -- it is we who are wrong -------------------------------------------------------------------------


async def test_credentials_that_it_does_not_take_say_nothing_about_it(redis_server: RedisServer) -> None:
    """Wrong, missing, of an unknown user, or of one who may not ask: never unavailable, never shown."""
    canary = secrets.token_hex(8)
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "watcher", "on", f">{canary}", "-@all", "+ping")
    place = f"{LOOPBACK}:{redis_server.port}/0"
    for login in (f":{canary}", "", f"nobody:{canary}", f"watcher:{canary}"):
        error = await refused(stats_of(f"redis://{login}@{place}" if login else f"redis://{place}"))
        assert type(error) is CannotAskError, login
        assert canary not in str(error)
        assert redis_server.password not in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "CANARY",
        "http://:CANARY@127.0.0.1:1/0",
        "redis://:CANARY@127.0.0.1:CANARY/0",
        "redis://:CANARY@127.0.0.1:1/0?no_such_option=CANARY",
        "redis://:CANARY@127.0.0.1:1/0?socket_timeout=CANARY",
    ],
)
async def test_a_url_that_is_none_is_told_without_the_password(url: str) -> None:
    error = await refused(stats_of(url))
    assert type(error) is CannotAskError
    assert "CANARY" not in str(error)


async def test_a_secret_that_is_not_there_is_no_fault_of_the_cache() -> None:
    """Also one that goes away later: it is asked for at each look."""

    def url() -> str:
        raise StatedError("env:URL: the variable is not set")

    here = HostShell(programs_of(Path("/nowhere")))
    stats = CacheStats(url, here, HandClock(), limit_s=LIMIT_S)
    watcher = ReadingsWatcher(
        Cached(kind="redis", url="env:URL", every="1s", limit="1s"),  # type: ignore[arg-type]
        stats,
        HandClock(),
    )
    await watcher.ask()
    assert watcher.trouble == "env:URL: the variable is not set"
    assert watcher.reader(DOWN)() == NOTHING
    assert watcher.reader(Stat(kind="stat", source="cache", stat="memory"))() == NOTHING


async def test_a_socket_that_is_not_ours_to_open_says_nothing_about_the_cache(roomy: Path) -> None:
    """Asked as an ordinary user: root may open every socket."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(roomy / "redis.sock"))
        listening.listen()
        (roomy / "redis.sock").chmod(0o600)
        with ordinary_user():
            error = await refused(stats_of(f"unix://{roomy}/redis.sock"))
    assert type(error) is CannotAskError
    assert str(error).endswith("Permission denied")


async def test_the_engine_makes_it_of_a_strategy(redis_7: RedisServer, tmp_path: Path) -> None:
    with redis_7.client() as client:
        client.config_set("maxmemory", "64mb")
    described = {"kind": "redis", "url": "env:URL", "every": "1s", "limit": "1s"}
    memory = Stat(kind="stat", source="cache", stat="memory")
    async with made(described, memory, tmp_path, redis_7.url) as watcher:
        await watcher.ask()
        assert 0 < (watcher.reader(memory)().value or 0) < 10
        assert watcher.reader(DOWN)().value == 0
