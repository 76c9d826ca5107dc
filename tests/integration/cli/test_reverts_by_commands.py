"""Only the commits that did the harm are reverted, by commands: refusals, plan, and the service after it."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.drill.world import stop_world
from console.targets.keeper import Keeper
from tests.faults import world
from tests.integration.cli.commands import CommandLine, healthy, planned


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a testnet whose newest release gives transactions too little gas."""
    folder = tmp_path_factory.mktemp("reverts").resolve()
    try:
        asyncio.run(healthy(folder, "testnet"))
        asyncio.run(Keeper(Path(world.world(folder).socket)).break_("bad-config"))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


def commit(folder: Path, *words: str) -> str:
    argv = ["git", "-C", str(folder / "remote.git"), "rev-list", "-1", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def failed(snapshot: Snapshot) -> bool:
    found = snapshot.state.open_incident
    return bool(found and found.planning_failed)


def by_name(snapshot: Snapshot) -> bool:
    found = snapshot.state.open_incident
    plan = found.plan if found and planned(snapshot) else None
    return plan is not None and plan.code is not None and plan.code.target.tag == "v1.5.3 less 3 commits"


def test_what_did_the_harm_goes_and_the_rest_stays(warroom: CommandLine) -> None:
    warroom.wait_for(lambda snapshot: snapshot.state.open_incident is not None)
    incident = str(warroom.json("status")["incident"]["id"])
    assert warroom("go", incident).returncode == Exit.DONE
    warroom.wait_for(planned)
    assert "revert commits" in warroom("plan").stdout
    warroom.prepare()

    merge = commit(warroom.folder, "--merges", "v1.5.2")
    bad, estimates = commit(warroom.folder, "v1.5.3"), commit(warroom.folder, "v1.5.3^")
    refused = warroom("replan", "--commit", bad, "--to", "v1.5.0")
    assert (refused.returncode, refused.stdout) == (Exit.FAILED, "")
    assert "name a release to go back to, or commits to undo, not both" in refused.stderr
    assert warroom("replan", "--commit", merge).returncode == Exit.DONE
    why = warroom.wait_for(failed).state.open_incident
    assert why is not None
    assert "is a merge, say which parent stays" in (why.planning_failed or "")

    named = (bad[:12], f"{merge[:12]}^1", estimates[:12])
    done = warroom("replan", *(word for one in named for word in ("--commit", one)))
    assert done.returncode == Exit.DONE, done.stderr
    warroom.wait_for(by_name)
    code = warroom.json("plan")["code"]
    assert [one["commit"] for one in code["reverts"]] == [bad, estimates, merge]
    assert (code["verdict"], code["version"]) == ("unproven", "v1.5.2")
    page = warroom("plan").stdout
    assert "Merge branch 'feature/gas-cap' into develop, by eng-1, a merge: its parent 1 stays" in page
    assert "a push to develop sets off Deploy (.github/workflows/deploy.yml)" in page

    warroom.prepare()
    assert warroom("go", incident, "--type", "testnet").returncode == Exit.DONE
    final = warroom.wait_for(lambda s: s.state.open_incident is not None and s.state.open_incident.finished)
    running = final.state.running
    assert running is not None
    assert (running.release, running.commit) == ("v1.5.2", code["restored"])
    assert commit(warroom.folder, "develop") == code["restored"]
