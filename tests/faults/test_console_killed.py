"""kill -9 of the console in the middle of a step: the rollback goes on, and a new console shows it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from console.app import WarRoomApp
from console.core.plan import Phase
from console.core.protocols import Snapshot
from console.drill.world import keeper_of
from console.store.room import LocalRoom
from console.subcommands.room import until
from tests.faults import world
from tests.faults.terminal import Terminal, terminal

LIMIT_S = 40.0


async def seen(room: LocalRoom, what: Callable[[Snapshot], bool]) -> Snapshot:
    """The first snapshot of which `what` is true."""
    snapshot = await until(room, what, LIMIT_S)
    assert snapshot is not None, room.snapshot().state.incident
    return snapshot


def status(wanted: str) -> Callable[[Snapshot], bool]:
    """Whether the incident has come that far."""
    return lambda snapshot: snapshot.state.incident is not None and snapshot.state.incident.status == wanted


def waits_at_the_gate(snapshot: Snapshot) -> bool:
    """Whether prepare is done and the gate is closed."""
    incident = snapshot.state.open_incident
    return incident is not None and incident.phase is Phase.SWITCH and incident.gate_opened is None


def switching(snapshot: Snapshot) -> bool:
    """Whether a step behind the gate is under way."""
    incident = snapshot.state.open_incident
    return incident is not None and any(step.phase is Phase.SWITCH for step in incident.running())


def finished(snapshot: Snapshot) -> bool:
    """Whether the whole plan was carried out."""
    return snapshot.state.incident is not None and snapshot.state.incident.finished


async def played_to_the_gate(console: Terminal, room: LocalRoom) -> None:
    """Keys that a newcomer presses, each when the screen asks for it."""
    await seen(room, status("suspected"))
    console.type("n")
    await asyncio.sleep(0.5)  # the form opens in the console's own time, which the journal cannot tell
    console.type("\r")
    await seen(room, waits_at_the_gate)
    await asyncio.sleep(0.5)
    console.type("n")
    await asyncio.sleep(0.5)
    console.type("testnet\r")


async def appeared(path: Path) -> None:
    """Wait for a file that another process writes."""
    async with asyncio.timeout(LIMIT_S):
        while not path.exists():  # noqa: ASYNC110 - there is nothing to await before the journal is there
            await asyncio.sleep(0.05)


async def test_the_rollback_goes_on_and_a_new_console_shows_it(tmp_path: Path) -> None:
    """Nothing that runs belongs to a console."""
    argv = [*world.WARROOM, "drill", "--dir", str(tmp_path)]
    try:
        async with terminal(argv, 80, 24) as console:
            await appeared(tmp_path / "state" / "journal.db")
            with world.room(tmp_path) as room:
                await played_to_the_gate(console, room)
                await seen(room, switching)
                world.kill(console.process.pid)
                await seen(room, finished)
        assert keeper_of(tmp_path) is not None
        with world.room(tmp_path) as room:
            app = WarRoomApp(room)
            async with app.run_test(size=(80, 24)) as pilot:
                await pilot.pause()
                picture = app.export_screenshot()
        assert "v1.5.0" in picture
        assert "close" in picture
    finally:
        await asyncio.to_thread(world.stop, tmp_path)
    assert world.left_running(tmp_path) == []
