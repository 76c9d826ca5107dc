"""`warroom` in a shell of its own, on a production world, for tests that do everything by commands."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from console.core.commanding import to_allow
from console.core.exits import Exit
from console.core.plan import Phase
from console.core.policy import by_hand
from console.core.protocols import Snapshot
from console.drill.files import write_files
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

    def __call__(
        self, *words: str, actor: str = "eng-1", stdin: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a subcommand to its end, with `stdin` on a pipe and `environ` beside our own environment."""
        return subprocess.run(
            self.argv(*words, actor=actor),
            input=stdin,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def argv(self, *words: str, actor: str = "eng-1") -> list[str]:
        """What is run."""
        strategy = str(self.folder / "strategy.yaml")
        return [sys.executable, "-m", "console", *words, "--strategy", strategy, "--as", actor]

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

    def prepare(self) -> None:
        """Wait for the plan's *prepare*, and say the commander's yes where it takes one.

        A backup that gave way to the users is tried again, as people do.
        """
        while True:
            snapshot = self.wait_for(_prepared_or_asking)
            incident = snapshot.state.open_incident
            for step in to_allow(incident) if incident else ():
                done = self("allow", step.id, "--type", snapshot.state.environment)
                assert done.returncode == Exit.DONE, done.stderr
            for step in incident.asking() if incident else ():
                done = self("run", step.id, "retry")
                assert done.returncode == Exit.DONE, done.stderr
            if incident and incident.settled(Phase.PREPARE):
                return

    def tick_by_hand(self) -> None:
        """What must be done before the gate, and no evidence shows: somebody says that it is."""
        snapshot = self.wait_for(lambda s: s.state.open_incident is not None)
        incident = snapshot.state.open_incident
        for one in by_hand(incident, snapshot.at) if incident else ():
            done = self("tick", one.item.id, "--note", "as the runbook says")
            assert done.returncode == Exit.DONE, done.stderr


async def healthy(
    folder: Path,
    name: str = "production",
    *,
    scenario: str = "",
    prerequisites: bool = False,
    proof: str = "claim",
    **rules: Any,
) -> None:
    """A world that is well, with an engine that watches it; what is done before a gate only if asked for.

    By `proof` a typed name is enough to say yes, where who says it, and how, is not what is tested. `rules`
    are of the environment's `authorisation`.
    """
    starting = await start_keeper(folder, WorldWanted(name, scenario=scenario))
    setting = write_files(folder, await starting.ready())
    strategy = folder / "strategy.yaml"
    yaml = YAML()
    document = yaml.load(strategy)
    environment = document["environments"][name]
    environment["authorisation"] |= {"proof": proof, **rules}
    if not prerequisites:
        environment.pop("prerequisites", None)
    yaml.dump(document, strategy)
    spawn_detached(setting.engine, setting.extra)
    with world.room(folder) as room:
        assert await until(room, lambda snapshot: bool(snapshot.rows), LIMIT_S)


def _prepared_or_asking(snapshot: Snapshot) -> bool:
    incident = snapshot.state.open_incident
    if incident is None:
        return False
    return bool(incident.settled(Phase.PREPARE) or incident.asking() or to_allow(incident))


def planned(snapshot: Snapshot) -> bool:
    """Whether the incident has a plan, and no other is being made."""
    incident = snapshot.state.open_incident
    return incident is not None and incident.plan is not None and not incident.planning
