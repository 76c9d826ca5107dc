"""The crew of a headless drill: what it asks for, and when it says that a person is needed."""

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core import requests as rq
from console.core.plan import POINT_IN_TIME, DataChange, Need, Prerequisite, Release, Wish
from console.core.protocols import Snapshot
from console.core.requests import AnyAsk, Choice
from console.core.schema_verdict import Difference, SchemaVerdict
from console.drill import crew
from console.drill.crew import Act, Crew
from tests.unit.core import kit
from tests.unit.core.kit import Story
from tests.unit.engine.kit import environment

ENGINEERS: dict[str, tuple[str, ...]] = {
    "eng-1": ("engineer",),
    "eng-2": ("engineer",),
    "sec-1": ("security-lead",),
}
RULES = {"approvers": [{"role": "engineer", "count": 1}], "proof": "claim", "within": "0s"}
MAY = environment()
MAY_NOT = environment(authorisation={**RULES, "initiator_may_approve": "never"})
ALONE = Crew("eng-1", {"eng-1": ("engineer",)}, environment=MAY)
WISH = Wish(data=POINT_IN_TIME)


def next_ask(snapshot: Snapshot) -> AnyAsk | None:
    """What one engineer would ask for."""
    act = crew.next_act(snapshot, ALONE)
    assert act is None or act.actor == "eng-1"
    return act.ask if act else None


def stuck(snapshot: Snapshot) -> str | None:
    """Why one engineer can do nothing more."""
    return crew.stuck(snapshot, ALONE)


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
    """Of a crew of one: with that yes it has done what it can."""
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


def test_a_step_that_failed_before_the_gate_is_tried_once_more() -> None:
    """It changes nothing that users touch, and may have given way to them."""
    story = Story()
    story.declare()
    story.freeze()
    for attempt in (1, 2):
        assert stuck(story.snapshot()) is None
        story.begin("fetch")
        story.end("fetch", failed=True)
        if attempt == 1:
            ask = next_ask(story.snapshot())
            assert ask == rq.Decide("fetch", Choice.RETRY, "it changes nothing that users touch")
            story.say(ev.StepDecided("fetch", 1, Choice.RETRY, ""), actor="eng-1")
    assert next_ask(story.snapshot()) is None
    assert stuck(story.snapshot()) == "fetch failed: fetch failed"


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


def of_two_engineers_and_security(story: Story) -> Crew:
    """A plan at its gate, and people enough for it."""
    story.declare()
    story.freeze(needs=(Need("engineer", 1), Need("security-lead", 1)))
    story.run("fetch", "worktree")
    return Crew("eng-1", ENGINEERS, environment=MAY_NOT)


def test_everybody_who_is_needed_says_yes_and_the_commander_only_where_that_counts() -> None:
    story = Story()
    people = of_two_engineers_and_security(story)
    said = []
    while act := crew.next_act(story.snapshot(), people):
        assert isinstance(act.ask, rq.Go)
        assert crew.stuck(story.snapshot(), people) is None
        said.append(act.actor)
        story.claim(act.actor, *ENGINEERS[act.actor])
    assert said == ["eng-2", "sec-1"]
    assert crew.stuck(story.snapshot(), people) is None, "the engine opens the gate"


def test_a_role_that_nobody_has_keeps_the_gate_closed() -> None:
    story = Story()
    people = of_two_engineers_and_security(story)
    without = Crew("eng-1", {"eng-1": ("engineer",), "eng-2": ("engineer",)}, environment=MAY_NOT)
    story.claim("eng-2", "engineer")
    assert crew.next_act(story.snapshot(), without) is None
    assert crew.stuck(story.snapshot(), without) == "the gate stays closed: 1 security-lead must say yes"
    assert crew.next_act(story.snapshot(), people) is not None


def test_a_crew_that_wants_another_plan_asks_for_it_as_soon_as_nothing_is_under_way() -> None:
    """The first plan is made by itself and keeps the data; this crew knows that data is what is broken."""
    story = Story()
    people = Crew("eng-1", ENGINEERS, environment=MAY_NOT, wish=WISH)
    story.declare()
    assert crew.next_act(story.snapshot(), people) is None, "the first plan is being made"
    story.freeze()
    story.begin("fetch")
    assert crew.next_act(story.snapshot(), people) == Act("eng-1", rq.Abort("another plan is wanted"))
    story.say(ev.RunAborted("another plan is wanted"), actor="eng-1")
    assert crew.next_act(story.snapshot(), people) is None, "it would be refused now"
    assert crew.stuck(story.snapshot(), people) is None
    story.end("fetch", failed=True)
    assert crew.next_act(story.snapshot(), people) == Act("eng-1", rq.Replan(WISH))
    assert crew.stuck(story.snapshot(), people) is None, (
        "what became of a plan that nobody wants is no matter"
    )
    story.say(ev.PlanningStarted(WISH), actor="eng-1")
    assert crew.next_act(story.snapshot(), people) is None


