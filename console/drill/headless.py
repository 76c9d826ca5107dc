"""A whole rollback with nobody at the keyboard: the world, the fault, the crew, and what was measured."""

import asyncio
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from console.config.paths import runtime_dir
from console.core.errors import StatedError
from console.core.plan import POINT_IN_TIME, Phase, Wish
from console.core.protocols import Snapshot
from console.drill.crew import Crew, next_act, stuck
from console.drill.measure import look, measure
from console.drill.moment import now
from console.drill.place import DrillError
from console.drill.result import DrillResult
from console.drill.setting import Setting
from console.drill.signers import Signers
from console.drill.world import World, keeper_of, stop_world
from console.engine import crash
from console.engine.spawn import EngineWanted, spawn
from console.store.clock import SystemClock
from console.store.layout import Layout
from console.store.room import LocalRoom
from console.targets.keeper import Keeper

LIMIT_S = 120.0
"""How long a headless drill may take before it is called incomplete, with a small database."""
BYTES_PER_S = 1_000_000
"""At least so much data is saved, copied, restored and compared in a second, all of it together."""
ENGINES = 3
"""How many engines a drill may use up: the crew starts another one when one dies."""
STOP_S = 10.0
WISHES = {
    # Without their sessions users connect anew: a session names a user by an id that may be somebody else's.
    "data-corruption": Wish(data=POINT_IN_TIME, verb="invalidate-cache", options={"prefix": "session:"}),
}
"""The plan that a scenario asks for, where it is not the one that is made by itself."""

Tell = Callable[[str], None]


