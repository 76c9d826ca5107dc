"""An archive for tests: a server that archives into a folder, two base backups, and commits between them."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from console.targets.postgres.archiving import archive_command
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard
from tests.servers import NOBODY, PostgresServer, wait_until

LIVE = "walletconnect"


class Archived:
    """A cluster with its archive in `folder`, which everybody must be able to enter."""

    def __init__(self, major: int, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.wal, self.bases = folder / "wal", folder / "bases"
        self.wal.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.wal, NOBODY, NOBODY)
        wanted = {"archive_mode": "on", "archive_timeout": "60", "bgwriter_delay": "10s", **settings}
        self.postgres = PostgresServer(major, folder, wanted).start()
        self.postgres.create(LIVE, "CREATE TABLE events (n int PRIMARY KEY)")
        self.programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
        self.server = Server(lambda: self.postgres.dsn(LIVE), HostShell(self.programs))
        self.archive = self.files(self.wal, self.bases)
        self.archive_again()
        self.moments: dict[int, int] = {}
        """Just after which event was committed, by its number; UTC microseconds."""
        self.holds: dict[int, str] = {}
        """Name of the file of WAL that holds its commit."""

    def files(self, wal: Path, bases: Path) -> FilesOfWal:
        """An archive of those folders, for the same server."""
        return FilesOfWal(self.server, self.programs, wal=wal, bases=bases)

    async def fill(self) -> "Archived":
        """Base backup `first`, events 1 to 3 in files of WAL of their own, `second`, events 4 and 5."""
        await self.archive.make_base("first", Heard())
        for number in (1, 2, 3):
            self.commit(number)
            self.ask("SELECT pg_switch_wal()")
        await self.archive.make_base("second", Heard())
        self.commit(4)
        self.commit(5)
        await self.archive.reach_now(20)
        return self

    def commit(self, number: int) -> int:
        """Commit an event; a moment after it, and before whatever comes next."""
        self.ask("INSERT INTO events VALUES (%s)", number)
        self.moments[number] = self.now()
        self.holds[number] = self.ask("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        return self.moments[number]

    def now(self) -> int:
        """The server's clock, UTC microseconds."""
        return int(self.ask("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))

    def ask(self, statement: str, *values: Any) -> Any:
        """Run a statement by itself; the first value of its answer, if it has one."""
        with psycopg.connect(self.postgres.dsn(LIVE), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def archive_by(self, command: str) -> None:
        """Have the server archive by that command; when this returns, it has tried a file with it."""
        seen = self.folder / "seen"
        self._command(f"touch {seen}; {command}")

        def tried() -> bool:
            self.ask("SELECT pg_current_xact_id()")
            self.ask("SELECT pg_switch_wal()")
            limit = time.monotonic() + 1
            while not seen.exists() and time.monotonic() < limit:
                time.sleep(0.02)
            return seen.exists()

        wait_until(tried, "the server does not take another archive_command")
        seen.unlink()

    def archive_again(self) -> None:
        """Have it archive as it should."""
        self._command(archive_command(self.wal))

    def _command(self, command: str) -> None:
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as connection:
            setting = sql.SQL("ALTER SYSTEM SET archive_command = {}").format(sql.Literal(command))
            connection.execute(setting)
            connection.execute("SELECT pg_reload_conf()")

    def segments(self) -> list[Path]:
        """Files of WAL that were archived."""
        return segments_in(self.wal)

    def copied(self, folder: Path) -> FilesOfWal:
        """The same archive in folders of its own, whose files may be replaced, but not written to."""
        folder.mkdir()
        for source in (self.wal, self.bases):
            shutil.copytree(source, folder / source.name, copy_function=os.link)
            shutil.copystat(source, folder / source.name)
            if os.geteuid() == 0:
                os.chown(folder / source.name, source.stat().st_uid, source.stat().st_gid)
        return self.files(folder / "wal", folder / "bases")


def segments_in(folder: Path) -> list[Path]:
    """Files of WAL in a folder, oldest first."""
    return sorted(path for path in folder.iterdir() if len(path.name) == 24)


def replaced(path: Path, content: bytes) -> None:
    """Put another file, with the same owner, in the place of one that may have a second name."""
    owner = path.stat()
    path.unlink()
    path.write_bytes(content)
    os.chown(path, owner.st_uid, owner.st_gid)
