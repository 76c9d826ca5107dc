"""The gate stays closed while a prerequisite is open: evidence, a yes, the plan, or a person meets it."""

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core.asking import asked
from console.core.plan import Need, Predicate, Prerequisite
from console.core.policy import asked_for, by_hand, gate, opens_by, prerequisites
from console.core.protocols import Head
from tests.unit.core.kit import Story, at

TREE = "the commit to deploy is exactly the good tree"
BACKUP = Prerequisite("backup", "restorable point", "evidence", ("good-tree",), (), ("operations-lead",))
POINT = Prerequisite("point", "rollback point identified", "plan")
LEAD = Prerequisite("lead", "team lead approval", "approval", (), ("team-lead",))
TOLD = Prerequisite("told", "security lead notified", "hand")
AUDIT = Prerequisite("audit", "audit passed", "hand", (), ("security-lead",))


def story(*items: Prerequisite, **changes: object) -> Story:
    """At the gate of a plan with those prerequisites, everything else proven."""
    told = Story()
    told.declare()
    told.freeze(prerequisites=items, **changes)
    told.run("fetch", "worktree")
    return told


def closed(told: Story) -> tuple[str, ...]:
    return gate(told.incident, at(told.seconds)).closed


def tick(told: Story, item: str, *, done: bool = True) -> None:
    told.say(ev.ItemTicked(item, done=done, note="by phone"), actor="eng-1")


def waive(told: Story, item: str, plan_hash: str | None = None) -> None:
    hashed = plan_hash or told.incident.plan_hash or ""
    told.say(ev.ItemWaived(item, hashed, "the disk is full"), actor="ops-1")


def test_what_a_person_must_tick_keeps_the_gate_closed_until_they_do() -> None:
    told = story(TOLD, AUDIT)
    told.claim("eng-1")
    assert closed(told) == (
        "security lead notified: not ticked yet",
        "audit passed: not ticked yet by security-lead",
    )
    assert [one.item.id for one in by_hand(told.incident, at(9))] == ["told", "audit"]
    tick(told, "told")
    tick(told, "audit")
    assert closed(told) == ()
    tick(told, "told", done=False)
    assert closed(told) == ("security lead notified: not ticked yet",)


def test_a_tick_is_about_the_incident_and_outlives_its_plan() -> None:
    told = story(TOLD)
    tick(told, "told")
    told.freeze(prerequisites=(TOLD,), releases_back=1)
    told.run("fetch", "worktree")
    assert closed(told) == ("1 engineer must say yes",)


def test_a_role_is_met_by_somebody_who_says_yes_and_also_holds_it() -> None:
    told = story(LEAD)
    told.claim("eng-1", "engineer")
    assert closed(told) == ("team lead approval: no team-lead has said yes",)
    told.claim("lead-1", "team-lead", "engineer")
    assert closed(told) == ()


def test_a_yes_to_another_plan_meets_no_role() -> None:
    told = story(LEAD)
    told.claim("lead-1", "team-lead", "engineer")
    told.freeze(prerequisites=(LEAD,), releases_back=1)
    told.run("fetch", "worktree")
    assert closed(told) == ("team lead approval: no team-lead has said yes", "1 engineer must say yes")


def test_the_gate_asks_for_the_roles_of_the_matrix_and_of_the_prerequisites() -> None:
    plan = story(LEAD, TOLD, AUDIT, needs=(Need("engineer", 2),)).incident.plan
    assert plan is not None
    assert asked_for(plan) == ("engineer", "team-lead")


def test_that_there_is_a_plan_says_what_is_gone_back_to() -> None:
    told = story(POINT)
    (one,) = prerequisites(told.incident, at(9))
    assert (one.met, one.words) == (True, "restore tree to v1.5.0 · data kept")


def test_evidence_that_does_not_hold_is_said_once() -> None:
    """The predicate over the same slot is in the way already."""
    told = story(BACKUP)
    told.claim("eng-1")
    assert closed(told) == ()
    told.say(ev.EvidenceRecorded("good-tree", holds=False, words="touched", inputs="y"))
    assert closed(told) == (f"{TREE}: touched",)
    (one,) = prerequisites(told.incident, at(9))
    assert (one.met, one.words) == (False, "touched")


