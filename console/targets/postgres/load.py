"""A dump loaded into an empty database, or another server's database copied into one, by PostgreSQL's programs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from psycopg.conninfo import make_conninfo

from console.core.backups import TableFacts
from console.targets.postgres.content import content
from console.targets.postgres.growth import Growth
from console.targets.postgres.server import Server, ServerError
from console.targets.process import CHUNK, Finished
from console.targets.progress import Progress
from console.targets.shell import Sink
from console.targets.together import together

_QUEUED = 8
"""Pieces between a dump and its restore; whoever is faster waits."""
_OPTIONS = ("--exit-on-error", "--no-subscriptions", "--no-password", "--verbose")
"""No subscription: a copy must not take part in the original's replication."""


class LoadError(ServerError):
    """A dump cannot be restored, or a database not be dumped; one line with the program's reason."""


class Dump(Struct, frozen=True):
    """A dump as pg_restore takes it."""

    path: Path
    """A file in custom format, or a folder in directory format."""
    whole: int
    """Bytes of the database that it was made of: what the progress is measured by."""
    opened: Callable[[], AsyncIterator[bytes]] | None = None
    """Reads a file that is encrypted; None for what is not."""


async def load(
    server: Server,
    dump: Dump,
    database: str,
    *,
    jobs: int,
    progress: Progress,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Restore a dump into an empty database; the first fault ends it (LoadError).

    With `jobs` at once where pg_restore can open the dump itself; what is encrypted, or goes into a container,
    is a stream, and restored one by one. `on_line` sees what pg_restore says.
    """
    into = _Into(server, database, jobs, progress, Growth(server, database, dump.whole, progress, on_line))
    async with into.growth.told():
        await into.restore(dump)


async def copy(
    source: Server,
    server: Server,
    database: str,
    *,
    jobs: int,
    progress: Progress,
    on_line: Callable[[str], None] | None = None,
) -> dict[str, TableFacts]:
    """Copy the database that `source` means into an empty one of `server`; what the copy must hold.

    Nobody may write to the source meanwhile. Rows go through a pipe, without a file between; indexes and
    constraints are made afterwards with `jobs` at once. LoadError when either side fails.
    """
    whole = (await source.facts()).bytes
    into = _Into(server, database, jobs, progress, Growth(server, database, whole, progress, on_line))
    found: dict[str, TableFacts] = {}

    async def copying() -> None:
        await _rows(source, into)
        await _indexes(source, into)

    async def reading() -> None:
        async with source.connect() as connection:
            found.update(await content(connection))

    async with into.growth.told():
        await together(copying(), reading())
    return found


class _Into(Struct, frozen=True):
    """The empty database that is loaded, and how."""

    server: Server
    database: str
    jobs: int
    progress: Progress
    growth: Growth

    async def restore(self, dump: Dump) -> None:
        """Restore a dump, by its path where that means something to pg_restore, else as a stream."""
        if dump.opened is not None:
            await self.pour(dump.opened(), dump.path.name)
        elif self.server.shell.is_here:
            await self._run(dump.path.name, (f"--jobs={self.jobs}", str(dump.path)))
        elif dump.path.is_dir():
            raise LoadError(
                f"{dump.path.name} is a folder, which {self.server.shell.words} cannot be given: "
                "back up in custom format, or name `data.programs` of this machine"
            )
        else:
            await self.pour(_pieces(dump.path), dump.path.name)

    async def pour(self, source: AsyncIterator[bytes], what: str) -> None:
        """Restore a dump that comes in pieces."""
        await self._run(what, (), source)

    async def _run(
        self, what: str, words: tuple[str, ...], source: AsyncIterator[bytes] | None = None
    ) -> None:
        finished = await self.server.run(
            "pg_restore",
            (*_OPTIONS, f"--dbname={make_conninfo(dbname=self.database)}", *words),
            limit_s=self.progress.left_s,
            database=self.database,
            source=source,
            on_line=self.growth.heard,
        )
        if finished.code:
            raise LoadError(f"{what} cannot be restored into {self.database}: {_reason(finished)}")


async def _rows(source: Server, into: _Into) -> None:
    """Everything but indexes and constraints, out of one program into the other."""
    queue = asyncio.Queue[bytes | None](_QUEUED)

    async def dumping() -> None:
        sections = ("--section=pre-data", "--section=data", "--compress=0")
        await _pg_dump(source, sections, into.progress.left_s, queue.put)
        await queue.put(None)  # only now: a dump that broke off must not look like one that has ended

    await together(dumping(), into.pour(_until_none(queue), f"database {source.database}"))


async def _indexes(source: Server, into: _Into) -> None:
    """Indexes and constraints, by a small file, since only from a file several are made at once."""
    with TemporaryDirectory(prefix="warroom-") as folder:
        path = Path(folder) / f"{source.database}, indexes and constraints"
        with path.open("wb") as file:

            async def sink(piece: bytes) -> None:
                file.write(piece)

            await _pg_dump(source, ("--section=post-data",), into.progress.left_s, sink)
        await into.restore(Dump(path, whole=0))


async def _pg_dump(source: Server, words: tuple[str, ...], limit_s: float, sink: Sink) -> None:
    options = ("--format=custom", "--no-password", *words)
    finished = await source.run("pg_dump", options, limit_s=limit_s, sink=sink)
    if finished.code:
        raise LoadError(f"database {source.database} cannot be dumped: {_reason(finished)}")


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, CHUNK):
            yield piece


async def _until_none(queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (piece := await queue.get()) is not None:
        yield piece


def _reason(finished: Finished) -> str:
    """The first fault that it names: what follows are its consequences."""
    faults = (line for line in finished.err.splitlines() if "error:" in line)
    return next(faults, finished.reason).strip()
