"""Backups, restores, onset and cache with nothing but commands, in a world whose data is being corrupted."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.core.exits import Exit
from console.core.plan import POINT_IN_TIME
from console.core.protocols import Snapshot
from console.drill.world import stop_world
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.cli.commands import APPROVERS, CommandLine, healthy, planned


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a world that is well, with an engine that watches it."""
    folder = tmp_path_factory.mktemp("data").resolve()
    try:
        asyncio.run(healthy(folder))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def saved(warroom: CommandLine) -> str:
    """Id of a backup that was taken before anything went wrong."""
    made = warroom.json("backup")
    assert (made["schema"], made["verb"], made["outcome"]) == ("warroom.errand/1", "backup", "done")
    assert made["id"].startswith("RUN-")
    backup = made["facts"]["backup"]
    assert isinstance(backup, str)
    return backup


@pytest.fixture(scope="module")
def incident(warroom: CommandLine, saved: str) -> str:
    """Id of the incident that the corruption leads to, with somebody in command."""
    at = world.world(warroom.folder)
    asyncio.run(Keeper(Path(at.socket)).break_("data-corruption"))
    warroom.wait_for(lambda snapshot: snapshot.state.open_incident is not None)
    opened = warroom.json("status")["incident"]["id"]
    assert warroom("go", opened).returncode == Exit.DONE
    warroom.wait_for(planned)
    assert isinstance(opened, str)
    return opened


def _listed(warroom: CommandLine, backup: str) -> dict[str, Any]:
    found = [item for item in warroom.json("backup", "list")["backups"] if item["id"] == backup]
    assert len(found) == 1, found
    return dict(found[0])


def test_the_list_is_the_running_engines(warroom: CommandLine, saved: str) -> None:
    """Also the points in time, which only an engine knows."""
    answer = warroom.json("backup", "list")
    assert (answer["told_by"], answer["trouble"]) == ("engine", "")
    assert {POINT_IN_TIME, saved} <= {item["id"] for item in answer["backups"]}
    assert saved in warroom("backup", "list").stdout


def test_a_backup_is_verified_and_then_says_so(warroom: CommandLine, saved: str) -> None:
    assert _listed(warroom, saved)["proof"] == ""
    verified = warroom("verify-backup", saved)
    assert verified.returncode == Exit.DONE
    assert verified.stdout.startswith("RUN-"), "the result is one line on stdout"
    assert verified.stdout.count("\n") == 1
    assert f" done: {saved}: " in verified.stdout
    assert "RUN-" in verified.stderr, "how far it is goes to stderr"
    warroom.wait_for(lambda s: bool(s.live and s.live.catalogue and _proof(s, saved)))
    assert _listed(warroom, saved)["proof"] != ""


def _proof(snapshot: Snapshot, backup: str) -> str:
    catalogue = snapshot.live.catalogue if snapshot.live else None
    known = catalogue.candidates if catalogue else ()
    return next((one.proof for one in known if one.id == backup), "")


def test_a_backup_that_there_is_not_fails_with_its_reason(warroom: CommandLine) -> None:
    """Exit code 1, and no traceback."""
    done = warroom("verify-backup", "yesterday")
    assert done.returncode == Exit.FAILED
    assert "there is no backup yesterday" in done.stdout


def test_the_onset_is_moved_and_decides_what_is_a_candidate(
    warroom: CommandLine, saved: str, incident: str
) -> None:
    """Behind the onset nothing can be gone back to."""
    assert _listed(warroom, saved)["before_onset"] is True
    ends = datetime.fromisoformat(_listed(warroom, saved)["ends"])
    before = warroom.json("status")["incident"]["onset"][0]
    done = warroom("onset", ends.replace(year=ends.year - 1).isoformat(), "--reason", "a rumour")
    assert done.returncode == Exit.DONE, done.stderr
    assert "a rumour" in done.stdout
    warroom.wait_for(lambda s: _why_not(s, saved) != "")
    assert _listed(warroom, saved)["before_onset"] is False
    refused = warroom("restore", saved)
    assert refused.returncode == Exit.FAILED
    assert "not before the onset" in refused.stderr
    back = datetime.fromtimestamp(before / 1e6, UTC).isoformat()
    assert warroom("onset", back, "--reason", "no, it was the deploy").returncode == Exit.DONE
    warroom.wait_for(lambda s: _why_not(s, saved) == "")


def _why_not(snapshot: Snapshot, backup: str) -> str:
    catalogue = snapshot.live.catalogue if snapshot.live else None
    known = catalogue.candidates if catalogue else ()
    return next((one.why_not for one in known if one.id == backup), "not listed")


def test_the_onset_is_no_moment_to_come(warroom: CommandLine, incident: str) -> None:
    refused = warroom("onset", "+1d", "--reason", "x")
    assert refused.returncode == Exit.FAILED
    assert "cannot lie in the future" in refused.stderr


def test_a_cache_verb_joins_the_plan_while_the_gate_is_closed(warroom: CommandLine, incident: str) -> None:
    """And data that is kept stays kept."""
    assert warroom("cache", "flush").returncode == Exit.DONE
    warroom.wait_for(lambda s: planned(s) and _plan_verb(s) == "flush-cache")
    plan = warroom.json("plan")
    assert plan["code"] is not None
    assert plan["data"] is None
    assert any(step["action"] == "flush-cache" for step in plan["steps"])


def _plan_verb(snapshot: Snapshot) -> str | None:
    incident = snapshot.state.open_incident
    return incident.plan.verb if incident and incident.plan else None


def test_the_data_goes_back_with_two_yesses(warroom: CommandLine, saved: str, incident: str) -> None:
    """From the wish to the resolved incident; what is refused on the way says why."""
    made = warroom("restore", saved, "--loss", "100000")
    assert made.returncode == Exit.DONE, made.stderr
    assert f"({saved}); at most 100000 rows may be lost" in made.stdout
    assert made.stdout.splitlines()[-1].startswith("NEXT say yes, as commander, to: freeze the CI")
    assert "planning: " in made.stderr
    other = warroom("allow", "freeze", "--type", "production", actor="sec-1")
    assert other.returncode == Exit.UNAUTHORISED
    assert f"eng-1 commands {incident}: nobody else may say yes to a step" in other.stderr
    warroom.prepare()
    warroom.wait_for(lambda s: s.live is not None and s.live.gate.endswith("must say yes"))

    once = warroom("go", incident, "--type", "production", actor="sec-1")
    assert once.returncode == Exit.FAILED
    assert "--type-again" in once.stderr
    other = warroom("go", incident, "--type", "production", "--type-again", "staging", actor="sec-1")
    assert other.returncode == Exit.UNAUTHORISED
    assert "type production once more" in other.stderr
    for person in APPROVERS:
        said = ("go", incident, "--type", "production", "--type-again", "production")
        done = warroom(*said, actor=person)
        assert done.returncode == Exit.DONE, done.stderr
        assert "loss: " in done.stdout
        assert "within the ceiling" in done.stdout
    warroom.wait_for(lambda s: s.state.open_incident is not None and s.state.open_incident.finished)
    assert warroom("swap-back").returncode == Exit.DONE
    warroom.wait_for(lambda s: planned(s) and _plan_verb(s) == "swap-back")
