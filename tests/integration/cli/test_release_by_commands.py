"""The release ledger by commands: recorded by a pipeline, judged by people, listed with its reasons."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from console.core.exits import Exit
from console.drill.place import VARIABLE
from console.drill.world import World, stop_world
from console.engine.spawn import EngineWanted, spawn_detached
from console.store.layout import Layout
from console.store.lease import holder
from tests.faults import world
from tests.integration.cli.commands import CommandLine, healthy

DIGEST = "sha256:" + "d" * 64
IMAGE = f"web=registry.example/web@{DIGEST}"


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a testnet whose engine watches."""
    folder = tmp_path_factory.mktemp("releases").resolve()
    try:
        asyncio.run(healthy(folder, "testnet"))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


def commit(warroom: CommandLine, tag: str) -> str:
    """The full id that the remote has for a tag."""
    words = ("git", "--git-dir", World.load(warroom.folder).remote, "rev-parse", f"{tag}^{{commit}}")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def record(warroom: CommandLine, tag: str, *words: str) -> subprocess.CompletedProcess[str]:
    return warroom("release", "record", tag, "--commit", commit(warroom, tag), *words)


def refused(done: subprocess.CompletedProcess[str], code: Exit, words: str) -> None:
    """It ends with that code, one line on stderr that says why, and nothing on stdout."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def listed(warroom: CommandLine) -> dict[str, Any]:
    told = warroom.json("release", "list")
    assert (told["schema"], told["environment"]) == ("warroom.releases/1", "testnet")
    return dict(told)


def test_before_anything_is_recorded_the_file_counts(warroom: CommandLine) -> None:
    told = listed(warroom)
    assert (told["source"], told["record"]) == ("file", "releases.yaml")


def test_a_release_is_recorded_once_and_listed(warroom: CommandLine) -> None:
    named = ("--image", IMAGE, "--migration", "0001_users.sql", "--config-key", "gas.limit")
    first = record(warroom, "v1.5.0", *named, "--deployed", "-2h")
    assert first.returncode == Exit.DONE, first.stderr
    assert "recorded, unproven, 1 image, 1 migration" in first.stdout
    again = record(warroom, "v1.5.0", *named)
    assert (again.returncode, "recorded again, as it was" in again.stdout) == (Exit.DONE, True)
    told = listed(warroom)
    assert (told["source"], [one["tag"] for one in told["releases"]]) == ("ledger", ["v1.5.0"])
    only = told["releases"][0]
    assert only["images"] == {"web": f"registry.example/web@{DIGEST}"}
    assert (only["migrations"], only["config_keys"]) == (["0001_users.sql"], ["gas.limit"])
    assert (only["verdict"], only["why"], only["runs"]) == ("unproven", "runs now", True)


def test_other_contents_are_refused_with_the_difference(warroom: CommandLine) -> None:
    refused(record(warroom, "v1.5.0"), Exit.FAILED, "image of web none, on record is registry.example/web@")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("v1.5.1", "--commit", "abc"), Exit.FAILED, "is not a full commit id"),
        (("v9", "--commit", "a" * 40), Exit.FAILED, "has no tag v9: push it"),
        (("v1.5.1", "--commit", "a" * 40, "--image", "web"), Exit.USAGE, "write COMPONENT=IMAGE"),
        (("v1.5.1", "--commit", "a" * 40, "--image", "web=web:1"), Exit.FAILED, "is not pinned"),
        (("v1.5.1", "--commit", "a" * 40, "--deployed", "soon"), Exit.USAGE, "'soon' is no moment"),
    ],
)
def test_what_cannot_be_recorded_is_told_in_a_line(
    warroom: CommandLine, words: tuple[str, ...], code: Exit, why: str
) -> None:
    refused(warroom("release", "record", *words), code, why)


def test_a_tag_on_another_commit_is_refused(warroom: CommandLine) -> None:
    done = warroom("release", "record", "v1.5.1", "--commit", commit(warroom, "v1.5.0"))
    refused(done, Exit.FAILED, "find out who moved the tag")


def test_judged_good_it_is_what_is_gone_back_to(warroom: CommandLine) -> None:
    assert record(warroom, "v1.5.1", "--deployed", "-3h").returncode == Exit.DONE
    done = warroom("release", "mark", "v1.5.1", "good", "--reason", "a week without trouble", actor="eng-2")
    assert "judged release v1.5.1 good: a week without trouble" in done.stdout
    told = listed(warroom)
    assert told["proposed"] == "v1.5.1"
    assert "says eng-2: a week without trouble" in told["releases"][-1]["why"]
    text = warroom("release", "list").stdout
    assert "> v1.5.1" in text


def test_a_stranger_is_refused_and_so_is_a_verdict_without_a_release(warroom: CommandLine) -> None:
    stranger = warroom("release", "mark", "v1.5.0", "bad", "--reason", "x", actor="mallory")
    refused(stranger, Exit.FAILED, "mallory is not in the roster")
    nothing = warroom("release", "mark", "v9", "bad", "--reason", "x")
    refused(nothing, Exit.FAILED, "v9 is not in the ledger")


def test_check_says_which_is_the_newest_good_one(warroom: CommandLine) -> None:
    words = (sys.executable, "-m", "console", "check", str(warroom.folder / "strategy.yaml"))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "the release ledger: 2 releases, v1.5.1 is the newest good one" in " ".join(done.stdout.split())


def test_with_no_engine_it_is_queued_and_the_next_one_records_it(warroom: CommandLine) -> None:
    """Last in this module: the engine ends."""
    folder = warroom.folder
    lock = Layout(folder / "state").lock
    running = holder(lock)
    assert running is not None
    os.kill(running.pid, signal.SIGTERM)
    assert warroom.wait_for(lambda s: bool(s.state.engine and s.state.engine.stopped))
    refused(record(warroom, "v1.5.3"), Exit.INCOMPLETE, "queued, but no engine has answered")
    wanted = EngineWanted(folder / "strategy.yaml", folder / "roster.yaml", "testnet", folder / "state")
    spawn_detached(wanted, {VARIABLE: str(folder)})
    warroom.wait_for(lambda s: "v1.5.3" in s.state.ledger)
