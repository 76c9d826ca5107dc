"""Who is asked to take command, and when: whoever is on call, again, then level by level."""

from typing import Any

import pytest

from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.core import events as ev
from console.core.calling import by_hand, due, escalates_in, to_ask
from console.core.calling_words import command_words, state_words
from console.core.live import Impact, OnDuty
from console.core.on_call import ByCommand
from console.core.roster import Roster
from console.core.strategy import EscalationPath, Paging
from tests.unit.core.kit import INCIDENT, Story, at
from tests.unit.engine import kit

ROSTER = load_roster(BUNDLED / "roster.yaml").roster
PAGING = Paging(command=["page"], limit="10s", again="2m", deputy_after="5m")  # type: ignore[arg-type]
PATH = EscalationPath(roles=["on-call-engineer", "team-lead", "executive", "ceo"], every="5m")  # type: ignore[arg-type]


class Night:
    """A suspected incident, and an engine that asks whoever is due every time it is looked at."""

    def __init__(self, *, duty: OnDuty | None = None, roster: Roster = ROSTER, **changes: Any) -> None:
        rule = kit.environment().authorisation.model_copy(
            update={"paging": PAGING, "escalation": PATH, **changes}
        )
        self.environment = kit.environment().model_copy(update={"authorisation": rule})
        self.roster = roster
        self.duty = duty
        self.story = Story()
        self.story.say(ev.IncidentSuspected(("error_rate > 5%",), at(), at()))

    def look(self, seconds: float) -> list[tuple[str, str, int]]:
        """Who is asked then: person, why, level."""
        incident = self.story.state.open_incident
        bodies = due(incident, self.environment, self.roster, self.duty, at(seconds))
        for body in bodies:
            self.story.seconds = seconds - 1
            self.story.say(body)
        again = due(self.story.state.open_incident, self.environment, self.roster, self.duty, at(seconds))
        assert again == (), "nothing is due twice at one moment"
        return [(body.person, body.why, body.level) for body in bodies]


def test_without_a_source_the_roster_says_who_is_on_call() -> None:
    night = Night()
    assert night.look(2) == [("oncall-1", "on call", 0)]
    assert night.look(100) == []


def test_whoever_is_on_call_is_asked_first_whatever_the_path_says() -> None:
    night = Night(duty=OnDuty(("eng-2",), "calendar", at(1)))
    assert night.look(2) == [("eng-2", "on call", 0)]


def test_again_and_then_level_by_level_to_the_end_of_the_path() -> None:
    """The first level is on call already: it is not asked a second time as a level."""
    night = Night()
    night.look(2)
    assert night.look(121) == []
    assert night.look(122) == [("oncall-1", "again", 0)]
    assert night.look(242) == [("oncall-1", "again", 0)]
    assert night.look(302) == [("lead-1", "escalation", 2)]
    assert night.look(602) == [("exec-1", "escalation", 3), ("oncall-1", "again", 2), ("lead-1", "again", 2)]
    assert night.look(902)[0] == ("ceo-1", "escalation", 4)
    assert {why for _, why, _ in night.look(1300)} == {"again"}, "the path is at its end"


def test_without_a_path_whoever_is_on_call_is_asked_again_and_again() -> None:
    night = Night(escalation=None)
    assert night.look(2) == [("oncall-1", "on call", 0)]
    assert night.look(1000) == [("oncall-1", "again", 0)]


@pytest.mark.parametrize("end", ["declared", "resolved"])
def test_once_somebody_commands_or_it_is_closed_nobody_is_asked(end: str) -> None:
    night = Night()
    night.look(2)
    night.story.say(
        ev.IncidentDeclared("eng-1", "SEV-3", "", (), at(), at())
        if end == "declared"
        else ev.IncidentResolved("false alarm", "so", "")
    )
    assert night.look(5000) == []


def test_where_nobody_is_paged_nobody_is_asked() -> None:
    assert Night(paging=None).look(2) == []


