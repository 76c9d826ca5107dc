"""Automatic rollback as a state machine: what it does at each moment, and what it never does."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from console.core import automatic as au
from console.core import events as ev
from console.core.automatic import Seen
from console.core.automatic_run import AutomaticRun, paging_key
from console.core.deploys import Attribution
from console.core.events import Body, Draft
from console.core.fold import fold
from console.core.metrics import Rung
from console.core.plan import Phase, Wish, digest, frozen
from console.core.policy import gate
from console.core.roster import Roster
from console.core.rules import Standing
from console.core.schema_verdict import Difference, SchemaVerdict, unsafe
from console.core.second_path import Second
from console.core.state import Incident, State, Status
from console.core.strategy import Environment
from tests.unit.core import kit
from tests.unit.core.kit import ENV, INCIDENT, at
from tests.unit.engine.kit import environment

STAGES = {"detection": "1m", "alert": "2m", "validation": "1m", "execution": "5m", "verification": "5m"}
RULE = {
    "unsigned": "runs",
    "release_within": "24h",
    "standing_for": "30d",
    "stages": STAGES,
    "cool_down": "1h",
    "second_path": {"health_check": "page > 0"},
}
METRIC = {
    "title": "health",
    "unit": "count",
    "measure": {"kind": "failures in a row", "source": "health"},
    "rungs": {"mandatory": "health_check > 0 for 1m", "automatic": "health_check > 3"},
}
AUTHORISED = "0123456789ab"
SAFE = SchemaVerdict("same")
UNSAFE = SchemaVerdict("contracted", (Difference("contracted", "contacts dropped"),))
LANDED = Attribution(None, 7.0, may_help=True, words="v1.5.3 landed 00:07 before the onset")
NOTHING = Attribution(None, None, may_help=False, words="nothing is known to have landed before the onset")
AGREES = Second(agrees=True, words="second path agrees")
DISAGREES = Second(agrees=False, words="second path disagrees, page > 0: page 0")
UNKNOWN = Second(agrees=None, words="second path cannot be told")


@cache
def place(unsigned: str = "runs", *, enabled: bool = True, pages: bool = False) -> Environment:
    """A testnet with one automatic rung."""
    changes: dict[str, Any] = {"automatic": {**RULE, "unsigned": unsigned, "enabled": enabled}}
    changes["metrics"] = {"health_check": METRIC}
    if pages:
        approvers = {"approvers": [{"role": "engineer", "count": 1}], "proof": "claim", "within": "0s"}
        paging = {"command": ["page"], "limit": "5s", "again": "1m", "deputy_after": "2m"}
        changes["authorisation"] = {**approvers, "initiator_may_approve": "always", "paging": paging}
    return environment(**changes)


@cache
def roster() -> Roster:
    """Two engineers, and somebody whom nobody asks."""
    people = [
        {"handle": handle, "roles": [role]}
        for handle, role in (("eng-1", "engineer"), ("eng-2", "engineer"), ("pm-1", "product-manager"))
    ]
    return Roster.model_validate({"schema": "warroom.roster/1", "people": people})


class Room:
    """An engine that says what is due, a service that fires or not, and a clock moved by hand."""

    def __init__(self, where: Environment | None = None) -> None:
        self.environment = where or place()
        self.state = State(environment=ENV)
        self.seconds = 100.0
        self.firing = True
        self.second = AGREES
        self.attribution: Attribution = LANDED
        self.in_vain = ""
        self.covered: Mapping[str, str] = {}
        self.verified: frozenset[str] = frozenset()
        self.file: str | None = None
        self.said: list[Body] = []

    # -- what happens --------------------------------------------------------------------------------

    def say(self, *bodies: Body, actor: str = "engine", incident: str | None = None) -> None:
        for body in bodies:
            known = self.state.open_incident
            about = incident or (known.id if known else None)
            draft = Draft(body, at(self.seconds), about, actor)
            self.state = fold(self.state, ev.decode(ev.encode(draft, ENV, self.state.seq + 1)))
            self.said.append(body)

    def start(self) -> None:
        epoch = self.state.epoch + 1
        self.say(ev.EngineStarted(1, epoch, "0", "", "", "cooperative"))

    def suspect(self, incident: str = INCIDENT) -> None:
        onset = at(self.seconds)
        self.say(ev.IncidentSuspected(("health_check > 0 for 1m",), onset, onset), incident=incident)

    def declare(self, actor: str = "eng-1") -> None:
        onset = at(self.seconds)
        self.say(ev.IncidentDeclared(actor, "SEV-3", "", (), onset, onset), actor=actor)

    def look(self) -> list[Body]:
        """Everything that is due, said; never without end."""
        before = len(self.said)
        for _ in range(50):
            bodies = au.due(self.seen())
            if not bodies:
                return self.said[before:]
            self.say(*bodies)
        raise AssertionError("it never comes to rest")

    def seen(self) -> Seen:
        standing = Standing(Rung.AUTOMATIC, at(self.seconds), "health_check > 3", at(self.seconds - 70))
        return Seen(
            now=at(self.seconds),
            state=self.state,
            environment=self.environment,
            roster=roster(),
            file=self.file,
            firing={"health_check": standing} if self.firing else {},
            second={"health_check": self.second},
            attribution=self.attribution,
            in_vain=self.in_vain,
            covered=self.covered,
            verified=self.verified,
        )

    def plan(self, **changes: Any) -> None:
        """The planner has made what was asked for."""
        raw = frozen(kit.plan(**{"schema": SAFE, "incident": self.incident.id, **changes}))
        self.say(ev.PlanFrozen(digest(raw), Raw(raw)))

    def run(self, *steps: str) -> None:
        for step in steps:
            attempt = self.incident.step(step).attempt + 1
            self.say(ev.StepIntent(step, attempt, self.state.epoch, self.incident.plan_hash or ""))
            slots = self.incident.plan.step(step).fills if self.incident.plan else ()
            filled = (ev.EvidenceRecorded(slot, holds=True, words="so", inputs="x") for slot in slots)
            self.say(ev.StepOutcome(step, attempt, "done", "done", 0.1), *filled)

    def open_gate(self) -> bool:
        """What the conductor does at the gate; whether it opened."""
        standing = au.opens(self.seen(), self.incident)
        if standing is None or not gate(self.incident, at(self.seconds), automatic=True).may_open:
            return False
        opened = ev.GateOpened(self.incident.plan_hash or "", (), (), automatic=True, standing=standing)
        self.say(opened, ev.StepIntent("push", 1, self.state.epoch, self.incident.plan_hash or ""))
        return True

    def to_plan(self, **changes: Any) -> None:
        """From the first alarm to a plan that is prepared."""
        self.start()
        self.suspect()
        self.look()
        self.plan(**changes)
        self.run("fetch", "worktree")
        self.look()

    # -- what is known -------------------------------------------------------------------------------

    @property
    def incident(self) -> Incident:
        assert self.state.incident is not None
        return self.state.incident

    @property
    def ours(self) -> AutomaticRun:
        assert self.incident.automatic is not None
        return self.incident.automatic


# -- one after the other ----------------------------------------------------------------------------


def test_it_runs_from_the_alarm_to_the_proof_with_every_stage_on_the_clock() -> None:
    room = Room()
    room.to_plan()
    assert (room.ours.mode, room.ours.trigger, room.incident.commander) == ("runs", "health_check", None)
    assert room.open_gate()
    room.say(ev.StepOutcome("push", 1, "done", "", 0.1))
    room.run("deploy")
    room.seconds += 30
    room.look()
    room.run("health")
    room.look()
    assert (room.ours.outcome, room.incident.status) == ("rolled back", "declared")
    stages = room.ours.stages
    assert {name: state.budget_s for name, state in stages.items()} == {
        "detection": 60 + 60,  # the minute that the rule itself waits is nobody's delay
        "alert": 120,
        "validation": 60,
        "execution": 300,
        "verification": 300,
    }
    assert stages["detection"].seconds == 70
    assert stages["execution"].seconds == 30
    assert not any(state.overran for state in stages.values())
    assert room.state.rolled_back is not None
    assert room.state.rolled_back.release == "v1.5.0"


@pytest.mark.parametrize(
    ("stage", "until"), [("validation", 61), ("execution", 301)], ids=["validation", "execution"]
)
def test_a_stage_that_overruns_is_said_once(stage: str, until: float) -> None:
    room = Room()
    room.second = UNKNOWN if stage == "validation" else AGREES
    room.start()
    room.suspect()
    room.look()
    room.seconds += until
    assert ev.StageOverran(stage, until - 1) in room.look()  # type: ignore[arg-type]
    room.seconds += 1
    assert not any(isinstance(body, ev.StageOverran) and body.stage == stage for body in room.look())


@pytest.mark.parametrize("second", [DISAGREES, UNKNOWN])
def test_without_a_second_path_it_waits_for_one_and_is_then_held(second: Second) -> None:
    room = Room()
    room.second = second
    room.start()
    room.suspect()
    room.look()
    assert (room.ours.mode, room.incident.planning) == ("validating", False)
    room.seconds += 61
    room.look()
    assert (room.ours.mode, room.ours.why, room.incident.planning) == ("held", second.words, False)
    room.second = AGREES
    room.seconds += 1
    assert room.look() == [], "it stays held until a person acts"
    room.declare()
    room.look()
    assert (room.ours.outcome, room.ours.words) == ("taken", "eng-1 commands")


def test_what_stops_firing_before_it_was_confirmed_is_held() -> None:
    room = Room()
    room.second = UNKNOWN
    room.start()
    room.suspect()
    room.look()
    room.firing = False
    room.seconds += 61
    room.look()
    assert (room.ours.mode, room.ours.why) == ("held", "health_check does not hold any more")


def test_without_a_release_that_may_be_the_cause_it_only_prepares() -> None:
    room = Room()
    room.attribution = NOTHING
    room.to_plan()
    assert room.ours.mode == "arms"
    assert room.ours.why.startswith("a rollback will not help: nothing is known to have landed")
    assert not room.open_gate()
    assert gate(room.incident, at(room.seconds)).closed == ("1 engineer must say yes",)


def test_where_a_cause_that_is_not_ours_explains_all_of_it_it_only_prepares() -> None:
    room = Room()
    room.in_vain = "the chain's RPC does not answer"
    room.to_plan()
    assert (room.ours.mode, room.ours.why) == ("arms", f"a rollback will not help: {room.in_vain}")
    assert not room.open_gate()


class TestAuthority:
    """Authorised beforehand, or not at all."""

    def test_unsigned_it_prepares_and_waits_at_the_gate(self) -> None:
        room = Room(place("arms"))
        room.to_plan()
        assert room.ours.mode == "arms"
        assert room.ours.why.startswith("no standing authorisation covers health_check")
        assert not room.open_gate()

    def test_signed_it_runs_and_the_gate_names_what_opened_it(self) -> None:
        room = Room(place("arms"))
        room.covered, room.verified = {"health_check": AUTHORISED}, frozenset({AUTHORISED})
        room.to_plan()
        assert (room.ours.mode, room.ours.standing) == ("runs", AUTHORISED)
        assert room.open_gate()
        opened = next(body for body in room.said if isinstance(body, ev.GateOpened))
        assert (opened.automatic, opened.standing, opened.approvers) == (True, AUTHORISED, ())

    def test_it_waits_while_a_signature_is_looked_at(self) -> None:
        room = Room(place("arms"))
        room.covered = {"health_check": AUTHORISED}
        room.start()
        room.suspect()
        room.look()
        assert room.ours.mode == "validating"
        room.verified = frozenset({AUTHORISED})
        room.look()
        assert room.ours.mode == "runs"

    def test_one_that_ends_before_the_gate_opens_nothing(self) -> None:
        room = Room(place("arms"))
        room.covered, room.verified = {"health_check": AUTHORISED}, frozenset({AUTHORISED})
        room.to_plan()
        room.covered = {}
        assert not room.open_gate()
        room.look()
        assert (room.ours.mode, room.ours.why) == (
            "arms",
            f"standing authorisation {AUTHORISED} does not count any more",
        )

    def test_one_for_another_trigger_is_none(self) -> None:
        room = Room(place("arms"))
        room.covered, room.verified = {"error_rate": AUTHORISED}, frozenset({AUTHORISED})
        room.to_plan()
        assert room.ours.mode == "arms"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schema": UNSAFE}, unsafe(UNSAFE)),
        ({"schema": None}, "the schema was not compared"),
        ({"verdict": "unproven"}, "v1.5.0 is unproven"),
        ({"verb": "flush-cache"}, "the plan is not of the code alone"),
    ],
)
def test_a_plan_that_may_not_run_by_itself_waits_at_the_gate(changes: dict[str, Any], why: str) -> None:
    room = Room()
    room.to_plan(**changes)
    assert room.ours.mode == "arms"
    assert room.ours.why.startswith(why)
    assert not room.open_gate()


class TestPeople:
    """Never while a person commands."""

    def test_nothing_begins_in_an_incident_that_somebody_declared(self) -> None:
        room = Room()
        room.start()
        room.suspect()
        room.declare()
        assert room.look() == []

    def test_command_taken_before_the_gate_ends_it_and_the_plan_waits_for_a_yes(self) -> None:
        room = Room()
        room.to_plan()
        room.declare()
        assert not room.open_gate(), "before the engine has said anything"
        room.look()
        assert room.ours.outcome == "taken"
        assert room.incident.plan is not None
        assert room.incident.settled(Phase.PREPARE)
        assert gate(room.incident, at(room.seconds)).closed == ("1 engineer must say yes",)

    def test_command_taken_behind_the_gate_changes_nothing_that_runs(self) -> None:
        room = Room()
        room.to_plan()
        assert room.open_gate()
        room.declare()
        room.look()
        assert (room.ours.active, room.incident.commander) == (True, "eng-1")
        room.say(ev.StepOutcome("push", 1, "done", "", 0.1))
        room.run("deploy", "health")
        room.look()
        assert room.ours.outcome == "rolled back"

    def test_a_plan_that_a_person_asked_for_is_theirs(self) -> None:
        room = Room()
        room.to_plan()
        room.say(ev.PlanningStarted(Wish()), actor="eng-2")
        room.plan()
        room.run("fetch", "worktree")
        assert not room.open_gate()
        room.look()
        assert (room.ours.outcome, room.ours.words) == ("taken", "eng-2 plans anew")

    def test_an_abort_stops_it(self) -> None:
        room = Room()
        room.to_plan()
        assert room.open_gate()
        room.say(ev.RunAborted("no"), actor="eng-2")
        room.look()
        assert (room.ours.outcome, room.ours.words) == ("stopped", "the run was stopped: no")


class TestSwitch:
    """Off means off, at every moment before the gate."""

    def test_off_it_never_begins_and_on_again_it_does(self) -> None:
        room = Room()
        room.start()
        room.say(ev.AutomaticSwitched(on=False, by="person", reason="load test"), actor="pm-1")
        room.suspect()
        assert room.look() == []
        assert au.off(room.state, room.environment) == "pm-1: load test"
        room.say(ev.AutomaticSwitched(on=True, by="person", reason="over"), actor="eng-1")
        room.look()
        assert room.ours.mode == "runs"

    def test_off_before_the_gate_ends_it(self) -> None:
        room = Room()
        room.to_plan()
        room.say(ev.AutomaticSwitched(on=False, by="person", reason="stop"), actor="pm-1")
        assert not room.open_gate()
        room.look()
        assert (room.ours.outcome, room.ours.words) == ("off", "pm-1: stop")

    def test_off_behind_the_gate_lets_it_end(self) -> None:
        room = Room()
        room.to_plan()
        assert room.open_gate()
        room.say(ev.AutomaticSwitched(on=False, by="person", reason="stop"), actor="pm-1")
        room.look()
        assert room.ours.active

    def test_the_file_is_told_when_it_appears_and_when_it_goes(self) -> None:
        room = Room()
        room.start()
        room.file = "the file automatic.off is there"
        room.suspect()
        assert room.look() == [ev.AutomaticSwitched(on=False, by="file", reason=room.file)]
        assert au.off(room.state, room.environment) == "engine: the file automatic.off is there"
        room.file = None
        assert room.look()[0] == ev.AutomaticSwitched(on=True, by="file", reason="")
        assert room.ours.mode == "runs"

    def test_the_strategy_can_switch_it_off_too(self) -> None:
        room = Room(place(enabled=False))
        room.start()
        room.suspect()
        assert room.look() == []


class TestOnce:
    """At most once an incident, not soon again, and never away from what it has put there."""

    def rolled_back(self) -> Room:
        room = Room()
        room.to_plan()
        assert room.open_gate()
        room.say(ev.StepOutcome("push", 1, "done", "", 0.1))
        room.run("deploy", "health")
        room.look()
        return room

    def test_not_twice_in_an_incident(self) -> None:
        room = self.rolled_back()
        room.seconds += 100_000
        assert room.look() == []

    def test_not_within_the_cool_down(self) -> None:
        room = self.rolled_back()
        room.say(ev.IncidentResolved("recovered", "", ""))
        room.seconds += 3599
        room.say(ev.ReleaseSeen("v1.5.4", "9" * 40))
        room.suspect("INC-NEXT")
        room.look()
        assert room.ours.mode == "held"
        assert "none for another 00:01" in room.ours.why

    def test_after_the_cool_down_again(self) -> None:
        room = self.rolled_back()
        room.say(ev.IncidentResolved("recovered", "", ""))
        room.seconds += 3600
        room.say(ev.ReleaseSeen("v1.5.4", "9" * 40))
        room.suspect("INC-NEXT")
        room.look()
        assert room.ours.mode == "runs"

    @pytest.mark.parametrize("commit", ["a" * 40, "a" * 8, "c" * 40, None])
    def test_never_away_from_the_release_that_it_has_put_there(self, commit: str | None) -> None:
        room = self.rolled_back()
        room.say(ev.IncidentResolved("recovered", "", ""))
        room.seconds += 1_000_000
        room.say(ev.ReleaseSeen("v1.5.0", commit))
        room.suspect("INC-NEXT")
        room.look()
        assert room.ours.mode == "held"
        assert room.ours.why.startswith("v1.5.0 was put there by an automatic rollback")


class TestSteps:
    """A step that failed, or that was cut off."""

    def test_a_failed_step_stops_it(self) -> None:
        room = Room()
        room.to_plan()
        assert room.open_gate()
        room.say(ev.StepOutcome("push", 1, "failed", "the remote is gone", 0.1))
        room.look()
        assert (room.ours.outcome, room.ours.words) == ("stopped", "push failed: the remote is gone")

    @pytest.mark.parametrize(
        ("finding", "goes_on"), [("done", True), ("not done", True), ("cannot tell", False)]
    )
    def test_a_step_that_was_cut_off_is_gone_on_with_where_the_probe_can_tell(
        self, finding: Any, *, goes_on: bool
    ) -> None:
        room = Room()
        room.to_plan()
        assert room.open_gate()
        room.start()
        assert room.incident.step("push").status is Status.UNKNOWN
        room.say(ev.StepProbed("push", 1, finding, "it looked"))
        room.look()
        assert room.ours.active is goes_on
        if not goes_on:
            assert room.ours.words == "push was cut off, cannot tell: it looked"

    def test_a_plan_that_cannot_be_made_stops_it(self) -> None:
        room = Room()
        room.start()
        room.suspect()
        room.look()
        room.say(ev.PlanningFailed("the remote is gone"))
        room.look()
        assert (room.ours.outcome, room.ours.words) == ("stopped", "no plan: the remote is gone")


def test_the_alert_is_over_when_every_page_has_an_end_and_delays_nothing() -> None:
    room = Room(place(pages=True))
    room.start()
    room.suspect()
    room.look()
    assert room.ours.mode == "runs"
    assert au.called_up(room.environment, roster(), at()) == ("eng-1", "eng-2")
    room.say(ev.AutomaticPaged("eng-1", "begun", delivered=True, words="ok"))
    room.look()
    assert room.ours.under_way("alert")
    room.say(ev.AutomaticPaged("eng-2", "begun", delivered=False, words="no answer"))
    room.look()
    assert room.ours.stages["alert"].words == "1 page delivered, 1 failed"
    assert room.ours.paged == {paging_key("begun", "eng-1"): True, paging_key("begun", "eng-2"): False}


# -- whatever happens -------------------------------------------------------------------------------

Disturbance = Callable[[Room], None]


def _measure(*, fires: bool, second: Second) -> Disturbance:
    def disturb(room: Room) -> None:
        room.firing, room.second = fires, second

    return disturb


def _sign(*, covered: bool, holds: bool) -> Disturbance:
    def disturb(room: Room) -> None:
        room.covered = {"health_check": AUTHORISED} if covered else {}
        room.verified = frozenset({AUTHORISED} if covered and holds else ())

    return disturb


def _attribute(landed: Attribution) -> Disturbance:
    return lambda room: setattr(room, "attribution", landed)


def _wait(seconds: float) -> Disturbance:
    return lambda room: setattr(room, "seconds", room.seconds + seconds)


def _file(there: str | None) -> Disturbance:
    return lambda room: setattr(room, "file", there)


def _switch(*, on: bool) -> Disturbance:
    switched = ev.AutomaticSwitched(on=on, by="person", reason="because")
    return lambda room: room.say(switched, actor="eng-1")


def _land(release: str, commit: str) -> Disturbance:
    return lambda room: room.say(ev.ReleaseSeen(release, commit))


def _take_command(room: Room) -> None:
    if room.state.open_incident and not room.incident.commander:
        room.declare()


DISTURBANCES = st.sampled_from(
    [
        Room.start,
        Room.look,
        _take_command,
        _measure(fires=False, second=AGREES),
        _measure(fires=True, second=AGREES),
        _measure(fires=True, second=DISAGREES),
        _measure(fires=True, second=UNKNOWN),
        _attribute(NOTHING),
        _attribute(LANDED),
        _sign(covered=True, holds=True),
        _sign(covered=True, holds=False),
        _sign(covered=False, holds=False),
        _switch(on=False),
        _switch(on=True),
        _file("there"),
        _file(None),
        _wait(5),
        _wait(70),
        _wait(400),
        _wait(4000),
        _land("v1.5.3", "3" * 40),
        _land("v1.5.0", "a" * 40),
    ]
)
"""Whatever people, monitors, clocks and crashes may do in between."""
_SOME = st.lists(DISTURBANCES, max_size=2)
INCIDENTS = st.lists(st.tuples(_SOME, _SOME, _SOME, _SOME, st.booleans()), min_size=1, max_size=4)
"""For each of a few incidents what happens before it, before the plan, before and after its preparation;
and whether the plan is safe."""


@given(st.sampled_from(["runs", "arms"]), INCIDENTS)
@settings(max_examples=400, deadline=None)
def test_a_gate_opens_by_itself_only_where_everything_speaks_for_it(
    unsigned: str, incidents: list[tuple[list[Disturbance], ...]]
) -> None:
    room = Room(place(unsigned))
    room.covered, room.verified = {"health_check": AUTHORISED}, frozenset({AUTHORISED})
    room.start()
    opened: list[float] = []
    for number, (before, planning, preparing, waiting, safe) in enumerate(incidents):
        for disturb in before:
            disturb(room)
        room.suspect(f"INC-{number}")
        room.look()
        for disturb in planning:
            disturb(room)
        room.look()
        if room.incident.planning:
            room.plan(schema=SAFE if safe else UNSAFE)
        for disturb in preparing:
            disturb(room)
        room.look()
        if room.incident.plan:
            room.run("fetch", "worktree")
        for disturb in waiting:
            disturb(room)
        if room.incident.plan and room.open_gate():
            event("a gate opened")
            _everything_speaks_for_it(room, safe=bool(safe), before=opened)
            opened.append(room.seconds)
            room.look()
            assert not room.open_gate(), "twice"
        room.look()
        room.say(ev.IncidentResolved("mitigated", "", ""), actor="eng-1")


def _everything_speaks_for_it(room: Room, *, safe: bool, before: Sequence[float]) -> None:
    """What must be so in the moment in which a gate has opened by itself."""
    incident, rule, run = room.incident, room.environment.automatic, room.incident.automatic
    assert rule is not None
    assert run is not None
    assert not au.off(room.state, room.environment), "switched off"
    assert incident.commander is None, "a person commands"
    assert room.firing, "nothing fires"
    assert room.second.agrees, "no second path"
    assert LANDED.words in run.why, "no attribution"
    assert safe, "unsafe"
    signed = bool(room.covered) and AUTHORISED in room.verified
    assert signed if run.standing else rule.unsigned == "runs", "nobody has authorised it"
    if before:
        decided = run.stages["execution"].began
        assert decided.seconds_since(at(before[-1])) >= rule.cool_down, "within the cool-down"


@pytest.mark.parametrize("unsigned", ["runs", "arms"])
def test_a_gate_does_open_where_everything_speaks_for_it(unsigned: str) -> None:
    """Else what is never seen above would prove nothing."""
    room = Room(place(unsigned))
    room.covered, room.verified = {"health_check": AUTHORISED}, frozenset({AUTHORISED})
    room.to_plan()
    assert room.open_gate()
    _everything_speaks_for_it(room, safe=True, before=())
