"""Who does what: roles are had by those who took or accepted them, tasks are open until they are ended."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core import events as ev
from console.core.events import Body
from console.core.roles import (
    held,
    holder,
    may_not_accept,
    may_not_decline,
    may_not_offer,
    may_not_take,
    roles_of,
    shown,
    vacant,
)
from console.core.staff import INCIDENT_ROLES, Assignment
from console.core.status_line import status_line
from console.core.tasks import (
    is_late,
    may_not_assign,
    may_not_drop,
    may_not_end,
    open_tasks,
    overdue,
    owner,
    time_words,
    whose,
)
from tests.unit.core import bodies
from tests.unit.core.kit import Story, at
from tests.unit.engine.kit import environment

FOUR = list(INCIDENT_ROLES)


@pytest.fixture
def story() -> Story:
    """An incident that eng-1 commands since second 2."""
    told = Story()
    told.suspect()
    told.declare()
    return told


def give(story: Story, *tasks: Assignment, actor: str = "eng-1") -> None:
    """Tasks, given by one event."""
    story.say(ev.TaskAssigned(tasks), actor=actor)


# -- roles --------------------------------------------------------------------------------------------


def test_a_role_is_offered_accepted_and_handed_on(story: Story) -> None:
    story.say(ev.RoleOffered("operations", "ops-1"), actor="eng-1")
    assert holder(story.incident, "operations") is None, "who was asked has not answered"
    story.say(ev.RoleAccepted("operations"), actor="pm-1")
    assert holder(story.incident, "operations") is None, "somebody else was asked"
    story.say(ev.RoleAccepted("operations"), actor="ops-1")
    assert (holder(story.incident, "operations"), story.incident.offers) == ("ops-1", {})
    story.say(ev.RoleTaken("operations", "ops-1", "asleep"), actor="ops-2")
    assert holder(story.incident, "operations") == "ops-2"
    assert held(story.incident, "operations").since == at(story.seconds)  # type: ignore[union-attr]


def test_the_command_is_handed_over_when_it_is_accepted(story: Story) -> None:
    assert held(story.incident, "commander").since == at(2)  # type: ignore[union-attr]
    story.say(ev.RoleOffered("commander", "eng-2"), actor="eng-1")
    assert story.incident.commander == "eng-1"
    story.say(ev.RoleAccepted("commander", "eng-1"), actor="eng-2")
    assert (story.incident.commander, roles_of(story.incident, "eng-1")) == ("eng-2", ())
    assert held(story.incident, "commander").since == at(story.seconds)  # type: ignore[union-attr]


def test_an_offer_ends_when_it_is_declined(story: Story) -> None:
    story.say(ev.RoleOffered("scribe", "pm-1"), actor="eng-1")
    story.say(ev.RoleDeclined("scribe", "pm-1"), actor="pm-1")
    story.say(ev.RoleAccepted("scribe"), actor="pm-1")
    assert (story.incident.offers, holder(story.incident, "scribe")) == ({}, None)


def test_what_is_shown_and_what_is_missing(story: Story) -> None:
    assert (shown(story.incident, []), vacant(story.incident, [])) == (("commander",), ())
    story.say(ev.RoleOffered("operations", "ops-1"), actor="eng-1")
    story.say(ev.RoleTaken("scribe"), actor="pm-1")
    assert shown(story.incident, []) == ("commander", "operations", "scribe")
    assert vacant(story.incident, FOUR) == ("communications",)


def test_who_may_offer_take_accept_and_decline(story: Story) -> None:
    story.say(ev.RoleTaken("operations"), actor="ops-1")
    story.say(ev.RoleOffered("commander", "eng-2"), actor="eng-1")
    incident = story.incident
    assert may_not_offer(incident, "operations", "ops-1", "ops-2") == ""
    assert may_not_offer(incident, "operations", "eng-1", "ops-2") == "", "the commander may"
    assert may_not_offer(incident, "commander", "ops-1", "ops-2") == (
        "ops-1 neither has commander nor commands INC-7QK2: eng-1 may offer it"
    )
    assert may_not_offer(incident, "operations", "eng-1", "ops-1") == "ops-1 has operations already"
    assert (
        may_not_offer(incident, "commander", "eng-1", "eng-2") == "eng-2 is asked to take commander already"
    )
    assert may_not_offer(incident, "king", "eng-1").startswith("no role king in an incident; there are ")
    assert may_not_take(incident, "scribe", "pm-1", "") == ""
    assert may_not_take(incident, "operations", "ops-1", "") == "ops-1 has operations already"
    assert "taken over with a reason" in may_not_take(incident, "commander", "eng-2", " ")
    assert may_not_take(incident, "commander", "eng-2", "no answer for 5 minutes") == ""
    assert may_not_accept(incident, "commander", "eng-2") == ""
    assert may_not_accept(incident, "commander", "ops-1") == "eng-2 was asked to take commander, not ops-1"
    assert may_not_accept(incident, "scribe", "ops-1") == "nobody was asked to take scribe"
    assert {may_not_decline(incident, "commander", who) for who in ("eng-1", "eng-2")} == {""}
    assert "one of them may end that" in may_not_decline(incident, "commander", "ops-1")


def test_an_incident_that_nobody_commands_has_no_command_to_hand_over() -> None:
    story = Story()
    story.suspect()
    why = "nobody commands INC-7QK2 yet: whoever declares it does"
    assert may_not_take(story.incident, "commander", "eng-1", "x") == why
    story.say(ev.RoleTaken("commander"), actor="eng-1")
    assert story.incident.commander is None


# -- tasks --------------------------------------------------------------------------------------------


def test_a_task_of_a_role_is_for_whoever_has_it(story: Story) -> None:
    give(story, Assignment("t1", "scribe", "write"))
    task = story.incident.tasks["t1"]
    assert (owner(story.incident, task), whose(story.incident, task)) == (None, "scribe")
    story.say(ev.RoleTaken("scribe"), actor="pm-1")
    assert owner(story.incident, task) == "pm-1"
    story.say(ev.RoleTaken("scribe", "pm-1", "tired"), actor="pm-2")
    assert owner(story.incident, task) == "pm-2"


def test_the_most_urgent_task_comes_first_and_says_how_long_it_has(story: Story) -> None:
    give(
        story,
        Assignment("t1", "a", "one"),
        Assignment("t2", "b", "two", 60.0),
        Assignment("t3", "c", "x", 5.0),
    )
    given, now = story.seconds, at(story.seconds + 12.5)
    found = open_tasks(story.incident, now)
    assert [name for name, _ in found] == ["t3", "t2", "t1"]
    assert [time_words(task, now) for _, task in found] == ["OVERDUE 00:08", "00:48 left", "for 00:12"]
    assert [is_late(task, at(given + 5)) for _, task in found] == [True, False, False]


def test_a_task_becomes_overdue_once(story: Story) -> None:
    give(story, Assignment("t1", "ops-1", "logs", 30.0), Assignment("t2", "ops-1", "more", 30.0))
    given = story.seconds
    assert list(overdue(story.incident, at(given + 29.9))) == []
    assert list(overdue(story.incident, at(given + 30))) == ["t1", "t2"]
    story.say(ev.TaskOverdue("t1", "logs", "ops-1"))
    story.say(ev.TaskDone("t2", "more"), actor="ops-1")
    assert list(overdue(story.incident, at(given + 60))) == []
    assert story.incident.tasks["t1"].overdue


def test_the_status_line_counts_what_is_overdue(story: Story) -> None:
    give(story, Assignment("t1", "ops-1", "logs", 0.5), Assignment("t2", "ops-1", "more", 30.0))
    assert "OVERDUE" not in status_line(story.snapshot(), "testnet", environment())
    story.say(ev.NoteAdded("a second later"))
    assert "  1 task OVERDUE  " in status_line(story.snapshot(), "testnet", environment())
    story.say(ev.TaskDropped("t1", "logs", "no need"), actor="eng-1")
    assert "OVERDUE" not in status_line(story.snapshot(), "testnet", environment())


def test_a_task_that_has_ended_stays_as_it_ended(story: Story) -> None:
    give(story, Assignment("t1", "ops-1", "logs", 30.0))
    story.say(ev.TaskDone("t1", "logs", "3 files"), actor="ops-1")
    ended = story.incident.tasks["t1"]
    assert (ended.status, ended.words, ended.ended) == ("done", "3 files", at(story.seconds))
    story.say(ev.TaskDropped("t1", "logs", "no"), actor="eng-1")
    give(story, Assignment("t1", "eng-2", "something else"))
    assert story.incident.tasks == {"t1": ended}


def test_who_may_give_end_and_drop_a_task(story: Story) -> None:
    story.say(ev.RoleTaken("scribe"), actor="pm-1")
    give(story, Assignment("t1", "ops-1", "logs"), actor="pm-1")
    incident, task = story.incident, story.incident.tasks["t1"]
    assert [bool(may_not_assign(incident, who, "ops-1")) for who in ("eng-1", "pm-1", "eng-2")] == [
        False,
        False,
        True,
    ]
    assert may_not_assign(incident, "eng-2", "eng-2") == "", "anybody takes something on"
    assert {may_not_end(incident, task, who) for who in ("ops-1", "pm-1", "eng-1")} == {""}
    assert may_not_end(incident, task, "eng-2").startswith("it is ops-1's, from pm-1")
    assert {may_not_drop(incident, task, who) for who in ("pm-1", "eng-1")} == {""}
    assert may_not_drop(incident, task, "ops-1").startswith("only pm-1 or eng-1 may drop it")
    story.say(ev.TaskDone("t1", "logs"), actor="ops-1")
    assert may_not_end(story.incident, story.incident.tasks["t1"], "ops-1") == "it is done already"


# -- laws ---------------------------------------------------------------------------------------------

_KINDS = [kind for kind in bodies.OF_KIND if kind.kind.startswith(("role.", "task.", "incident."))]
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(_KINDS).flatmap(lambda kind: bodies.OF_KIND[kind]),
        st.sampled_from(["eng-1", "eng-2", "ops-1"]),
    ),
    max_size=40,
)


@given(_STEPS)
@settings(deadline=None)
def test_nobody_has_a_role_against_their_will_and_no_task_comes_back(steps: list[tuple[Body, str]]) -> None:
    """Whoever has a role and had it not before took or accepted it; tasks that have ended stay ended."""
    story = Story()
    states = [story.state]
    for body, actor in steps:
        states.append(story.say(body, actor=actor))
        before, after, event = states[-2].open_incident, states[-1].open_incident, story.events[-1]
        if before is None or after is None or isinstance(body, ev.IncidentSuspected | ev.IncidentDeclared):
            continue
        for role in INCIDENT_ROLES:
            if holder(after, role) != holder(before, role):
                assert isinstance(body, ev.RoleTaken | ev.RoleAccepted)
                assert (body.role, holder(after, role)) == (role, event.actor)
                if isinstance(body, ev.RoleAccepted):
                    assert before.offers[role].to == event.actor
        assert after.commander or not before.commander, "somebody commands until the end"
        for name, task in before.tasks.items():
            assert task.status == "open" or after.tasks[name] == task


@given(_STEPS)
@settings(deadline=None)
def test_an_offer_stands_until_it_is_answered(steps: list[tuple[Body, str]]) -> None:
    """It goes away by an answer of its role alone."""
    story = Story()
    states = [story.state, *(story.say(body, actor=actor) for body, actor in steps)]
    for (old, new), event in zip(pairwise(states), story.events, strict=True):
        before, after = old.open_incident, new.open_incident
        if before is None or after is None or isinstance(event.body, ev.IncidentSuspected):
            continue
        for role in before.offers.keys() - after.offers.keys():
            assert isinstance(event.body, ev.RoleTaken | ev.RoleAccepted | ev.RoleDeclined)
            assert event.body.role == role
