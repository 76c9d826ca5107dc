"""The fold: what each kind of event changes, and what no sequence of events can bring about."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from console.core import events as ev
from console.core.events import Body, Event
from console.core.fold import REMEMBERED_REQUESTS, fold
from console.core.fold.engine import LANDINGS_KEPT
from console.core.metrics import Rung
from console.core.plan import Phase, Wish, digest, frozen
from console.core.requests import Choice
from console.core.state import State, Status, StepState
from tests.unit.core import bodies, kit
from tests.unit.core.kit import INCIDENT, Story, at

# -- each kind ----------------------------------------------------------------------------------------


def test_an_engine_is_known_from_its_start_and_says_why_it_ended() -> None:
    story = Story()
    story.start(3)
    assert story.state.engine is not None
    assert (story.state.engine.pid, story.state.epoch, story.state.engine.stopped) == (4711, 3, None)
    story.say(ev.EngineStopped("asked to"))
    assert story.state.engine.stopped == "asked to"


def test_a_rung_is_where_the_metric_stands_since_when_and_by_which_rule() -> None:
    story = Story()
    rule = "error_rate > 5%"
    story.say(ev.RungChanged("error_rate", "errors", Rung.OK, Rung.MANDATORY, 12.4, 240, "%", rule))
    rung = story.state.rungs["error_rate"]
    assert (rung.rung, rung.since, rung.value, rung.rule) == (Rung.MANDATORY, at(1), 12.4, rule)


def test_the_release_that_runs_is_known_since_when_and_after_which() -> None:
    story = Story()
    story.say(ev.ReleaseSeen("v1.5.2", None))
    assert story.state.running is not None
    assert (story.state.running.release, story.state.running.before) == ("v1.5.2", None)
    story.say(ev.ReleaseSeen("v1.5.3", "3" * 40))
    running = story.state.running
    assert (running.release, running.commit, running.since) == ("v1.5.3", "3" * 40, at(2))
    assert running.before == "v1.5.2"


def test_what_landed_is_remembered_and_of_a_service_that_flaps_the_first_of_each() -> None:
    """A hundred answers of two instances must not push out when the second release was first seen."""
    story = Story()
    for release in ("v1.5.2", "v1.5.3", *("v1.5.2", "v1.5.3") * 50, "v1.5.0"):
        story.say(ev.ReleaseSeen(release, None))
    landed = story.state.landed
    assert len(landed) == LANDINGS_KEPT
    assert [one.release for one in landed[:2]] == ["v1.5.2", "v1.5.3"]
    assert [one.since for one in landed[:2]] == [event.at for event in story.events[:2]]
    assert landed[-1] == story.state.running
    for number in range(LANDINGS_KEPT):
        story.say(ev.ReleaseSeen(f"v2.0.{number}", None))
    assert [one.release for one in story.state.landed] == [f"v2.0.{n}" for n in range(LANDINGS_KEPT)]


def test_a_suspected_incident_is_declared_and_keeps_when_it_was_suspected() -> None:
    story = Story()
    story.suspect()
    assert (story.incident.status, story.incident.id) == ("suspected", INCIDENT)
    story.declare()
    assert story.incident.status == "declared"
    assert (story.incident.suspected, story.incident.declared) == (at(1), at(2))
    assert (story.incident.commander, story.incident.severity) == ("eng-1", "SEV-3")
    assert story.state.incidents == 1


def test_an_incident_that_nobody_suspected_can_be_declared() -> None:
    story = Story()
    story.declare()
    assert (story.incident.status, story.incident.suspected, story.state.incidents) == ("declared", None, 1)


def test_planning_is_under_way_until_a_plan_is_frozen_or_cannot_be_made() -> None:
    story = Story()
    story.declare()
    assert (story.incident.planning, story.incident.plan) == (True, None)
    story.say(ev.PlanningFailed("the remote does not answer"))
    assert (story.incident.planning, story.incident.planning_failed) == (False, "the remote does not answer")
    story.say(ev.PlanningStarted(Wish("v1.5.1")), actor="eng-1")
    assert (story.incident.wish.target, story.incident.planning_failed) == ("v1.5.1", None)
    hashed = story.freeze()
    assert story.incident.planning is False
    assert (story.incident.plan, story.incident.plan_hash) == (kit.plan(), hashed)
    assert story.incident.plan_seq == story.state.seq


def test_the_old_plan_is_the_way_back_until_the_new_one_is_frozen() -> None:
    """When none can be made, nothing of what was done and said is lost."""
    story = Story().to_gate()
    story.open_gate()
    before = story.incident
    story.say(ev.PlanningStarted(Wish("v1.5.1")), actor="eng-1")
    assert story.incident.planning
    story.say(ev.PlanningFailed("develop builds the tree of v1.5.1 already"))
    after = story.incident
    assert (after.plan, after.steps, after.approvals) == (before.plan, before.steps, before.approvals)
    assert (after.planning, after.gate_opened) == (False, before.gate_opened)
    assert after.wish == before.wish, "the next wish starts from the plan that there is"


def test_a_new_plan_forgets_what_was_done_said_and_proven_under_the_old_one() -> None:
    """Also its evidence: a step that is skipped must not pass by what was measured for another release."""
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.say(ev.RunAborted("think first"))
    story.freeze(releases_back=2)
    incident = story.incident
    assert (incident.steps, incident.evidence, incident.approvals) == ({}, {}, ())
    assert (incident.gate_opened, incident.aborted) == (None, None)


def test_a_plan_that_was_made_for_another_incident_is_not_this_ones() -> None:
    """A plan can be finished after its incident was resolved and another one was declared."""
    story = Story()
    story.declare()
    story.freeze(incident="INC-OLD1")
    assert (story.incident.plan, story.incident.planning) == (None, True)


def test_a_step_goes_from_waiting_by_running_to_its_end() -> None:
    story = Story().to_gate()
    assert story.incident.step("push") == StepState()
    story.begin("push")
    began = at(story.seconds)
    running = story.incident.step("push")
    assert (running.status, running.attempt, running.began) == (Status.RUNNING, 1, began)
    story.end("push", commit="c" * 40)
    done = story.incident.step("push")
    assert (done.status, done.words, done.seconds) == (Status.DONE, "push is done", 1.0)
    assert (done.began, done.ended, done.facts) == (began, at(story.seconds), {"commit": "c" * 40})


def test_an_engine_that_starts_finds_what_the_last_one_left_running_unknown() -> None:
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.crash()
    assert story.incident.step("push").status is Status.UNKNOWN
    assert story.incident.step("worktree").status is Status.DONE
    assert [step.id for step in story.incident.asking()] == ["push"]


def test_what_a_dead_engine_found_is_not_taken_for_what_is_so_now() -> None:
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.crash()
    story.say(ev.StepProbed("push", 1, "not done", "the remote has no branch"))
    assert story.incident.step("push").finding == "not done"
    story.crash()
    assert (story.incident.step("push").status, story.incident.step("push").finding) == (Status.UNKNOWN, None)


@pytest.mark.parametrize(
    "late",
    [
        ev.StepOutcome("push", 1, "done", "too late", 1.0),
        ev.StepProbed("push", 1, "done", "too late"),
        ev.StepDecided("push", 1, Choice.SKIP, "too late"),
    ],
    ids=lambda body: body.kind,
)
def test_what_is_said_of_an_earlier_attempt_changes_nothing(late: Body) -> None:
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.end("push", failed=True)
    story.say(ev.StepDecided("push", 1, Choice.RETRY, ""), actor="eng-1")
    story.begin("push")
    before = story.incident
    story.say(late)
    assert story.incident == before


@pytest.mark.parametrize(
    ("choice", "status"),
    [
        (Choice.RETRY, Status.WAITING),
        (Choice.SKIP, Status.SKIPPED),
        (Choice.ABORT, Status.FAILED),
        (Choice.CONTINUE, Status.FAILED),
    ],
)
def test_a_decision_about_a_step(choice: Choice, status: Status) -> None:
    """To continue is nothing by itself: the outcome that was verified follows."""
    story = Story().to_gate()
    story.open_gate()
    story.begin("push")
    story.end("push", failed=True)
    story.say(ev.StepDecided("push", 1, choice, "because"), actor="eng-1")
    assert story.incident.step("push").status is status
    assert story.incident.aborted == ("because" if choice is Choice.ABORT else None)


def test_evidence_is_as_it_was_recorded_last() -> None:
    story = Story().to_gate()
    assert story.incident.evidence["good-tree"].holds
    story.say(ev.EvidenceRecorded("good-tree", holds=False, words="the worktree was touched", inputs="y"))
    evidence = story.incident.evidence["good-tree"]
    assert (evidence.holds, evidence.words, evidence.inputs) == (False, "the worktree was touched", "y")
    assert evidence.at == at(story.seconds)


def test_a_person_has_said_yes_once_however_often_they_said_it() -> None:
    story = Story().to_gate()
    story.claim("eng-1", "engineer")
    story.claim("eng-2", "engineer")
    story.claim("eng-1", "engineer", "security")
    said = [(approval.person, approval.roles) for approval in story.incident.approvals]
    assert said == [("eng-2", ("engineer",)), ("eng-1", ("engineer", "security"))]
    assert {approval.plan_hash for approval in story.incident.approvals} == {story.incident.plan_hash}


def test_the_gate_the_abort_and_going_on() -> None:
    story = Story().to_gate()
    story.open_gate()
    assert story.incident.gate_opened == at(story.seconds)
    story.say(ev.RunAborted("wait"))
    assert story.incident.aborted == "wait"
    story.say(ev.RunResumed())
    assert story.incident.aborted is None


def test_a_tick_has_a_name_and_can_be_taken_back() -> None:
    story = Story()
    story.declare()
    story.say(ev.ItemTicked("accessible", done=True, note="seen", step="health"), actor="eng-2")
    tick = story.incident.items["accessible"]
    assert (tick.by, tick.note, tick.step, tick.at) == ("eng-2", "seen", "health", at(story.seconds))
    story.say(ev.ItemTicked("accessible", done=False, note=""), actor="eng-1")
    assert story.incident.items == {}


def test_a_resolved_incident_is_not_open_and_stays_as_it_was() -> None:
    story = Story().to_end()
    assert story.incident.finished
    story.resolve()
    assert story.state.open_incident is None
    closed = story.incident
    assert (closed.status, closed.outcome, closed.resolved) == ("resolved", "recovered", at(story.seconds))
    story.crash()
    story.say(ev.RunAborted("too late"))
    story.say(ev.ItemTicked("accessible", done=True, note=""))
    story.freeze()
    assert story.incident == closed
    story.suspect()
    assert story.state.open_incident is not None
    assert story.state.incidents == 2


@pytest.mark.parametrize("body", [ev.NoteAdded("hello"), ev.RequestRefused("go", "no")])
def test_what_is_only_said_changes_nothing(body: Body) -> None:
    story = Story().to_gate()
    before = story.state
    assert replace(story.say(body), seq=before.seq) == before


def test_a_phase_is_over_when_every_step_of_it_is_done_or_skipped() -> None:
    story = Story()
    story.declare()
    assert story.incident.phase is None
    story.freeze()
    story.run("fetch")
    assert story.incident.phase is Phase.PREPARE
    story.begin("worktree")
    story.end("worktree", failed=True)
    story.say(ev.StepDecided("worktree", 1, Choice.SKIP, "by hand"), actor="eng-1")
    assert story.incident.phase is Phase.SWITCH
    story.run("push", "deploy", "health", "tidy")
    assert (story.incident.phase, story.incident.finished) == (None, True)


# -- what cannot be read ------------------------------------------------------------------------------


def event(body: Body, seq: int, **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "environment": kit.ENV,
        "incident": None,
        "seq": seq,
        "at": at(seq),
        "actor": "engine",
        "request": None,
        "kind": body.kind,
        "version": body.version,
        "critical": body.critical,
        "body": body,
    }
    return Event(**{**fields, **changes})


@pytest.mark.parametrize("critical", [True, False])
def test_only_an_unknown_event_that_matters_stops_the_writing(*, critical: bool) -> None:
    """The critical bit is the event's own: whoever wrote it knew what it means."""
    changes = {"kind": "gate.melted", "version": 7, "critical": critical}
    state = fold(State(environment=kit.ENV), event(ev.Unknown(b"{}"), 1, **changes))
    assert state.unknown_critical == ("gate.melted version 7" if critical else None)
    assert fold(state, event(ev.NoteAdded("later"), 2)).unknown_critical == state.unknown_critical


