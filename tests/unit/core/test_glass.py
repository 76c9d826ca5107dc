"""Breaking the glass: fewer people, one of them security or operations; code alone, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core import glass
from console.core.asking import asked
from console.core.plan import Glass, Need, Wish
from console.core.policy import gate, missing, to_review, wanted
from console.core.protocols import Head
from console.core.schema_verdict import Difference, SchemaVerdict
from console.core.strategy import Authorisation
from tests.unit.core import kit
from tests.unit.core.kit import CODE, Story, at

MATRIX = (Need("engineer", 2), Need("security-lead", 1), Need("operations-lead", 1))
GLASS = Glass(2, ("security-lead", "operations-lead"), MATRIX, 86_400.0)
RULE = Authorisation.model_validate(
    {
        "approvers": [{"role": need.role, "count": need.count} for need in MATRIX],
        "proof": "signature",
        "within": "30m",
        "initiator_may_approve": "code only",
        "break_glass": {
            "signatures": 2,
            "one_of": ["security-lead", "operations-lead"],
            "review_within": "24h",
        },
    }
)
KEY = "security-lead or operations-lead"
_roles = st.lists(st.sampled_from(["engineer", "security-lead", "operations-lead", "executive"]), max_size=2)


@pytest.mark.parametrize(
    ("people", "short"),
    [
        ({}, (KEY, glass.ANYBODY)),
        ({"eng-1": ["engineer"]}, (KEY,)),
        ({"eng-1": ["engineer"], "eng-2": ["engineer"]}, (KEY,)),
        ({"sec-1": ["security-lead"]}, (glass.ANYBODY,)),
        ({"sec-1": ["security-lead"], "eng-1": ["engineer"]}, ()),
        ({"sec-1": ["security-lead"], "pm-1": ["product-manager"]}, (glass.ANYBODY,)),
    ],
)
def test_who_is_missing(people: dict[str, list[str]], short: tuple[str, ...]) -> None:
    """Whoever the matrix does not ask is nobody here either."""
    assert glass.missing(GLASS, people) == short


@given(st.dictionaries(st.sampled_from("abcde"), _roles, max_size=5))
def test_nobody_opens_it_alone_and_a_yes_more_never_closes_it(people: dict[str, list[str]]) -> None:
    short = glass.missing(GLASS, people)
    asked_for = {need.role for need in MATRIX}
    counted = [roles for roles in people.values() if asked_for & set(roles)]
    assert bool(short) is not (len(counted) >= 2 and any(set(GLASS.one_of) & set(r) for r in counted))
    assert len(glass.missing(GLASS, {**people, "z": ["security-lead"]})) <= max(len(short) - 1, 0)


def test_those_who_could_fill_a_seat_are_asked() -> None:
    assert glass.wanted(GLASS, (KEY, glass.ANYBODY)) == ("security-lead", "operations-lead", "engineer")
    assert glass.wanted(GLASS, (KEY,)) == ("security-lead", "operations-lead")
    assert glass.wanted(GLASS, ()) == ()


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Wish(break_glass=True), ""),
        (Wish(break_glass=True, data="b1"), "only a plan of the code alone"),
        (Wish(break_glass=True, verb="flush-cache"), "only a plan of the code alone"),
        (Wish(break_glass=True, code=False), "only a plan of the code alone"),
    ],
)
def test_what_may_be_asked_for(wish: Wish, why: str) -> None:
    assert glass.refused(RULE, wish).startswith(why)
    assert bool(glass.refused(RULE, wish)) is bool(why)


def test_it_is_off_unless_the_strategy_says_otherwise() -> None:
    off = RULE.model_copy(update={"break_glass": None})
    assert "no `break_glass`" in glass.refused(off, Wish(break_glass=True))
    assert glass.glass_of(off) is None
    assert glass.glass_of(RULE) == GLASS


_ADDED = (Difference("expanded", "t.a added, may be null"),)


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (SchemaVerdict("same"), ""),
        (SchemaVerdict("expanded", _ADDED, rehearsed=True), ""),
        (SchemaVerdict("expanded", _ADDED), "nothing in this plan rehearses that"),
        (SchemaVerdict("contracted", (Difference("contracted", "t.a dropped"),)), "t.a dropped"),
        (SchemaVerdict("unknown", why="nobody knows", unknown_allowed=True), "nobody knows"),
        (None, "was not compared"),
    ],
    ids=["same", "rehearsed", "not rehearsed", "contracted", "unknown, allowed to people", "not compared"],
)
def test_what_may_be_opened_by_fewer(verdict: SchemaVerdict | None, why: str) -> None:
    found = glass.unsafe(replace(CODE, schema=verdict))
    assert why in found
    assert bool(found) is bool(why)


def broken() -> Story:
    """Everything but the yes, at the gate of such a plan."""
    story = Story()
    story.declare()
    story.freeze(glass=GLASS, needs=glass.needs(GLASS))
    story.run("fetch", "worktree")
    return story


def test_the_gate_opens_with_two_and_the_empty_seats_review_it() -> None:
    story = broken()
    assert missing(story.incident, at(9)) == (KEY, glass.ANYBODY)
    assert wanted(story.incident, at(9)) == ("security-lead", "operations-lead", "engineer")
    story.claim("eng-2", "engineer")
    assert gate(story.incident, at(9)).closed == (f"1 {KEY} must say yes",)
    story.claim("sec-1", "security-lead")
    assert gate(story.incident, at(9)).may_open
    assert to_review(story.incident, at(9)) == ("engineer", "operations-lead")


def test_whoever_signs_reads_that_the_glass_is_broken() -> None:
    story = broken()
    plan = story.incident.plan
    assert plan is not None
    head = Head(story.state.seq, bytes(32))
    text = asked(story.incident, plan, "sec-1", ("security-lead",), head=head, now=at(9), within_s=900).text
    assert (
        f"does: breaks the glass: 2 of 4 signatures, one of {KEY}; the others review it within 1 d 0 h"
        in text
    )


def test_a_plan_that_needs_the_matrix_is_another_plan() -> None:
    assert kit.plan() != kit.plan(glass=GLASS)
