"""What our restore costs beside pg_restore with the same jobs, and its proof beside the same checks by hand.

A script: `python -m tests.bench.bench_restore [15|18] [MB]`. Both sides of each ratio are measured in the
same run, turn by turn, on one server; the fastest of the rounds counts. First loading alone, then the proof
alone, then all of verify-backup (files hashed, dump loaded, rows compared, pg_amcheck, dropped) held against
sha256sum, CREATE DATABASE, pg_restore, the same SQL by psql, pg_amcheck and DROP DATABASE.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from actions.verify_backup import VerifyBackup
from console.targets.examine import dump_of
from console.targets.postgres import own
from console.targets.postgres.load import load
from console.targets.postgres.proving import faults
from tests.bench.seeds import content_by_hand, statements, tell, timed, told
from tests.integration.data.trials import Heard, Trial
from tests.integration.postgres.dumps import program
from tests.servers import PostgresServer

ROUNDS = 5
JOBS = 2
LIVE, COPY = "bench_live", "bench_copy"


class Bench:
    """One server with a database and two backups of it, custom and directory."""

    def __init__(self, trial: Trial, postgres: PostgresServer) -> None:
        self._trial = trial
        self._postgres = postgres
        self._folder = trial.vault.path("b1")

    async def load_ours(self) -> None:
        """Our loading alone, without making and dropping the database."""
        manifest = self._trial.vault.get("b1").manifest
        assert manifest is not None
        dump, _ = dump_of(self._trial.stores, manifest)
        await load(self._trial.server, dump, COPY, jobs=JOBS, progress=Heard(600))

    async def load_plain(self) -> None:
        """pg_restore alone."""
        self._run("pg_restore", f"--jobs={JOBS}", f"--dbname={COPY}", str(self._folder / "database.dump"))

    async def check_ours(self) -> None:
        """Our comparison and pg_amcheck, of the database that is there."""
        manifest = self._trial.vault.get("b1").manifest
        assert manifest is not None
        assert manifest.database is not None
        tables = manifest.database.tables
        assert await faults(self._trial.server, COPY, tables, {}, jobs=JOBS, progress=Heard(600)) is None

    async def check_by_hand(self) -> None:
        """The same SQL, a psql for each table, all at once; then pg_amcheck."""
        content_by_hand(self._postgres, COPY)
        words = ("--heapallindexed", "--install-missing", f"--jobs={JOBS}")
        self._run("pg_amcheck", *words, COPY)

    async def verify_ours(self) -> None:
        """All of verify-backup."""
        action = self._trial.action(VerifyBackup, self._trial.inputs(backup="b1"))
        await action.perform(Heard(600))

    async def verify_by_hand(self) -> None:
        """What a careful person would type."""
        files = [str(path) for path in self._folder.iterdir()]
        subprocess.run(["sha256sum", *files], check=True, stdout=subprocess.DEVNULL)
        await self.create()
        await self.load_plain()
        await self.check_by_hand()
        await self.drop()

    async def create(self) -> None:
        """An empty database to load into."""
        async with self._trial.server.connect(autocommit=True) as connection:
            await own.make(connection, COPY, "for a benchmark")

    async def drop(self) -> None:
        """Away with it."""
        async with self._trial.server.connect(autocommit=True) as connection:
            await own.drop(connection, COPY)

    def _run(self, name: str, *words: str) -> None:
        assert program(self._postgres, name, *words).wait() == 0


async def measured(bench: Bench) -> dict[str, float]:
    """The fastest of the rounds, of each part."""
    found: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        parts = [
            ("load", bench.load_ours, bench.load_plain),
            ("check", bench.check_ours, bench.check_by_hand),
        ]
        for side in (0, 1) if number % 2 else (1, 0):  # neither side always finds the other's warm cache
            await bench.create()
            for name, *sides in parts:
                found.setdefault(f"{name} {side}", []).append(await timed(sides[side]))
            await bench.drop()
        whole = [bench.verify_ours, bench.verify_by_hand]
        for side in (0, 1) if number % 2 else (1, 0):
            found.setdefault(f"whole {side}", []).append(await timed(whole[side]))
    return {name: min(times) for name, times in found.items()}


async def run(major: int, megabytes: int, folder: Path) -> None:
    """Make the server, the data and the backup; measure; tell."""
    postgres = PostgresServer(major, folder, {"max_wal_size": "4GB", "shared_buffers": "256MB"}).start()
    try:
        postgres.create(LIVE, *statements(megabytes))
        trial = Trial(postgres, LIVE, folder)
        manifest = await trial.back_up("b1")
        assert manifest.database is not None
        tell(
            f"PostgreSQL {major}, {manifest.database.bytes / 1e6:.0f} MB, dump {manifest.bytes / 1e6:.0f} MB"
        )
        found = await measured(Bench(trial, postgres))
        for name, ours, hand in (
            ("load", "load", f"pg_restore -j{JOBS}"),
            ("check", "content, amcheck", "psql, pg_amcheck"),
            ("whole", "verify-backup", "all by hand"),
        ):
            told(ours, found[f"{name} 0"], found[f"{name} 1"], hand)
    finally:
        postgres.stop()


def main() -> None:
    major, megabytes = (int(word) for word in (*sys.argv[1:], *("18", "200")[len(sys.argv) - 1 :]))
    folder = Path(tempfile.mkdtemp(prefix="warroom-bench-"))
    folder.chmod(0o755)
    try:
        asyncio.run(run(major, megabytes, folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