def test_at_the_gate_of_a_plan_that_is_about_to_be_replaced_nobody_is_stuck() -> None:
    story = Story()
    people = Crew("eng-1", ENGINEERS, environment=MAY_NOT, wish=WISH)
    story.declare()
    story.freeze()
    story.run("fetch", "worktree")
    assert crew.next_act(story.snapshot(), people) == Act("eng-1", rq.Replan(WISH))
    story.say(ev.PlanningStarted(WISH), actor="eng-1")
    assert crew.next_act(story.snapshot(), people) is None
    assert crew.stuck(story.snapshot(), people) is None


def test_a_plan_that_swaps_data_is_said_yes_to_twice_by_name() -> None:
    story = Story()
    people = Crew("eng-1", ENGINEERS, environment=MAY_NOT, wish=WISH)
    story.declare()
    story.say(ev.PlanningStarted(WISH), actor="eng-1")
    hashed = story.freeze(data=DataChange(POINT_IN_TIME, kit.NOON_US, kit.NOON_US + 3, 100))
    story.run("fetch", "worktree")
    yes = rq.Go(hashed, kit.ENV, typed_again=kit.ENV)
    assert crew.next_act(story.snapshot(), people) == Act("eng-2", yes)


def test_what_must_be_done_before_the_gate_is_ticked_by_name() -> None:
    """Also while everything else is prepared; by whoever may say it, else by the commander."""
    items = (
        Prerequisite("told", "security lead notified", "hand"),
        Prerequisite("audit", "audit passed", "hand", (), ("security-lead",)),
    )
    story = Story()
    story.declare()
    story.freeze(prerequisites=items)
    people = Crew("eng-1", ENGINEERS, environment=MAY)
    for who, item in (("eng-1", "told"), ("sec-1", "audit")):
        assert crew.next_act(story.snapshot(), people) == Act(who, rq.Tick(item, note=crew.REHEARSED))
        assert crew.stuck(story.snapshot(), people) is None
        story.say(ev.ItemTicked(item, done=True, note=crew.REHEARSED), actor=who)
    assert crew.next_act(story.snapshot(), people) is None, "prepare is under way"


def test_where_signatures_are_asked_for_others_confirm_by_themselves() -> None:
    """Also when somebody plays the commander: what only the security lead may say, nobody else could."""
    items = (
        Prerequisite("told", "security lead notified", "hand"),
        Prerequisite("audit", "audit passed", "hand", (), ("security-lead",)),
    )
    story = Story()
    story.declare()
    story.freeze(prerequisites=items, proof="signature")
    people = Crew("eng-1", ENGINEERS, environment=MAY)
    confirmed = Act("sec-1", rq.Tick("audit", note=crew.REHEARSED))
    assert crew.next_act(story.snapshot(), people) == Act("eng-1", rq.Tick("told", note=crew.REHEARSED))
    assert crew.confirmation(story.snapshot(), people) == confirmed
    story.say(ev.ItemTicked("told", done=True, note=crew.REHEARSED), actor="eng-1")
    assert crew.next_act(story.snapshot(), people) is None
    assert crew.stuck(story.snapshot(), people) is None
    story.say(ev.ItemTicked("audit", done=True, note=crew.REHEARSED), actor="sec-1")
    assert crew.confirmation(story.snapshot(), people) is None


def test_an_item_that_nobody_may_tick_keeps_the_gate_closed() -> None:
    story = Story()
    story.declare()
    story.freeze(prerequisites=(Prerequisite("audit", "audit passed", "hand", (), ("auditor",)),))
    story.run("fetch", "worktree")
    people = Crew("eng-1", ENGINEERS, environment=MAY)
    story.claim("eng-1", "engineer")
    assert crew.next_act(story.snapshot(), people) is None
    words = "the gate stays closed: audit passed: not ticked yet by auditor"
    assert crew.stuck(story.snapshot(), people) == words


def test_whoever_holds_the_role_of_a_prerequisite_says_yes_first() -> None:
    """So that nobody has to say it beside the matrix."""
    lead = Prerequisite("lead", "team lead approval", "approval", (), ("team-lead",))
    roles: dict[str, tuple[str, ...]] = {**ENGINEERS, "lead-1": ("team-lead", "engineer")}
    people = Crew("eng-1", roles, environment=MAY)
    story = Story()
    story.declare()
    story.freeze(prerequisites=(lead,), needs=(Need("engineer", 2),))
    story.run("fetch", "worktree")
    said = []
    while act := crew.next_act(story.snapshot(), people):
        said.append(act.actor)
        story.claim(act.actor, *roles[act.actor])
    assert said == ["lead-1", "eng-1"]


def test_a_role_of_a_prerequisite_alone_is_asked_beside_the_matrix() -> None:
    lead = Prerequisite("lead", "team lead approval", "approval", (), ("team-lead",))
    people = Crew("eng-1", {**ENGINEERS, "lead-1": ("team-lead",)}, environment=MAY)
    story = Story()
    story.declare()
    story.freeze(prerequisites=(lead,))
    story.run("fetch", "worktree")
    story.claim("eng-1", "engineer")
    act = crew.next_act(story.snapshot(), people)
    assert act is not None
    assert act.actor == "lead-1"


