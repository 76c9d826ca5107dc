"""A saved cache is believed when a scratch server has loaded it and holds what its record says."""

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from console.core.backups import CacheFacts
from console.targets.process import Programs, orphans
from console.targets.redis.check import NotProvenError
from console.targets.redis.record import RECORD, SNAPSHOT, Record, decode, encode
from console.targets.redis.save import save
from console.targets.redis.server import CacheServer
from console.targets.redis.verify import verify
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard
from tests.integration.redis.kit import hasten
from tests.servers import RedisServer

KEYS = {"0": 507, "3": 1}


class Cache:
    """A cache with a key of every type, and a folder that it is saved into."""

    def __init__(self, redis_server: RedisServer, folder: Path) -> None:
        self.redis = redis_server
        self.folder = folder / "saved"
        self.work = folder / "work"
        self.programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
        self.server = CacheServer(lambda: redis_server.url, HostShell(self.programs), limit_s=1)
        self.tag = folder
        self.folder.mkdir()

    def fill(self) -> None:
        """Sessions, the other types, a key that expires soon, and another database."""
        with self.redis.client() as client:
            client.mset({f"session:{number}": f"value {number}" for number in range(500)})
            client.set("expires", "x", ex=3600)
            client.hset("hash", mapping={"a": "1", "b": "2"})
            client.rpush("list", *range(10))
            client.sadd("set", "one", "two", "three")
            client.zadd("zset", {"one": 1.5, "two": 2})
            client.xadd("stream", {"a": "b"})
            client.set(b"\xff\x00 bytes", os.urandom(100))
            client.select(3)
            client.set("other", "database")

    async def save(self) -> CacheFacts:
        """Into the folder."""
        return await save(self.server, self.folder, Heard())

    async def verify(self, facts: CacheFacts) -> str:
        """From the folder."""
        return await verify(self.folder, facts, self.programs, self.work, Heard())

    async def refused(self, facts: CacheFacts) -> str:
        """Why it is not believed; nothing of the trial may be left."""
        with pytest.raises(NotProvenError) as caught:
            await self.verify(facts)
        assert orphans(self.tag) == []
        assert list(self.work.iterdir()) == []
        return str(caught.value)

    @property
    def snapshot(self) -> Path:
        """The file with the keys."""
        return self.folder / SNAPSHOT

    def rewrite(self, **changes: Any) -> None:
        """Give the record other words."""
        path = self.folder / RECORD
        path.write_bytes(encode(replace(decode(path.read_bytes()), **changes)))

    @property
    def record(self) -> Record:
        """As it was written."""
        return decode((self.folder / RECORD).read_bytes())


@pytest.fixture
def cache(redis_server: RedisServer, tmp_path: Path) -> Cache:
    """A full one."""
    made = Cache(redis_server, tmp_path)
    made.fill()
    hasten(redis_server)
    return made


async def test_what_was_saved_over_the_wire_is_loaded_and_compared(cache: Cache) -> None:
    """Although the server keeps an append-only file, and no snapshot of its own."""
    facts = await cache.save()
    assert facts.keys == KEYS
    assert (await cache.server.state()).aof
    words = await cache.verify(facts)
    assert f"snapshot of Redis {facts.version} at " in words
    assert "whole by its checksum (CRC64)" in words
    assert "508 keys in 2 databases, as the server counted them" in words
    assert "101 keys compared: type, value and expiry as they were" in words
    assert orphans(cache.tag) == []
    assert (await cache.server.state()).keys == KEYS


async def test_an_empty_file_is_refused(cache: Cache) -> None:
    facts = await cache.save()
    cache.snapshot.write_bytes(b"")
    assert await cache.refused(facts) == f"{cache.snapshot} is empty: take another backup"


async def test_a_missing_file_is_refused(cache: Cache) -> None:
    facts = await cache.save()
    cache.snapshot.unlink()
    assert await cache.refused(facts) == f"cannot read {cache.snapshot}: No such file or directory"


async def test_another_kind_of_file_is_refused(cache: Cache) -> None:
    facts = await cache.save()
    cache.snapshot.write_bytes(b"PGDMP" + cache.snapshot.read_bytes()[5:])
    assert "is no snapshot of a Redis" in await cache.refused(facts)


async def test_a_truncated_file_is_refused(cache: Cache) -> None:
    facts = await cache.save()
    whole = cache.snapshot.read_bytes()
    cache.snapshot.write_bytes(whole[:1000])
    assert await cache.refused(facts) == (
        f"{cache.snapshot} is truncated: 1,000 of {len(whole):,} bytes are there; take another backup"
    )


async def test_a_file_that_was_cut_before_it_was_measured_is_refused(cache: Cache) -> None:
    """The record says as much as there is: Redis' own check finds no end."""
    facts = await cache.save()
    cache.snapshot.write_bytes(cache.snapshot.read_bytes()[:1000])
    cache.rewrite(bytes=1000)
    assert "is damaged" in await cache.refused(facts)


async def test_a_flipped_bit_is_refused(cache: Cache) -> None:
    """One letter of one name: still a snapshot by its form."""
    facts = await cache.save()
    raw = cache.snapshot.read_bytes()
    assert raw.count(b"\x0bsession:123") == 1
    cache.snapshot.write_bytes(raw.replace(b"\x0bsession:123", b"\x0bsession:127"))
    assert await cache.refused(facts) == (
        f"{cache.snapshot} is damaged: its content does not have its checksum (CRC64); take another backup"
    )


async def test_bytes_behind_the_end_are_refused(cache: Cache) -> None:
    facts = await cache.save()
    cache.snapshot.write_bytes(cache.snapshot.read_bytes() + b"more")
    assert "has grown from " in await cache.refused(facts)


async def test_other_counts_than_the_servers_are_refused(cache: Cache) -> None:
    facts = await cache.save()
    record = cache.record
    other = {"0": 900, "3": 1}
    cache.rewrite(before=replace(record.before, keys=other), after=replace(record.after, keys=other))
    said = await cache.refused(replace(facts, keys=other))
    assert said.startswith("the snapshot has 507 keys in database 0; the server counted 900 before and 900")


async def test_another_value_than_the_servers_is_refused(cache: Cache) -> None:
    facts = await cache.save()
    first, *rest = cache.record.steady
    cache.rewrite(steady=(replace(first, digest="00" * 32), *rest))
    said = await cache.refused(facts)
    assert said.startswith("1 of 101 keys compared differ from the server's: key ")
    assert said.endswith("has another value")


async def test_another_expiry_than_the_servers_is_refused(cache: Cache) -> None:
    facts = await cache.save()
    first, *rest = cache.record.steady
    cache.rewrite(steady=(replace(first, expires=None if first.expires else 4_000_000_000_000), *rest))
    assert "1 of 101 keys compared differ" in await cache.refused(facts)


async def test_the_record_of_another_server_is_refused(cache: Cache) -> None:
    facts = await cache.save()
    said = await cache.refused(replace(facts, run_id="00" * 20))
    assert "is of another server (run " in said


async def test_a_snapshot_of_another_history_is_refused(cache: Cache) -> None:
    """Files that were mixed up: each is whole, and they do not belong together."""
    facts = await cache.save()
    cache.rewrite(replication_id="00" * 20)
    assert "is of another server (Redis " in await cache.refused(facts)


async def test_without_a_record_there_is_no_proof(cache: Cache) -> None:
    facts = await cache.save()
    (cache.folder / RECORD).unlink()
    assert "there is no record to hold the cache against" in await cache.refused(facts)
