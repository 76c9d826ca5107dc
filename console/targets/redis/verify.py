"""Proof that a saved cache is whole: checked, loaded into a scratch server, compared with its record."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from console.core.backups import CacheFacts
from console.core.format import count
from console.targets.own_folder import own_folder
from console.targets.process import Programs
from console.targets.progress import Progress
from console.targets.redis.agree import agrees, counted, moment
from console.targets.redis.check import NotProvenError, SnapshotFacts, check
from console.targets.redis.programs import server_program
from console.targets.redis.record import RECORD, SNAPSHOT, Record, decode
from console.targets.redis.sample import Comparison, compared
from console.targets.redis.scratch import LOOPBACK, Scratch, scratch
from console.targets.redis.server import CacheServer
from console.targets.sealing import SealError, Sealing, Unsealed


@dataclass(frozen=True, slots=True)
class Bench:
    """Where saved caches are proven."""

    programs: Programs
    work: Path
    """A folder of the engine's, below which scratch servers have theirs."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved cache: its folder, and what the manifest says of it."""

    folder: Path
    facts: CacheFacts
    sealing: Sealing = field(default_factory=Unsealed)
    """How the files are opened. What is sealed lies plain in the scratch server's folder while that lives."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A saved cache that was proven, and the scratch server that holds it."""

    scratch: Scratch
    record: Record
    snapshot: Path
    """Its file, as it is while the scratch server lives."""
    keys: dict[str, int]
    """Of each database, with those that have expired since."""
    words: str


async def verify(
    folder: Path,
    facts: CacheFacts,
    programs: Programs,
    work: Path,
    report: Progress,
    sealing: Sealing | None = None,
) -> str:
    """What was proven of the cache that was saved in `folder`, in words for Proof.words.

    `facts` is the manifest's `cache`. A scratch server of ours runs below `work` meanwhile (a folder of the
    engine's, not the backup's); nothing in `folder` is changed. `report.left_s` bounds the whole.
    Raises NotProvenError with one sentence for what is wrong: no file, empty, truncated, damaged, of another
    server, other counts, other values or other expiry times than when it was saved; NoRedisError when
    nothing here can read it; ScratchError, ProgramError, SealError.
    """
    async with proven(Saved(folder, facts, sealing or Unsealed()), Bench(programs, work), report) as found:
        return found.words


@asynccontextmanager
async def proven(
    saved: Saved,
    bench: Bench,
    report: Progress,
    *,
    at_most: str | None = None,
    address: str = LOOPBACK,
) -> AsyncIterator[Proven]:
    """As `verify`; the scratch server lives until the end, and still counts what has expired since.

    `at_most` is the newest version that it may have, `address` one of this machine that it is reached by.
    """
    with own_folder(bench.work) as own:
        record = await recorded(saved, report.left_s)
        program = await server_program(bench.programs, at_least=record.version, at_most=at_most)
        snapshot = await _plain(saved, own, report)
        report("checking the snapshot of the cache")
        told = await check(program, snapshot, record, own, bench.programs, report.left_s)
        agrees(snapshot, told, record)
        report(f"loading the snapshot into a scratch Redis {program.version}")
        room = 1 + max(map(int, {**record.before.keys, **record.after.keys}), default=0)
        async with scratch(
            program, snapshot, own, bench.programs, databases=room, limit_s=report.left_s, address=address
        ) as server:
            keys = (await server.server.state()).keys
            counted(keys, told, record)
            report("comparing the snapshot with the record of its server")
            sample = await _sampled(server.server, record)
            yield Proven(server, record, snapshot, keys, _words(told, record, server, keys, sample))


async def recorded(saved: Saved, limit_s: float) -> Record:
    """The record of a saved cache; NotProvenError where it is not the one that the manifest speaks of."""
    path, facts = saved.folder / saved.sealing.named(RECORD), saved.facts
    try:
        pieces = [piece async for piece in saved.sealing.open(path, limit_s=limit_s)]
        record = decode(b"".join(pieces))
    except (SealError, msgspec.DecodeError) as error:
        raise NotProvenError(f"there is no record to hold the cache against: {path}: {error}") from error
    if record.run_id != facts.run_id:
        raise NotProvenError(
            f"{path} is of another server (run {record.run_id}) than the one that its manifest names "
            f"(run {facts.run_id})"
        )
    if (record.version, record.after.keys) != (facts.version, facts.keys):
        raise NotProvenError(f"{path} does not say what the manifest says of the cache")
    return record


async def _plain(saved: Saved, own: Path, report: Progress) -> Path:
    """The snapshot as a file that a server can load: itself, or its content in our folder."""
    path = saved.folder / saved.sealing.named(SNAPSHOT)
    if saved.sealing.words is None:
        return path
    report("opening the snapshot of the cache")
    async with Unsealed().writing(own / SNAPSHOT, limit_s=report.left_s) as sink:
        async for piece in saved.sealing.open(path, limit_s=report.left_s):
            await sink(piece)
    return own / SNAPSHOT


async def _sampled(server: CacheServer, record: Record) -> Comparison:
    """Hold the keys that stood still against the snapshot's."""
    comparison = await compared(server, record.steady)
    if comparison.wrong:
        raise NotProvenError(
            f"{len(comparison.wrong)} of {len(record.steady)} keys compared differ from the server's: "
            f"{comparison.wrong[0]}"
        )
    return comparison


def _words(
    told: SnapshotFacts, record: Record, server: Scratch, keys: Mapping[str, int], sample: Comparison
) -> str:
    whole = "whole by its checksum (CRC64)" if told.checksummed else "whole by its form (it has no checksum)"
    changes = record.changes
    within = f" within the {changes:,} changes made meanwhile" if changes else ""
    parts = [
        f"snapshot of Redis {told.version} at {moment(told.at)}, {record.bytes:,} bytes, {whole}",
        f"loaded into a scratch Redis {server.program.version}",
        f"{told.keys:,} keys in {count(len(keys), 'database')}, as the server counted them{within}",
        f"{sample.same} keys compared: type, value and expiry as they were",
    ]
    parts += [f"{sample.expired} more have expired since"] if sample.expired else []
    parts += [f"{record.moving} were written while it was saved: not compared"] if record.moving else []
    return "; ".join(parts)
