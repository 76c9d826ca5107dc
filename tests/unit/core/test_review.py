"""A review: who may say what of a gate that was opened by breaking the glass."""

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core.review import ReviewStatement, overdue, owed, parse, unlike
from console.core.state import Review, Reviewed
from console.core.statement import StatementError
from tests.unit.core.kit import ENV, INCIDENT, Story, at

SAID = ReviewStatement(
    environment=ENV,
    incident=INCIDENT,
    plan="a" * 64,
    opened_by="eng-2, sec-1",
    person="ops-1",
    roles="operations-lead",
    verdict="objected",
    remark="nobody tried to reach me",
    issued=1_760_000_000_000_000,
)
REVIEW = Review("a" * 64, ("eng-2", "sec-1"), ("engineer", "operations-lead"), by=1_760_000_100_000_000)
ROLES = ("operations-lead",)


def why(said: ReviewStatement, review: Review = REVIEW, roles: tuple[str, ...] = ROLES) -> str:
    return unlike(said, review, roles, SAID.issued)


def test_a_text_is_read_as_it_was_written() -> None:
    assert parse(SAID.text) == SAID
    assert why(SAID) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("objected", "shrugged"),
        ("warroom review 1", "warroom approval 1"),
        ("person: ops-1\n", ""),
        ("Z", ""),
    ],
)
def test_another_text_is_none(before: str, after: str) -> None:
    with pytest.raises(StatementError):
        parse(SAID.text.replace(before, after, 1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"plan": "b" * 64}, "another opening of the gate"),
        ({"opened_by": "eng-2"}, "another opening of the gate"),
        ({"roles": "engineer"}, "not those of the roster"),
        ({"person": "eng-2"}, "eng-2 opened the gate"),
        ({"remark": " "}, "in a few words"),
        ({"issued": SAID.issued + 60_000_000}, "a clock is wrong"),
    ],
)
def test_what_does_not_count(changes: dict[str, object], words: str) -> None:
    assert words in why(replace(SAID, **changes))


def test_a_role_that_is_not_owed_reviews_nothing() -> None:
    said = replace(SAID, roles="product-manager")
    assert "no review of product-manager is missing" in why(said, roles=("product-manager",))


def test_the_journal_remembers_beyond_the_incident_who_still_owes_one() -> None:
    story = Story()
    story.declare()
    story.freeze()
    story.say(ev.GateOpened("a" * 64, ("eng-2", "sec-1"), (), REVIEW.roles, REVIEW.by))
    story.resolve()
    assert owed(story.state.reviews[INCIDENT]) == ("engineer", "operations-lead")
    said = ev.ReviewSigned(INCIDENT, "ops-1", ROLES, "objected", "too early", "key", "text", "signature")
    story.say(said, actor="ops-1")
    assert owed(story.state.reviews[INCIDENT]) == ("engineer",)
    assert not story.state.reviews[INCIDENT].overdue
    story.say(ev.ReviewOverdue(INCIDENT, ("engineer",)))
    assert story.state.reviews[INCIDENT].overdue
    assert story.state.reviews[INCIDENT].said[0].at == at(story.seconds - 1)


def test_it_is_told_once_when_the_time_is_over() -> None:
    early, late = REVIEW.by - 1, REVIEW.by
    assert list(overdue({INCIDENT: REVIEW}, early)) == []
    assert list(overdue({INCIDENT: REVIEW}, late)) == [(INCIDENT, REVIEW.roles)]
    assert list(overdue({INCIDENT: replace(REVIEW, overdue=True)}, late)) == []
    everybody = tuple(
        Reviewed(f"p-{number}", (role,), "agreed", "yes", at(0)) for number, role in enumerate(REVIEW.roles)
    )
    assert list(overdue({INCIDENT: replace(REVIEW, said=everybody)}, late)) == []
