"""What is noted of a cache while it is saved, so that the file can be held against its server later."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from console.targets.redis.sample import Key
from console.targets.redis.server import CacheServer, keys_of

SNAPSHOT = "cache.rdb"
RECORD = "cache.json"


class Census(Struct, frozen=True):
    """How many keys a server has, and what it had done until then that may have changed that."""

    at: int
    """The server's clock, UTC microseconds."""
    keys: dict[str, int]
    """Of each database that has any."""
    writes: int
    """Write commands and evictions since the server started."""
    expired: int
    """Keys that it has removed since then because their time was up."""


class Record(Struct, frozen=True, kw_only=True):
    """The server around the moment of its snapshot, which lies between the two censuses."""

    schema: Literal["warroom.cache/1"] = "warroom.cache/1"
    bytes: int
    """Of the snapshot's file."""
    version: str
    run_id: str
    replication_id: str
    """Names the server's history; the snapshot holds it too."""
    before: Census
    after: Census
    steady: tuple[Key, ...]
    """Keys of the sample that were the same before and after, so that the snapshot must hold them too."""
    moving: int
    """Keys of the sample that were written or expired meanwhile: nothing can be said of them."""

    @property
    def changes(self) -> int:
        """What may have moved the counts between the censuses, by one key each."""
        before, after = self.before, self.after
        return after.writes - before.writes + after.expired - before.expired


async def census(server: CacheServer) -> Census:
    """The server's keys now."""
    async with server.connect() as client:
        commands = await client.command()
    info = await server.info()
    writes = int(info["evicted_keys"]) + _writes(info, commands)
    return Census(int(info["server_time_usec"]), keys_of(info), writes, int(info["expired_keys"]))


def _writes(info: Mapping[str, Any], commands: Mapping[str, Any]) -> int:
    """How often any command was called that the server itself says writes."""
    writing = {f"cmdstat_{name}" for name, facts in commands.items() if _may_write(facts)}
    return sum(int(stat["calls"]) for name, stat in info.items() if name.partition("|")[0] in writing)


def _may_write(facts: Mapping[str, Any]) -> bool:
    return "write" in facts["flags"] or any(b"write" in one[2] for one in facts.get("subcommands", ()))


def encode(record: Record) -> bytes:
    """The record as it is written, for people too."""
    return msgspec.json.format(msgspec.json.encode(record)) + b"\n"


def decode(raw: bytes) -> Record:
    """The record in those bytes; msgspec.DecodeError when they hold none."""
    return msgspec.json.decode(raw, type=Record)
