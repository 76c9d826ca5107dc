"""Who does what, as the desk grants it; and the timekeeper, who says what is overdue."""

from typing import Any

import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.staff import Assignment
from console.engine.grants import RefusedError
from console.engine.timekeeper import Timekeeper
from tests.unit.engine.kit import Desktop
from tests.unit.engine.test_desk import Office

WAR_ROOM = {
    "roles": ["commander", "operations"],
    "tasks": [
        {"who": "operations", "what": "capture the logs", "within": "2m"},
        {"who": "commander", "what": "fill the roles"},
    ],
}


@pytest.fixture
def office() -> Office:
    made = Office()
    made.declare()
    return made


# -- the declaration ----------------------------------------------------------------------------------


def test_a_declaration_asks_for_roles_and_gives_the_first_tasks() -> None:
    office = Office(war_room=WAR_ROOM)
    office.suspect()
    _, *staffed = office.ask(rq.Declare("", roles={"operations": "eng-2", "scribe": "eng-1"}))
    first = Assignment("t1", "operations", "capture the logs", 120.0)
    assert staffed == [
        ev.RoleOffered("operations", "eng-2"),
        ev.RoleTaken("scribe"),
        ev.TaskAssigned((first, Assignment("t2", "commander", "fill the roles"))),
    ]


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({"commander": "eng-2"}, "no role commander to fill beside the commander's; there are operations"),
        ({"king": "eng-2"}, "no role king to fill"),
        ({"operations": "mallory"}, "mallory is not in the roster; there are eng-1, eng-2"),
    ],
)
def test_a_declaration_that_names_the_wrong_people_is_refused_whole(roles: Any, words: str) -> None:
    office = Office()
    office.suspect()
    assert words in office.refusal(rq.Declare("", roles=roles))


# -- roles --------------------------------------------------------------------------------------------


def test_the_command_is_offered_accepted_and_taken_over_by_name_and_reason(office: Office) -> None:
    assert office.ask(rq.OfferRole("commander", "eng-2")) == (ev.RoleOffered("commander", "eng-2"),)
    office.say(ev.RoleOffered("commander", "eng-2"), actor="eng-1")
    assert office.ask(rq.AcceptRole("commander"), "eng-2") == (ev.RoleAccepted("commander", "eng-1"),)
    taken = office.ask(rq.TakeRole("commander", "no answer"), "pm-1")
    assert taken == (ev.RoleTaken("commander", "eng-1", "no answer"),)
    assert office.ask(rq.DeclineRole("commander"), "eng-2") == (ev.RoleDeclined("commander", "eng-2"),)
    assert "say why" in office.refusal(rq.TakeRole("commander"), "pm-1")


def test_nobody_offers_what_is_not_theirs_nor_to_themselves_or_a_stranger(office: Office) -> None:
    assert "eng-1 may offer it" in office.refusal(rq.OfferRole("commander", "pm-1"), "eng-2")
    assert office.refusal(rq.OfferRole("scribe", "eng-1")) == "eng-1 asks nobody else: take scribe instead"
    assert office.refusal(rq.OfferRole("scribe", "mallory")).startswith("mallory is not in the roster")
    assert office.refusal(rq.AcceptRole("scribe")) == "nobody was asked to take scribe"


def test_a_yes_of_who_commands_is_void_where_the_initiator_may_not_give_it() -> None:
    """Nobody says yes first and then takes the command over."""
    rule = {
        "approvers": [{"role": "engineer", "count": 2}],
        "proof": "claim",
        "within": "0s",
        "initiator_may_approve": "never",
    }
    strict, free = Office(authorisation=rule), Office()
    for office in (strict, free):
        office.declare()
        office.claim("eng-2")
    over = rq.TakeRole("commander", "no answer")
    assert [body.kind for body in strict.ask(over, "eng-2")] == ["role.taken", "gate.withdrawn"]
    assert [body.kind for body in strict.ask(rq.TakeRole("scribe"), "eng-2")] == ["role.taken"]
    assert [body.kind for body in free.ask(over, "eng-2")] == ["role.taken"]


# -- tasks --------------------------------------------------------------------------------------------


def test_a_task_is_given_done_and_dropped(office: Office) -> None:
    given = office.ask(rq.AssignTask("pm-1", "call legal", 300.0))
    assert given == (ev.TaskAssigned((Assignment("t1", "pm-1", "call legal", 300.0),)),)
    office.say(*given, actor="eng-1")
    done = office.ask(rq.EndTask("t1", done=True, words="they know"), "pm-1")
    assert done == (ev.TaskDone("t1", "call legal", "they know"),)
    dropped = office.ask(rq.EndTask("t1", done=False, words="no need"))
    assert dropped == (ev.TaskDropped("t1", "call legal", "no need"),)
    assert office.refusal(rq.EndTask("t1", done=False)) == "a task is dropped with a reason: give one"
    assert office.refusal(rq.EndTask("t1", done=False, words="x"), "pm-1").startswith("only eng-1 may drop")
    assert office.refusal(rq.EndTask("t9", done=True)) == "no task t9; there are t1"


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (rq.AssignTask("pm-1", "  "), "a task says what is to be done"),
        (rq.AssignTask("pm-1", "x", 0.0), "a time box has some length, such as 5m"),
        (rq.AssignTask("mallory", "x"), "mallory is not in the roster; there are"),
    ],
)
def test_a_task_that_says_too_little_is_refused(office: Office, ask: rq.AssignTask, words: str) -> None:
    assert words in office.refusal(ask)


def test_who_has_no_role_gives_tasks_to_nobody_else(office: Office) -> None:
    assert office.refusal(rq.AssignTask("pm-1", "x"), "eng-2").startswith("eng-2 has no role in INC-7QK2")
    assert office.ask(rq.AssignTask("eng-2", "x"), "eng-2")
    assert office.ask(rq.AssignTask("scribe", "x"))


# -- the timekeeper -----------------------------------------------------------------------------------


def test_what_is_overdue_is_journalled_once() -> None:
    desk = Desktop()
    keeper = Timekeeper(desk.book, desk.clock)
    keeper.look()
    desk.declare()
    tasks = (Assignment("t1", "operations", "logs", 60.0), Assignment("t2", "pm-1", "legal", 600.0))
    desk.say(ev.TaskAssigned(tasks), actor="eng-1")
    desk.clock.seconds += 59
    keeper.look()
    assert desk.journal.kinds("task.overdue") == []
    desk.clock.seconds += 1
    keeper.look()
    keeper.look()
    assert [body for body in desk.journal.bodies() if isinstance(body, ev.TaskOverdue)] == [
        ev.TaskOverdue("t1", "logs", "operations")
    ]


def test_a_stranger_takes_no_role(office: Office) -> None:
    with pytest.raises(RefusedError, match="mallory is not in the roster"):
        office.ask(rq.TakeRole("scribe"), "mallory")
