"""A dump loaded into an empty database, or another server's database copied into one."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from psycopg.conninfo import make_conninfo

from console.core.backups import TableFacts
from console.targets.handover import drawn
from console.targets.postgres import room
from console.targets.postgres.content import content
from console.targets.postgres.growth import Growth
from console.targets.postgres.programs import fault
from console.targets.postgres.server import Server, ServerError
from console.targets.progress import Progress
from console.targets.sealing import Sealing, Unsealed
from console.targets.shell import Sink
from console.targets.together import together

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
    sealing: Sealing
    """How it was written, and is read."""


async def load(
    server: Server,
    dump: Dump,
    database: str,
    *,
    jobs: int,
    progress: Progress,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Restore a dump into an empty database; the first fault ends it (LoadError, RoomError before any).

    With `jobs` at once where pg_restore can open the dump itself; what is encrypted, or goes into a
    container, is a stream, and restored one by one. `on_line` sees what pg_restore says.
    """
    await room.ensure(server, dump.whole)
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
    constraints are made afterwards with `jobs` at once. LoadError when either side fails, RoomError before.
    """
    whole = (await source.facts()).bytes
    await room.ensure(server, whole)
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


async def analyze(server: Server, database: str, *, jobs: int, progress: Progress) -> None:
    """Gather the statistics that queries are planned by, which no dump carries; LoadError when it fails."""
    progress("gathering statistics")
    words = ("--analyze-only", f"--jobs={jobs}", "--no-password")
    finished = await server.run("vacuumdb", words, limit_s=progress.left_s, database=database)
    if finished.code:
        raise LoadError(f"vacuumdb --analyze-only of {database} failed: {fault(finished)}")


class _Into(Struct, frozen=True):
    """The empty database that is loaded, and how."""

    server: Server
    database: str
    jobs: int
    progress: Progress
    growth: Growth

    async def restore(self, dump: Dump) -> None:
        """Restore a dump, by its path where that means something to pg_restore, else as a stream."""
        plain = dump.sealing.words is None
        if plain and self.server.shell.is_here:
            await self._run(dump.path.name, (f"--jobs={self.jobs}", str(dump.path)))
        elif dump.path.is_dir():
            raise LoadError(
                f"{dump.path.name} is a folder, which {self.server.shell.words} cannot be given: "
                "back up in custom format, or name `data.programs` of this machine"
            )
        else:
            await self.pour(dump.sealing.open(dump.path, limit_s=self.progress.left_s), dump.path.name)

    async def pour(self, source: AsyncGenerator[bytes, None], what: str) -> None:
        """Restore a dump that comes in pieces."""
        async with aclosing(source) as pieces:  # also where pg_restore takes no more of them
            await self._run(what, (), pieces)

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
            raise LoadError(f"{what} cannot be restored into {self.database}: {fault(finished)}")


async def _rows(source: Server, into: _Into) -> None:
    """Everything but indexes and constraints, out of one program into the other."""
    sections = ("--section=pre-data", "--section=data", "--compress=0")

    async def dumping(sink: Sink) -> None:
        await _pg_dump(source, sections, into.progress.left_s, sink)

    await into.pour(drawn(dumping), f"database {source.database}")


async def _indexes(source: Server, into: _Into) -> None:
    """Indexes and constraints, by a small file, since only from a file several are made at once."""
    with TemporaryDirectory(prefix="warroom-") as folder:
        path, sealing = Path(folder) / f"{source.database}, indexes and constraints", Unsealed()
        async with sealing.writing(path, limit_s=into.progress.left_s) as sink:
            await _pg_dump(source, ("--section=post-data",), into.progress.left_s, sink)
        await into.restore(Dump(path, 0, sealing))


async def _pg_dump(source: Server, words: tuple[str, ...], limit_s: float, sink: Sink) -> None:
    options = ("--format=custom", "--no-password", *words)
    finished = await source.run("pg_dump", options, limit_s=limit_s, sink=sink)
    if finished.code:
        raise LoadError(f"database {source.database} cannot be dumped: {fault(finished)}")
