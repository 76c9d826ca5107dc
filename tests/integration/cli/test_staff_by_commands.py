"""Roles and tasks of an incident with nothing but commands, against a real engine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.exits import Exit
from console.drill.world import stop_world
from tests.faults import world
from tests.integration.cli.commands import CommandLine, healthy


@pytest.fixture
def warroom(tmp_path: Path) -> Iterator[CommandLine]:
    """The command line on a world that is well."""
    folder = tmp_path.resolve()
    try:
        asyncio.run(healthy(folder, "testnet"))
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


def does(warroom: CommandLine, *words: str, actor: str = "eng-1") -> str:
    """What a command that is granted prints."""
    done = warroom(*words, actor=actor)
    assert done.returncode == Exit.DONE, done.stderr
    return done.stdout


def test_who_does_what_from_the_declaration_to_the_handover(warroom: CommandLine) -> None:
    """Offered, accepted, taken over; given, overdue, done, dropped; each refusal in a sentence."""
    assert "no incident is open" in warroom("role").stderr
    mistake = warroom("assign", "ops-1", "x", "--within", "soon")
    assert mistake.returncode == Exit.USAGE
    assert mistake.stderr == "--within soon: a time box is a duration such as 30s, 5m or 1h\n"
    does(warroom, "declare", "gas looks wrong", "--role.operations", "ops-1", "--role.scribe", "eng-1")
    roles = warroom.json("role")
    assert {one["role"]: (one["person"], one["offered_to"]) for one in roles["roles"]} == {
        "commander": ("eng-1", None),
        "operations": (None, "ops-1"),
        "scribe": ("eng-1", None),
    }
    refused = warroom("role", "accept", "operations", actor="eng-2")
    assert refused.returncode == Exit.UNAUTHORISED
    assert "refused: ops-1 was asked to take operations, not eng-2" in refused.stderr
    assert "has operations now" in does(warroom, "role", "accept", "operations", actor="ops-1")

    assert "task for ops-1: capture the logs" in does(warroom, "assign", "ops-1", "capture the logs")
    does(warroom, "assign", "operations", "page the provider", "--within", "1s", actor="ops-1")
    warroom.wait_for(lambda s: bool(s.state.incident and s.state.incident.tasks["t2"].overdue))
    first, second = warroom.json("task")["tasks"]
    assert (first["id"], first["person"], first["overdue"]) == ("t2", "ops-1", True)
    assert (second["id"], second["left_s"], second["overdue"]) == ("t1", None, False)
    assert "OVERDUE" in does(warroom, "task", "list")
    assert "waits for ops-1, OVERDUE" in does(warroom, "status")
    assert "1 task OVERDUE" in does(warroom, "status", "--line")
    does(warroom, "task", "done", "t2", "--note", "they know", actor="ops-1")
    refused = warroom("task", "drop", "t1", "no", actor="ops-1")
    assert (refused.returncode, "only eng-1 may drop it" in refused.stderr) == (Exit.FAILED, True)
    does(warroom, "task", "drop", "t1", "the engine has them")
    assert "nobody is waited for" in does(warroom, "task")
    ended = {
        one["id"]: (one["status"], one["words"]) for one in warroom.json("task", "list", "--all")["tasks"]
    }
    assert ended == {"t1": ("dropped", "the engine has them"), "t2": ("done", "they know")}

    does(warroom, "handover", "eng-2")
    assert "accepts: has the command now, from eng-1" in does(
        warroom, "role", "accept", "commander", actor="eng-2"
    )
    assert warroom.json("status")["incident"]["commander"] == "eng-2"
    assert warroom("role", "take", "commander").returncode == Exit.UNAUTHORISED
    does(warroom, "role", "take", "commander", "--reason", "eng-2 is at the provider's")
    assert warroom.json("status")["incident"]["commander"] == "eng-1"