def test_while_it_is_being_asked_who_is_on_call_nobody_is_paged_but_not_for_ever() -> None:
    """What was known before the suspicion may be over; a source that hangs holds the page up only so long."""
    night = Night(duty=OnDuty(("eng-2",), "command", at(0)))
    source = ByCommand(kind="command", argv=["who"])
    night.environment = night.environment.model_copy(update={"on_call": source})
    assert night.look(2) == []
    assert night.look(15.9) == []
    assert night.look(16) == [("eng-2", "on call", 0)]
    fresh = Night(duty=OnDuty(("eng-2",), "command", at(1.5)))
    fresh.environment = night.environment
    assert fresh.look(2) == [("eng-2", "on call", 0)]


def test_where_nobody_is_on_call_the_path_begins_at_once() -> None:
    people = [person for person in ROSTER.people if person.handle != "oncall-1"]
    night = Night(roster=ROSTER.model_copy(update={"people": people}))
    assert night.look(2) == [("lead-1", "escalation", 2)]


def test_the_next_person_is_the_next_level_then_deputies_then_whoever_is_silent_for_longest() -> None:
    night = Night()
    asked = []
    for number in range(5):
        incident = night.story.incident
        person = to_ask(
            incident, night.environment, night.roster, night.duty, at(2 + number), besides="eng-1"
        )
        assert person is not None
        body = by_hand(incident, night.environment, night.roster, person, at(2 + number))
        assert isinstance(body, ev.CommandAsked)
        night.story.say(body, actor="eng-1")
        asked.append((person, body.role, body.level))
    assert asked == [
        ("oncall-1", "on-call-engineer", 1),
        ("lead-1", "team-lead", 2),
        ("exec-1", "executive", 3),
        ("ceo-1", "ceo", 4),
        ("exec-2", "executive", 4),
    ]
    incident = night.story.incident
    assert to_ask(incident, night.environment, night.roster, None, at(10)) is None, "all of them only now"
    assert to_ask(incident, night.environment, night.roster, None, at(13), besides="x") == "oncall-1"


def test_whoever_asks_somebody_else_has_passed_it_on() -> None:
    night = Night()
    night.look(2)
    body = by_hand(night.story.incident, night.environment, night.roster, "lead-1", at(20))
    assert isinstance(body, ev.CommandAsked)
    night.story.seconds = 19
    night.story.say(body, actor="oncall-1")
    assert night.look(130) == []
    assert night.look(141) == [("lead-1", "again", 2)]
    assert state_words(night.story.incident.called["oncall-1"], at(141)) == "asked somebody else 09:00:20"


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ("ghost", "ghost is not in the roster; there are eng-1,"),
        ("oncall-1", "oncall-1 was asked 00:01 ago: wait 10 seconds"),
    ],
)
def test_who_cannot_be_asked_by_hand(person: str, words: str) -> None:
    night = Night()
    night.look(2)
    why = by_hand(night.story.incident, night.environment, night.roster, person, at(3))
    assert isinstance(why, str)
    assert words in why


def test_how_long_until_the_next_level() -> None:
    night = Night()
    assert escalates_in(night.story.incident, night.environment, ROSTER, at(1)) is None
    night.look(2)
    assert escalates_in(night.story.incident, night.environment, ROSTER, at(102)) == 200.0


def test_the_page_says_what_fires_how_bad_it_is_and_the_one_command_that_opens_it() -> None:
    night = Night()
    night.look(2)
    text = command_words(
        night.story.incident,
        night.environment,
        "production",
        severity="SEV-3",
        person="oncall-1",
        called=night.story.incident.called["oncall-1"],
        impact=Impact(15.0, 212, 31.0, "worse"),
        running=None,
        following="lead-1",
        now=at(42),
    )
    assert text.splitlines() == [
        f"PRODUCTION: SEV-3 suspected, {INCIDENT}, a testnet",
        "fires: error_rate > 5%; since 09:00:00Z, for 00:42",
        "impact: 15 % cannot sign, 212 failed signings, 31 a minute, WORSE",
        "oncall-1, you are on call, and nobody has taken command yet",
        f"take command: warroom go {INCIDENT} --env production --as oncall-1",
        "pass it on:   warroom page lead-1 --env production --as oncall-1",
        'false alarm:  warroom resolve "false alarm" --note "because ..." --env production --as oncall-1',
    ]
