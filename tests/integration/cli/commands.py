"""`warroom` in a shell of its own, on a production world, for tests that do everything by commands."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.drill.files import write_files
from console.drill.place import VARIABLE
from console.drill.world import WorldWanted, start_keeper
from console.engine.spawn import spawn_detached
from console.subcommands.room import until
from tests.faults import world

LIMIT_S = 60.0
APPROVERS = ("eng-2", "lead-1", "sec-1", "ops-1", "exec-1", "pm-1")
"""Everybody but the commander, who may not approve what they ask for."""


class CommandLine:
    """`warroom` in a shell of its own, on the world in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, actor: str = "eng-1") -> subprocess.CompletedProcess[str]:
        """Run a subcommand to its end."""
        argv = [sys.executable, "-m", "console", *words, "--strategy", str(self.folder / "strategy.yaml")]
        argv += ["--as", actor]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_S)

    def json(self, *words: str) -> Any:
        """What a subcommand answers with --json."""
        done = self(*words, "--json")
        assert done.returncode == Exit.DONE, done.stderr
        return msgspec.json.decode(done.stdout)

    def wait_for(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        """Wait until the journal says so."""
        with world.room(self.folder) as room:
            found = asyncio.run(until(room, condition, LIMIT_S))
            assert found, room.snapshot().state.incident
        return found


async def healthy(folder: Path) -> None:
    """A world that is well, with an engine that watches it."""
    starting = await start_keeper(folder, WorldWanted("production"))
    setting = write_files(folder, await starting.ready())
    # Who says yes, and how that is proven, is not what is tested here: a typed name is enough.
    strategy = folder / "strategy.yaml"
    strategy.write_text(strategy.read_text().replace("proof: signature", "proof: claim"))
    spawn_detached(setting.engine, {VARIABLE: str(folder)})
    with world.room(folder) as room:
        assert await until(room, lambda snapshot: bool(snapshot.rows), LIMIT_S)


def planned(snapshot: Snapshot) -> bool:
    """Whether the incident has a plan, and no other is being made."""
    incident = snapshot.state.open_incident
    return incident is not None and incident.plan is not None and not incident.planning
