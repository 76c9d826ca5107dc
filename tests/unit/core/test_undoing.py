"""Taking back: what can be, in which order, what it leaves; and the pace at which one key goes."""

import pytest

from console.core import events as ev
from console.core.pacing import to_release, waiting
from console.core.plan import Authority, WayBack
from console.core.state import Status
from console.core.undoing import by_hand, is_back, may_not, next_to_undo, order, refused, touched
from tests.unit.core import kit
from tests.unit.core.kit import Story, step

BACK = WayBack("take it back", ("back --now",))
STEPS = (
    step("freeze", authority=Authority.COMMANDER, back=BACK),
    step("worktree", fills=("good-tree",)),
    step("push", "switch", back=BACK),
    step("sessions", "switch", needs=("push",), back=WayBack("by people")),
    step("deploy", "switch", needs=("push",), action="deploy", back=BACK),
    step("health", "prove", fills=("healthy",), proves=("accessible",)),
)


def switched() -> Story:
    """All is done, and health is proven."""
    story = Story()
    story.start()
    story.suspect()
    story.declare()
    story.freeze(steps=STEPS)
    story.run("freeze", "worktree")
    story.open_gate()
    story.run("push", "sessions", "deploy", "health")
    story.say(ev.ItemTicked("accessible", done=True, note="", step="health"))
    return story


def ids(steps: tuple[kit.Step, ...]) -> list[str]:
    return [one.id for one in steps]


def undo(story: Story, *steps: str, actor: str = "eng-1") -> None:
    story.say(ev.UndoAsked(steps, story.incident.plan_hash or "", ""), actor=actor)


def take_back(story: Story, step_id: str, *, failed: bool = False) -> None:
    known = story.incident.undos.get(step_id)
    attempt = known.attempt + 1 if known else 1
    story.say(ev.UndoIntent(step_id, attempt, 1, story.incident.plan_hash or ""))
    status = "failed" if failed else "done"
    story.say(ev.UndoOutcome(step_id, attempt, status, "so it is", 1.0))


def test_it_goes_back_in_reverse_and_leaves_what_changes_nothing_alone() -> None:
    """What was frozen in *prepare* stays so, unless it is asked for by name."""
    incident = switched().incident
    assert ids(order(incident)) == ["deploy", "push"]
    assert ids(order(incident, "deploy")) == ["deploy"]
    assert ids(order(incident, "freeze")) == ["deploy", "push", "freeze"]
    assert ids(order(incident, "health")) == []
    assert ids(by_hand(incident)) == ["sessions"]


def test_the_commander_may_and_whoever_said_yes_to_this_very_plan() -> None:
    """What took the commander's yes alone is the commander's."""
    story = switched()
    story.claim("ops-1", "operations")
    incident = story.incident
    matrix, frozen = order(incident), order(incident, "freeze")
    assert [may_not(incident, steps, "eng-1") for steps in (matrix, frozen)] == ["", ""]
    assert may_not(incident, matrix, "ops-1") == ""
    assert may_not(incident, frozen, "ops-1").startswith("only eng-1, who commands INC-7QK2, may take back")
    assert "or one of those who said yes to the plan" in may_not(incident, matrix, "eng-9")


def test_before_the_gate_only_what_prepare_did_is_taken_back() -> None:
    story = Story().to_gate()
    assert refused(story.incident) == "nothing to take back yet"
    story = Story()
    story.start()
    story.declare()
    story.freeze(steps=STEPS)
    story.run("freeze")
    assert (ids(order(story.incident)), refused(story.incident)) == (["freeze"], "")


def test_a_step_that_failed_is_taken_back_too() -> None:
    """It may have left half of its effect."""
    story = switched()
    story.begin("deploy")
    assert refused(story.incident).startswith("deploy is under way")
    story.end("deploy", failed=True)
    assert ids(touched(story.incident))[:2] == ["health", "deploy"]


def test_what_was_proven_after_a_step_proves_nothing_without_it() -> None:
    """And the release is not proposed again."""
    story = switched()
    undo(story, "deploy", "push")
    assert story.incident.aborted == "eng-1 takes it back"
    assert (current := next_to_undo(story.incident)) is not None
    assert current.id == "deploy"
    take_back(story, "deploy")
    incident = story.incident
    assert incident.step("health").status is Status.UNDONE
    assert "healthy" not in incident.evidence
    assert "good-tree" in incident.evidence
    assert incident.items == {}
    assert (incident.given_up, incident.undo) == (("v1.5.0",), ("push",))
    assert not is_back(incident)
    take_back(story, "push")
    assert is_back(story.incident)
    assert next_to_undo(story.incident) is None
    assert not story.incident.finished


def test_one_that_could_not_be_taken_back_stops_there() -> None:
    """A person decides; asked again, it is the next attempt."""
    story = switched()
    undo(story, "deploy", "push")
    take_back(story, "deploy", failed=True)
    assert story.incident.undo == ()
    assert story.incident.step("deploy").status is Status.DONE
    assert refused(story.incident) == ""
    undo(story, "deploy")
    take_back(story, "deploy")
    assert story.incident.undos["deploy"].attempt == 2


def test_an_engine_that_dies_leaves_what_nobody_knows_and_goes_on_with_nothing() -> None:
    story = switched()
    undo(story, "deploy", "push")
    story.say(ev.UndoIntent("deploy", 1, 1, story.incident.plan_hash or ""))
    story.crash()
    assert story.incident.undos["deploy"].status is Status.UNKNOWN
    assert (story.incident.undo, refused(story.incident)) == ((), "")


def test_an_abort_stops_it_between_two_steps() -> None:
    story = switched()
    undo(story, "deploy", "push")
    story.say(ev.RunAborted("wait"), actor="eng-1")
    assert next_to_undo(story.incident) is None


def test_the_first_attempt_says_how_it_was() -> None:
    """A later one may find what an earlier one has left; another plan knows nothing of it."""
    story = Story().to_gate()
    story.open_gate()
    for attempt, head in ((1, "aaaa"), (2, "bbbb")):
        story.begin("push")
        story.say(ev.StepFound("push", attempt, {"head": head}))
        story.end("push", failed=True)
    assert story.incident.step("push").before == {"head": "aaaa"}
    story.freeze()
    assert story.incident.step("push").before == {}


def test_by_steps_each_waits_for_its_key() -> None:
    """A phase can be let go at once; what comes before comes first."""
    story = Story()
    story.start()
    story.declare()
    story.freeze()
    assert ids(waiting(story.incident, "step")) == ["fetch"]
    assert waiting(story.incident, "phase") == ()
    assert to_release(story.incident, "", "step") == ("fetch",)
    assert to_release(story.incident, "prepare", "step") == ("fetch", "worktree")
    for what, why in (
        ("worktree", "needs fetch first"),
        ("switch", "prepare comes before"),
        ("x", "no step or"),
    ):
        with pytest.raises(ValueError, match=why):
            to_release(story.incident, what, "step")
    story.say(ev.RunReleased(("fetch",), story.incident.plan_hash or ""), actor="eng-1")
    assert waiting(story.incident, "step") == ()
    story.say(ev.RunPaced("phase"), actor="eng-1")
    with pytest.raises(ValueError, match="no step waits for a key: within a phase"):
        to_release(story.incident, "", "step")
