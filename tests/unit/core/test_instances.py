"""Several instances of one release: what they come to together is never better than the worst of them."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from console.core import events as ev
from console.core.instances import NAMED, prevailing, spread, together
from console.core.live import Live
from console.core.next_step import Viewer, next_step
from console.core.policy import choices
from console.core.redeploy import behind
from console.core.requests import Choice
from console.core.standing import advised
from console.core.state import Status
from console.core.wording import said
from tests.unit.core.kit import STEPS, Story, at
from tests.unit.engine.kit import environment

FOUR_OF_SIX = "4 of 6 on v1.5.0: app-5, app-6 on v1.5.3"
MIXED = {f"app-{number}": "v1.5.0" if number < 5 else "v1.5.3" for number in range(1, 7)}
NAMES = st.text("abc", min_size=1, max_size=3)


def test_four_of_six_is_said_with_the_names_of_the_two() -> None:
    assert spread(MIXED) == FOUR_OF_SIX
    assert prevailing(MIXED) == "v1.5.0"


def test_each_thing_that_is_wrong_is_said_once() -> None:
    wrong = {"a": "", "b": "answers 503", "c": "on v1.5.3", "d": "answers 503"}
    assert together(wrong, "on v1.5.0") == "1 of 4 on v1.5.0: b, d answers 503; c on v1.5.3"


def test_of_hundreds_not_all_are_named() -> None:
    wrong = {f"app-{number}": "on v1.5.3" for number in range(100)}
    told = together(wrong, "on v1.5.0")
    assert told.startswith("0 of 100 on v1.5.0: app-0, ")
    assert told.endswith(f"app-{NAMED - 1} and {100 - NAMED} more on v1.5.3")


@given(st.dictionaries(NAMES, st.sampled_from(["", "on v1.5.3", "answers 503"])))
def test_something_is_said_exactly_where_something_is_wrong_with_one_of_them(wrong: dict[str, str]) -> None:
    assert bool(together(wrong, "healthy")) == any(wrong.values())


@given(st.dictionaries(NAMES, st.sampled_from(["v1.5.0", "v1.5.3", "v1.5.1"])))
def test_a_fleet_is_mixed_exactly_where_two_run_different_releases(versions: dict[str, str]) -> None:
    assert bool(spread(versions)) == (len(set(versions.values())) > 1)


# -- what runs, as the journal tells it -----------------------------------------------------------------


def test_a_mixed_fleet_is_no_release_that_runs_everywhere() -> None:
    story = Story()
    story.say(ev.ReleaseSeen("v1.5.0", None, MIXED))
    running = story.state.running
    assert running is not None
    assert (running.release, running.mixed) == ("v1.5.0", FOUR_OF_SIX)
    assert not running.is_all("v1.5.0")
    assert said(story.events[-1], {}).words == f"the service is mixed: {FOUR_OF_SIX}"
    story.say(ev.ReleaseSeen("v1.5.0", None, dict.fromkeys(MIXED, "v1.5.0")))
    assert story.state.running is not None
    assert story.state.running.is_all("v1.5.0")
    assert story.state.running.since == at(1), "it is the release that ran, and only reached the last two"
    assert said(story.events[-1], {}).words == "the service answers v1.5.0 on all 6"


def test_a_release_has_landed_when_the_first_instance_runs_it() -> None:
    """A canary is what the trouble may come from, though most of the fleet runs something else."""
    story = Story()
    story.say(ev.ReleaseSeen("v1.5.0", None, dict.fromkeys(MIXED, "v1.5.0")))
    story.say(ev.ReleaseSeen("v1.5.0", None, MIXED))
    story.say(ev.ReleaseSeen("v1.5.3", "3" * 40, dict.fromkeys(MIXED, "v1.5.3")))
    assert [(one.release, one.since, one.before) for one in story.state.landed] == [
        ("v1.5.0", at(1), None),
        ("v1.5.3", at(2), "v1.5.0"),
    ]


# -- deploying again ------------------------------------------------------------------------------------

_PROVEN = tuple(
    replace(one, action={"deploy": "deploy", "health": "prove-health"}.get(one.id, one.action), needs=needs)
    for one, needs in zip(STEPS, ((), ("fetch",), (), ("push",), ("deploy",), ()), strict=True)
)


def failed(**facts: str) -> Story:
    """The deployment is done, and health could not be proven."""
    story = Story()
    story.start()
    story.suspect()
    story.declare()
    story.freeze(steps=_PROVEN)
    story.run("fetch", "worktree")
    story.open_gate()
    story.run("push", "deploy")
    story.begin("health")
    story.end("health", failed=True, **facts)
    return story


def test_where_some_did_not_take_the_deployment_it_is_done_again() -> None:
    story = failed(behind=FOUR_OF_SIX)
    incident = story.incident
    assert choices(incident, "health") == (Choice.REDEPLOY, Choice.RETRY, Choice.SKIP, Choice.ABORT)
    assert advised(incident, incident.plan.step("health"))[0][0] is Choice.REDEPLOY  # type: ignore[union-attr]
    heard = replace(story.snapshot(), live=Live(4711, 1, at(story.seconds)))
    told = next_step(heard, environment(), Viewer("eng-1", None))
    assert (told.sentence, told.command) == (f"deploy again, or decide otherwise: {FOUR_OF_SIX}", "decide")
    story.say(ev.StepDecided("health", 1, Choice.REDEPLOY, "two are behind"), actor="eng-1")
    left = {name: story.incident.step(name).status for name in ("push", "deploy", "health")}
    assert left == {"push": Status.DONE, "deploy": Status.WAITING, "health": Status.WAITING}
    assert said(story.events[-1], {}).words == (
        "decided: health is tried again, after another deployment: two are behind"
    )


def test_a_service_that_is_sick_may_be_deployed_again_but_nobody_is_told_to() -> None:
    incident = failed().incident
    assert behind(incident, "health") == ""
    assert Choice.REDEPLOY in choices(incident, "health")
    assert advised(incident, incident.plan.step("health"))[0][0] is Choice.RETRY  # type: ignore[union-attr]


def test_what_has_not_been_deployed_or_has_not_failed_is_not_deployed_again() -> None:
    story = failed(behind=FOUR_OF_SIX)
    assert choices(story.incident, "deploy") == ()
    story.say(ev.StepDecided("health", 1, Choice.RETRY, ""), actor="eng-1")
    assert choices(story.incident, "health") == ()
