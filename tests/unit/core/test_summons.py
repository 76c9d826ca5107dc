"""Who is asked for a yes and when, deputies and the escalation path: pure, with a clock moved by hand."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core import events as ev
from console.core.events import Body, Event
from console.core.page_words import page_words
from console.core.plan import Need, Prerequisite, Wish
from console.core.policy import may_initiator
from console.core.roster import Roster
from console.core.state import State
from console.core.strategy import Environment
from console.core.summons import due, escalates_in, have_spoken, unheard, wanting, whose_yes
from console.core.summons_by_hand import by_hand, proposed, to_ask
from tests.ui import place
from tests.unit.core.kit import NOON_US, Story, at

PAGING = {"limit": "5s", "again": "2m", "deputy_after": "5m"}
PATH = {"roles": ["on-call-engineer", "team-lead", "executive", "ceo"], "every": "3m"}
NEEDS = (Need("engineer", 2), Need("security-lead", 1), Need("executive", 1))
PEOPLE: tuple[dict[str, Any], ...] = (
    {"handle": "eng-1", "roles": ["engineer"]},
    {"handle": "eng-2", "roles": ["engineer"]},
    {"handle": "lead-1", "roles": ["team-lead", "engineer"]},
    {"handle": "sec-1", "roles": ["security-lead"]},
    {"handle": "exec-1", "roles": ["executive"]},
    {"handle": "exec-2", "roles": [], "deputy_for": ["executive"]},
    {"handle": "oncall-1", "roles": ["on-call-engineer"], "deputy_for": ["engineer"]},
    {"handle": "ceo-1", "roles": ["ceo"]},
)
HOLDERS = ["eng-1", "eng-2", "lead-1", "sec-1", "exec-1"]


def environment(**changes: Any) -> Environment:
    """One that asks for signatures, in which people are paged; with some of its rules changed."""
    rule = {
        "approvers": [{"role": need.role, "count": need.count} for need in NEEDS],
        "proof": "claim",
        "within": "15m",
        "initiator_may_approve": "always",
        "paging": PAGING,
        "escalation": PATH,
        **changes,
    }
    return place.environment(authorisation=rule)


def roster(*people: dict[str, Any], without: Sequence[str] = ()) -> Roster:
    """The people, or those named here."""
    kept = [one for one in people or PEOPLE if one["handle"] not in without]
    return Roster.model_validate({"schema": "warroom.roster/1", "people": kept})


class Round(Story):
    """A plan that waits for its yes, in a time that passes only when the test says so."""

    def __init__(self, environment_: Environment | None = None, people: Roster | None = None) -> None:
        super().__init__()
        self.environment = environment_ or environment()
        self.people = people or roster()
        self.declare()
        self.freeze(needs=NEEDS)

    def say(self, body: Body, *, actor: str = "engine", request: str | None = None) -> State:
        self.seconds -= 1
        return super().say(body, actor=actor, request=request)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def due(self) -> tuple[Body, ...]:
        """What is to be said now."""
        return due(self.state.open_incident, self.environment, self.people, at(self.seconds))

    def look(self, after: float = 0.0) -> list[tuple[str, str, tuple[str, ...]]]:
        """Let time pass and an engine look: who is asked, why, as what. At once again, nobody is."""
        self.wait(after)
        bodies = self.due()
        for body in bodies:
            self.say(body)
        assert self.due() == ()
        return [(body.person, body.why, body.roles) for body in bodies if isinstance(body, ev.GateAsked)]

    def looks_until(self, end: float, step: float = 1.0) -> None:
        """An engine looks every so many seconds, up to that moment."""
        while self.seconds < end:
            self.look(step)

    def sign(self, *people: str) -> None:
        """They say yes to the plan."""
        for person in people:
            self.claim(person, *self.people.roles_of(person))

    def refuse(self, person: str) -> None:
        """They sign a no."""
        plan_hash = self.incident.plan_hash or ""
        self.say(ev.GateSigned(plan_hash, person, (), "key", "too risky", NOON_US * 2, "", ""))

    def told(self) -> list[tuple[float, int, tuple[str, ...]]]:
        """Every level of the path that was told: when, which, who."""
        return [
            ((event.at.utc_us - NOON_US) / 1e6, event.body.level, event.body.people)
            for event in self.events
            if isinstance(event.body, ev.GateEscalated)
        ]

    def askings(self, person: str) -> list[tuple[float, str]]:
        """When and why that person was asked."""
        return [
            ((event.at.utc_us - NOON_US) / 1e6, event.body.why)
            for event in self.events
            if isinstance(event.body, ev.GateAsked) and event.body.person == person
        ]


# -- holders ------------------------------------------------------------------------------------------


def test_everybody_who_holds_a_missing_role_is_asked_as_soon_as_the_plan_is_frozen() -> None:
    """While *prepare* runs; who holds two of what is missing is asked once, as both."""
    room = Round()
    assert [person for person, *_ in room.look()] == HOLDERS
    assert {why for _, why, _ in Round().look()} == {"role"}


def test_nobody_is_asked_where_the_strategy_has_no_paging() -> None:
    room = Round(environment(paging=None, escalation=None))
    assert room.look(3600) == []


def test_who_has_said_yes_or_no_is_not_asked() -> None:
    room = Round()
    room.sign("eng-2")
    room.refuse("sec-1")
    assert [person for person, *_ in room.look()] == ["eng-1", "lead-1", "exec-1"]
    room.sign("lead-1", "exec-1")
    assert room.look(600) == [], "both engineers have signed: the third is not wanted, nor who said no"


def test_who_asked_for_it_is_not_asked_where_they_may_not_say_yes() -> None:
    room = Round(environment(initiator_may_approve="never"))
    assert not may_initiator(room.environment, room.incident.plan)
    assert [person for person, *_ in room.look()] == HOLDERS[1:]


def test_the_rosters_dates_count() -> None:
    people = [dict(one) for one in PEOPLE]
    people[1]["valid_until"] = "2024-01-01"
    room = Round(people=roster(*people))
    assert "eng-2" not in [person for person, *_ in room.look()]


def test_a_role_of_a_prerequisite_is_asked_for_too() -> None:
    room = Round()
    item = Prerequisite("lead", "team lead approval", "approval", roles=("team-lead",))
    room.freeze(needs=NEEDS, prerequisites=(item,))
    assert ("lead-1", "role", ("engineer", "team-lead")) in room.look()
    room.sign("eng-1", "eng-2")
    assert ("lead-1", "again", ("team-lead",)) in room.look(120)


def test_the_silent_are_asked_again_after_a_while_and_who_looked_gets_that_while_to_read() -> None:
    room = Round()
    room.look()
    room.wait(60)
    room.say(ev.GateSeen(room.incident.plan_hash or ""), actor="sec-1")
    room.sign("eng-1", "eng-2")
    assert room.look(59) == []
    assert room.look(1) == [("exec-1", "again", ("executive",))]
    assert room.look(60) == [("sec-1", "again", ("security-lead",))]


@pytest.mark.parametrize("end", ["opened", "stopped", "planning", "resolved"])
def test_when_the_plan_does_not_wait_any_more_nobody_is_asked(end: str) -> None:
    room = Round()
    bodies: dict[str, Body] = {
        "opened": ev.GateOpened(room.incident.plan_hash or "", (), ()),
        "stopped": ev.RunAborted("wait"),
        "planning": ev.PlanningStarted(Wish()),
        "resolved": ev.IncidentResolved("false alarm", "", "0" * 64),
    }
    room.say(bodies[end], actor="eng-1")
    assert room.look(3600) == []
    assert unheard(room.incident, at(room.seconds)) == ()


def test_another_plan_is_asked_for_anew() -> None:
    room = Round()
    room.look()
    room.freeze(needs=NEEDS, recover_within_s=901.0)
    assert [person for person, *_ in room.look()] == HOLDERS


def test_a_clock_that_was_moved_back_in_a_reboot_lets_nobody_be_forgotten() -> None:
    room = Round()
    room.look()
    later = at(-3600, boot="the next")
    asked = due(room.incident, room.environment, room.people, later)
    assert "sec-1" in {body.person for body in asked if isinstance(body, ev.GateAsked)}


# -- deputies -----------------------------------------------------------------------------------------


def test_deputies_are_asked_when_the_holders_have_been_silent_for_long() -> None:
    room = Round()
    room.look()
    room.sign("eng-1", "eng-2")
    room.looks_until(room.seconds + 298)
    assert room.askings("exec-2") == []
    assert ("exec-2", "deputy", ("executive",)) in room.look(2)
    assert room.askings("oncall-1") == [], "its role is filled"
    room.looks_until(room.seconds + 120)
    assert [why for _, why in room.askings("exec-2")] == ["deputy", "again"]


@pytest.mark.parametrize("gone", [["exec-1"], ["eng-1", "eng-2", "lead-1"]])
def test_deputies_are_asked_at_once_where_nobody_holds_the_role(gone: list[str]) -> None:
    room = Round(people=roster(without=gone))
    deputy = "exec-2" if gone == ["exec-1"] else "oncall-1"
    assert [person for person, why, _ in room.look() if why == "deputy"] == [deputy]


def test_deputies_are_asked_at_once_where_the_only_holder_asked_for_the_rollback() -> None:
    only = [one for one in PEOPLE if one["handle"] not in ("eng-2", "lead-1")]
    room = Round(environment(initiator_may_approve="never"), roster(*only))
    assert ("oncall-1", "deputy", ("engineer",)) in room.look()


def test_a_deputy_may_sign_at_any_time() -> None:
    room = Round()
    room.sign("exec-2")
    assert "executive" not in wanting(room.incident, at(room.seconds))
    assert whose_yes(room.incident, room.environment, room.people, at(room.seconds)) == (
        "eng-1",
        "eng-2",
        "lead-1",
        "sec-1",
        "oncall-1",
    )


# -- the escalation path ------------------------------------------------------------------------------


def test_the_path_is_told_level_by_level_when_the_time_is_over() -> None:
    """A level every three minutes; who has signed is named, and not asked."""
    room = Round()
    start = room.seconds
    room.sign("eng-1", "exec-1")
    room.looks_until(start + 2000)
    assert [(when - start, level, people) for when, level, people in room.told()] == [
        (900, 1, ("oncall-1",)),
        (1080, 2, ("lead-1",)),
        (1260, 3, ("exec-1",)),
        (1440, 4, ("ceo-1",)),
    ]
    assert [why for _, why in room.askings("ceo-1")] == ["escalation"], "told once: they fill no role"
    assert room.askings("exec-1") == []


def test_a_level_that_nobody_holds_is_said_and_the_next_is_told_at_once() -> None:
    room = Round(people=roster(without=["oncall-1", "lead-1"]))
    start = room.seconds
    room.looks_until(start + 901)
    assert [(when - start, level, people) for when, level, people in room.told()] == [
        (900, 1, ()),
        (900, 2, ()),
        (900, 3, ("exec-1",)),
    ]


def test_who_is_told_as_a_level_is_not_asked_twice_in_that_moment() -> None:
    room = Round()
    start = room.seconds
    room.look()
    assert [why for person, why, _ in room.look(900) if person == "oncall-1"] == ["escalation"]
    assert [why for person, why, _ in room.look(180) if person == "lead-1"] == ["escalation"]
    assert room.told()[-1][:2] == (start + 1080, 2)


@pytest.mark.parametrize("changes", [{"within": "0s"}, {"escalation": None}])
def test_without_a_limit_or_a_path_nothing_escalates(changes: dict[str, Any]) -> None:
    room = Round(environment(**changes))
    room.looks_until(room.seconds + 1000, step=10)
    assert room.told() == []
    assert escalates_in(room.incident, room.environment, at(room.seconds)) is None


def test_when_everybody_has_signed_nothing_escalates() -> None:
    """Though the gate may wait for something else."""
    room = Round()
    room.sign("eng-1", "eng-2", "sec-1", "exec-1")
    assert room.look(3600) == []
    assert room.told() == []


def test_the_screen_knows_how_long_it_is_until_the_next_level() -> None:
    room = Round()

    def left() -> float | None:
        return escalates_in(room.incident, room.environment, at(room.seconds))

    room.look(100)
    assert left() == 800
    room.look(800)
    assert left() == 180
    room.look(60)
    assert left() == 120
    room.looks_until(room.seconds + 600)
    assert left() is None, "the path has come to its end"


# -- all of it, whatever happens ----------------------------------------------------------------------

ACTS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("yes"), st.integers(0, len(PEOPLE) - 1)),
    st.tuples(st.just("no"), st.integers(0, len(PEOPLE) - 1)),
    st.tuples(st.just("take back"), st.integers(0, len(PEOPLE) - 1)),
    st.tuples(st.just("look at it"), st.integers(0, len(PEOPLE) - 1)),
    st.tuples(st.just("page"), st.integers(0, len(PEOPLE) - 1)),
)


def _act(room: Round, act: str, number: int) -> None:
    person = PEOPLE[number % len(PEOPLE)]["handle"]
    match act:
        case "wait":
            room.wait(number)
        case "yes":
            room.sign(person)
        case "no":
            room.refuse(person)
        case "take back":
            room.say(ev.GateWithdrawn(person, "taken back"))
        case "look at it":
            room.say(ev.GateSeen(room.incident.plan_hash or ""), actor=person)
        case _:
            found = by_hand(room.incident, room.environment, room.people, person, at(room.seconds))
            if isinstance(found, ev.GateAsked):
                assert person not in have_spoken(room.incident, at(room.seconds))
                room.say(found)


@given(
    acts=st.lists(ACTS, max_size=25),
    gone=st.sets(st.sampled_from([one["handle"] for one in PEOPLE]), max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_whatever_happens(acts: list[tuple[str, int]], gone: set[str]) -> None:
    """Nobody is asked too often or for nothing, nobody is forgotten, and no level is skipped."""
    people = roster(without=sorted(gone)) if len(gone) < len(PEOPLE) else roster()
    room = Round(people=people)
    for act, number in acts:
        _act(room, act, number)
        spoken = have_spoken(room.incident, at(room.seconds))
        asked = [person for person, *_ in room.look()]
        assert not spoken & set(asked)
        assert len(asked) == len(set(asked)), "twice in one moment"
        _nobody_is_forgotten(room)
    _never_too_often(room.events)
    _level_by_level(room)


def _nobody_is_forgotten(room: Round) -> None:
    """Of every missing role with somebody who could say yes, somebody has been asked."""
    spoken = have_spoken(room.incident, at(room.seconds))
    for role in wanting(room.incident, at(room.seconds)):
        holders = {one.handle for one in room.people.people if role in one.roles} - spoken
        assert not holders or holders & room.incident.asked.keys(), role


def _never_too_often(events: Sequence[Event]) -> None:
    times: dict[str, list[tuple[float, str]]] = {}
    for event in events:
        if isinstance(event.body, ev.GateAsked):
            times.setdefault(event.body.person, []).append((event.at.utc_us / 1e6, event.body.why))
    for asked in times.values():
        for (before, _), (after, why) in pairwise(asked):
            assert after - before >= {"escalation": 0.0, "by hand": 10.0}.get(why, 120.0)


def _level_by_level(room: Round) -> None:
    """One after the other; two in one moment only where nobody holds the former."""
    told = room.told()
    assert [level for _, level, _ in told] == list(range(1, len(told) + 1))
    for (before, _, people), (after, _, _) in pairwise(told):
        assert after - before >= 180 if people else after == before


# -- by hand ------------------------------------------------------------------------------------------


def refusal(room: Round, person: str) -> str:
    found = by_hand(room.incident, room.environment, room.people, person, at(room.seconds))
    assert isinstance(found, str), found
    return found


def test_somebody_is_asked_by_hand_as_what_is_missing_or_as_their_level() -> None:
    room = Round()
    found = by_hand(room.incident, room.environment, room.people, "exec-2", at(room.seconds))
    assert found == ev.GateAsked(room.incident.plan_hash or "", "exec-2", ("executive",), "by hand")
    found = by_hand(room.incident, room.environment, room.people, "ceo-1", at(room.seconds))
    assert found == ev.GateAsked(room.incident.plan_hash or "", "ceo-1", ("ceo",), "by hand")


def test_why_somebody_is_not_asked_by_hand() -> None:
    """One clear sentence each."""
    people = [*PEOPLE, {"handle": "pm-1", "roles": ["product-manager"]}]
    people.append({"handle": "eng-9", "roles": ["engineer"], "valid_until": "2024-01-01"})
    room = Round(environment(initiator_may_approve="never"), roster(*people))
    assert "sec-9 is not in the roster; there are eng-1, eng-2" in refusal(room, "sec-9")
    assert refusal(room, "pm-1") == (
        "pm-1 is product-manager; engineer and security-lead and executive must say yes"
    )
    assert refusal(room, "eng-9") == "eng-9 counted only until 2024-01-01, says the roster"
    assert refusal(room, "eng-1") == "eng-1 asked for the rollback: here somebody else must say yes"
    room.sign("eng-2")
    assert refusal(room, "eng-2") == "eng-2 has said yes already: there is nothing to ask"
    room.refuse("lead-1")
    assert refusal(room, "lead-1") == "lead-1 has said no, too risky: only another plan asks them anew"
    room.look()
    room.wait(9)
    assert refusal(room, "sec-1") == "sec-1 was asked 00:09 ago: wait 10 seconds"
    room.wait(1)
    assert isinstance(
        by_hand(room.incident, room.environment, room.people, "sec-1", at(room.seconds)), ev.GateAsked
    )
    room.environment = environment(paging=None, escalation=None)
    assert "no `paging`" in refusal(room, "sec-1")
    room.environment = environment()
    room.say(ev.GateOpened(room.incident.plan_hash or "", (), ()))
    assert refusal(room, "sec-1") == "the gate is open already: nobody is waited for"


def test_who_is_proposed_to_be_asked_next() -> None:
    """Nobody at first; a deputy when the holder was asked twice; then whoever is silent for longest."""
    room = Round()
    room.sign("eng-1", "eng-2")

    def words(besides: str = "") -> str:
        found = proposed(room.incident, room.environment, room.people, at(room.seconds), besides)
        return found.words if found else ""

    room.look()
    room.look(119)
    assert words() == ""
    room.look(1)
    assert words() == "exec-1 does not answer: page exec-2, deputy for executive"
    assert words(besides="exec-2") == ""
    room.look(180)
    assert "exec-2" in room.incident.asked
    room.wait(11)
    assert words() == "", "all were asked lately, by the engine"
    assert to_ask(room.incident, room.environment, room.people, at(room.seconds)) == "sec-1", "for longest"
    assert to_ask(room.incident, room.environment, room.people, at(room.seconds), "sec-1") == "exec-1"
    room.wait(120)
    assert words(besides="sec-1") == "exec-1 does not answer for 07:11: page exec-1 again"


def test_nobody_is_to_be_asked_who_was_asked_just_now() -> None:
    room = Round()
    room.look()
    assert to_ask(room.incident, room.environment, room.people, at(room.seconds + 9)) is None
    assert to_ask(room.incident, room.environment, room.people, at(room.seconds + 10)) is not None


def test_who_reads_is_not_passed_over_for_a_deputy() -> None:
    room = Round()
    room.sign("eng-1", "eng-2", "sec-1")
    room.look()
    room.wait(100)
    room.say(ev.GateSeen(room.incident.plan_hash or ""), actor="exec-1")
    room.look(121)
    assert room.incident.asked["exec-1"].times == 2
    assert proposed(room.incident, room.environment, room.people, at(room.seconds)) is None


# -- what a page says ---------------------------------------------------------------------------------


def test_a_page_says_what_is_asked_how_to_sign_and_until_when() -> None:
    room = Round(environment(proof="signature"))
    room.freeze(needs=NEEDS, proof="signature")
    room.look()
    plan = room.incident.plan
    assert plan is not None
    asked = room.incident.asked["sec-1"]
    text = page_words(room.incident, plan, room.environment, "sec-1", asked, at(room.seconds))
    for words in (
        "TESTNET: SEV-3 INC-7QK2",
        "sec-1, your yes or no is waited for, as security-lead\n",
        "v1.5.3 back to v1.5.0, good",
        "warroom request sec-1 --env testnet",
        "warroom sign --env testnet --as sec-1 --approve",
        "until: 2025-10-09T09:15:",
    ):
        assert words in text
    room.look(900)
    level = page_words(
        room.incident, plan, room.environment, "oncall-1", room.incident.asked["oncall-1"], at(room.seconds)
    )
    assert "oncall-1, you are told as on-call-engineer: engineer, security-lead, executive did not" in level
