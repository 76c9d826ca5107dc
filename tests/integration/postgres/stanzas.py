"""A stanza of pgBackRest for tests: a server that archives into it, and commits with moments in between."""

import os
import subprocess
from pathlib import Path

import psycopg

from console.targets.postgres.pgbackrest import PgBackRestArchive
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard
from tests.servers import NOBODY, USER, PostgresServer, drop_rights

LIVE = "walletconnect"
STANZA = "passportx"


class Kept:
    """A PostgreSQL 15, with a tablespace of its own, and a stanza of pgBackRest for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "pgbackrest.conf"
        for name in ("repo", "log", "lock", "spool", "run", "space"):
            (folder / name).mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder / name, NOBODY, NOBODY)
        program = f"pgbackrest --config={self.config} --stanza={STANZA}"
        settings = {
            "archive_mode": "on",
            "archive_command": f"{program} archive-push %p",
            "archive_timeout": "60",
            "unix_socket_directories": str(folder / "run"),
            "bgwriter_delay": "10s",
        }
        self.postgres = PostgresServer(15, folder, settings).start()
        self.config.write_text(self._configuration())
        self.run("stanza-create")
        self.programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
        self.server = Server(lambda: self.postgres.dsn(LIVE), HostShell(self.programs))
        self.archive = PgBackRestArchive(self.server, self.programs, stanza=STANZA, config=self.config)
        self.postgres.create(LIVE)
        self.ask(f"CREATE TABLESPACE extra LOCATION '{folder / 'space'}'")
        self.ask("CREATE TABLE events (n int PRIMARY KEY) TABLESPACE extra")
        self.moments: dict[int, int] = {}

    def _configuration(self) -> str:
        folder = self.folder
        own = (f"repo1-path={folder}/repo", f"log-path={folder}/log", f"lock-path={folder}/lock")
        cluster = (f"pg1-path={self.postgres.data}", f"pg1-port={self.postgres.port}")
        reached = (f"pg1-socket-path={folder}/run", f"pg1-user={USER}")
        lines = ("[global]", *own, f"spool-path={folder}/spool", "repo1-retention-full=9", "repo1-bundle=y")
        return "\n".join((*lines, f"[{STANZA}]", *cluster, *reached, ""))

    async def fill(self) -> "Kept":
        """A base backup, and three events in files of WAL of their own."""
        await self.archive.make_base("first", Heard())
        for number in (1, 2, 3):
            self.ask("INSERT INTO events VALUES (%s)", number)
            self.moments[number] = self.now()
            await self.archive.reach_now(20)
        return self

    def run(self, *words: str) -> str:
        """Run pgBackRest as its own user does."""
        done = subprocess.run(
            [*drop_rights(), "pgbackrest", f"--config={self.config}", f"--stanza={STANZA}", *words],
            env={"PATH": os.environ["PATH"], "PGPASSWORD": self.postgres.password},
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def ask(self, statement: str, *values: object) -> None:
        """Run a statement by itself."""
        with psycopg.connect(self.postgres.dsn(LIVE), autocommit=True) as connection:
            connection.execute(statement.encode(), values or None)

    def now(self) -> int:
        """The server's clock, UTC microseconds."""
        with psycopg.connect(self.postgres.dsn(LIVE)) as connection:
            clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
            (now,) = connection.execute(clock).fetchone() or (0,)
        return int(now)

    def segment(self, name: str) -> Path:
        """The file of the repository that holds that segment."""
        (found,) = (self.folder / "repo" / "archive" / STANZA).rglob(f"{name}-*")
        return found
