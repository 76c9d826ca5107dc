"""From the open gate to the swapped database, beside the bare statements.

A script: `python -m tests.bench.bench_swap [15|18] [MB ...]`. For each size a candidate is built from a
backup and the loss counted, as a plan does before its gate. Then, with connections open, the loss is judged
and the databases change places: that is measured. Then they are swapped back, and the bare statements are
measured on the same two databases.
"""

import asyncio
import dataclasses
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from actions.action import Action
from actions.build_candidate import BuildCandidate
from actions.loss import JudgeLoss, LossReceipt
from actions.swap import SwapBack, SwapDatabase
from console.core.beside import before, undone
from console.core.data import Backups
from tests.bench.seeds import statements, tell, told
from tests.integration.data.trials import INCIDENT, Heard, Trial
from tests.servers import PostgresServer

LIVE = "bench_live"
FORMER, UNDONE = before(LIVE, INCIDENT), undone(LIVE, INCIDENT)
SESSIONS = 20
LIMIT_S = 3600
PLAIN = (
    "ALTER DATABASE {live} ALLOW_CONNECTIONS false",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{live}'",
    "BEGIN",
    "ALTER DATABASE {live} RENAME TO {former}",
    "ALTER DATABASE {heir} RENAME TO {live}",
    "ALTER DATABASE {former} ALLOW_CONNECTIONS true",
    "COMMIT",
)
"""What somebody would type who proves nothing."""


class Bench:
    """A live database with users, and its candidate."""

    def __init__(self, postgres: PostgresServer, folder: Path) -> None:
        self._postgres = postgres
        self._trial = Trial(postgres, LIVE, folder)
        stores = dataclasses.replace(self._trial.stores, backups=Backups(folder="backups", jobs=2))
        self._trial.stores = stores
        self._trial.world = dataclasses.replace(self._trial.world, stores=stores)
        self._inputs = self._trial.inputs()

    async def prepare(self) -> None:
        """What a plan does before its gate."""
        manifest = await self._trial.back_up("b1", "-Fc", "-Z1")
        assert manifest.database is not None
        tables = manifest.database.tables
        tell(f"{manifest.database.bytes / 1e6:,.0f} MB, {sum(t.rows for t in tables.values()):,} rows")
        self._inputs = self._trial.inputs()
        for action in (BuildCandidate, LossReceipt):
            began = time.perf_counter()
            proof = await self._done(action)
            tell(f"  {action.__name__}: {time.perf_counter() - began:.1f} s, {proof}")

    async def ours(self) -> float:
        """Seconds from the gate to the swapped database; then back again, with the candidate aside."""
        users = self._users()
        began = time.perf_counter()
        await self._done(JudgeLoss)
        await self._done(SwapDatabase)
        taken = time.perf_counter() - began
        self._close(users)
        await self._done(SwapBack)
        return taken

    async def plain(self) -> float:
        """The same for the bare statements."""
        users = self._users()
        began = time.perf_counter()
        with psycopg.connect(self._postgres.dsn(), autocommit=True) as connection:
            for statement in PLAIN:
                connection.execute(statement.format(live=LIVE, heir=UNDONE, former=FORMER).encode())
        taken = time.perf_counter() - began
        self._close(users)
        return taken

    async def _done(self, action: type[Action]) -> str:
        step = self._trial.action(action, self._inputs)
        await step.perform(Heard(LIMIT_S))
        return (await step.verify()).words

    def _users(self) -> list[psycopg.Connection]:
        return [psycopg.connect(self._postgres.dsn(LIVE)) for _ in range(SESSIONS)]

    def _close(self, users: list[psycopg.Connection]) -> None:
        for user in users:
            user.close()


async def run(major: int, megabytes: int, folder: Path) -> None:
    """Make the server and the data; measure; tell."""
    settings = {"max_wal_size": "8GB", "shared_buffers": "512MB", "maintenance_work_mem": "512MB"}
    postgres = PostgresServer(major, folder, settings).start()
    try:
        postgres.create(LIVE, *statements(megabytes))
        bench = Bench(postgres, folder)
        await bench.prepare()
        told("judged and swapped", await bench.ours(), await bench.plain(), "bare statements")
    finally:
        postgres.stop()


def main() -> None:
    """Every size, one after the other."""
    words = [int(word) for word in sys.argv[1:]]
    major, sizes = (words or [18])[0], words[1:] or [100, 5000]
    for size in sizes:
        folder = Path(tempfile.mkdtemp(prefix="warroom-bench-"))
        folder.chmod(0o755)
        try:
            asyncio.run(run(major, size, folder))
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
