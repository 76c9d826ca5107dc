"""A step that the commander has to allow: nobody else's yes counts, and it holds up nothing but the gate."""

from typing import Any

import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.next_step import Viewer, next_step
from console.core.plan import Authority, Step
from console.core.possible import allow as can_allow
from console.core.possible import unfreeze as can_unfreeze
from console.core.requests import Request
from console.core.roster import Roster
from console.engine.conductor import startable
from console.engine.desk import Desk
from console.engine.grants import RefusedError
from tests.ui.fake_room import FakeRoom
from tests.unit.core import kit
from tests.unit.core.kit import ENV, at, step
from tests.unit.engine.kit import environment

FREEZE = step("freeze", authority=Authority.COMMANDER, effects=("PUT disable",))
PUSH = step("push", "switch")
CI = {"kind": "github", "repository": "passportx/wallet", "workflow": "Deploy", "token": "env:CI_TOKEN"}
FROZEN = ev.CiFrozen("passportx/wallet", "Deploy", "active")
UNFROZEN = ev.CiUnfrozen("passportx/wallet", "Deploy", "active")
ROSTER = Roster.model_validate(
    {
        "schema": "warroom.roster/1",
        "people": [{"handle": "eng-1", "roles": ["engineer"]}, {"handle": "eng-2", "roles": ["engineer"]}],
    }
)


class Story(kit.Story):
    """A plan with `fetch` beside `freeze`, in an incident that `eng-1` commands; and a desk to ask."""

    def __init__(self, *steps: Step, **changes: Any) -> None:
        super().__init__()
        self.environment = environment(**changes)
        self.start()
        self.suspect()
        self.declare()
        self.freeze(steps=steps or (step("fetch"), FREEZE, PUSH))

    def ask(self, ask: rq.AnyAsk, actor: str = "eng-1") -> None:
        """What the engine makes of it; RefusedError when it does not grant it."""
        desk = Desk(ENV, self.environment, ROSTER, lambda: self.state)
        for body in desk.answer(Request("r1", ENV, actor, at(self.seconds), ask), at(self.seconds), ""):
            self.say(body, actor=actor)

    def allow(self, actor: str = "eng-1", **changes: str) -> None:
        """Somebody says the commander's yes."""
        told = {"step": "freeze", "plan_hash": self.incident.plan_hash or "", "typed": ENV, **changes}
        self.ask(rq.Allow(**told), actor)

    def refusal(self, ask: rq.AnyAsk, actor: str = "eng-1") -> str:
        with pytest.raises(RefusedError) as refused:
            self.ask(ask, actor)
        return str(refused.value)

    @property
    def starts(self) -> list[str]:
        """What may start now."""
        return [one.id for one in startable(self.incident).steps]


def allowing(story: Story, **changes: str) -> rq.Allow:
    told = {"step": "freeze", "plan_hash": story.incident.plan_hash or "", "typed": ENV, **changes}
    return rq.Allow(**told)


class TestTheYes:
    """Of the commander, to one step, typed."""

    def test_the_step_waits_for_it_and_nothing_else_does(self) -> None:
        story = Story()
        assert story.starts == ["fetch"]
        story.run("fetch")
        assert story.starts == []
        story.allow()
        assert story.starts == ["freeze"]

    def test_the_gate_waits_for_the_step(self) -> None:
        story = Story()
        story.run("fetch")
        assert not story.incident.settled(FREEZE.phase)

    def test_nobody_else_may_say_it(self) -> None:
        story = Story()
        assert story.refusal(allowing(story), "eng-2") == (
            "eng-1 commands INC-7QK2: nobody else may say yes to a step"
        )
        assert story.starts == ["fetch"]

    def test_it_is_typed_for_the_plan_that_was_read(self) -> None:
        story = Story()
        assert story.refusal(allowing(story, typed="production")) == "typed 'production', but this is testnet"
        assert "the plan has changed" in story.refusal(allowing(story, plan_hash="0" * 64))

    def test_it_is_asked_for_once(self) -> None:
        story = Story()
        assert story.refusal(allowing(story, step="fetch")) == "fetch waits for nobody's yes; freeze does"
        story.allow()
        assert story.refusal(allowing(story)) == "freeze waits for nobody's yes; nothing does"

    def test_it_counts_in_another_plan_that_does_the_same(self) -> None:
        """Whoever plans anew does not stop other people's work a second time."""
        story = Story()
        story.allow()
        story.freeze(steps=(step("fetch"), FREEZE, step("other", "switch")))
        assert story.starts == ["fetch", "freeze"]

    def test_and_not_where_the_step_does_something_else(self) -> None:
        story = Story()
        story.allow()
        other = step("freeze", authority=Authority.COMMANDER, effects=("PUT disable another",))
        story.freeze(steps=(step("fetch"), other, PUSH))
        assert story.starts == ["fetch"]

    def test_it_is_not_asked_for_before_what_the_step_needs(self) -> None:
        later = step("freeze", authority=Authority.COMMANDER, needs=("fetch",))
        story = Story(step("fetch"), later, PUSH)
        assert "waits for nobody's yes" in story.refusal(allowing(story))
        story.run("fetch")
        story.allow()
        assert story.starts == ["freeze"]


