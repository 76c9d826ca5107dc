"""The crew of a headless drill: what it asks for, and when it says that a person is needed."""

import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.plan import Need
from console.core.requests import Choice
from console.drill.crew import next_ask, stuck
from tests.unit.core import kit
from tests.unit.core.kit import Story


def test_the_crew_has_nothing_to_do_before_an_incident_and_after_it() -> None:
    story = Story()
    story.start()
    assert (next_ask(story.snapshot()), stuck(story.snapshot())) == (None, None)
    story = Story().to_end()
    story.resolve()
    assert (next_ask(story.snapshot()), stuck(story.snapshot())) == (None, None)


def test_the_crew_takes_command_says_yes_and_resolves() -> None:
    story = Story()
    story.start()
    story.suspect()
    assert isinstance(next_ask(story.snapshot()), rq.Declare)
    story.declare()
    assert next_ask(story.snapshot()) is None, "the plan is being made"
    hashed = story.freeze()
    assert next_ask(story.snapshot()) is None, "prepare is under way"
    story.run("fetch", "worktree")
    assert next_ask(story.snapshot()) == rq.Go(hashed, kit.ENV)
    story.claim()
    assert next_ask(story.snapshot()) is None, "nobody says yes twice"
    assert stuck(story.snapshot()) is None, "the engine opens the gate"
    story.say(ev.GateOpened(hashed, ("eng-1",), ()))
    story.run("push", "deploy", "health")
    assert next_ask(story.snapshot()) is None
    story.run("tidy")
    ask = next_ask(story.snapshot())
    assert isinstance(ask, rq.Resolve)
    assert ask.outcome == "recovered"


def test_a_plan_that_cannot_be_made_needs_a_person() -> None:
    story = Story()
    story.declare()
    story.say(ev.PlanningFailed("the remote does not answer"))
    assert stuck(story.snapshot()) == "no plan: the remote does not answer"
    assert next_ask(story.snapshot()) is None


def test_a_gate_that_stays_closed_needs_a_person() -> None:
    """The crew is one person: with its yes it has done what it can."""
    story = Story()
    story.declare()
    story.freeze(needs=(Need("engineer", 2),))
    story.run("fetch", "worktree")
    story.claim()
    assert stuck(story.snapshot()) == "the gate stays closed: 1 engineer must say yes"
    assert next_ask(story.snapshot()) is None


def test_after_an_abort_nobody_goes_on_by_themselves() -> None:
    story = Story().to_gate()
    story.say(ev.RunAborted("wait"), actor="eng-2")
    assert next_ask(story.snapshot()) is None
    assert stuck(story.snapshot()) == "aborted: wait"


def failed() -> Story:
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.end("push", failed=True)
    return story


def test_a_step_that_failed_is_never_decided_without_a_person() -> None:
    story = failed()
    assert next_ask(story.snapshot()) is None
    assert stuck(story.snapshot()) == "push failed: push failed"


def test_what_was_found_of_a_step_is_of_no_use_once_it_has_failed() -> None:
    story = unknown("done")
    story.end("push", failed=True)
    assert next_ask(story.snapshot()) is None
    assert stuck(story.snapshot()) == "push failed: push failed"


def unknown(finding: str | None, *, repeatable: bool = True, attempts: int = 1) -> Story:
    """A run whose engine died in the middle of `push`, so many times, and what was found then."""
    steps = tuple(
        kit.step("push", "switch", repeatable=repeatable) if step.id == "push" else step for step in kit.STEPS
    )
    story = Story()
    story.declare()
    story.freeze(steps=steps)
    story.run("fetch", "worktree")
    story.open_gate()
    for attempt in range(1, attempts + 1):
        story.begin("push")
        story.crash()
        if attempt < attempts:
            story.say(ev.StepDecided("push", attempt, Choice.RETRY, ""), actor="eng-1")
    if finding is not None:
        story.say(ev.StepProbed("push", attempts, finding, "seen on the remote"))
    return story


def test_nothing_is_decided_before_somebody_has_looked() -> None:
    story = unknown(None)
    assert (next_ask(story.snapshot()), stuck(story.snapshot())) == (None, None)


@pytest.mark.parametrize(
    ("finding", "repeatable", "attempts", "choice"),
    [
        ("done", False, 1, Choice.CONTINUE),
        ("not done", True, 1, Choice.RETRY),
        ("not done", True, 2, None),
        ("not done", False, 1, None),
        ("cannot tell", True, 1, None),
    ],
)
def test_an_unclear_step_is_decided_by_the_rule_for_runs_without_a_person(
    *, finding: str, repeatable: bool, attempts: int, choice: Choice | None
) -> None:
    story = unknown(finding, repeatable=repeatable, attempts=attempts)
    ask = next_ask(story.snapshot())
    if choice is None:
        assert ask is None
        assert stuck(story.snapshot()) == "push unknown: seen on the remote"
    else:
        assert ask == rq.Decide("push", choice, f"the probe says {finding}")
        assert stuck(story.snapshot()) is None


def test_a_decision_that_was_refused_is_not_asked_for_again_and_again() -> None:
    story = unknown("done")
    story.say(ev.RequestRefused("decide", "push cannot be taken as done: not ours"), actor="eng-1")
    assert stuck(story.snapshot()) == "push unknown: push cannot be taken as done: not ours"
    story.crash()
    story.say(ev.StepProbed("push", 1, "done", "seen on the remote"))
    assert stuck(story.snapshot()) is None, "a new look is a new beginning"


def test_one_step_that_failed_stops_the_crew_only_when_no_other_can_be_decided() -> None:
    story = unknown("done")
    story.begin("deploy")
    story.end("deploy", failed=True)
    assert isinstance(next_ask(story.snapshot()), rq.Decide)
    assert stuck(story.snapshot()) is None
    story.end("push")
    assert stuck(story.snapshot()) == "deploy failed: deploy failed"
