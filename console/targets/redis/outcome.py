"""What a cache holds after a restore, held against the scratch server that it got it from."""

from collections.abc import Mapping

from console.core.errors import StatedError
from console.core.format import count
from console.targets.redis.record import Census
from console.targets.redis.sample import Comparison, Key, choose, compared, look, names
from console.targets.redis.scratch import Scratch
from console.targets.redis.server import CacheServer


class RestoreError(StatedError):
    """The cache was not restored, or is not what it should be after it; one line that says which."""


async def forgotten(scratch: Scratch) -> dict[str, int]:
    """Let a scratch server lead, and drop what has expired; the keys of each database that are left."""
    await scratch.lead()
    for database in (await scratch.server.state()).keys:
        async with scratch.server.connect(int(database)) as client:
            async for _ in names(client):  # a master drops an expired key when it would have to tell its name
                pass
    return (await scratch.server.state()).keys


def counted(server: CacheServer, most: Mapping[str, int], least: Mapping[str, int], now: Census) -> None:
    """Refuse counts that neither expiry nor what was written since the server's start can explain."""
    for database in {**most, **now.keys}:
        found = now.keys.get(database, 0)
        if not least.get(database, 0) - now.writes <= found <= most.get(database, 0) + now.writes:
            raise RestoreError(differing(server, most, now.keys))


async def sampled(server: CacheServer, scratch: Scratch) -> Comparison:
    """A sample of the scratch server's keys, held against the cache's."""
    sample: list[Key] = []
    for database in (await scratch.server.state()).keys:
        chosen = await choose(scratch.server, int(database))
        sample += [key for key in await look(scratch.server, int(database), chosen) if key is not None]
    return await compared(server, sample)


def same(server: CacheServer, sample: Comparison, writes: int = 0) -> None:
    """Refuse more differences than there were writes."""
    if len(sample.wrong) > writes:
        raise RestoreError(f"{len(sample.wrong)} keys differ in the {server.place}: {sample.wrong[0]}")


async def safe(server: CacheServer) -> None:
    """Refuse a server whose append-only file does not hold what it has in memory."""
    state = await server.state()
    if state.aof and not state.aof_healthy:
        raise RestoreError(
            f"the {server.place} holds the keys, and could not write its append-only file: see its log, "
            "make room, and say BGREWRITEAOF to it"
        )


def differing(server: CacheServer, wanted: Mapping[str, int], found: Mapping[str, int]) -> str:
    return f"the {server.place} has {_keys(found)} where the snapshot has {_keys(wanted)}"


def _keys(keys: Mapping[str, int]) -> str:
    """`20,000 keys in database 0, 5 in database 3`."""
    told = [
        f"{number:,} {'keys ' if not at else ''}in database {name}"
        for at, (name, number) in enumerate(sorted(keys.items(), key=lambda item: int(item[0])))
    ]
    return ", ".join(told) or "no key"


def words(
    keys: Mapping[str, int], all_keys: Mapping[str, int], alive: Mapping[str, int], same: int, closed_s: float
) -> str:
    """What the cache holds now, how it was compared, and for how long it took no writes."""
    gone = sum(all_keys.values()) - sum(alive.values())
    parts = [_keys(keys), f"{same:,} compared: type, value and expiry are the snapshot's"]
    parts += [f"{count(gone, 'key')} of the snapshot had expired since"] if gone else []
    return "; ".join([*parts, f"for {closed_s:.1f} s it took no writes"])
