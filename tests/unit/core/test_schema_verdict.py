"""What a verdict means: for the gate, for those who go on without people, and for whoever looks for a way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core.plan_words import code_words
from console.core.policy import gate
from console.core.schema_verdict import (
    KINDS,
    TARGET_REHEARSED,
    Difference,
    Kind,
    SchemaVerdict,
    caption,
    closes,
    unknown,
    unsafe,
    ways_out,
    worst,
)
from console.core.summons import waits
from tests.unit.core.kit import CODE, Story, at

GONE = SchemaVerdict("contracted", (Difference("contracted", "table contacts dropped"),))
GROWN = SchemaVerdict("expanded", (Difference("expanded", "t.a added, may be null"),), rehearsed=True)


@given(st.lists(st.sampled_from(KINDS)))
def test_one_part_that_is_bad_is_enough(kinds: list[Kind]) -> None:
    assert worst(kinds) == next((kind for kind in reversed(KINDS) if kind in kinds), "same")


@pytest.mark.parametrize(
    ("verdict", "for_people", "alone"),
    [
        (SchemaVerdict("same"), True, True),
        (GROWN, True, True),
        (replace(GROWN, rehearsed=False), False, False),
        (GONE, False, False),
        (unknown("no"), False, False),
        (unknown("no", allowed=True), True, False),
        (None, True, False),
    ],
)
def test_what_opens_a_gate(verdict: SchemaVerdict | None, *, for_people: bool, alone: bool) -> None:
    """Without a verdict the schema goes back with the data: people may; nobody goes there by themselves."""
    assert (not closes(verdict)) is for_people
    assert (not unsafe(verdict)) is alone


def planned(verdict: SchemaVerdict | None) -> Story:
    """At the gate of a plan with that verdict, with every yes."""
    story = Story()
    story.declare()
    story.freeze(schema=verdict)
    story.run("fetch", "worktree")
    story.claim("eng-2", "engineer")
    return story


def test_a_contraction_keeps_the_gate_closed_whoever_says_yes_and_nobody_is_asked() -> None:
    story = planned(GONE)
    assert gate(story.incident, at(9)).closed == ("the schema has contracted: table contacts dropped",)
    assert not waits(story.incident)
    assert gate(planned(GROWN).incident, at(9)).may_open
    assert waits(planned(GROWN).incident)


def test_the_nearest_release_that_fits_is_named_second() -> None:
    """After the flag, and before anything that touches the data."""
    flag, nearest, *_, last = ways_out(replace(GONE, nearest="v1.4.9"))
    assert "flag" in flag
    assert "v1.4.9" in nearest
    assert "onset" in last
    assert "no good one is known" in ways_out(GONE)[1]


@pytest.mark.parametrize(
    ("verdict", "rehearsed", "words"),
    [
        (GROWN, False, "schema expanded …"),
        (GROWN, True, "schema expanded ✓ rehearsed"),
        (SchemaVerdict("same"), False, "schema same ✓"),
        (GONE, False, "schema contracted ✗"),
        (unknown("no"), False, "schema unknown ✗"),
        (unknown("no", allowed=True), False, "schema unknown …"),
    ],
)
def test_as_a_caption(verdict: SchemaVerdict, words: str, *, rehearsed: bool) -> None:
    assert caption(verdict, rehearsed=rehearsed) == words


def test_whoever_signs_reads_the_verdict() -> None:
    assert code_words(replace(CODE, schema=GONE)).endswith("; schema contracted: table contacts dropped")
    many = tuple(Difference("expanded", f"t.{name} added, may be null") for name in "abcde")
    said = code_words(replace(CODE, schema=SchemaVerdict("expanded", many)))
    assert said.endswith("t.c added, may be null, 2 more")
    assert code_words(replace(CODE, schema=unknown("npm is not here"))).endswith("unknown: npm is not here")


def test_the_slot_is_what_the_screen_looks_for() -> None:
    from actions.rehearse import Rehearse

    assert list(Rehearse.fills) == [TARGET_REHEARSED]
