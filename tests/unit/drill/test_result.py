"""The result of a drill: every number from the journal, and none where a moment does not exist."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core.plan import POINT_IN_TIME, DataChange
from console.core.state import State
from console.drill import result as rs
from console.drill.facts import DataTruth, SeedFacts
from tests.unit.core import kit
from tests.unit.core.kit import Story, at


def recovered() -> Story:
    """A whole run: the switch's rows counted, health proven, no row gone."""
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.end("push", rows="120")
    story.run("deploy")
    story.begin("health")
    first = at(story.seconds + 0.5)
    story.end("health", first_good_utc_us=str(first.utc_us), first_good_boot_us=str(first.boot_us))
    story.begin("tidy")
    story.end("tidy", before="120", after="125", missing="0")
    story.resolve()
    return story


def moment(story: Story, kind: str, step: str | None = None) -> float:
    """When the last event of that kind (about that step) was, in seconds since the beginning of time."""
    of_kind = [e for e in story.events if e.kind == kind and getattr(e.body, "step", None) == step]
    return of_kind[-1].at.seconds_since(at())


def test_every_moment_is_counted_from_the_fault() -> None:
    story = recovered()
    clock = rs.clock_facts(story.events, at(-10), story.incident)
    assert clock.detected_s == moment(story, "incident.suspected") + 10
    assert clock.declared_s == moment(story, "incident.declared") + 10
    assert clock.authorised_s == moment(story, "gate.opened") + 10
    assert clock.switch_s == moment(story, "step.outcome", "deploy") + 10
    assert clock.healthy_s == moment(story, "step.intent", "health") + 0.5 + 10
    assert clock.resolved_s == moment(story, "incident.resolved") + 10


def test_a_moment_that_does_not_exist_is_none() -> None:
    story = Story().to_gate()
    clock = rs.clock_facts(story.events, at(), story.incident)
    assert clock.detected_s is not None
    assert (clock.authorised_s, clock.switch_s, clock.healthy_s, clock.resolved_s) == (None,) * 4
    assert rs.clock_facts([], at(), None) == rs.ClockFacts()


def test_the_moments_of_an_earlier_incident_are_not_this_ones() -> None:
    """A folder can hold more than one: the last one is what the document is about."""
    story = Story()
    story.suspect()
    before = [replace(event, incident="INC-OLD1") for event in recovered().events]
    clock = rs.clock_facts([*before, *story.events], at(), story.incident)
    assert clock == rs.ClockFacts(detected_s=1.0)


def test_a_step_of_the_switch_that_failed_is_no_switch() -> None:
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.end("push", failed=True)
    assert rs.clock_facts(story.events, at(), story.incident).switch_s is None


@pytest.mark.parametrize(("target", "met"), [(900.0, True), (0.1, False)])
def test_recovery_is_taken_from_the_gate_to_the_first_good_answer(*, target: float, met: bool) -> None:
    story = recovered()
    taken = moment(story, "step.intent", "health") + 0.5 - moment(story, "gate.opened")
    assert rs.recovery_facts(story.incident, target) == rs.RecoveryFacts(target, taken, met)


def test_a_recovery_that_was_not_proven_met_nothing() -> None:
    story = Story().to_gate()
    story.open_gate()
    assert rs.recovery_facts(story.incident, 900) == rs.RecoveryFacts(900, None, met=False)
    assert rs.recovery_facts(None, 900) == rs.RecoveryFacts(900, None, met=False)


def test_every_step_is_told_with_how_it_ended() -> None:
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.end("push", failed=True)
    told = {step.id: (step.phase, step.status, step.seconds) for step in rs.step_facts(story.incident)}
    assert list(told) == [step.id for step in kit.STEPS]
    assert told["fetch"] == ("prepare", "done", 1.0)
    assert told["push"] == ("switch", "failed", 1.0)
    assert told["deploy"] == ("switch", "waiting", None)
    assert rs.step_facts(None) == ()


def test_rows_are_told_as_they_were_measured() -> None:
    assert rs.data_facts(recovered().incident, None) == rs.DataFacts(120, 125, 0)


def test_rows_that_nobody_compared_are_none() -> None:
    assert rs.data_facts(Story().to_gate().incident, None) == rs.DataFacts()
    assert rs.data_facts(None, None) == rs.DataFacts()


def test_rows_that_are_gone_are_told_although_the_step_failed() -> None:
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.end("push", failed=True, before="120", after="118", missing="2")
    assert rs.data_facts(story.incident, None) == rs.DataFacts(None, 118, 2)


