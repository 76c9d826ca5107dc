"""The gate and the rule for runs without a person: pure decisions, held against a slow model of them."""

from itertools import permutations
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core import events as ev
from console.core.plan import Need, Predicate
from console.core.policy import choices, gate, missing, outrun, too_old, unattended, unproven, unrecovered
from console.core.requests import Choice
from console.core.state import Approval, Evidence, Incident, Status
from tests.unit.core import kit
from tests.unit.core.kit import Story, at


def ready(**changes: object) -> Story:
    """Everything but the yes, at the gate of a plan with some of its fields changed."""
    story = Story()
    story.declare()
    story.freeze(**changes)
    story.run("fetch", "worktree")
    return story


Finding = Literal["done", "not done", "cannot tell"]


# -- the gate -----------------------------------------------------------------------------------------


def test_without_a_plan_there_is_no_gate() -> None:
    story = Story()
    story.declare()
    assert gate(story.incident, at(9)).closed == ("there is no plan yet",)


def test_the_gate_opens_when_prepare_is_done_the_proof_holds_and_somebody_said_yes() -> None:
    story = ready()
    assert gate(story.incident, at(9)).closed == ("1 engineer must say yes",)
    story.claim("eng-1")
    verdict = gate(story.incident, at(9))
    assert (verdict.may_open, verdict.approvers) == (True, ("eng-1",))


def test_the_gate_stays_closed_while_a_step_of_prepare_is_not_settled() -> None:
    story = Story()
    story.declare()
    story.freeze()
    story.claim("eng-1")
    story.run("fetch")
    assert gate(story.incident, at(9)).closed == ("prepare is not done: worktree",)
    story.begin("worktree")
    assert not gate(story.incident, at(9)).may_open
    story.end("worktree", failed=True)
    assert not gate(story.incident, at(9)).may_open


def test_a_step_of_prepare_that_was_skipped_leaves_its_proof_missing() -> None:
    """Skipping is a decision about the step, not about what it would have proven."""
    story = Story()
    story.declare()
    story.freeze()
    story.claim("eng-1")
    story.run("fetch")
    story.begin("worktree")
    story.end("worktree", failed=True)
    story.say(ev.StepDecided("worktree", 1, Choice.SKIP, "trust me"), actor="eng-1")
    (reason,) = gate(story.incident, at(9)).closed
    assert reason == "the commit to deploy is exactly the good tree: not proven yet"


def test_proof_that_does_not_hold_any_more_closes_the_gate() -> None:
    story = ready()
    story.claim("eng-1")
    story.say(ev.EvidenceRecorded("good-tree", holds=False, words="the worktree was touched", inputs="y"))
    assert gate(story.incident, at(9)).closed == (
        "the commit to deploy is exactly the good tree: the worktree was touched",
    )


def with_age(seconds: float) -> tuple[Incident, float]:
    """An incident whose proof may be so old, and when that was recorded."""
    story = ready(predicates=(Predicate("good-tree", "the tree is good", seconds),))
    story.claim("eng-1")
    return story.incident, story.incident.evidence["good-tree"].at.seconds_since(at())


def test_proof_may_be_as_old_as_the_plan_says_and_no_older() -> None:
    incident, recorded = with_age(120)
    assert gate(incident, at(recorded + 120)).may_open
    (reason,) = gate(incident, at(recorded + 121)).closed
    assert reason == "the tree is good: 02:01 old, at most 02:00 wanted"


def test_what_proof_shows_may_have_been_old_when_it_was_proven() -> None:
    """A dump shows the moment of its snapshot, however long it took and whenever it was looked at."""
    story = ready(predicates=(Predicate("good-tree", "the tree is good", 120),))
    story.claim("eng-1")
    story.say(ev.EvidenceRecorded("good-tree", holds=True, words="so it is", inputs="x", age_s=100.0))
    recorded = story.incident.evidence["good-tree"].at.seconds_since(at())
    assert gate(story.incident, at(recorded + 20)).may_open
    (reason,) = gate(story.incident, at(recorded + 21)).closed
    assert reason == "the tree is good: 02:01 old, at most 02:00 wanted"


def test_proof_from_the_future_is_none() -> None:
    """After a reboot with the clock set back nobody can say how old it is."""
    incident, recorded = with_age(120)
    (reason,) = gate(incident, at(recorded - 10, boot="the next boot")).closed
    assert reason == "the tree is good: proven at a time that has not come yet: the clock was moved"


def test_a_yes_counts_for_the_plan_that_it_was_said_to_and_no_other() -> None:
    story = ready()
    story.claim("eng-1")
    story.freeze(releases_back=2)
    story.run("fetch", "worktree")
    story.say(ev.GateClaimed("0" * 64, ("engineer",)), actor="eng-1")
    assert gate(story.incident, at(9)).closed == ("1 engineer must say yes",)


