"""A world whose release is bad, all that people do to it by commands, a step a key; and hands to break it."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextlib import contextmanager as context
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML

from console.core.events import UndoIntent
from console.core.exits import Exit
from console.core.plan import Phase
from console.core.protocols import Snapshot
from console.core.state import Incident, Status
from console.core.whereabouts import whereabouts
from console.drill.files import write_files
from console.drill.setting import Setting
from console.drill.world import World, WorldWanted, start_keeper
from console.engine.spawn import spawn_detached
from console.store.clock import SystemClock
from console.subcommands.room import until
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.cli.commands import LIMIT_S, CommandLine

Change = Callable[[Any], None]
"""What is changed in the environment's part of the strategy."""


async def begin(folder: Path, change: Change, extra: dict[str, str], name: str = "testnet") -> Setting:
    """A world that has been broken, with an engine that suspects it; `extra` is in its environment."""
    starting = await start_keeper(folder, WorldWanted(name))
    rehearsal = await starting.ready()
    setting = write_files(folder, rehearsal)
    strategy, yaml = folder / "strategy.yaml", YAML()
    document = yaml.load(strategy)
    environment = document["environments"][name]
    environment.pop("prerequisites", None)
    environment["pace"] = "step"
    environment["health"]["tries"] = 8
    change(environment)
    yaml.dump(document, strategy)
    spawn_detached(setting.engine, setting.extra | extra)
    with world.room(folder) as room:
        assert await until(room, lambda snapshot: bool(snapshot.rows), LIMIT_S)
        await _until_old_enough(rehearsal, setting)
        await Keeper(Path(rehearsal.socket)).break_(rehearsal.wanted.story.scenario)
        assert await until(room, lambda snapshot: snapshot.state.open_incident is not None, LIMIT_S)
    return setting


async def _until_old_enough(rehearsal: World, setting: Setting) -> None:
    """Until a recovery point before an onset of now can be gone back to, where data goes back at all."""
    past, recovery = rehearsal.past, setting.environment.recovery
    if past is not None and recovery is not None:
        at_s = past.based / 1e6 + recovery.before
        await asyncio.sleep(max(0.0, at_s + 0.1 - SystemClock().now().utc_us / 1e6))


