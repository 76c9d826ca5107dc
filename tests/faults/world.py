"""Drills as separate processes, to be killed; and a look at what they left."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from console.config.paths import runtime_dir
from console.core.events import Event, StepOutcome
from console.core.paging import every_event
from console.core.protocols import Snapshot
from console.drill.world import World
from console.store.clock import SystemClock
from console.store.journal import SqliteReader
from console.store.room import LocalRoom

WARROOM = (sys.executable, "-m", "console")
LIMIT_S = 120


def headless(folder: Path, crash_at: str | None = None, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a headless drill to its end; the first engine dies at the named point."""
    extra = {} if crash_at is None else {"WARROOM_CRASH_AT": crash_at}
    argv = [*WARROOM, "drill", "--headless", "--json", "--dir", str(folder), *words]
    return subprocess.run(
        argv, env={**os.environ, **extra}, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one document on stdout."""
    return msgspec.json.decode(done.stdout, type=dict[str, Any])


def stop(folder: Path) -> None:
    """`warroom drill --stop`."""
    subprocess.run([*WARROOM, "drill", "--stop", "--dir", str(folder)], timeout=60, check=True)


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that belong to the drill in `folder`."""
    wanted = f"WARROOM_DRILL={folder.resolve()}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def events(folder: Path, environment: str = "testnet") -> list[Event]:
    """The journal of the drill in `folder`."""
    with contextlib.closing(SqliteReader(folder / "state" / "journal.db", environment)) as reader:
        return list(every_event(reader))


def rollbacks_on_develop(folder: Path) -> int:
    """How often the rollback's commits are on the remote's branch: more than once is an effect done twice."""
    argv = ["git", "-C", str(folder / "remote.git"), "log", "--format=%s", "v1.5.3..develop"]
    made = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return max(Counter(made).values(), default=0)


def deploys_of(folder: Path, commit: str) -> int:
    """How many deploys of that commit have begun."""
    lines = (folder / "deploys.jsonl").read_bytes().splitlines()
    began = {(r["token"], r["began"]) for r in map(msgspec.json.decode, lines) if r["commit"] == commit}
    return len(began)


def done_outcomes(folder: Path, step: str) -> int:
    """How many times the journal says that a step was done."""
    bodies = (event.body for event in events(folder))
    return sum(isinstance(b, StepOutcome) and b.step == step and b.status == "done" for b in bodies)


@contextlib.contextmanager
def room(folder: Path, actor: str = "eng-1") -> Iterator[LocalRoom]:
    """The room of the drill in `folder`."""
    from console.config.loader import load_strategy

    ((name, environment),) = load_strategy(folder / "strategy.yaml").strategy.environments.items()
    state = folder / "state"

    def nobody() -> None:
        raise AssertionError("no engine is started here")

    entered = LocalRoom(
        environment,
        name,
        actor,
        state=state,
        runtime=runtime_dir(str(state)),
        clock=SystemClock(),
        start_engine=nobody,
    )
    try:
        yield entered
    finally:
        entered.close()


def engine_pid(snapshot: Snapshot) -> int:
    """The engine that said something last."""
    assert snapshot.state.engine is not None
    return snapshot.state.engine.pid


def kill(pid: int) -> None:
    """kill -9."""
    os.kill(pid, signal.SIGKILL)


def world(folder: Path) -> World:
    """The world of the drill in `folder`."""
    return World.load(folder)
