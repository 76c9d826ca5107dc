"""What our backup costs beside plain pg_dump with the same options, and how much memory of ours it takes.

A script: `python -m tests.bench.bench_backup [15|18] [MB]`. Both sides are measured in the same run, turn by
turn, on one server; the fastest of the rounds counts. Ours also exports a snapshot, writes roles, counts and
hashes every row, hashes and syncs the files; beside that stands the same done by hand, one after the other.
The memory is the growth of our process's peak over what it had before the backup, in a process of its own.
"""

import asyncio
import dataclasses
import multiprocessing
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from actions.backup import Backup
from console.core.data import Backups
from tests.bench.seeds import content_by_hand, statements, tell, timed, told
from tests.integration.data.trials import Heard, Trial
from tests.integration.postgres.dumps import program
from tests.servers import PostgresServer

LIVE = "bench_live"
ROUNDS = 5
JOBS = 2
LIMIT_S = 3600
Format = Literal["custom", "directory"]
OPTIONS: dict[Format, tuple[str, ...]] = {
    "custom": ("--format=custom",),
    "directory": ("--format=directory", f"--jobs={JOBS}"),
}


def trial_of(postgres: PostgresServer, folder: Path, form: Format) -> Trial:
    """An environment that keeps backups of that format."""
    trial = Trial(postgres, LIVE, folder)
    stores = dataclasses.replace(trial.stores, backups=Backups(folder="backups", jobs=JOBS, format=form))
    trial.stores = stores
    trial.world = dataclasses.replace(trial.world, stores=stores)
    return trial


async def backed_up(trial: Trial) -> None:
    """Our backup, from the first connection to the manifest on the disk."""
    inputs = trial.inputs(onset=trial.clock.now().utc_us)
    await trial.action(Backup, inputs).perform(Heard(LIMIT_S))
    shutil.rmtree(trial.vault.folder)


class Plain:
    """pg_dump by hand."""

    def __init__(self, postgres: PostgresServer, folder: Path, form: Format) -> None:
        self._postgres = postgres
        self._form = form
        self._path = folder / "plain"

    async def dump(self) -> None:
        """One command."""
        self._run("pg_dump", *OPTIONS[self._form], f"--file={self._path}", LIVE)
        self._remove()

    async def all_of_it(self) -> None:
        """What a careful person would type: dump, roles, sums, and the rows counted and hashed."""
        self._run("pg_dump", *OPTIONS[self._form], f"--file={self._path}", LIVE)
        self._run("pg_dumpall", "--globals-only", f"--file={self._path}.roles", f"--database={LIVE}")
        files = [path for path in (self._path, *self._path.rglob("*")) if path.is_file()]
        subprocess.run(["sha256sum", *map(str, files)], check=True, stdout=subprocess.DEVNULL)
        content_by_hand(self._postgres, LIVE)
        self._remove()

    def _run(self, name: str, *words: str) -> None:
        assert program(self._postgres, name, *words).wait() == 0

    def _remove(self) -> None:
        shutil.rmtree(self._path) if self._path.is_dir() else self._path.unlink()


async def fastest(*sides: Callable[[], Awaitable[None]]) -> list[float]:
    """Seconds of each, measured turn by turn."""
    found: list[list[float]] = [[] for _ in sides]
    for number in range(ROUNDS):
        order = list(range(len(sides)))
        for side in order if number % 2 else reversed(order):  # none always finds the other's warm cache
            found[side].append(await timed(sides[side]))
    return [min(times) for times in found]


def peak_kb() -> int:
    """The most memory that this process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


def grown(
    postgres: PostgresServer, folder: Path, form: Format, answer: "multiprocessing.SimpleQueue[int]"
) -> None:
    """Back up in this fresh process, and answer by how many kB it has grown."""
    trial = trial_of(postgres, folder, form)
    before = peak_kb()
    asyncio.run(backed_up(trial))
    answer.put(peak_kb() - before)


def memory_kb(postgres: PostgresServer, folder: Path, form: Format) -> int:
    """Growth of a process of its own."""
    answer: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    child = multiprocessing.Process(target=grown, args=(postgres, folder, form, answer))
    child.start()
    child.join()
    assert child.exitcode == 0
    return answer.get()


async def run(postgres: PostgresServer, folder: Path) -> None:
    """Measure both formats; tell."""
    for form in OPTIONS:
        trial, plain = trial_of(postgres, folder, form), Plain(postgres, folder, form)
        ours, dump, by_hand = await fastest(lambda t=trial: backed_up(t), plain.dump, plain.all_of_it)
        told(f"backup, {form}", ours, dump, "pg_dump")
        told(f"backup, {form}", ours, by_hand, "all by hand")


def main() -> None:
    """Make the server and the data; measure; tell."""
    major, megabytes = (int(word) for word in (*sys.argv[1:], *("18", "200")[len(sys.argv) - 1 :]))
    folder = Path(tempfile.mkdtemp(prefix="warroom-bench-"))
    folder.chmod(0o755)
    postgres = PostgresServer(major, folder, {"max_wal_size": "4GB", "shared_buffers": "256MB"}).start()
    try:
        postgres.create(LIVE, *statements(megabytes))
        tell(f"PostgreSQL {major}")
        for form in OPTIONS:
            tell(f"memory, {form}: {memory_kb(postgres, folder, form) / 1024:.1f} MB more than before")
        asyncio.run(run(postgres, folder))
    finally:
        postgres.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