class Engines:
    """The engine of the drill, started again when it dies: what a service manager would do."""

    def __init__(self, wanted: EngineWanted, extra: dict[str, str], tell: Tell) -> None:
        """`extra` is what its environment has beside ours."""
        self._wanted = wanted
        self._extra = extra
        self._tell = tell
        self._used = 0
        self._process: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        """Start one where none runs; DrillError when too many have died."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._used == ENGINES:
            raise DrillError(f"{ENGINES} engines have ended; {Layout(self._wanted.state).log} says why")
        if self._process is not None:
            self._tell(f"the engine ended with code {self._process.returncode}: starting another")
        fresh = {} if self._used == 0 else {crash.VARIABLE: ""}
        self._process = spawn(self._wanted, self._extra | fresh)
        self._used += 1

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _crew(setting: Setting) -> Crew:
    """Everybody in the roster, under whoever plays."""
    wish = WISHES.get(setting.scenario, Wish())
    another_way = setting.story.another_way
    rule = setting.environment.automatic
    hands_off = rule is not None and rule.enabled
    takes_back = setting.story.sick_target
    return Crew(
        setting.actor,
        setting.roles,
        setting.environment,
        hands_off,
        wish,
        another_way=another_way,
        takes_back=takes_back,
    )


def _is_held(snapshot: Snapshot) -> bool:
    """Whether a rollback is ready, and the engine says that it will not help."""
    incident = snapshot.state.open_incident
    ready = incident is not None and incident.plan is not None and incident.settled(Phase.PREPARE)
    return incident is not None and ready and bool(incident.held)


class Drill:
    """One headless drill in a world that is ready."""

    def __init__(
        self, setting: Setting, world: World, tell: Tell, on_snapshot: Callable[[Snapshot], None]
    ) -> None:
        self._setting = setting
        self._world = world
        self._tell = tell
        self._on_snapshot = on_snapshot
        self._engines = Engines(setting.engine, setting.extra, tell)
        self._asked: set[tuple[object, int]] = set()
        self._crew = _crew(setting)
        self._limit_s = LIMIT_S + world.wanted.bulk / BYTES_PER_S
        self._rooms: dict[str, LocalRoom] = {}
        self._room = self._room_of(setting.actor)

    async def run(self) -> DrillResult:
        """Break the service, bring it back, and measure; ends everything of the drill, whatever happens.

        There is a result also when the drill itself falls apart: it says why.
        """
        try:
            reason = await self._played()
            setting, world = self._setting, World.load(self._setting.folder)
            seen = await look(setting, world, self._room.snapshot())
            self._engines.stop()
            return measure(setting, world, self._room.snapshot(), seen, reason)
        finally:
            self._engines.stop()
            for room in self._rooms.values():
                room.close()
            await stop_world(self._setting.folder, self._tell)

    def _room_of(self, actor: str) -> LocalRoom:
        """The war room as that person enters it."""
        if actor not in self._rooms:
            setting = self._setting
            self._rooms[actor] = LocalRoom(
                setting.environment,
                setting.name,
                actor,
                state=setting.engine.state,
                runtime=runtime_dir(str(setting.engine.state)),
                clock=SystemClock(),
                start_engine=self._engines.keep_running,
            )
        return self._rooms[actor]

    async def _played(self) -> str | None:
        """The fault and the rollback; why it did not come to its end, or None."""
        race = Keeper(Path(self._world.socket)).race if self._setting.story.races else None
        signing = asyncio.create_task(Signers(self._setting, self._crew, race).keep())
        try:
            self._engines.keep_running()
            await self._until(lambda snapshot: bool(snapshot.rows) and self._can_go_back())
            self._tell(f"breaking the service: {self._setting.scenario}")
            await Keeper(Path(self._world.socket)).break_(self._setting.scenario)
            return await self._rollback()
        except StatedError as error:
            self._tell(str(error))
            return str(error)
        finally:
            signing.cancel()
            await asyncio.gather(signing, return_exceptions=True)

    def _can_go_back(self) -> bool:
        """Whether a recovery point, so long before an onset that comes now, could be gone back to."""
        past, recovery = self._world.past, self._setting.environment.recovery
        if past is None or recovery is None:
            return True
        return now().utc_us - past.based > recovery.before * 1_000_000

    async def _rollback(self) -> str | None:
        """Do what a crew would, until the incident is resolved; otherwise the reason why it is not."""
        reason: str | None = None

        def over(snapshot: Snapshot) -> bool:
            nonlocal reason
            incident = snapshot.state.incident
            reason = stuck(snapshot, self._crew)
            if reason is not None or (incident is not None and incident.status == "resolved"):
                return True
            self._act(snapshot)
            return False

        mending = asyncio.create_task(self._mended_when_held())
        try:
            return reason if await self._until(over) else f"not over after {self._limit_s:g} s"
        finally:
            mending.cancel()
            await asyncio.gather(mending, return_exceptions=True)

    async def _mended_when_held(self) -> None:
        """What is not ours is mended as soon as the rollback that was prepared is held."""
        if self._setting.story.mended_after_s is None:
            return
        while not _is_held(self._room.snapshot()):
            await self._room.changed(0.25)
        await Keeper(Path(self._world.socket)).mend(self._tell)

    def _act(self, snapshot: Snapshot) -> None:
        """Ask for the next thing once; the same thing again only when the journal has moved since."""
        if snapshot.pending or (act := next_act(snapshot, self._crew)) is None:
            return
        key = (repr(act), snapshot.state.seq)
        if key not in self._asked:
            self._asked.add(key)
            self._room_of(act.actor).submit(act.ask)

    async def _until(self, condition: Callable[[Snapshot], bool]) -> bool:
        """Whether `condition` came to hold in time; the engine is kept running meanwhile."""
        limit = time.monotonic() + self._limit_s
        while time.monotonic() < limit:
            if keeper_of(self._setting.folder) is None:
                raise DrillError("the drill's keeper has died, and the drill with it")
            self._engines.keep_running()
            snapshot = self._room.snapshot()
            self._on_snapshot(snapshot)
            if condition(snapshot):
                return True
            await self._room.changed(0.25)
        return False