class Shift:
    """The people who roll it back, by commands."""

    def __init__(self, setting: Setting) -> None:
        self.folder = folder = setting.folder
        self.engine, self.extra = setting.engine, setting.extra
        self.warroom = CommandLine(folder)
        self.world = World.load(folder)
        self.name = setting.name

    # -- what is done -------------------------------------------------------------------------------

    def do(self, *words: str) -> str:
        """A command that is granted; what it says."""
        done = self.warroom(*words)
        assert done.returncode == Exit.DONE, (words, done.stdout, done.stderr)
        return done.stdout

    def take_command(self) -> None:
        """Somebody commands it, and there is a plan."""
        if self.incident.commander is None:
            self.do("go", self.incident.id)
        self.wait(lambda incident: incident.plan is not None and not incident.planning)

    def to_gate(self) -> None:
        """Command is taken, *prepare* runs by one key, and the yes is said."""
        self.take_command()
        self.do("run", "prepare")
        self.wait(lambda incident: incident.settled(Phase.PREPARE))
        self.do("go", self.incident.id, "--type", self.name)

    def run(self, *steps: str) -> None:
        """These steps, each by its key, each done."""
        for step in steps:
            self.do("run", step)
            self.ends(step, Status.DONE)

    def ends(self, step: str, status: Status) -> str:
        """The step comes to that; its words."""
        incident = self.wait(lambda one: one.step(step).status not in (Status.WAITING, Status.RUNNING))
        assert incident.step(step).status is status, incident.step(step)
        return incident.step(step).words

    def fails(self, step: str) -> str:
        """The step is run by its key, and fails; its words."""
        self.do("run", step)
        return self.ends(step, Status.FAILED)

    def undo(self, *words: str) -> Incident:
        """What was done is taken back; the incident when that has come to an end."""
        self.do("undo", *words, "--type", self.name)
        return self.wait(lambda incident: not incident.undo and not incident.running())

    # -- what is seen -------------------------------------------------------------------------------

    @property
    def incident(self) -> Incident:
        """The open incident."""
        return self.wait(lambda _incident: True)

    def wait(self, condition: Callable[[Incident], bool]) -> Incident:
        """Wait until it is so."""

        def seen(snapshot: Snapshot) -> bool:
            return snapshot.state.open_incident is not None and condition(snapshot.state.open_incident)

        incident = self.warroom.wait_for(seen).state.open_incident
        assert incident is not None
        return incident

    def next(self) -> str:
        """What NEXT says."""
        return str(self.warroom.json("status")["next"])

    def stands(self, side: str) -> str:
        """Where the service stands, as soon as that is told to be on that side."""
        with world.room(self.folder) as room:
            environment = room.environment

            def told(snapshot: Snapshot) -> bool:
                found = whereabouts(snapshot, environment)
                return found is not None and found.side == side

            assert asyncio.run(until(room, told, LIMIT_S)), whereabouts(room.snapshot(), environment)
        return self.next()

    def runs(self) -> str | None:
        """The release that the service itself answers; None when it does not answer."""
        try:
            return str(httpx.get(f"{self.world.service_url}/health", trust_env=False).json()["version"])
        except httpx.HTTPError:
            return None

    def on_remote(self, ref: str) -> str | None:
        """Full id that the remote has for a branch; None when it has none."""
        argv = ["git", "-C", self.world.remote, "rev-parse", "--verify", "--quiet", f"refs/heads/{ref}"]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip() or None

    def engine_ends(self) -> None:
        """Wait until the engine is gone."""
        self.warroom.wait_for(lambda snapshot: snapshot.engine_gone)

    def tag(self, name: str) -> str:
        """Full id of a release."""
        argv = ["git", "-C", self.world.remote, "rev-parse", f"{name}^{{commit}}"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def tree(self, revision: str) -> str:
        """Tree id of what the remote has."""
        argv = ["git", "-C", self.world.remote, "rev-parse", f"{revision}^{{tree}}"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    def undone(self) -> list[UndoIntent]:
        """What was taken back, in the order in which that began."""
        events = world.events(self.folder, self.name)
        return [event.body for event in events if isinstance(event.body, UndoIntent)]

    # -- what is broken -----------------------------------------------------------------------------

    def stopped(self, part: str) -> AbstractContextManager[None]:
        """That process of the world is stopped for the block, as if its machine hung."""
        return _stopped(self._pid(part))

    def _pid(self, part: str) -> int:
        if part == "keeper":
            return self.world.keeper_pid
        pid = asyncio.run(Keeper(Path(self.world.socket)).status()).parts[part].pid
        assert pid is not None
        return pid

    def push(self, message: str, name: str, text: str) -> None:
        """Somebody pushes onto what the branch is now."""
        work = self.folder / "somebody"
        who = {"GIT_CONFIG_NOSYSTEM": "1", "HOME": str(self.folder)}
        for key in ("AUTHOR", "COMMITTER"):
            who |= {f"GIT_{key}_NAME": "eng-3", f"GIT_{key}_EMAIL": "eng-3@x.invalid"}

        def git(*words: str, cwd: Path) -> None:
            subprocess.run(["git", *words], cwd=cwd, env={**os.environ, **who}, check=True)

        git("clone", "--quiet", "--branch", "develop", self.world.remote, str(work), cwd=self.folder)
        (work / name).write_text(text)
        git("add", name, cwd=work)
        git("commit", "--quiet", "-m", message, cwd=work)
        git("push", "--quiet", "origin", "develop", cwd=work)


@context
def _stopped(pid: int) -> Any:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
