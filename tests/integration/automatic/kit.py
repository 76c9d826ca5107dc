"""What the tests of automatic rollback share: a world that rolls back by itself, under `warroom watch`."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML

from console.core import events as ev
from console.core.automatic_run import AutomaticRun
from console.core.events import Body, Event
from console.core.protocols import Snapshot
from console.core.requests import AnyAsk
from console.core.state import Incident
from console.drill.files import write_files
from console.drill.place import VARIABLE
from console.drill.world import World, WorldWanted, start_keeper, stop_world
from console.store.room import LocalRoom
from console.subcommands.room import until
from console.targets.keeper import Keeper
from tests.faults import world

NAME = "testnet"
LIMIT_S = 60.0
B = TypeVar("B", bound=Body)
Edit = Callable[[Any], None]


class Place:
    """A world with an engine at work, and nobody at a console."""

    def __init__(self, folder: Path, world_: World, room: LocalRoom) -> None:
        self.folder = folder
        self.world = world_
        self.room = room

    async def break_(self) -> None:
        """The bad release goes out."""
        await Keeper(Path(self.world.socket)).break_("bad-config")

    async def until(self, what: Callable[[Snapshot], bool]) -> Snapshot:
        """The first snapshot of which that is true."""
        snapshot = await until(self.room, what, LIMIT_S)
        assert snapshot is not None, self.room.snapshot().state.incident
        return snapshot

    async def until_run(self, what: Callable[[AutomaticRun], bool]) -> Incident:
        """The incident, as soon as that is true of its automatic rollback."""

        def holds(snapshot: Snapshot) -> bool:
            incident = snapshot.state.incident
            return incident is not None and incident.automatic is not None and what(incident.automatic)

        incident = (await self.until(holds)).state.incident
        assert incident is not None
        return incident

    async def ended(self) -> AutomaticRun:
        """How it ended."""
        incident = await self.until_run(lambda run: run.outcome is not None)
        assert incident.automatic is not None
        return incident.automatic

    async def decided(self, mode: str) -> Incident:
        """The incident, when it has been decided so."""
        return await self.until_run(lambda run: run.mode == mode)

    async def ask(self, what: AnyAsk) -> None:
        """Somebody asks for it, and it is answered."""
        request = self.room.submit(what)
        snapshot = await self.until(lambda seen: request in seen.state.answered)
        refused = [e.body for e in snapshot.events if e.request == request]
        assert not any(isinstance(body, ev.RequestRefused) for body in refused), refused

    def events(self) -> list[Event]:
        """The whole journal."""
        return world.events(self.folder)

    def said(self, kind: type[B]) -> list[B]:
        """All events of a kind."""
        return [event.body for event in self.events() if isinstance(event.body, kind)]

    def warroom(self, *words: str, actor: str = "eng-1") -> "subprocess.CompletedProcess[str]":
        """A subcommand, in a shell of its own."""
        strategy = str(self.folder / "strategy.yaml")
        argv = [sys.executable, "-m", "console", *words, "--strategy", strategy, "--as", actor]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_S)


def edited(folder: Path, edit: Edit) -> None:
    """The strategy of the drill with something else in it."""
    path, yaml = folder / "strategy.yaml", YAML()
    document = yaml.load(path)
    edit(document["environments"][NAME])
    yaml.dump(document, path)


def no_edit(_environment: Any) -> None:
    """As the drill has it."""


def without_errors(environment: Any) -> None:
    """The error rate starts nothing: another trigger does."""
    del environment["metrics"]["error_rate"]["rungs"]["automatic"]
    del environment["automatic"]["second_path"]["error_rate"]


@asynccontextmanager
async def placed(folder: Path, edit: Edit = no_edit, *, broken: bool = False) -> AsyncIterator[Place]:
    """The world with its edited strategy, once the engine has looked; broken before that, if wanted so."""
    try:
        starting = await start_keeper(folder, WorldWanted(NAME, automatic=True))
        rehearsal = await starting.ready()
        write_files(folder, rehearsal)
        edited(folder, edit)
        if broken:
            await Keeper(Path(rehearsal.socket)).break_("bad-config")
        with watching(folder), world.room(folder) as room:
            place = Place(folder, rehearsal, room)
            await place.until(lambda snapshot: bool(snapshot.rows))
            yield place
    finally:
        await stop_world(folder, lambda _words: None)


@contextmanager
def watching(folder: Path) -> Iterator[None]:
    """`warroom watch`, ended with the block."""
    words = ("watch", "--strategy", str(folder / "strategy.yaml"), "--log", "json")
    argv = [sys.executable, "-m", "console", *words]
    with (folder / "watch.log").open("ab") as log:
        environ = {**os.environ, VARIABLE: str(folder)}
        watch = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
        try:
            yield
        finally:
            watch.terminate()
            watch.wait(LIMIT_S)


async def stays(place: Place, seconds: float, what: Callable[[Snapshot], bool]) -> None:
    """That is true of every snapshot for so long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        snapshot = place.room.snapshot()
        assert what(snapshot), snapshot.state.incident
        await place.room.changed(0.2)