class TestWhatIsNext:
    """Said to the commander with the key, to others with the name."""

    def room(self) -> FakeRoom:
        room = FakeRoom()
        room.suspect()
        room.declare()
        room.freeze(steps=(step("fetch"), FREEZE, PUSH))
        return room

    def test_to_the_commander(self) -> None:
        room = self.room()
        snapshot = room.snapshot()
        commander = snapshot.state.open_incident.commander if snapshot.state.open_incident else None
        said = next_step(snapshot, room.environment, Viewer(commander or ""))
        assert (said.sentence, said.command) == ("say yes, as commander, to: freeze", "allow")
        assert can_allow(snapshot, room.environment) is None

    def test_to_others(self) -> None:
        room = self.room()
        said = next_step(room.snapshot(), room.environment, Viewer("pm-1"))
        assert said.command is None
        assert said.sentence.startswith("wait: ")
        assert said.sentence.endswith("who commands, says yes to: freeze")


class TestTheMemory:
    """What was before outlives attempts, engines and incidents."""

    def test_the_first_attempt_counts(self) -> None:
        """By the second it is as the first has made it."""
        story = Story()
        story.say(FROZEN)
        story.crash()
        story.say(ev.CiFrozen("passportx/wallet", "Deploy", "disabled_manually"))
        (freeze,) = story.state.frozen.values()
        assert (freeze.before, freeze.incident) == ("active", "INC-7QK2")

    def test_it_outlives_the_incident(self) -> None:
        story = Story(ci=CI)
        story.say(FROZEN)
        story.say(ev.IncidentResolved("mitigated", "by hand", "0" * 64), actor="eng-1")
        story.crash()
        assert list(story.state.frozen) == ["passportx/wallet Deploy"]
        assert can_unfreeze(story.snapshot(), story.environment) is None
        story.say(UNFROZEN)
        assert story.state.frozen == {}
        assert can_unfreeze(story.snapshot(), story.environment) == "nothing of the CI is frozen"

    def test_what_is_left_frozen_is_the_next_thing_to_do(self) -> None:
        room = FakeRoom()
        room.suspect()
        room.declare()
        room.say(FROZEN)
        room.say(ev.IncidentResolved("mitigated", "by hand", "0" * 64))
        changed = room.environment.model_copy(update={"ci": environment(ci=CI).ci})
        said = next_step(room.snapshot(), changed)
        assert said.command == "unfreeze"
        assert "Deploy of passportx/wallet is still frozen, since" in said.sentence

    def test_by_itself_it_is_unfrozen_only_without_an_incident(self) -> None:
        """Whose plan does it, after the proof."""
        story = Story(ci=CI)
        unfreeze = rq.Errand("unfreeze")
        assert story.refusal(unfreeze) == "nothing of the CI is frozen"
        story.say(FROZEN)
        assert "its plan unfreezes after the proof" in story.refusal(unfreeze)
        story.say(ev.IncidentResolved("mitigated", "by hand", "0" * 64), actor="eng-1")
        story.ask(unfreeze)
        assert story.state.open_errand is not None

    def test_without_a_ci_there_is_nothing_to_ask(self) -> None:
        assert "names no `ci`" in Story().refusal(rq.Errand("unfreeze"))
