"""A saved cache becomes the live one: proven in a scratch server first, taken over live or by file."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from console.targets.progress import Progress
from console.targets.redis import follow, place
from console.targets.redis.outcome import (
    RestoreError,
    counted,
    differing,
    forgotten,
    safe,
    same,
    sampled,
    words,
)
from console.targets.redis.place import Service
from console.targets.redis.programs import NoRedisError, server_program
from console.targets.redis.record import census
from console.targets.redis.scratch import LOOPBACK
from console.targets.redis.server import CacheServer, CacheState, release_of
from console.targets.redis.verify import Bench, Proven, Saved, proven


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did, as it was measured."""

    way: Literal["live", "file"]
    keys: dict[str, int]
    """Of each database right after it."""
    discarded: dict[str, int]
    """Keys that were there right before it."""
    closed_s: float
    """Seconds in which the cache took no writes."""
    words: str


async def restore(
    server: CacheServer,
    wanted: Saved,
    kept: Saved,
    bench: Bench,
    report: Progress,
    *,
    attempt: str,
    address: str | None = None,
    service: Service | None = None,
    on_kept: Callable[[str], object] = lambda _words: None,
) -> Restored:
    """Let the server hold what `wanted` holds, in all its databases, and nothing else.

    `kept` is its own state of now: proven to be loadable before anything is overwritten, in the words that
    `on_kept` hears. The server follows a scratch server that it reaches by `address` (this machine's;
    unnecessary where both are on it); where it may not or cannot, and `service` is given, it is restarted
    with the snapshot. `attempt` names what is put aside then. Writes of users are refused from the beginning
    to the end of either.
    Raises RestoreError, NotProvenError, CacheError and what `service` raises.
    """
    await put_right(server, bench, service, report)
    state = await _ready(server)
    async with proven(kept, bench, report) as own:
        _is_its_own(own, kept, state)
        on_kept(own.words)
    address = _as_seen(server, address)
    refused = await _not_live(server, wanted, state, bench, address)
    if not refused and address is not None:
        try:
            return await _live(server, wanted, bench, report, state, address)
        except follow.NotReachedError as error:
            refused = str(error)
    service = await _by_file_at_all(server, refused, service)
    return await _by_file(server, wanted, bench, report, attempt, service)


async def possible(
    server: CacheServer, wanted: Saved, bench: Bench, *, address: str | None, service: Service | None
) -> None:
    """Raise RestoreError where `restore` would do so without having looked at what was saved."""
    state = await _ready(server)
    if refused := await _not_live(server, wanted, state, bench, _as_seen(server, address)):
        await _by_file_at_all(server, refused, service)


async def put_right(server: CacheServer, bench: Bench, service: Service | None, report: Progress) -> None:
    """Undo what an engine that was killed in a restore left behind, so that the cache takes writes again."""
    if service is not None and (done := await place.put_right(server, service, bench.work, report.left_s)):
        report(done)
    if await follow.lead_again(server, bench.work):
        report(f"a killed restore had left the {server.place} following a scratch server: it leads again")


def is_cut_off(work: Path) -> bool:
    """Whether an engine that was killed in a restore has left something that is to be put right."""
    return place.is_cut_off(work) or follow.is_cut_off(work)


async def _ready(server: CacheServer) -> CacheState:
    state = await server.state()
    if state.clustered:
        raise RestoreError(f"the {server.place} is one of a Redis Cluster: it cannot be restored by itself")
    if state.master is not None:
        raise RestoreError(f"the {server.place} follows {':'.join(map(str, state.master))}: restore that one")
    if state.loading:
        raise RestoreError(f"the {server.place} is still loading its data: wait until it has")
    return state


def _is_its_own(proven: Proven, kept: Saved, state: CacheState) -> None:
    if proven.record.run_id != state.run_id:
        raise RestoreError(
            f"{kept.folder} is not the state of this cache since its last start: back it up before it is "
            "overwritten"
        )


async def _not_live(
    server: CacheServer, wanted: Saved, state: CacheState, bench: Bench, address: str | None
) -> str:
    """Why the server cannot take the keys over from a scratch server; empty where it can."""
    written = wanted.facts.version
    if release_of(written) > state.release:
        raise RestoreError(
            f"the saved cache was written by Redis {written}, which Redis {state.version} of the "
            f"{server.place} cannot read"
        )
    if address is None:
        return f"the {server.place} cannot reach this machine (`cache.scratch_address` is not named)"
    try:
        await server_program(bench.programs, at_least=written, at_most=state.version)
    except NoRedisError as error:
        return str(error)
    return await follow.refusal(server)


def _as_seen(server: CacheServer, address: str | None) -> str | None:
    """Our address as the server reaches it: as it is named, or that of a machine that both are on."""
    return LOOPBACK if address is None and server.is_on_loopback else address


async def _by_file_at_all(server: CacheServer, refused: str, service: Service | None) -> Service:
    """The service that restarts the server; RestoreError where it cannot be restored by file either."""
    if service is None:
        raise RestoreError(f"the cache cannot be restored live: {refused}; nor is it known how to restart it")
    if unreached := await place.out_of_reach(server):
        raise RestoreError(f"the cache cannot be restored live: {refused}; nor by file: {unreached}")
    return service


async def _live(
    server: CacheServer, wanted: Saved, bench: Bench, report: Progress, state: CacheState, address: str
) -> Restored:
    async with proven(wanted, bench, report, at_most=state.version, address=address) as found:
        alive, before = await forgotten(found.scratch), (await server.state()).keys
        began = time.monotonic()
        async with follow.following(server, found.scratch, address, bench.work, report) as (theirs, ours):
            if theirs.keys != ours.keys:
                raise RestoreError(differing(server, ours.keys, theirs.keys))
            report("comparing the cache with the scratch server")
            sample = await sampled(server, found.scratch)
            same(server, sample)
        closed_s = time.monotonic() - began
    if state.aof:
        report("waiting until the append-only file holds the keys")
        await server.settled(lambda now: not now.aof_rewriting, "rewrite its append-only file", report.left_s)
    await safe(server)
    told = words(theirs.keys, found.keys, alive, sample.same, closed_s)
    told = f"taken over live from a scratch Redis {found.scratch.program.version}: {told}"
    return Restored("live", theirs.keys, before, closed_s, told)


async def _by_file(
    server: CacheServer, wanted: Saved, bench: Bench, report: Progress, attempt: str, service: Service
) -> Restored:
    async with proven(wanted, bench, report) as found:
        before = (await server.state()).keys
        began = time.monotonic()
        aside = await place.replace(server, found.snapshot, bench.work, attempt, service, report)
        closed_s = time.monotonic() - began
        report("comparing the cache with the scratch server")
        now = await census(server)
        alive = await forgotten(found.scratch)
        counted(server, found.keys, alive, now)
        sample = await sampled(server, found.scratch)
        same(server, sample, writes=(await census(server)).writes)
    await safe(server)
    told = words(now.keys, found.keys, alive, sample.same, closed_s)
    told = f"restarted with the snapshot as its data: {told}; what it loaded before is at {aside}"
    return Restored("file", now.keys, before, closed_s, told)
