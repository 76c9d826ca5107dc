"""The desk about one key a step, and about taking back: who may, by which name, and what that leads to."""

import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.plan import WayBack, Wish
from tests.unit.core.kit import ENV, step
from tests.unit.engine.test_desk import Office

BACK = WayBack("take it back", ("back --now",))
STEPS = (
    step("fetch"),
    step("push", "switch", back=BACK),
    step("deploy", "switch", needs=("push",), back=BACK),
)


@pytest.fixture
def office() -> Office:
    """By steps, with everything of the switch done; eng-1 commands, eng-2 said yes."""
    office = Office(pace="step")
    hashed = office.declare(*STEPS, predicates=())
    office.run("fetch")
    office.claim("eng-2")
    office.say(ev.GateOpened(hashed, ("eng-2",), ()))
    office.run("push", "deploy")
    return office


def undo(office: Office, down_to: str = "", typed: str = ENV) -> rq.Undo:
    return rq.Undo(office.incident.plan_hash or "", typed, down_to, "too slow")


@pytest.mark.parametrize("actor", ["eng-1", "eng-2"])
def test_it_leads_to_the_steps_in_reverse(office: Office, actor: str) -> None:
    hashed = office.incident.plan_hash
    assert office.ask(undo(office), actor) == (ev.UndoAsked(("deploy", "push"), hashed, "too slow"),)
    assert office.ask(undo(office, "deploy"), actor) == (ev.UndoAsked(("deploy",), hashed, "too slow"),)


def test_what_is_not_as_it_must_be_is_refused(office: Office) -> None:
    """Another plan, another name, nobody whose word it takes, a step that changes nothing."""
    assert office.refusal(undo(office, typed="production")) == "typed 'production', but this is testnet"
    assert office.refusal(rq.Undo("0" * 64, ENV)).startswith("the plan has changed since you read it")
    assert office.refusal(undo(office), "pm-1").startswith("only eng-1, who commands INC-7QK2")
    assert office.refusal(undo(office, "fetch")) == "fetch has nothing to take back; deploy, push have"
    office.begin("deploy")
    assert office.refusal(undo(office)).startswith("deploy is under way")


def test_without_a_gate_that_is_open_nothing_behind_it_is_taken_back(office: Office) -> None:
    office.say(ev.GateClosed("not opened by those who must"))
    assert office.refusal(undo(office)) == (
        "the gate was closed again: only another plan goes back from here"
    )


def test_while_it_is_taken_back_only_an_abort_is_granted(office: Office) -> None:
    """And afterwards another plan alone."""
    office.say(*office.ask(undo(office)))
    assert office.refusal(undo(office)) == "it is being taken back already"
    assert office.refusal(rq.Resume()) == "it is being taken back: x stops that first"
    assert office.refusal(rq.Replan(Wish())).startswith("it is being taken back: wait for that")
    assert office.ask(rq.Abort("wait")) == (ev.RunAborted("wait"),)
    for name in ("deploy", "push"):
        office.say(ev.UndoIntent(name, 1, 1, office.incident.plan_hash or ""))
        office.say(ev.UndoOutcome(name, 1, "done", "gone", 0.1))
    assert office.refusal(rq.Resume()) == "what was done has been taken back: plan anew (T)"
    assert office.refusal(rq.Run()) == "what was done has been taken back: plan anew (T)"
    assert office.ask(rq.Replan(Wish())) == (ev.PlanningStarted(Wish()),)


def test_a_key_starts_the_next_step_and_the_pace_is_said_once() -> None:
    office = Office(pace="step")
    hashed = office.declare()
    assert office.ask(rq.Run()) == (ev.RunReleased(("fetch",), hashed),)
    assert office.ask(rq.Run("prepare")) == (ev.RunReleased(("fetch", "worktree"), hashed),)
    assert office.refusal(rq.Run("worktree")) == "worktree needs fetch first"
    assert office.refusal(rq.SetPace("step")) == "one key goes through a step already"
    assert office.ask(rq.SetPace("phase")) == (ev.RunPaced("phase"),)