class TestHandsOff:
    """Where automatic rollback is rehearsed nobody does anything before it is over."""

    CREW = Crew("eng-1", ENGINEERS, environment=MAY, hands_off=True)

    def run(self, *bodies: ev.Body) -> Story:
        story = Story()
        story.start()
        story.suspect()
        for body in (ev.AutomaticBegan(("error_rate",), ("error_rate > 10%",), "SEV-3", ""), *bodies):
            story.say(body)
        return story

    def test_a_suspected_incident_is_left_to_it(self) -> None:
        story = Story()
        story.start()
        story.suspect()
        assert crew.next_act(story.snapshot(), self.CREW) is None

    def test_while_it_looks_again_or_runs_nobody_acts(self) -> None:
        runs = ev.AutomaticDecided("runs", "v1.5.3 landed", "error_rate")
        for story in (self.run(), self.run(runs)):
            assert crew.next_act(story.snapshot(), self.CREW) is None
            assert crew.stuck(story.snapshot(), self.CREW) is None

    def test_when_it_has_rolled_back_somebody_takes_command(self) -> None:
        story = self.run(ev.AutomaticEnded("rolled back", "v1.5.0 runs"))
        act = crew.next_act(story.snapshot(), self.CREW)
        assert act == Act("eng-1", rq.Declare(note="the drill's crew takes command"))

    def test_where_it_is_held_or_stopped_the_drill_says_why(self) -> None:
        held = self.run(ev.AutomaticDecided("held", "no second path"))
        assert crew.stuck(held.snapshot(), self.CREW) == "automatic rollback held: no second path"
        stopped = self.run(ev.AutomaticEnded("stopped", "deploy failed"))
        assert crew.stuck(stopped.snapshot(), self.CREW) == "automatic rollback stopped: deploy failed"


# -- what stands in the way -----------------------------------------------------------------------------


def test_where_the_schema_closes_the_way_they_take_the_release_that_is_offered() -> None:
    """And do not go back to the one that was proposed before."""
    dropped = Difference("contracted", "transactions.wallet dropped")
    closed = SchemaVerdict("contracted", (dropped,), nearest="v1.4.0")
    story = Story()
    story.declare()
    story.freeze(schema=closed)
    assert stuck(story.snapshot()) is None
    wanted = Wish(target="v1.4.0")
    assert next_ask(story.snapshot()) == rq.Replan(wanted)
    story.say(ev.PlanningStarted(wanted), actor="eng-1")
    story.freeze(target=Release("v1.4.0", "d" * 40, "e" * 40), schema=SchemaVerdict("same"))
    assert next_ask(story.snapshot()) is None
    story.run("fetch", "worktree")
    assert isinstance(next_ask(story.snapshot()), rq.Go)


def test_where_none_is_offered_a_person_has_to_look() -> None:
    story = Story()
    story.declare()
    story.freeze(schema=SchemaVerdict("contracted", (Difference("contracted", "users dropped"),)))
    story.run("fetch", "worktree")
    story.claim()
    assert stuck(story.snapshot()) == "the gate stays closed: the schema has contracted: users dropped"


def moved(story: Story) -> None:
    """A step of *prepare* finds that the plan does not fit any more."""
    story.begin("fetch")
    attempt = story.incident.step("fetch").attempt
    story.say(ev.StepOutcome("fetch", attempt, "failed", "develop moved: plan again", 1.0, {}))


def test_where_somebody_deploys_meanwhile_they_plan_again_a_few_times() -> None:
    story = Story()
    story.declare()
    for _ in range(3):
        story.freeze()
        moved(story)
        assert (next_ask(story.snapshot()), stuck(story.snapshot())) == (rq.Replan(Wish()), None)
    story.freeze()
    moved(story)
    story.say(ev.StepDecided("fetch", 1, Choice.RETRY, ""), actor="eng-1")
    moved(story)
    assert stuck(story.snapshot()) == "fetch failed: develop moved: plan again"


def test_an_instance_that_is_left_behind_is_deployed_to_once_more() -> None:
    steps = tuple(
        replace(one, action="prove-health", needs=("deploy",))
        if one.id == "health"
        else replace(one, action="deploy" if one.id == "deploy" else "fake")
        for one in kit.STEPS
    )
    story = Story()
    story.declare()
    story.freeze(steps=steps)
    story.run("fetch", "worktree")
    story.open_gate()
    story.run("push", "deploy")
    story.begin("health")
    story.end("health", failed=True, behind="5 of 6 on v1.5.0: app-6 on v1.5.3")
    again = rq.Decide("health", Choice.REDEPLOY, "not every instance took the deployment")
    assert (next_ask(story.snapshot()), stuck(story.snapshot())) == (again, None)
    story.say(ev.StepDecided("health", 1, Choice.REDEPLOY, ""), actor="eng-1")
    story.run("deploy")
    story.begin("health")
    story.end("health", failed=True, behind="5 of 6 on v1.5.0: app-6 on v1.5.3")
    assert stuck(story.snapshot()) == "health failed: health failed"
