"""A drill that is played: the console on the world, and the fault injected while somebody watches."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

from console.app import Look, WarRoomApp
from console.config.paths import runtime_dir
from console.core.presence import Presence, presence
from console.drill.crew import Crew, CrewChoice
from console.drill.result import DrillResult
from console.drill.setting import Setting
from console.drill.signers import Signers
from console.drill.world import World, stop_world
from console.engine.spawn import spawn_detached
from console.store.clock import SystemClock
from console.store.room import LocalRoom
from console.targets.keeper import Keeper, KeeperError
from screens import ascii as without_unicode

CALM_S = 6.0
"""How long the player sees a healthy service before it breaks."""
LEAVING = "Leaving ends the drill: service, users, servers and engine stop, and the score is told."
KEEPER_DIED = "the drill's keeper has died, and the drill with it; `warroom drill` starts a new one"


async def play(setting: Setting, world: World, look: Look, crew: CrewChoice) -> DrillResult | str:
    """Open the console; when the player leaves it, end the drill and measure.

    A sentence instead of a result when the drill ended by itself.
    """
    room = _room(setting)
    app = WarRoomApp(
        room, look=look, leaving=LEAVING, ascii_only=without_unicode.wanted(), roster=setting.roster
    )
    async with AsyncExitStack() as stack:
        stack.callback(room.close)
        died = _exit_with(app, world.keeper_pid, stack)
        if presence(room.snapshot()) is not Presence.ALIVE:
            room.start_engine()
        played = [asyncio.create_task(_break(setting, world, app))]
        if crew == "auto":
            others = {who: roles for who, roles in setting.roles.items() if who != setting.actor}
            people = Crew(setting.actor, others, setting.environment)
            race = Keeper(Path(world.socket)).race if setting.story.races else None
            played.append(asyncio.create_task(Signers(setting, people, race).keep()))
        await app.run_async()
        for task in played:
            task.cancel()
        await asyncio.gather(*played, return_exceptions=True)
        if died.is_set():
            return KEEPER_DIED
        from console.drill.measure import look as look_at_world
        from console.drill.measure import measure  # with drivers, which no open console loads

        broken = World.load(setting.folder)
        seen = await look_at_world(setting, broken, room.snapshot())
        result = measure(setting, broken, room.snapshot(), seen, None)
        await stop_world(setting.folder, lambda _words: None)
        return result


def _room(setting: Setting) -> LocalRoom:
    def start_engine() -> None:
        spawn_detached(setting.engine, setting.extra)

    return LocalRoom(
        setting.environment,
        setting.name,
        setting.actor,
        state=setting.engine.state,
        runtime=runtime_dir(str(setting.engine.state)),
        clock=SystemClock(),
        start_engine=start_engine,
    )


async def _break(setting: Setting, world: World, app: WarRoomApp) -> None:
    """Inject the fault, unless an earlier console has; and have it mended where others do that."""
    keeper = Keeper(Path(world.socket))
    try:
        if world.fault is None:
            await asyncio.sleep(CALM_S)
            await keeper.break_(setting.scenario)
        if setting.story.mended_after_s is not None:
            await asyncio.sleep(setting.story.mended_after_s)
            await keeper.mend()
    except KeeperError as error:
        app.notify(f"the service could not be broken: {error}", severity="error", markup=False)


def _exit_with(app: WarRoomApp, pid: int, stack: AsyncExitStack) -> asyncio.Event:
    """Close the console when process `pid` ends; the event says that it did."""
    died = asyncio.Event()
    loop = asyncio.get_running_loop()
    handle = os.pidfd_open(pid)

    def ended() -> None:
        loop.remove_reader(handle)
        died.set()
        app.exit()

    loop.add_reader(handle, ended)
    stack.callback(os.close, handle)
    stack.callback(loop.remove_reader, handle)
    return died