@pytest.mark.parametrize("raw", [b"null", b"[]", b"{}", b'{"steps":3}', b'"plan"'])
def test_a_plan_of_another_shape_is_as_unknown_as_an_unknown_event(raw: bytes) -> None:
    story = Story()
    story.declare()
    story.say(ev.PlanFrozen(digest(raw), Raw(raw)))
    assert story.state.unknown_critical is not None
    assert "plan.frozen" in story.state.unknown_critical
    assert story.incident.plan is None


# -- any events in any order --------------------------------------------------------------------------

_BODY = bodies.BODIES | bodies.UNKNOWN
_EVENTS = st.lists(
    st.tuples(_BODY, st.sampled_from(["eng-1", "engine"]), st.none() | st.sampled_from("abcdef")), max_size=30
)


def told(steps: list[tuple[Body, str, str | None]]) -> list[tuple[Event, State]]:
    """Each event with the state after it; the critical bit of an unknown kind is what its bytes say."""
    state, seen = State(environment=kit.ENV), []
    for seq, (body, actor, request) in enumerate(steps, 1):
        whose = "RUN-3HXP" if isinstance(body, ev.ErrandBegun | ev.ErrandEnded) else INCIDENT
        made = event(body, seq, actor=actor, request=request, incident=whose)
        state = fold(state, made)
        seen.append((made, state))
    return seen


