"""A bad feature switched off, and on again, with nothing but commands; and who is not allowed to."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.drill.world import stop_world
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.cli.commands import CommandLine, healthy

OFF = "wc-gas-off"
COVERED = {"error_rate", "transaction_signing_rate"}


@pytest.fixture
def warroom(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line on a world whose service has a bad feature behind a flag."""
    folder = tmp_path.resolve()
    try:
        asyncio.run(healthy(folder, "testnet", scenario="flag"))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


def _sick(snapshot: Snapshot) -> bool:
    """Whether what the flag covers fires, and nothing else does: its restart is over."""
    rungs = snapshot.state.rungs
    fires = {name for name, known in rungs.items() if known.rung.says_roll_back}
    return snapshot.state.open_incident is not None and fires == COVERED


def _calm(snapshot: Snapshot) -> bool:
    return not any(known.rung.says_roll_back for known in snapshot.state.rungs.values())


def test_a_mitigation_from_the_list_to_the_end_of_the_incident(warroom: CommandLine) -> None:
    """Listed, refused to whoever does not command, done, seen to help, taken back, done again, closed."""
    asyncio.run(Keeper(Path(world.world(warroom.folder).socket)).break_("flag"))
    warroom.wait_for(_sick)
    incident = warroom.json("status")["incident"]["id"]
    assert "nobody commands an incident" in warroom("mitigate", OFF).stderr
    assert warroom("go", incident).returncode == Exit.DONE

    status = warroom.json("status")
    assert status["recommendation"]["level"] == "mandatory"
    assert "flag wc-gas off would cover it: not tried" in status["recommendation"]["reasons"]
    listed = warroom.json("mitigate")
    assert set(listed["fires"]) == COVERED
    (one,) = listed["mitigations"]
    assert (one["name"], one["covers_all_that_fires"], one["state"]) == (OFF, True, None)
    assert "not tried" in warroom("mitigate").stdout

    refused = warroom("mitigate", OFF, actor="eng-2")
    assert refused.returncode == Exit.FAILED
    assert refused.stderr.strip().endswith(f"only eng-1, who commands {incident}, may ask for it")
    assert "unknown mitigation `wc-gas`" in warroom("mitigate", "wc-gas").stderr

    done = warroom.json("mitigate", OFF)
    assert (done["verb"], done["outcome"]) == ("mitigate", "done")
    warroom.wait_for(_calm)
    undone = warroom.json("mitigate", OFF, "--undo")
    assert (undone["verb"], undone["outcome"]) == ("undo-mitigation", "done")
    assert (warroom.folder / "flags.toml").read_text() == "wc-gas = true\n"
    warroom.wait_for(_sick)
    assert warroom("mitigate", OFF).returncode == Exit.DONE
    warroom.wait_for(_calm)

    assert "rollback none" in warroom("status").stdout
    closed = warroom("resolve", "mitigated", "--note", "flag off")
    assert closed.returncode == Exit.DONE
    assert "still in force: flag wc-gas off" in closed.stdout
    assert warroom.json("status")["mitigations"][OFF]["status"] == "in force"