def test_a_claim_is_no_signature() -> None:
    story = ready(proof="signature")
    story.claim("eng-1")
    verdict = gate(story.incident, at(9))
    assert (verdict.closed, verdict.approvers) == (("1 engineer must say yes",), ())


def test_everything_in_the_way_is_named_at_once() -> None:
    needs = (Need("engineer", 2), Need("security", 1))
    story = ready(predicates=(Predicate("backup", "a backup"), Predicate("good-tree", "a tree")), needs=needs)
    assert gate(story.incident, at(9)).closed == (
        "a backup: not proven yet",
        "2 engineer must say yes",
        "1 security must say yes",
    )
    assert [p.slot for p, _ in unproven(kit.plan(predicates=(Predicate("x", "y"),)), story.incident, at())]


# -- who may be counted for what ----------------------------------------------------------------------


def said(needs: tuple[Need, ...], people: dict[str, tuple[str, ...]]) -> Incident:
    """An incident in which those people, in those roles, have said yes to the plan."""
    incident = ready(needs=needs).incident
    approvals = tuple(
        Approval(name, roles, "claim", incident.plan_hash or "", at()) for name, roles in people.items()
    )
    return replace(incident, approvals=approvals)


def test_a_person_with_two_roles_is_counted_where_nobody_else_can_be() -> None:
    """Whoever said yes first: eng-1 alone is of security, so that eng-2 has to be the engineer."""
    needs = (Need("engineer", 1), Need("security", 1))
    assert missing(said(needs, {"eng-1": ("engineer", "security"), "eng-2": ("engineer",)}), at(9)) == ()


def test_a_person_with_two_roles_is_still_one_person() -> None:
    needs = (Need("engineer", 1), Need("security", 1))
    assert missing(said(needs, {"eng-1": ("engineer", "security")}), at(9)) == ("security",)


def test_the_role_that_the_plan_names_first_is_met_first() -> None:
    needs = (Need("security", 1), Need("engineer", 1))
    assert missing(said(needs, {"eng-1": ("engineer", "security")}), at(9)) == ("engineer",)


def most_seats(needs: list[str], people: dict[str, tuple[str, ...]]) -> int:
    """How many needs can be met at most, by trying every order of people: slow, and plainly right."""
    crowd = [*people, *[""] * len(needs)]
    return max(
        sum(need in people.get(name, ()) for need, name in zip(needs, order, strict=False))
        for order in permutations(crowd, len(needs))
    )


_ROLES = ["engineer", "security", "operations"]
_needs = st.lists(st.builds(Need, st.sampled_from(_ROLES), st.integers(0, 2)), max_size=2).map(tuple)
_people = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.lists(st.sampled_from(_ROLES), unique=True).map(tuple),
    max_size=4,
)


@given(_needs, _people)
@settings(max_examples=300, deadline=None)
def test_as_many_needs_are_met_as_can_be(needs: tuple[Need, ...], people: dict[str, tuple[str, ...]]) -> None:
    wanted = [need.role for need in needs for _ in range(need.count)]
    short = missing(said(needs, people), at(9))
    assert len(wanted) - len(short) == most_seats(wanted, people)
    assert all(short.count(role) <= wanted.count(role) for role in short)


