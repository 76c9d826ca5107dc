"""What must be so before the gate of production opens, by commands alone: ticked, shown, or waived."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core import events as ev
from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.core.state import Status
from console.drill.world import stop_world
from tests.faults import world
from tests.integration.cli.commands import CommandLine, healthy, planned

OTHERS = ("eng-1", "sec-1", "ops-1", "exec-1", "pm-1")
BY_HAND = ("security-notified", "ticket", "stakeholders-notified")


@pytest.fixture(scope="module")
def warroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A production whose archive of WAL has gone, so that nothing proves a restorable point."""
    folder = tmp_path_factory.mktemp("prerequisites").resolve()
    try:
        asyncio.run(healthy(folder, prerequisites=True))
        archive = world.world(folder).postgres.archive
        assert archive is not None
        Path(archive.wal).rename(folder / "gone")
        yield CommandLine(folder)
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def incident(warroom: CommandLine) -> str:
    """Id of an incident whose plan of the code alone is at its gate, without a restorable point."""
    assert warroom("declare", "signing fails").returncode == Exit.DONE
    warroom.wait_for(planned)

    def failed(snapshot: Snapshot) -> bool:
        open_one = snapshot.state.open_incident
        return open_one is not None and open_one.step("restorable").status is Status.FAILED

    warroom.wait_for(failed)
    assert warroom("run", "restorable", "skip", "--reason", "the archive is gone").returncode == Exit.DONE
    warroom.prepare()
    return str(warroom.json("status")["incident"]["id"])


def refused(warroom: CommandLine, *words: str, actor: str = "eng-1") -> str:
    done = warroom(*words, actor=actor)
    code = Exit.UNAUTHORISED if words[0] == "waive" else Exit.FAILED
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stderr.strip()


def everybody_says_yes(warroom: CommandLine, incident: str, engineer: str) -> None:
    """Six people, of whom `engineer` is the second engineer."""
    for person in (*OTHERS, engineer):
        done = warroom("go", incident, "--type", "production", actor=person)
        assert done.returncode == Exit.DONE, done.stderr


def test_the_gate_opens_when_all_of_it_is_so(warroom: CommandLine, incident: str) -> None:
    listed = warroom("plan").stdout
    assert "restorable-point restorable point, shown by evidence; operations-lead may waive it" in listed
    assert "ticket         incident ticket created, ticked by hand" in listed

    assert "is not ticked by hand" in refused(warroom, "tick", "team-lead-approval", "--note", "I am it")
    assert "ticked with a note" in refused(warroom, "tick", "ticket")
    assert "ticket cannot be waived" in refused(warroom, "waive", "ticket", "--reason", "no time")
    gone = ("waive", "restorable-point", "--reason", "the archive is gone, data is untouched")
    assert "operations-lead may waive restorable-point" in refused(warroom, *gone, actor="sec-1")

    everybody_says_yes(warroom, incident, "eng-2")
    found = warroom.wait_for(lambda s: s.live is not None and "team lead" in s.live.gate)
    assert found.live is not None
    for words in (
        "the data could come back to a moment ago: not proven yet",
        "team lead approval: no team-lead has said yes",
        *(f"{title} notified: not ticked yet" for title in ("security lead", "stakeholders")),
        "incident ticket created: not ticked yet",
    ):
        assert words in found.live.gate
    assert warroom.json("status")["next"].startswith("tick what is done before the gate: security lead")

    for item in BY_HAND:
        done = warroom("tick", item, "--note", "INC-1 in the tracker, told by phone")
        assert done.returncode == Exit.DONE, done.stderr
    waived = warroom(*gone, actor="ops-1")
    assert waived.returncode == Exit.DONE, waived.stderr
    assert "waived: restorable point: the archive is gone, data is untouched" in waived.stdout
    asks = warroom.wait_for(lambda s: s.live is not None and s.live.gate.endswith("must say yes"))
    assert asks.state.open_incident is not None
    assert asks.state.open_incident.approvals == (), "whoever said yes is asked again"

    everybody_says_yes(warroom, incident, "lead-1")
    opened = warroom.wait_for(lambda s: any(isinstance(e.body, ev.GateOpened) for e in s.events))
    (said,) = (event.body for event in opened.events if isinstance(event.body, ev.GateOpened))
    assert "restorable point: waived by ops-1: the archive is gone, data is untouched" in said.predicates
    assert "team lead approval: lead-1 said yes" in said.predicates
    assert "incident ticket created: eng-1: INC-1 in the tracker, told by phone" in said.predicates