def test_evidence_that_no_step_of_the_plan_gives_is_missing() -> None:
    """A runbook without the step must not pass for one that has it."""
    nowhere = Prerequisite("backup", "restorable point", "evidence")
    told = story(nowhere)
    told.claim("eng-1")
    assert closed(told) == ("restorable point: no step of this plan proves it",)


def test_evidence_that_no_predicate_speaks_of_is_asked_for_all_the_same() -> None:
    told = story(replace(BACKUP, slots=("elsewhere",)))
    told.claim("eng-1")
    assert closed(told) == ("restorable point: not proven yet",)
    told.say(ev.EvidenceRecorded("elsewhere", holds=False, words="no", inputs="x"))
    assert closed(told) == ("restorable point: not proven yet",)
    told.say(ev.EvidenceRecorded("elsewhere", holds=True, words="yes", inputs="x"))
    assert closed(told) == ()


def test_what_several_steps_show_is_met_when_all_of_them_do() -> None:
    told = story(replace(BACKUP, slots=("good-tree", "saved")))
    assert closed(told)[0] == "restorable point: not proven yet"
    told.say(ev.EvidenceRecorded("saved", holds=True, words="4 tables", inputs="x"))
    (one,) = prerequisites(told.incident, at(9))
    assert (one.met, one.words) == (True, "worktree is done; 4 tables")


def test_evidence_that_was_recorded_but_is_too_old_does_not_meet_it() -> None:
    told = story(BACKUP, predicates=(Predicate("good-tree", "the tree is good", 10.0),))
    told.seconds += 60
    (one,) = prerequisites(told.incident, at(told.seconds))
    assert not one.met


# -- waivers ------------------------------------------------------------------------------------------


def broken(*items: Prerequisite) -> Story:
    told = story(*items)
    told.say(ev.EvidenceRecorded("good-tree", holds=False, words="the disk is full", inputs="y"))
    return told


def test_what_is_waived_is_not_demanded_any_more() -> None:
    told = broken(BACKUP)
    waive(told, "backup")
    told.claim("eng-1")
    assert closed(told) == ()
    assert opens_by(told.incident, at(9)) == ("restorable point: waived by ops-1: the disk is full",)


def test_whoever_said_yes_before_is_asked_again() -> None:
    """They said it to what was demanded then."""
    told = broken(BACKUP)
    told.claim("eng-1")
    waive(told, "backup")
    assert closed(told) == ("1 engineer must say yes",)


def test_a_waiver_is_about_one_plan() -> None:
    told = broken(BACKUP)
    waive(told, "backup")
    told.freeze(prerequisites=(BACKUP,), releases_back=1)
    told.run("fetch", "worktree")
    assert told.incident.waived == {}


def test_a_waiver_of_another_plan_counts_for_nothing() -> None:
    told = broken(BACKUP)
    told.claim("eng-1")
    waive(told, "backup", "0" * 64)
    assert closed(told) == (f"{TREE}: the disk is full",)


def test_an_event_that_waives_what_may_not_be_waived_opens_nothing() -> None:
    """A row written into the journal by hand, or by an engine with another strategy."""
    never = Prerequisite("backup", "restorable point", "evidence", ("good-tree",))
    told = broken(never, TOLD)
    waive(told, "backup")
    waive(told, "told")
    told.claim("eng-1")
    assert closed(told) == (f"{TREE}: the disk is full", "security lead notified: not ticked yet")


@pytest.mark.parametrize("waived", [False, True])
def test_what_is_signed_says_what_was_waived(*, waived: bool) -> None:
    """So that a text that was made before is another text."""
    told = broken(BACKUP)
    if waived:
        waive(told, "backup")
    plan = told.incident.plan
    assert plan is not None
    made = asked(
        told.incident, plan, "eng-1", ("engineer",), head=Head(1, bytes(32)), now=at(9), within_s=0.0
    )
    words = "without backup, waived by ops-1: the disk is full"
    assert (words in made.does) is waived
