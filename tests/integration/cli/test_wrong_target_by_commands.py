"""The wrong release chosen by hand: a rehearsal finds that it cannot work, and no user ever meets it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.core.state import Status
from console.drill.world import World, stop_world
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.cli.commands import CommandLine, healthy, planned

WRONG, NEAREST = "v1.9.0", "v1.5.0"


async def _broken(folder: Path) -> None:
    await healthy(folder, "testnet", scenario="schema-contract")
    await Keeper(Path(World.load(folder).socket)).break_("schema-contract")


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a service whose bad release has renamed a column."""
    folder = tmp_path_factory.mktemp("contracted").resolve()
    try:
        asyncio.run(_broken(folder))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def incident(warroom: CommandLine) -> str:
    """Somebody commands it, and the plan that is made by itself is there."""
    warroom.wait_for(lambda snapshot: snapshot.state.open_incident is not None)
    known = str(warroom.json("status")["incident"]["id"])
    assert warroom("go", known).returncode == Exit.DONE
    warroom.wait_for(planned)
    return known


def deploys(warroom: CommandLine) -> list[bytes]:
    """The record of everything that was ever deployed in this world."""
    return (warroom.folder / "deploys.jsonl").read_bytes().splitlines()


def test_the_way_that_is_closed_says_so_and_names_the_nearest_that_is_open(
    warroom: CommandLine, incident: str
) -> None:
    verdict = warroom.json("plan")["code"]["schema"]
    assert (verdict["kind"], verdict["nearest"]) == ("contracted", NEAREST)
    assert f"plan anew, to {NEAREST}, whose schema fits" in warroom("status").stdout
    warroom("go", incident, "--type", "testnet")
    assert warroom.json("status")["incident"]["gate_opened"] is None


def test_the_wrong_one_is_found_in_rehearsal_and_not_on_users(warroom: CommandLine, incident: str) -> None:
    """Its schema fits as far as anybody can compare; started on a copy of today's, it serves nobody."""
    before = deploys(warroom)
    assert warroom("replan", "--to", WRONG).returncode == Exit.DONE
    warroom.wait_for(lambda s: planned(s) and _target(s) == WRONG)
    assert warroom.json("plan")["code"]["schema"]["kind"] == "expanded"
    warroom.wait_for(lambda s: _rehearsal(s) is Status.FAILED)
    warroom("go", incident, "--type", "testnet")
    told = warroom.json("status")["incident"]
    assert told["gate_opened"] is None
    assert "FAIL" in told["steps"]["rehearse"]["words"]
    assert deploys(warroom) == before


def test_the_nearest_that_fits_is_rehearsed_and_gone_back_to(warroom: CommandLine, incident: str) -> None:
    assert warroom("replan", "--to", NEAREST).returncode == Exit.DONE
    warroom.wait_for(lambda s: planned(s) and _target(s) == NEAREST)
    warroom.prepare()
    assert warroom("go", incident, "--type", "testnet").returncode == Exit.DONE
    warroom.wait_for(lambda s: s.state.incident is not None and s.state.incident.finished)
    told = warroom.json("status")
    assert (told["running"]["release"], told["mixed"]) == (NEAREST, "")
    deployed = {msgspec.json.decode(line)["commit"] for line in deploys(warroom)}
    assert len(deployed) == 3, "the one before, the bad one, and the way back: never the wrong one"


def _target(snapshot: Snapshot) -> str | None:
    incident = snapshot.state.open_incident
    return incident.plan.code.target.tag if incident and incident.plan and incident.plan.code else None


def _rehearsal(snapshot: Snapshot) -> Status | None:
    incident = snapshot.state.open_incident
    return incident.step("rehearse").status if incident else None
