"""A snapshot of the cache, taken over the wire as a replica takes it, with a record to prove it by."""

import asyncio
import re
from pathlib import Path

from msgspec import Struct

from console.core.backups import CacheFacts
from console.targets.progress import Progress
from console.targets.redis.programs import cli_program
from console.targets.redis.record import RECORD, SNAPSHOT, Census, Record, census, encode
from console.targets.redis.sample import Key, choose, is_same, look
from console.targets.redis.server import CacheError, CacheServer, CacheState
from console.targets.sealing import Sealing, Unsealed
from console.targets.shell import Sink
from console.targets.together import together

QUIET_S = 2.0
"""Seconds without a byte after which the server is asked whether it is still there."""
_ANNOUNCED = re.compile(r"writing (\d+) bytes")
_MARKED = "until EOF marker"
_MARK = 40
"""Bytes of the mark that ends a transfer whose length nobody knew when it began."""
_CHECKSUM = 8
_END = b"\xff"
"""What a snapshot ends with, before its checksum."""

Sample = dict[int, list[bytes]]
"""Names by database."""


async def save(
    server: CacheServer, folder: Path, report: Progress, sealing: Sealing | None = None
) -> CacheFacts:
    """Write `cache.rdb` and `cache.json` (the record, see record.py) into a folder that is no backup yet.

    They go through `sealing`, and are called what it names them. Progress is in bytes; the total is the
    server's word, or an upper estimate while it has given none. Whether the server keeps an append-only file
    does not matter. `report.left_s` bounds the whole.
    Raises CacheError when the server is lost, stops answering or refuses; SealError when the files cannot be
    written; ProgramError when redis-cli cannot be run, or takes too long.
    """
    sealing = sealing or Unsealed()
    report("noting what the cache holds before its snapshot")
    # A snapshot that it is just making for a replica would be ours, too, and older than what is noted.
    await server.settled(lambda state: not state.saving, "end a snapshot of its own", report.left_s)
    before = await _noted(server)
    transfer = _Transfer(server, before.state.dataset, report)
    async with sealing.writing(folder / sealing.named(SNAPSHOT), limit_s=report.left_s) as sink:
        size = await transfer.run(sink)
    report("noting what the cache holds after its snapshot")
    after = await _noted(server, before.sample)
    if after.state.run_id != before.state.run_id:
        raise CacheError(f"the {server.place} was restarted while it was saved: save it again")
    async with sealing.writing(folder / sealing.named(RECORD), limit_s=report.left_s) as sink:
        await sink(encode(_record(before, after, size)))
    return CacheFacts(version=after.state.version, run_id=after.state.run_id, keys=after.census.keys)


class _Noted(Struct, frozen=True):
    """A server at one side of its snapshot."""

    state: CacheState
    census: Census
    sample: Sample
    keys: tuple[Key | None, ...]
    """Those of the sample."""


async def _noted(server: CacheServer, sample: Sample | None = None) -> _Noted:
    """What there is to note now, of that sample of keys or of a new one."""
    state = await server.state()
    if state.clustered:
        raise CacheError(f"the {server.place} is one of a Redis Cluster: save each of its servers by itself")
    if state.loading:
        raise CacheError(f"the {server.place} is still loading its data: wait until it has")
    counted = await census(server)
    if sample is None:
        sample = {int(name): await choose(server, int(name)) for name in counted.keys}
    keys = [key for database, names in sample.items() for key in await look(server, database, names)]
    return _Noted(state, counted, sample, tuple(keys))


def _record(before: _Noted, after: _Noted, size: int) -> Record:
    pairs = list(zip(before.keys, after.keys, strict=True))
    steady = tuple(key for key, other in pairs if key is not None and is_same(key, other))
    return Record(
        bytes=size,
        version=after.state.version,
        run_id=after.state.run_id,
        replication_id=after.state.replication_id,
        before=before.census,
        after=after.census,
        steady=steady,
        moving=len(pairs) - len(steady),
    )


class _Transfer:
    """One snapshot on its way."""

    def __init__(self, server: CacheServer, estimate: int, report: Progress) -> None:
        self._server = server
        self._report = report
        self._total = estimate
        self._announced: int | None = None
        self._marked = False
        self._arrived = 0
        self._held = b""
        """The last bytes that came: the mark, if there is one, is among them and no part of the snapshot."""
        self._ended = asyncio.Event()

    async def run(self, sink: Sink) -> int:
        """Give the snapshot to `sink`, seen to be whole as far as its end tells; its size in bytes."""
        await together(self._pull(sink), self._watch())
        if not self._marked and self._announced != self._arrived:
            raise self._lost(f"{self._announced or 'an unknown number of'} bytes were announced")
        last = self._held[:-_MARK] if self._marked else self._held
        if last[:-_CHECKSUM][-1:] != _END:
            raise self._lost("it has no end")
        await sink(last)
        return self._arrived - (_MARK if self._marked else 0)

    async def _pull(self, sink: Sink) -> None:
        words, environment = await self._server.cli()
        program = cli_program() if self._server.shell.is_here else "redis-cli"

        async def take(piece: bytes) -> None:
            self._arrived += len(piece)
            whole = self._held + piece
            kept = len(whole) - _MARK - _CHECKSUM - len(_END)
            self._held = whole[max(0, kept) :]
            await sink(whole[: max(0, kept)])
            self._report("saving the cache", done=self._arrived, total=self._total, unit="bytes")

        finished = await self._server.shell.run(
            (program, *words, "--rdb", "-"),
            limit_s=self._report.left_s,
            environment=environment,
            sink=take,
            on_line=self._told,
        )
        if finished.code:
            raise self._lost(finished.reason)
        self._ended.set()

    def _told(self, line: str) -> None:
        """How the server says that it will end: after so many bytes, or with a mark."""
        if announced := _ANNOUNCED.search(line):
            self._announced = self._total = int(announced[1])
        self._marked = self._marked or _MARKED in line

    async def _watch(self) -> None:
        """Ask the server when nothing comes: silence of the network would last until the time limit."""
        while not self._ended.is_set():
            arrived = self._arrived
            try:
                await asyncio.wait_for(self._ended.wait(), QUIET_S)
            except TimeoutError:
                if self._arrived == arrived:
                    await self._still_there()

    async def _still_there(self) -> None:
        try:
            await self._server.ask("PING")
        except CacheError as error:
            raise self._lost(str(error)) from None

    def _lost(self, reason: str) -> CacheError:
        came = f"{self._arrived:,} bytes had come" if self._arrived else "nothing had come"
        return CacheError(f"the snapshot of the {self._server.place} was cut off when {came}: {reason}")
