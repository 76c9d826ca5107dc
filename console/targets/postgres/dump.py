"""A database dumped by pg_dump, with its roles, and counted and hashed as of the very same moment.

The snapshot is ours: it is exported, pg_dump reads under it, and so does the counting beside it. Whatever is
written meanwhile is in neither.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
from msgspec import Struct

from console.core.backups import DatabaseFacts, Manifest, TableFacts
from console.core.data import Backups
from console.targets.pace import Pace
from console.targets.postgres.advance import Advance
from console.targets.postgres.content import content, every_table, pinned
from console.targets.postgres.dsn import place
from console.targets.postgres.programs import fault
from console.targets.postgres.server import Connection, Server, ServerError, ServerFacts
from console.targets.process import Finished, own_marked
from console.targets.progress import Progress
from console.targets.sealing import Sealing
from console.targets.shell import Sink
from console.targets.together import together

DUMP = {"custom": "database.dump", "directory": "database"}
"""Name of the dump in its backup's folder, by format."""
ROLES = "roles.sql"
"""Name of the file with the cluster's roles, memberships and settings, without passwords.

Whoever restores into the same cluster finds its roles with theirs; in a new cluster, passwords are set from
where the service has them. So that the file holds no secret, and no superuser is needed to write it.
"""

_LOCK_MS = 30_000
_LOOK_S = 0.5
_KEEP_S = 0.1
"""How often is looked where a rate is to be kept: what is read in between is read at full speed."""
_SILENT_S = 10.0
"""How long the server may keep a trivial question waiting before it is taken for lost."""
_MOMENT = """
    SELECT pg_export_snapshot(), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
"""


class DumpError(ServerError):
    """A database could not be dumped; one line with the reason."""


class Dumped(Struct, frozen=True):
    """A dump as it was written."""

    facts: DatabaseFacts
    ends: int
    """The moment of its snapshot by the server's clock, UTC microseconds."""


class _Moment(Struct, frozen=True):
    """A snapshot that is held open by its connection."""

    connection: Connection
    snapshot: str
    at: int


def dump_path(folder: Path, manifest: Manifest) -> Path:
    """Where the dump is in the folder of a backup that has a database."""
    name = DUMP[manifest.database.format if manifest.database else "custom"]
    return folder / (f"{name}.{manifest.sealed_for.split()[0]}" if manifest.sealed_for else name)


async def dump(server: Server, folder: Path, how: Backups, sealing: Sealing, progress: Progress) -> Dumped:
    """Write the dump and the cluster's roles into `folder`; what they hold.

    `server` must be named for this work alone: by that name its programs are found. The first fault of any
    part ends all of it: DumpError, ServerError, SealError, or ProgramError at the progress's time limit.
    """
    return await _Dump(server, folder, how, sealing, progress).write()


