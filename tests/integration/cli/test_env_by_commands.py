"""The environment file by commands: saved, listed, compared, planned; and no value of it anywhere."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from console.core.exits import Exit
from console.drill.files import write_files
from console.drill.world import WorldWanted, start_keeper, stop_world
from console.engine.spawn import spawn_detached
from console.subcommands.room import until
from tests.faults import world
from tests.integration.cli.commands import LIMIT_S, CommandLine, planned

CANARY = "canary-5ecret-of-the-file"
TODAY = f"GAS_LIMIT=9\nJWT_SECRET={CANARY}-new\nRPC_URL=https://rpc.example/{CANARY}\n"
BEFORE = f"GAS_LIMIT=21000\nJWT_SECRET={CANARY}-old\n"
STEPS: list[dict[str, Any]] = [
    {"id": "env-saved", "action": "save-env", "phase": "prepare", "title": "save env", "authority": "none"},
    {"id": "env-file", "action": "swap-env", "phase": "switch", "title": "swap env", "authority": "matrix"},
]


async def with_env_file(folder: Path) -> None:
    """A testnet that is well, whose strategy names an environment file."""
    starting = await start_keeper(folder, WorldWanted("testnet"))
    setting = write_files(folder, await starting.ready())
    yaml = YAML()
    document = yaml.load(folder / "strategy.yaml")
    environment = document["environments"]["testnet"]
    environment["environment_file"] = {"path": ".env.testnet", "backups": "envs/testnet-*/env.backup"}
    (saved, swapped) = ({**step, "expected": "1s", "limit": "10s"} for step in STEPS)
    first = next(n for n, step in enumerate(environment["runbook"]) if step["phase"] == "switch")
    environment["runbook"].insert(first, swapped)
    environment["runbook"].insert(0, saved)
    yaml.dump(document, folder / "strategy.yaml")
    (folder / ".env.testnet").write_text(BEFORE)
    spawn_detached(setting.engine, setting.extra)
    with world.room(folder) as room:
        assert await until(room, lambda snapshot: bool(snapshot.rows and snapshot.state.running), LIMIT_S)


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on that testnet."""
    folder = tmp_path_factory.mktemp("env").resolve()
    try:
        asyncio.run(with_env_file(folder))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What it printed; nothing of a value."""
    assert CANARY not in done.stdout + done.stderr
    assert "21000" not in done.stdout + done.stderr
    return done.stdout


def test_without_a_backup_there_is_nothing_to_compare(warroom: CommandLine) -> None:
    assert warroom.json("env", "list")["backups"] == []
    done = warroom("env", "diff")
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr == "no backup that a rollback could use; there are none\n"


def test_it_is_saved_for_the_release_that_runs(warroom: CommandLine) -> None:
    done = warroom("env", "save")
    assert done.returncode == Exit.DONE, done.stderr
    assert "is complete, 2 keys" in told(done)
    (only,) = warroom.json("env", "list")["backups"]
    assert (only["release"], only["keys"], only["fits"]) == ("v1.5.0", ["GAS_LIMIT", "JWT_SECRET"], True)


def test_what_differs_is_named_and_nothing_else(warroom: CommandLine) -> None:
    (warroom.folder / ".env.testnet").write_text(TODAY)
    assert "2 changed: GAS_LIMIT, JWT_SECRET; 1 removed: RPC_URL" in told(warroom("env", "diff"))
    apart = warroom.json("env", "diff")
    assert (apart["changed"], apart["removed"]) == (["GAS_LIMIT", "JWT_SECRET"], ["RPC_URL"])
    assert f"> {apart['backup']}" in told(warroom("env", "list"))


def test_check_says_what_there_is(warroom: CommandLine) -> None:
    words = [*warroom.argv("check")[:4], str(warroom.folder / "strategy.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert "1 backup with a manifest, of 1" in told(done)


def test_the_plan_names_keys_and_the_journal_holds_no_value(warroom: CommandLine) -> None:
    assert warroom("declare", "the new gas limit is wrong").returncode == Exit.DONE
    snapshot = warroom.wait_for(
        lambda s: planned(s) or bool(s.state.incident and s.state.incident.planning_failed)
    )
    assert snapshot.state.incident is not None
    assert snapshot.state.incident.plan is not None, snapshot.state.incident.planning_failed
    shown = told(warroom("plan"))
    assert "swap .env.testnet for" in shown
    assert "2 changed: GAS_LIMIT, JWT_SECRET; 1 removed: RPC_URL" in shown
    warroom.wait_for(lambda s: bool(s.state.incident and s.state.incident.step("env-saved").status.settled))
    files = [path for path in (warroom.folder / "state").rglob("*") if path.is_file()]
    assert any(path.name == "journal.db" for path in files)
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
