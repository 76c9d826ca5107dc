"""`warroom diff`: from the engine where one runs; where none does, out of what was fetched before."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from ruamel.yaml import YAML

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Body, Draft
from console.core.exits import Exit
from console.core.live import Live
from console.core.state import State
from console.store.clock import SystemClock
from console.store.journal import SqliteWriter
from console.store.layout import Layout
from console.store.live import LiveFile
from console.targets.git import Clone
from tests.integration.actions.comparing import CANARY, Desk, runs
from tests.integration.actions.kit import Operator, Recorded, make_history

BUNDLED = Path("console/config/bundled/strategy.yaml")
INCIDENT = "INC-7QK2"


class Shop:
    """A testnet in a folder: its strategy, remote, releases and journal; no engine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.layout = folder, Layout(folder / "state")
        make_history(folder)
        self.operator = Operator(folder)
        self.desk = Desk(folder, self.operator)  # records the releases
        yaml = YAML()
        document = yaml.load(BUNDLED)
        environment = document["environments"]["testnet"]
        environment["state"] = str(self.layout.state)
        environment["repository"] |= {"remote": "remote.git", "config": ["gas.toml"], "migrations": ["db"]}
        with (folder / "strategy.yaml").open("w") as file:
            yaml.dump(document, file)

    def fetched(self) -> None:
        """An engine has been here before."""
        clone = Clone(self.layout.clone, str(self.operator.remote), Recorded(self.folder))
        asyncio.run(clone.look(30))

    def say(self, *bodies: Body) -> Stamp:
        """In the journal, by an engine that is not here any more; when it was said."""
        now = SystemClock().now()
        writer = SqliteWriter(self.layout, "testnet")
        for body in bodies:
            starts = isinstance(body, ev.IncidentSuspected)
            writer.append([Draft(body, now, INCIDENT if starts else None)])
        writer.close()
        return now

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`warroom diff` there."""
        home = {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        where = ("--strategy", str(self.folder / "strategy.yaml"), "--env", "testnet")
        return subprocess.run(
            [sys.executable, "-m", "console", "diff", *words, *where],
            env=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def json(self) -> Any:
        """What it prints with --json."""
        done = self("--json")
        assert done.returncode == Exit.DONE, done.stderr
        return msgspec.json.decode(done.stdout)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """One for this test alone."""
    return Shop(tmp_path)


def test_without_an_engine_it_is_worked_out_from_the_clone(shop: Shop) -> None:
    """Nothing is asked of the remote: it can be gone."""
    shop.fetched()
    now = SystemClock().now()
    onset = replace(now, utc_us=now.utc_us - 60_000_000)
    shop.say(ev.ReleaseSeen("v1.5.3", None), ev.IncidentSuspected(("x",), onset, onset))
    shop.operator.remote.rename(shop.folder / "gone.git")
    done = shop()
    assert done.returncode == Exit.DONE, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "v1.5.3 beside v1.5.0, the newest good release before it: 5 commits, 4 files"
    assert lines[1] == "nothing landed within 24 h before the onset: a rollback may not help"
    assert lines[2].startswith("develop builds v1.5.3 · remote read 00:")
    assert "  ~ changed  cap  gas.toml" in lines
    assert "migrations: none lies between them" in lines
    assert any(line.startswith("-- onset ") for line in lines)
    assert any(line.endswith("eng-2  Merge the cap  v1.5.2") for line in lines)
    assert "cap = 0" not in done.stdout


def test_as_a_document(shop: Shop) -> None:
    shop.fetched()
    shop.say(ev.ReleaseSeen("v1.5.3", None))
    told = shop.json()
    assert (told["schema"], told["environment"], told["told_by"]) == ("warroom.diff/1", "testnet", "clone")
    assert (told["incident"], told["onset"], told["attribution"]) == (None, None, None)
    assert [one["release"] for one in told["deploys"]][:4] == ["v1.5.0", "v1.5.1", "v1.5.2", "v1.5.3"]
    assert told["between"]["keys"] == [{"file": "gas.toml", "key": "cap", "what": "changed"}]
    assert told["remote_read"].endswith("Z")
    assert told["trouble"] == []


def test_with_an_engine_it_is_what_that_has_found(shop: Shop) -> None:
    """It has a newer remote, and perhaps an account of its own."""
    now = shop.say(ev.EngineStarted(os.getpid(), 1, "0", "", "", "cooperative"))
    shop.fetched()
    desk = Desk(shop.folder, shop.operator)
    asyncio.run(desk.clone.look(30))
    made = desk.comparison.made(State("testnet", running=runs("v1.5.2")), now)
    LiveFile(shop.layout.live).write(Live(os.getpid(), 1, SystemClock().now(), changes=made))
    told = shop.json()
    assert told["told_by"] == "engine"
    assert told["between"]["newer"]["tag"] == "v1.5.2"


def test_where_nothing_was_ever_fetched_it_says_so_and_fails(shop: Shop) -> None:
    """What is recorded is told all the same."""
    shop.say(ev.ReleaseSeen("v1.5.3", None))
    done = shop()
    assert done.returncode == Exit.FAILED
    assert done.stderr == f"there is no clone of {shop.operator.remote} yet\n"
    assert "v1.5.0  good, by eng-2, as recorded" in done.stdout
    assert "the remote has not been read yet" in done.stdout


def test_no_value_is_printed(shop: Shop) -> None:
    """Not of what changed, nor of what cannot be read."""
    for tag, word in (("v1.6.0", "other"), ("v1.6.1", CANARY)):
        shop.desk.release(tag, {"gas.toml": f'token = "{word}"\n', "db/.env": f"{word}\n"})
    shop.desk.record({"v1.6.0": "good", "v1.6.1": "unproven"})
    shop.fetched()
    shop.say(ev.ReleaseSeen("v1.6.1", None))
    for done in (shop(), shop("--json")):
        assert done.returncode == Exit.DONE
        assert "token" in done.stdout
        assert CANARY not in done.stdout + done.stderr
    assert CANARY not in "".join(
        path.read_text("utf-8", "replace") for path in shop.layout.state.glob("*") if path.is_file()
    )