@given(_EVENTS)
@settings(max_examples=250, deadline=None)
def test_no_sequence_of_events_makes_the_fold_fail_or_breaks_what_it_promises(
    steps: list[tuple[Body, str, str | None]],
) -> None:
    before = State(environment=kit.ENV)
    for made, state in told(steps):
        incident = state.open_incident
        assert state.seq == made.seq
        assert made.request is None or made.request in state.answered
        if isinstance(made.body, ev.Unknown):
            assert state.unknown_critical
        assert state.unknown_critical or not before.unknown_critical
        if isinstance(made.body, ev.IncidentResolved):
            assert incident is None
        if isinstance(made.body, ev.EngineStarted):
            assert incident is None or Status.RUNNING not in {s.status for s in incident.steps.values()}
        if isinstance(made.body, ev.PlanningStarted) and incident is not None:
            assert incident.planning
            assert before.incident is not None
            assert (incident.plan, incident.steps) == (before.incident.plan, before.incident.steps)
        if before.incident is not None and before.incident.status == "resolved" and incident is None:
            assert state.incident == before.incident
        before = state


_running = [ev.EngineStarted(1, 1, "", "", "", "cooperative"), ev.IncidentSuspected((), at(0), at(0))]


@given(
    st.lists(bodies.BODIES, max_size=12),
    st.sampled_from([step.id for step in kit.STEPS]),
    st.lists(st.builds(ev.NoteAdded, text=st.just("...")), max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_whatever_went_before_an_intent_without_outcome_is_unknown_after_a_restart(
    before: list[Body], step: str, between: list[ev.NoteAdded]
) -> None:
    told_so_far = [*_running, *before, ev.IncidentSuspected((), at(0), at(0)), ev.StepIntent(step, 5, 1, "")]
    tail = [*told_so_far, *between, ev.EngineStarted(2, 2, "", "", "", "cooperative")]
    state = told([(body, "engine", None) for body in tail])[-1][1]
    assert state.incident is not None
    assert state.incident.step(step).status is Status.UNKNOWN
    assert state.incident.step(step).finding is None


def test_an_answered_request_is_remembered_for_as_long_as_its_file_can_lie_there() -> None:
    story = Story()
    for number in range(REMEMBERED_REQUESTS + 10):
        story.say(ev.NoteAdded("x"), request=f"r{number}")
        assert story.state.answered[-1] == f"r{number}"
    assert len(story.state.answered) == REMEMBERED_REQUESTS
    story.say(ev.NoteAdded("two events of one request"), request=story.state.answered[0])
    assert len(set(story.state.answered)) == len(story.state.answered)


@given(st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_folding_in_two_goes_is_folding_at_once(cut: int) -> None:
    """A snapshot of the state is as good as the events before it."""
    story = Story().to_end()
    state = State(environment=kit.ENV)
    for made in story.events[:cut]:
        state = fold(state, made)
    for made in story.events[cut:]:
        state = fold(state, made)
    assert state == story.state
    assert frozen(kit.plan()) == frozen(story.incident.plan or kit.plan(branch="none"))


def _signed(story: Story, person: str, because: str = "") -> int:
    """That person signs; the event's number."""
    key, expires = f"SHA256:{person}", at(1000).utc_us
    story.say(ev.GateSigned(story.incident.plan_hash or "", person, (), key, because, expires, "", ""))
    return story.state.seq


def test_everybodys_last_word_is_known_by_its_number() -> None:
    """A yes, a no, and taking either back; so that nothing older comes back over it."""
    story = Story().to_gate()
    asked_since = story.incident.plan_seq
    first = _signed(story, "sec-1")
    assert (story.incident.asked_since, story.incident.spoke) == (asked_since, {"sec-1": first})
    assert story.incident.approvals[0].after == 0
    story.say(ev.GateWithdrawn("sec-1", "misread"))
    withdrawn = story.state.seq
    assert story.incident.spoke == {"sec-1": withdrawn}
    _signed(story, "sec-1")
    assert story.incident.approvals[0].after == withdrawn
    no = _signed(story, "pm-1", because="wait")
    assert story.incident.spoke["pm-1"] == no


def test_a_new_plan_is_asked_about_from_its_own_number_on() -> None:
    story = Story().to_gate()
    _signed(story, "sec-1")
    story.freeze(recover_within_s=1.0)
    assert (story.incident.asked_since, story.incident.spoke) == (story.state.seq, {})


def test_what_is_waived_asks_everybody_again() -> None:
    """Also those who have read the plan and not handed in what they signed."""
    story = Story().to_gate()
    signed = _signed(story, "sec-1")
    story.say(ev.ItemWaived("ticket", story.incident.plan_hash or "", "no tracker"), actor="ops-1")
    assert story.incident.approvals == ()
    assert (story.incident.asked_since, story.incident.spoke) == (story.state.seq, {"sec-1": signed})