@given(
    _needs,
    _people,
    st.sampled_from(["claim", "signature"]),
    st.sampled_from([None, True, False]),
    st.integers(0, 30),
    st.sampled_from(["all", "one step short", "skipped"]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_the_gate_opens_exactly_when_everything_holds(
    needs: tuple[Need, ...],
    people: dict[str, tuple[str, ...]],
    proof: str,
    holds: bool | None,  # noqa: FBT001 - hypothesis gives it by place
    age: int,
    prepared: str,
    this_plan: bool,  # noqa: FBT001 - hypothesis gives it by place
) -> None:
    """Held against the sentence of the design, read literally."""
    story = ready(needs=needs, predicates=(Predicate("good-tree", "a tree", 20.0),))
    incident = story.incident
    hashed = (incident.plan_hash or "") if this_plan else "f" * 64
    approvals = tuple(
        Approval(name, roles, "signature" if proof == "signature" else "claim", hashed, at())
        for name, roles in people.items()
    )
    evidence = {} if holds is None else {"good-tree": Evidence(holds, "so it is", "x", at(100))}
    status = {"all": Status.DONE, "skipped": Status.SKIPPED, "one step short": Status.FAILED}[prepared]
    steps = {**incident.steps, "worktree": replace(incident.step("worktree"), status=status)}
    incident = replace(incident, approvals=approvals, evidence=evidence, steps=steps)

    valid = people if this_plan and proof == "claim" else {}
    wanted = [need.role for need in needs for _ in range(need.count)]
    expected = (
        prepared != "one step short"
        and holds is True
        and age <= 20
        and most_seats(wanted, valid) == len(wanted)
    )
    verdict = gate(incident, at(100 + age))
    assert verdict.may_open is expected
    assert set(verdict.approvers) == set(valid)


# -- decisions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "repeatable", "attempt", "choice"),
    [
        ("done", True, 1, Choice.CONTINUE),
        ("done", False, 3, Choice.CONTINUE),
        ("not done", True, 1, Choice.RETRY),
        ("not done", True, 2, None),
        ("not done", False, 1, None),
        ("cannot tell", True, 1, None),
        ("cannot tell", False, 1, None),
    ],
)
def test_what_may_go_on_without_anybody(
    *, finding: Finding, repeatable: bool, attempt: int, choice: Choice | None
) -> None:
    assert unattended(finding, repeatable=repeatable, attempt=attempt) is choice


def test_what_a_person_may_decide() -> None:
    story = ready()
    story.open_gate()
    assert choices(story.incident, "push") == ()
    story.begin("push")
    assert choices(story.incident, "push") == ()
    story.crash()
    assert choices(story.incident, "push") == (), "nobody has looked yet"
    story.say(ev.StepProbed("push", 1, "cannot tell", "no answer"))
    assert choices(story.incident, "push") == (Choice.CONTINUE, Choice.RETRY, Choice.SKIP, Choice.ABORT)
    story.end("push", failed=True)
    assert choices(story.incident, "push") == (Choice.RETRY, Choice.SKIP, Choice.ABORT)
    story.say(ev.StepDecided("push", 1, Choice.RETRY, ""), actor="eng-1")
    assert choices(story.incident, "push") == ()


def test_recovered_is_what_was_carried_out_and_proven() -> None:
    story = ready()
    assert unrecovered(story.incident) == "the plan has not been carried out"
    story.open_gate()
    story.run("push", "deploy", "health", "tidy")
    assert unrecovered(story.incident) == ""


def test_nothing_is_recovered_when_its_proof_was_skipped() -> None:
    story = ready()
    story.open_gate()
    story.run("push", "deploy")
    story.begin("health")
    story.end("health", failed=True)
    story.say(ev.StepDecided("health", 1, Choice.SKIP, "it looks fine to me"), actor="eng-1")
    story.run("tidy")
    assert story.incident.finished
    assert unrecovered(story.incident) == "not proven: healthy"


# -- what is seen again after the last yes --------------------------------------------------------------

_AGAIN = tuple(replace(one, again=one.id == "fetch") for one in kit.STEPS)


def read_for_long() -> Story:
    """Everything is prepared, and the last yes comes a good while later."""
    story = Story()
    story.start()
    story.suspect()
    story.declare()
    story.freeze(steps=_AGAIN, needs=(Need("engineer", 2),))
    story.run("fetch", "worktree")
    story.claim("eng-1")
    return story


def test_what_was_seen_before_the_last_yes_is_seen_again_before_the_gate_opens() -> None:
    """While people read, somebody may have pushed; while a yes is missing it would only be too early."""
    story = read_for_long()
    assert outrun(story.incident, at(story.seconds)) == ()
    assert too_old(story.incident, at(story.seconds)) == ()
    story.claim("eng-2")
    assert [step.id for step in too_old(story.incident, at(story.seconds))] == ["fetch"]
    verdict = gate(story.incident, at(story.seconds))
    assert verdict.closed == ("fetch: before the last yes, and looked at once more",)
    story.run("fetch")
    assert gate(story.incident, at(story.seconds)).may_open
    assert too_old(story.incident, at(story.seconds)) == ()


def test_with_each_later_yes_it_is_seen_once_more() -> None:
    story = read_for_long()
    story.claim("eng-2")
    story.run("fetch")
    story.say(ev.GateWithdrawn("eng-2", "wait"), actor="eng-2")
    story.claim("eng-2")
    assert [step.id for step in too_old(story.incident, at(story.seconds))] == ["fetch"]


def test_a_look_that_was_skipped_by_name_is_not_asked_for_again() -> None:
    story = Story()
    story.declare()
    story.freeze(steps=_AGAIN)
    story.begin("fetch")
    story.end("fetch", failed=True)
    story.say(ev.StepDecided("fetch", 1, Choice.SKIP, "no remote"), actor="eng-1")
    story.run("worktree")
    story.claim("eng-1")
    assert gate(story.incident, at(story.seconds)).may_open


def test_where_nobody_says_yes_nothing_is_older_than_that() -> None:
    """An automatic rollback has just looked."""
    story = Story()
    story.declare()
    story.freeze(steps=_AGAIN)
    story.run("fetch", "worktree")
    assert too_old(story.incident, at(story.seconds), automatic=True) == ()
    assert gate(story.incident, at(story.seconds), automatic=True).may_open