@pytest.mark.parametrize(
    ("running", "outcome"), [("v1.5.0", "recovered"), ("v1.5.3", "incomplete"), (None, "incomplete")]
)
def test_it_is_recovered_only_when_the_service_itself_says_so(running: str | None, outcome: str) -> None:
    assert rs.outcome_of(recovered().state, running, None) == outcome


def test_an_incident_that_is_open_or_ended_otherwise_is_not_recovered() -> None:
    assert rs.outcome_of(Story().to_end().state, "v1.5.0", None) == "incomplete"
    story = Story().to_gate()
    story.say(ev.IncidentResolved("false alarm", "it was the monitor", "0" * 64), actor="eng-1")
    assert rs.outcome_of(story.state, "v1.5.0", None) == "incomplete"
    assert rs.outcome_of(State(environment=kit.ENV), "v1.5.0", None) == "failed"


def test_only_files_that_exist_are_named(tmp_path: Path) -> None:
    there = tmp_path / "there.txt"
    there.write_text("x")
    assert rs.artifacts([there, tmp_path / "not there.txt"]) == (str(there),)


SEEDS = SeedFacts(3600, 0, 0, ())
RIGHT = DataTruth(SEEDS, acknowledged=410, unaccounted=0)
BACK = DataChange(POINT_IN_TIME, kit.NOON_US, kit.NOON_US + 3_000_000, 5000)


def restored() -> Story:
    """A whole run that took the data back, with its loss receipts."""
    receipt = kit.step("receipt", action="loss-receipt")
    final = kit.step("final", "prove", action="final-receipt")
    story = Story()
    story.suspect()
    story.declare()
    swap = kit.step("swap", "switch", action="swap-database")
    story.freeze(steps=(receipt, swap, *kit.STEPS[2:5], final), predicates=(), data=BACK)
    story.begin("receipt")
    story.end("receipt", rows_gone="80", path="/evidence/loss", rows="4001")
    story.open_gate()
    story.run("swap", "push", "deploy", "health")
    story.begin("final")
    story.end(
        "final",
        path="/evidence/loss-final",
        rows_gone="99",
        rows_before="4100",
        rows_after="4001",
        rows_discarded="99",
    )
    story.resolve()
    return story


def test_rows_that_a_restore_took_are_those_of_the_last_receipt() -> None:
    story = restored()
    facts = rs.data_facts(story.incident, RIGHT)
    assert (facts.rows_before, facts.rows_after, facts.rows_discarded) == (4100, 4001, 99)
    assert facts.recovery_point == "2025-10-09T09:00:00.000000Z"
    assert rs.receipt_of(story.incident) == Path("/evidence/loss-final")
    assert rs.receipt_of(recovered().incident) is None
    assert rs.receipt_of(None) is None


def test_data_has_not_gone_back_before_the_databases_are_swapped() -> None:
    story = Story()
    story.declare()
    story.freeze(steps=(kit.step("swap", "switch", action="swap-database"),), predicates=(), data=BACK)
    assert rs.data_facts(story.incident, RIGHT).recovery_point is None


def test_the_datas_own_truth_stands_beside_what_the_steps_say() -> None:
    facts = rs.data_facts(None, DataTruth(SeedFacts(3600, 800, 20, ("contacts",)), 410, 3))
    assert (facts.seeded_rows, facts.seeded_missing, facts.seeded_changed) == (3600, 800, 20)
    assert (facts.tables_missing, facts.acknowledged, facts.unaccounted) == (("contacts",), 410, 3)
    without = rs.data_facts(recovered().incident, None)
    assert (without.recovery_point, without.seeded_rows, without.tables_missing) == (None, None, None)


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (RIGHT, ""),
        (
            DataTruth(SeedFacts(3600, 800, 0, ("contacts",)), 9, 0),
            "without table contacts, 800 of 3600 seeded",
        ),
        (DataTruth(SeedFacts(3600, 0, 20, ()), 9, 0), "20 of 3600 seeded rows changed"),
        (DataTruth(SEEDS, 410, 3), "3 of 410 signed transactions lost without a receipt"),
    ],
)
def test_data_that_is_not_right_is_no_recovery(truth: DataTruth, words: str) -> None:
    """Whatever was resolved, and however healthy the service looks."""
    story = restored()
    assert rs.wrong_with(truth).startswith(words)
    assert rs.outcome_of(story.state, "v1.5.0", truth) == ("incomplete" if words else "recovered")