class _Dump:
    """One dump under way."""

    def __init__(
        self, server: Server, folder: Path, how: Backups, sealing: Sealing, progress: Progress
    ) -> None:
        self._server = server
        self._folder = folder
        self._how = how
        self._sealing = sealing
        self._progress = progress
        self._advance = Advance(server.application, progress)
        self._pace = Pace(how.rate)
        self._streamed = sealing.words is not None or not server.shell.is_here
        self._flowing = asyncio.Event()  # set unless the dump is held back
        self._flowing.set()
        self._looked = asyncio.Event()  # since the counting began to wait for it
        self._dumped = False
        self._counted = 0
        self._tables: dict[str, TableFacts] = {}

    async def write(self) -> Dumped:
        """Dump, roles, counts, side by side."""
        if self._streamed and self._how.format == "directory":
            raise DumpError("a dump in directory format can be neither encrypted nor streamed: use `custom`")
        facts = await self._server.facts()
        async with self._moment() as moment:
            ended = asyncio.Event()

            async def reading() -> None:
                await together(self._dump(moment.snapshot), self._roles(), self._count(moment.connection))
                ended.set()

            await together(reading(), self._watch(ended))
            return Dumped(self._facts(facts), moment.at)

    def _facts(self, facts: ServerFacts) -> DatabaseFacts:
        return DatabaseFacts(
            name=facts.database,
            system_identifier=facts.system_identifier,
            version=facts.version,
            bytes=facts.bytes,
            format=self._how.format,
            tables=self._tables,
        )

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[_Moment]:
        """The moment that is dumped; every table is locked against being emptied or rewritten."""
        async with self._server.connect() as connection:
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await connection.set_read_only(True)
            row = await (await connection.execute(_MOMENT)).fetchone()
            assert row is not None  # noqa: S101 - a SELECT without FROM has one row
            await pinned(connection)
            await every_table(connection)
            await self._advance.begin(connection)
            yield _Moment(connection, *row)

    async def _count(self, connection: Connection) -> None:
        self._tables = await content(connection, self._advance.hashed, pace=self._in_step)

    async def _in_step(self, count: int) -> None:
        """Return when the dump has come as far as the counting, and so many bytes more may be read.

        On a busy machine the counting would take the cores that the dump needs, and have none to do later on,
        when most of the dump's processes have ended and wait for the one with the largest table.
        """
        while self._counted > self._advance.read and not self._dumped:
            self._looked.clear()
            await self._looked.wait()
        self._counted += count
        await self._pace.take(count)

    async def _dump(self, snapshot: str) -> None:
        words = [
            f"--format={self._how.format}",
            f"--snapshot={snapshot}",
            f"--lock-wait-timeout={_LOCK_MS}",
            "--no-password",
            "--verbose",
            "--no-sync",  # whoever completes the backup syncs all of its files
        ]
        if self._how.format == "directory":
            words.append(f"--jobs={self._how.jobs}")
        await self._program("pg_dump", words, DUMP[self._how.format], self._advance.heard)
        self._dumped = True
        self._looked.set()

    async def _roles(self) -> None:
        words = [
            "--globals-only",
            "--no-role-passwords",
            "--no-password",
            f"--database={self._server.database}",
        ]
        await self._program("pg_dumpall", words, ROLES)

    async def _program(
        self, program: str, words: list[str], name: str, on_line: Callable[[str], None] | None = None
    ) -> None:
        """Run a program that writes a file: by itself where it can, else through us."""
        path = self._folder / self._sealing.named(name)
        if not self._streamed:
            self._check(await self._run(program, [*words, f"--file={path}"], None, on_line))
            return
        async with self._sealing.writing(path, limit_s=self._progress.left_s) as sink:

            async def held_back(piece: bytes) -> None:
                await self._flowing.wait()
                await sink(piece)

            # Inside the block: a dump that broke off must not become a file that is whole.
            self._check(await self._run(program, words, held_back, on_line))

    async def _run(
        self, program: str, words: list[str], sink: Sink | None, on_line: Callable[[str], None] | None
    ) -> Finished:
        return await self._server.run(
            program, words, limit_s=self._progress.left_s, sink=sink, on_line=on_line
        )

    def _check(self, finished: Finished) -> None:
        if finished.code:
            raise DumpError(f"{place(self._server.params())} cannot be dumped: {fault(finished)}")

    async def _watch(self, ended: asyncio.Event) -> None:
        """Tell how far it is, keep the rate, and see that the server is there, until it has ended."""
        async with self._server.connect(autocommit=True) as connection:
            while not ended.is_set():
                await self._look(connection)
                self._looked.set()
                self._hold(back=self._pace.ahead_s > 0)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_KEEP_S if self._how.rate else _LOOK_S):
                        await ended.wait()
            await self._look(connection)

    async def _look(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(_SILENT_S):
                self._pace.took(await self._advance.look(connection))
        except TimeoutError:
            where = place(self._server.params())
            raise DumpError(f"{where}: no answer for {_SILENT_S:g} s while it was dumped") from None

    def _hold(self, *, back: bool) -> None:
        """Let the dump go on, or not: a stream is not read, a program that writes by itself is stopped.

        Again at each look, because more of its processes may have begun.
        """
        if not back and self._flowing.is_set():
            return
        self._flowing.clear() if back else self._flowing.set()
        if not self._streamed:
            for process in own_marked("PGAPPNAME", self._server.application[:63]):
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(process, signal.SIGSTOP if back else signal.SIGCONT)
