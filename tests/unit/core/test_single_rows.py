"""Single rows: what is said of both versions, and what nobody was shown."""

from typing import Any

import pytest
from msgspec.structs import replace

from console.core import single_rows
from console.core.asking import asked, unlike
from console.core.plan import RowsChange
from console.core.protocols import Head
from console.core.single_rows import Versions, not_shown, shown, unseen
from console.core.state import Evidence, Incident, Status, StepState
from console.core.statement import MAX_BYTES, Statement
from tests.unit.core.kit import INCIDENT, STEPS, at, plan

OLD: dict[str, dict[str, str | None]] = {
    "7": {"id": "7", "name": "good", "seen": "1"},
    "8": {"id": "8", "name": None, "seen": "1"},
    "9": {"id": "9", "name": "same", "seen": "1"},
}
SHOWN = Versions(
    table="public.users",
    present={"7": {**OLD["7"], "name": "bad"}, "9": OLD["9"]},
    old=OLD,
)


def now(**rows: Any) -> Versions:
    """As it was shown, but for these rows; None: not there."""
    present = {**SHOWN.present, **{key.removeprefix("row"): row for key, row in rows.items()}}
    return replace(SHOWN, present={key: row for key, row in present.items() if row is not None})


def test_what_becomes_of_the_rows_is_said_in_a_sentence() -> None:
    assert SHOWN.words == "3 rows of public.users: 1 goes back in name, 1 comes back, 1 is what was"


def test_each_row_says_what_it_is_and_was() -> None:
    assert dict(SHOWN.lines()) == {
        "7": 'name is "bad", was "good"',
        "8": 'is not there; was id "8", name null, seen "1"',
        "9": "is what it was",
    }


def test_a_long_value_is_cut_among_the_facts_and_says_how_long_it_is() -> None:
    versions = now(row7={**OLD["7"], "name": "x" * 500})
    assert versions.facts["row:7"] == f'name is "{"x" * 47}… (500 long), was "good"'
    assert dict(versions.lines())["7"] == f'name is "{"x" * 500}", was "good"'


def test_facts_are_of_the_first_rows_alone() -> None:
    many = {str(n): OLD["7"] for n in range(100)}
    assert len(Versions("t", {}, many).facts) == 20


def test_a_row_of_many_columns_is_cut_and_says_so() -> None:
    wide: dict[str, str | None] = {f"column {n}": "value" for n in range(100)}
    (words,) = Versions("t", {}, {"7": wide}).facts.values()
    assert len(words) < 700
    assert words.endswith("… and more columns: the file has all of them")


def test_a_value_cannot_pretend_to_be_another_line() -> None:
    versions = now(row7={**OLD["7"], "name": 'x", was "good"\n'})
    assert '\\", was \\"good\\"\\n' in versions.facts["row:7"]


def test_what_was_shown_and_is_as_it_was_shown_may_go_back() -> None:
    assert unseen(SHOWN, SHOWN) == ""
    assert unseen(SHOWN, now(row7={**OLD["7"], "name": "worse"})) == "", "the column goes back anyway"
    assert unseen(SHOWN, now(row7=OLD["7"])) == "", "somebody has mended it meanwhile"


@pytest.mark.parametrize(
    ("versions", "words"),
    [
        (
            now(row7={**OLD["7"], "name": "bad", "seen": "2"}),
            "row 7 of public.users has been written to since it was shown, in seen",
        ),
        (
            now(row9={**OLD["9"], "seen": "2"}),
            "row 9 of public.users has been written to since it was shown, in seen",
        ),
        (now(row9=None), "row 9 of public.users has been deleted since it was shown"),
        (now(row8={**OLD["8"], "seen": "2"}), "row 8 of public.users has been made since it was shown"),
        (
            replace(SHOWN, old={**OLD, "7": OLD["9"]}),
            "the copy's rows of public.users are not what was shown",
        ),
        (replace(SHOWN, table="other.users"), "the copy's rows of other.users are not what was shown"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_users_write_that_nobody_was_shown_does_not_go(versions: Versions, words: str) -> None:
    assert unseen(SHOWN, versions) == words


def test_the_file_holds_both_versions() -> None:
    assert single_rows.decode(single_rows.encode(SHOWN)) == SHOWN


def waits_at_gate(words: str | None) -> Incident:
    """The incident of a plan of rows that were shown, if they were, as those `words`."""
    steps = tuple(replace(step, action="show-rows") if step.id == "fetch" else step for step in STEPS)
    rows = RowsChange("users", ("7", "8"), "b1", at(0).utc_us)
    read = {"fetch": StepState(status=Status.DONE, facts=SHOWN.facts)} if words else {}
    found = {"rows-shown": Evidence(holds=True, words=words, inputs=f"{words}'s", at=at(1))} if words else {}
    return Incident(
        INCIDENT, "declared", at(0), (), plan=plan(steps=steps, rows=rows), steps=read, evidence=found
    )


def statement_of(incident: Incident) -> Statement:
    """What somebody is asked to sign."""
    assert incident.plan is not None
    return asked(
        incident, incident.plan, "eng-2", ("engineer",), head=Head(1, bytes(32)), now=at(2), within_s=60
    )


def test_whoever_signs_reads_what_the_rows_are_and_were() -> None:
    does = statement_of(waits_at_gate("two rows")).does
    assert "two rows; shown in the file with SHA-256 two rows's" in does
    assert 'row 7: name is "bad", was "good"' in does
    assert len(statement_of(waits_at_gate("two rows")).text.encode()) < MAX_BYTES


@pytest.mark.parametrize("before", [None, "other rows"])
def test_what_was_signed_before_they_were_shown_does_not_count(before: str | None) -> None:
    """Or when they were shown as they are not any more."""
    signed, now_there = statement_of(waits_at_gate(before)), waits_at_gate("two rows")
    assert unlike(signed, now_there, ("engineer",), at(3), 60).startswith(
        "its words are not those of the plan"
    )
    assert unlike(statement_of(now_there), now_there, ("engineer",), at(3), 60) == ""


def test_nobody_can_say_yes_before_they_are_shown() -> None:
    assert "not shown yet" in not_shown(waits_at_gate(None))
    assert not_shown(waits_at_gate("two rows")) == ""


def test_a_console_reads_the_rows_from_the_step_that_showed_them() -> None:
    steps = tuple(replace(step, action="show-rows") if step.id == "fetch" else step for step in STEPS)
    done = StepState(status=Status.DONE, facts={**SHOWN.facts, "path": "/x"})
    incident = Incident(
        INCIDENT, "declared", at(0), (), plan=plan(steps=steps, code=None), steps={"fetch": done}
    )
    assert shown(incident)[0] == ("7", 'name is "bad", was "good"')
    assert len(shown(incident)) == 3
    assert shown(replace(incident, steps={})) == ()
