"""Point in time recovery: a scratch server that holds the state at one instant, and is gone afterwards."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct
from psycopg.conninfo import make_conninfo

from console.core.errors import StatedError
from console.core.format import size
from console.targets.postgres.archive import MAKE_ONE, Archive, in_words
from console.targets.postgres.reach import Base, moment
from console.targets.postgres.recovery import LEAST, RecoveryLog, configuration, least
from console.targets.postgres.rights import Rights
from console.targets.postgres.scratch import PORT, Home, end_server, home
from console.targets.postgres.server import Server, ServerError
from console.targets.process import Finished, ProgramError, Programs
from console.targets.progress import Progress
from console.targets.shell import checked

_LOOK_S = 0.3
_CONTROL_S = 30.0
_ROOM = 1.1
"""How much more room than a base backup has bytes there must be: WAL is fetched file by file."""
_POSITION = """
    SELECT (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint,
           coalesce(pg_last_wal_replay_lsn()::text, ''), pg_is_in_recovery()
"""


_ENDED = "recovery ended before configured recovery target was reached"


class ReplayError(StatedError):
    """The state at the target cannot be had, or is not what was reached; one line."""


class Replayed(Struct, frozen=True):
    """A scratch server at the target."""

    server: Server
    """An ordinary server on a private socket, with every database of the cluster as it was then."""
    base: Base
    """The base backup that it was replayed from."""
    last_commit: int | None
    """Time of the last commit or abort replayed, UTC microseconds, before the target; None without any."""
    stopped_before: int
    """Time of the first one that was not, at the target or after it."""


@asynccontextmanager
async def replay(
    archive: Archive, target: int, folder: Path, *, programs: Programs, progress: Progress
) -> AsyncIterator[Replayed]:
    """A scratch server with all that was committed before `target` (UTC microseconds), and nothing later.

    What was committed at that very microsecond is not in it: the moment of a fault can be named itself.
    The times are those that transactions wrote into WAL when they committed, which under load can differ in
    their order from WAL by microseconds; it stops before the first one at or after the target.

    It is built below `folder` (or /var/tmp, where the server's user cannot enter `folder`), ends with us or
    when `progress.left_s` is over, and is removed at the end, also when cancelled; what a killed engine left
    of `folder` is swept first. Neither the live server nor the archive is written to.
    Raises ReplayError, ArchiveError, ServerError, ScratchError, ProgramError.
    """
    base = await archive.base_for(target)
    live = await _live(archive, base)
    rights = archive.rights()
    async with home(folder, rights) as own:
        _room(own, base)
        command = await archive.lay_out(base, own.data, target, rights, progress)
        found = await archive.postgres.find("postgres", base.major)
        scratch = _Scratch(archive, base, target, own, Path(shutil.which(found) or found))
        await scratch.configure(command, live, rights)
        async with scratch.serving(programs, rights, progress.left_s) as serving:
            yield await scratch.at_target(serving, progress)


async def _live(archive: Archive, base: Base) -> dict[str, int]:
    """Settings of the live server; ReplayError when the base backup is another cluster's."""
    facts = await archive.server.facts()
    if facts.system_identifier != base.system_identifier:
        raise ReplayError(
            f"base backup {base.id} is of another cluster: its system identifier is "
            f"{base.system_identifier}, the server's is {facts.system_identifier}"
        )
    async with archive.server.connect(autocommit=True) as connection:
        rows = await connection.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name = ANY(%s)", (list(LEAST),)
        )
        return dict(await rows.fetchall())


def _room(own: Home, base: Base) -> None:
    needed, free = round(base.bytes * _ROOM), shutil.disk_usage(own.path).free
    if free < needed:
        raise ReplayError(
            f"{own.path.parent} has {size(free)} free, and a scratch server of base backup {base.id} needs "
            f"{size(needed)}: make room, or free it elsewhere"
        )


class _Scratch:
    """One server on its way to the target."""

    def __init__(self, archive: Archive, base: Base, target: int, own: Home, postgres: Path) -> None:
        self._archive = archive
        self._base = base
        self._target = target
        self._home = own
        self._postgres = postgres
        self._log = RecoveryLog()
        self._at = "its beginning"
        params = archive.server.params()
        dsn = make_conninfo(
            host=str(own.socket), port=PORT, user=params.get("user"), dbname=archive.server.database
        )
        self.server = Server(lambda: dsn, archive.here, str(postgres.parent))

    async def configure(self, command: str, live: Mapping[str, int], rights: Rights) -> None:
        """Write the files that it is started with."""
        program = await self._archive.postgres.find("pg_controldata", self._base.major)
        control = await checked(
            self._archive.here,
            ("env", "LC_ALL=C", program, str(self._home.data)),
            limit_s=_CONTROL_S,
            what="reading the base backup's control file",
        )
        name = f"warroom {self._base.id}"
        files = configuration(self._home, self._target, command, least(control, live), name=name)
        for path, content in files.items():
            path.unlink(missing_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content)
            rights.give(path)

    @asynccontextmanager
    async def serving(
        self, programs: Programs, rights: Rights, limit_s: float
    ) -> AsyncIterator[asyncio.Task[Finished]]:
        """Run it for as long as the block does; the task is its run."""
        folder = await rights.usable(self._postgres.parent, self._home.path)
        # A death signal that it can clean up at, also where no rights are given away.
        words = rights.words or ("setpriv", "--pdeathsig", "INT", "--")
        config = f"config_file={self._home.path / 'postgresql.conf'}"
        argv = (*words, str(folder / "postgres"), "-D", str(self._home.data), "-c", config)
        run = programs.run(
            argv, limit_s=limit_s, cwd=Path("/"), extra={"LC_ALL": "C"}, on_line=self._log.hear
        )
        serving = asyncio.create_task(run)
        try:
            yield serving
        finally:
            await end_server(self._home.data)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    async def at_target(self, serving: asyncio.Task[Finished], progress: Progress) -> Replayed:
        """Wait until it is there, and see that it is."""
        ready = asyncio.create_task(self._log.ready.wait())
        try:
            while not ready.done():
                if self._log.insufficient or serving.done():
                    raise ReplayError(await self._why(serving))
                await asyncio.wait((serving, ready), timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                await self._tell(progress)
        finally:
            ready.cancel()
        return await self._proven()

    async def _proven(self) -> Replayed:
        last, _, recovering = await self._position()
        stopped = self._log.stopped
        if recovering or stopped is None or stopped < self._target or (last or 0) >= self._target:
            at = "nothing" if last is None else f"a commit at {moment(last)}"
            raise ReplayError(f"the scratch server did not stop at {moment(self._target)}: it ends with {at}")
        return Replayed(self.server, self._base, last, stopped)

    async def _position(self) -> tuple[int | None, str, bool]:
        """Time of the last transaction replayed, how far in WAL that is, and whether it still recovers."""
        async with self.server.connect(autocommit=True) as connection:
            row = await (await connection.execute(_POSITION)).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return row[0], row[1], row[2]

    async def _tell(self, progress: Progress) -> None:
        """How far it is, in the time that it replays: how much WAL lies before the target nobody knows."""
        try:
            last, lsn, _ = await self._position()
        except ServerError:  # it takes connections only when it has replayed to the base backup's end
            self._at = self._log.segment or "its beginning"
            progress(f"replaying WAL up to {moment(self._target)}: {self._at}")
            return
        begun = self._base.ends
        self._at = f"{moment(last) if last else 'no commit yet'}, {lsn}"
        progress(
            f"replaying WAL up to {moment(self._target)}: {self._at}",
            done=max(0, (last or begun) - begun) / 1e6,
            total=(self._target - begun) / 1e6,
            unit="s",
        )

    async def _why(self, serving: asyncio.Task[Finished]) -> str:
        """Why it is not at the target and will not be."""
        target = moment(self._target)
        if self._log.insufficient:
            return f"the scratch server for {target} cannot go on: {self._log.insufficient}; {MAKE_ONE}"
        try:
            finished = await serving
        except ProgramError as error:  # its time was over
            return f"not at {target} in time: replayed to {self._at} ({error})"
        if _ENDED not in self._log.fatal:
            return f"the scratch server for {target} gave up: {self._log.fatal or finished.reason}"
        fault = f" ({self._log.fault})" if self._log.fault else ""
        return (
            f"the WAL in {self._archive.words} could not be replayed up to {target}: it ends in "
            f"{self._log.segment or 'the base backup'}{fault}; by its files, "
            + in_words(await self._archive.windows())
        )
