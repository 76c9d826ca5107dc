"""The desk: every request is granted by the events it leads to, or refused with its reason."""

from typing import Any

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body, Draft
from console.core.metrics import Rung
from console.core.plan import DataChange, Prerequisite, RowsChange, Wish
from console.core.requests import AnyAsk, Choice, Request
from console.core.roster import Roster
from console.core.wishes import of_rows
from console.engine.desk import Desk, new_incident
from console.engine.grants import RefusedError
from tests.unit.core import kit
from tests.unit.core.kit import ENV, INCIDENT, at
from tests.unit.engine.kit import Desktop, environment

HEAD = "e" * 64
ROSTER = Roster.model_validate(
    {
        "schema": "warroom.roster/1",
        "people": [
            {"handle": "eng-1", "roles": ["engineer"]},
            {"handle": "eng-2", "roles": ["engineer"], "deputy_for": ["security"]},
            {"handle": "pm-1", "roles": ["product"]},
            {"handle": "new-1", "roles": []},
            {"handle": "oncall-1", "roles": ["on-call-engineer"]},
        ],
    }
)


class Office(Desktop):
    """A desk, and what it is asked."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.desk = Desk(ENV, environment(**changes), ROSTER, lambda: self.book.state)

    def ask(self, ask: AnyAsk, actor: str = "eng-1", environment: str = ENV) -> tuple[Body, ...]:
        """What the desk answers."""
        request = Request("r1", environment, actor, at(50), ask)
        return self.desk.answer(request, at(60), HEAD)

    def refusal(self, ask: AnyAsk, actor: str = "eng-1", environment: str = ENV) -> str:
        """Why the desk refuses."""
        with pytest.raises(RefusedError) as refused:
            self.ask(ask, actor, environment)
        return str(refused.value)


@pytest.fixture
def office() -> Office:
    return Office()


def at_gate(office: Office, **changes: Any) -> str:
    """A plan whose prepare is done; its hash."""
    hashed = office.declare(**changes)
    office.run("fetch", "worktree")
    return hashed


def switching(office: Office) -> None:
    """A run whose gate is open."""
    hashed = at_gate(office)
    office.claim()
    office.say(ev.GateOpened(hashed, ("eng-1",), ()))


EVERY_ASK: list[AnyAsk] = [
    rq.Declare(note=""),
    rq.SwitchAutomatic(on=False, reason="load test"),
    rq.ChangeSeverity("SEV-1", "x"),
    rq.Replan(),
    rq.MoveOnset(0, "x"),
    rq.Errand("backup"),
    rq.Go("", ""),
    rq.Decide("push", Choice.RETRY),
    rq.Abort("x"),
    rq.Resume(),
    rq.Run(),
    rq.SetPace("step"),
    rq.Undo("", ENV),
    rq.Note("x"),
    rq.Tick("accessible"),
    rq.Waive("ticket", "x"),
    rq.Resolve("recovered"),
    rq.RecordRelease("v1.5.0", "a" * 40),
    rq.MarkRelease("v1.5.0", "good", "x"),
    rq.Stop(),
]
NAMES = [type(ask).__name__.lower() for ask in EVERY_ASK]


# -- anybody's request --------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", EVERY_ASK, ids=NAMES)
def test_a_request_for_another_environment_is_refused(office: Office, ask: AnyAsk) -> None:
    assert office.refusal(ask, environment="production") == "this is the engine of testnet, not of production"


@pytest.mark.parametrize("ask", EVERY_ASK, ids=NAMES)
def test_a_request_of_a_stranger_is_refused(office: Office, ask: AnyAsk) -> None:
    words = "mallory is not in the roster: act as one who is, with --as HANDLE"
    assert office.refusal(ask, actor="mallory") == words


@pytest.mark.parametrize("ask", EVERY_ASK, ids=NAMES)
def test_a_journal_that_a_newer_program_wrote_takes_no_request(office: Office, ask: AnyAsk) -> None:
    office.declare()
    office.freeze(environment=None)
    assert office.refusal(ask) == (
        "the journal holds plan.frozen version 1, its plan of another shape, which a newer Warroom wrote"
    )


_NEED_AN_INCIDENT = [
    ask
    for ask in EVERY_ASK
    if not isinstance(
        ask,
        rq.Declare | rq.Errand | rq.Note | rq.SwitchAutomatic | rq.RecordRelease | rq.MarkRelease | rq.Stop,
    )
]
_NEED_A_COMMANDER = [ask for ask in _NEED_AN_INCIDENT if not isinstance(ask, rq.Tick | rq.Resolve)]


@pytest.mark.parametrize("ask", _NEED_AN_INCIDENT, ids=lambda ask: type(ask).__name__.lower())
def test_without_an_incident_there_is_nothing_to_act_on(office: Office, ask: AnyAsk) -> None:
    assert office.refusal(ask) == "no incident is open: declare one first"


@pytest.mark.parametrize("ask", _NEED_A_COMMANDER, ids=lambda ask: type(ask).__name__.lower())
def test_an_incident_that_is_only_suspected_has_nobody_to_act(office: Office, ask: AnyAsk) -> None:
    office.suspect()
    assert office.refusal(ask) == "INC-7QK2 is only suspected: declare it first"


# -- declare ------------------------------------------------------------------------------------------


def test_declaring_a_suspected_incident_keeps_its_onset_and_its_triggers(office: Office) -> None:
    office.suspect()
    (body,) = office.ask(rq.Declare("gas settings", ("keys_exposed", "keys_exposed")))
    assert body == ev.IncidentDeclared(
        commander="eng-1",
        severity="SEV-3",
        note="gas settings",
        triggers=("health_check > 3", "keys_exposed"),
        onset=at(),
        samples_from=at(),
    )


RULE = {"otherwise": "SEV-3", "mandatory": "SEV-2", "automatic": "SEV-1"}


@pytest.mark.parametrize(
    ("rung", "triggers", "severity"),
    [
        (Rung.WARN, (), "SEV-3"),
        (Rung.WARN, ("keys_exposed",), "SEV-2"),
        (Rung.MANDATORY, (), "SEV-2"),
        (Rung.AUTOMATIC, (), "SEV-1"),
    ],
)
def test_the_severity_follows_from_the_worst_rung(
    rung: Rung, triggers: tuple[str, ...], severity: str
) -> None:
    office = Office(severity=RULE)
    office.say(ev.RungChanged("health_check", "health", Rung.OK, rung, 4.0, None, "count", ""))
    (body,) = office.ask(rq.Declare("", triggers))
    assert isinstance(body, ev.IncidentDeclared)
    assert body.severity == severity


class TestSeverity:
    """A person knows better than a rule."""

    def test_the_commander_says_how_grave_it_is(self, office: Office) -> None:
        office.declare()
        said = office.ask(rq.ChangeSeverity("SEV-1", "the whole of the beta"))
        assert said == (ev.SeverityChanged("SEV-1", "the whole of the beta"),)
        office.say(*said)
        assert office.book.state.open_incident
        assert office.book.state.open_incident.severity == "SEV-1"
        assert office.refusal(rq.ChangeSeverity("SEV-1", "again")) == f"{INCIDENT} is SEV-1 already"

    def test_so_does_the_on_call_engineer_and_nobody_else(self, office: Office) -> None:
        office.declare()
        assert office.ask(rq.ChangeSeverity("SEV-2", "users write in"), "oncall-1")
        assert office.refusal(rq.ChangeSeverity("SEV-2", "users write in"), "pm-1") == (
            "pm-1 is product; on-call-engineer may change the severity, beside the commander"
        )

    def test_it_is_one_of_three_and_has_a_reason(self, office: Office) -> None:
        office.declare()
        unknown = office.refusal(rq.ChangeSeverity("SEV-0", "bad"))
        assert unknown == "no severity SEV-0; there are SEV-1, SEV-2, SEV-3"
        assert office.refusal(rq.ChangeSeverity("SEV-1", " ")).startswith(
            "a severity is changed with a reason"
        )


def test_what_nobody_suspected_begins_when_it_is_declared(office: Office) -> None:
    (body,) = office.ask(rq.Declare("seen by hand", ("data_lost",)))
    assert isinstance(body, ev.IncidentDeclared)
    assert (body.onset, body.triggers) == (at(60), ("data_lost",))


def test_an_incident_is_declared_once(office: Office) -> None:
    office.declare()
    assert office.refusal(rq.Declare("me too"), "eng-2") == "INC-7QK2 is declared already, by eng-1"


def test_a_trigger_that_the_strategy_does_not_have_is_refused(office: Office) -> None:
    words = "no trigger aliens; there are keys_exposed, data_lost"
    assert office.refusal(rq.Declare("", ("aliens", "data_lost"))) == words


def test_incidents_are_numbered_apart() -> None:
    desk = Desktop()
    first = new_incident(desk.book.state, at(1))
    desk.suspect()
    assert new_incident(desk.book.state, at(1)) != first


# -- replan -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [None, "v1.5.1"])
def test_a_new_plan_can_be_asked_for(office: Office, target: str | None) -> None:
    office.declare()
    assert office.ask(rq.Replan(Wish(target))) == (ev.PlanningStarted(Wish(target)),)


def test_two_plans_are_not_made_at_once(office: Office) -> None:
    """The second request's target would be lost."""
    office.declare()
    office.say(ev.PlanningStarted(Wish("v1.5.1")))
    assert office.refusal(rq.Replan(Wish("v1.5.0"))) == "a plan is being made: wait for it"


def test_a_plan_is_not_replaced_under_a_step_that_runs(office: Office) -> None:
    office.declare()
    office.begin("fetch")
    assert office.refusal(rq.Replan()) == "fetch is under way: abort, or wait for it"


def test_a_plan_that_was_carried_out_is_not_replaced(office: Office) -> None:
    switching(office)
    office.run("push", "deploy", "health", "tidy")
    words = "the plan has been carried out: resolve the incident, or declare a new one"
    assert office.refusal(rq.Replan()) == words


# -- go -----------------------------------------------------------------------------------------------


def test_a_yes_names_the_plan_and_the_roles_it_was_said_in(office: Office) -> None:
    hashed = at_gate(office)
    assert office.ask(rq.Go(hashed, ENV)) == (ev.GateClaimed(hashed, ("engineer",)),)
    assert office.ask(rq.Go(hashed, ENV), "eng-2") == (ev.GateClaimed(hashed, ("engineer", "security")),)


def test_a_yes_may_come_while_prepare_is_under_way(office: Office) -> None:
    hashed = office.declare()
    office.begin("fetch")
    assert office.ask(rq.Go(hashed, ENV)) == (ev.GateClaimed(hashed, ("engineer",)),)


def test_a_yes_to_no_plan(office: Office) -> None:
    office.suspect()
    office.say(ev.IncidentDeclared("eng-1", "SEV-3", "", (), at(), at()), actor="eng-1")
    assert office.refusal(rq.Go("", ENV)) == "there is no plan yet"


def test_a_yes_to_a_plan_that_is_about_to_be_replaced(office: Office) -> None:
    """Whoever says it has not read the plan that it would open the gate for."""
    shown = at_gate(office)
    office.say(ev.PlanningStarted(Wish()))
    assert office.refusal(rq.Go(shown, ENV)) == "a plan is being made: wait for it"
    office.say(ev.PlanningFailed("the remote does not answer"))
    assert office.ask(rq.Go(shown, ENV))


def test_a_yes_to_a_plan_that_has_changed_since(office: Office) -> None:
    old = at_gate(office)
    office.freeze(releases_back=1)
    words = "the plan has changed since you read it: look at the new one and say yes to that"
    assert office.refusal(rq.Go(old, ENV)) == words


@pytest.mark.parametrize("typed", ["", "Testnet", "testnet ", "production"])
def test_a_yes_is_the_environments_name_to_the_letter(office: Office, typed: str) -> None:
    hashed = at_gate(office)
    assert office.refusal(rq.Go(hashed, typed)) == f"typed {typed!r}, but this is testnet"


def test_a_typed_name_is_no_signature(office: Office) -> None:
    hashed = at_gate(office, proof="signature")
    words = "this environment asks for signatures, not for a typed name: A asks for one"
    assert office.refusal(rq.Go(hashed, ENV)) == words


def test_a_yes_to_a_gate_that_is_open(office: Office) -> None:
    switching(office)
    assert office.refusal(rq.Go(office.incident.plan_hash or "", ENV), "eng-2") == "the gate is open already"


@pytest.mark.parametrize(("actor", "is_"), [("pm-1", "product"), ("new-1", "nobody")])
def test_a_yes_of_somebody_whose_yes_is_not_asked_for(office: Office, actor: str, is_: str) -> None:
    hashed = at_gate(office)
    assert office.refusal(rq.Go(hashed, ENV), actor) == f"{actor} is {is_}; engineer must say yes"


def test_a_second_yes_of_the_same_person(office: Office) -> None:
    hashed = at_gate(office)
    office.claim("eng-1")
    assert office.refusal(rq.Go(hashed, ENV)) == "eng-1 has said yes to this plan already"
    office.freeze(releases_back=1)
    assert office.ask(rq.Go(office.incident.plan_hash or "", ENV))


def test_where_the_initiator_does_not_count_somebody_else_must_say_yes() -> None:
    approvers = [{"role": "engineer", "count": 1}]
    rules = {"approvers": approvers, "proof": "claim", "within": "0s", "initiator_may_approve": "never"}
    office = Office(authorisation=rules)
    hashed = at_gate(office)
    words = "eng-1 asked for the rollback: here somebody else must say yes"
    assert office.refusal(rq.Go(hashed, ENV)) == words
    assert office.ask(rq.Go(hashed, ENV), "eng-2")


def test_whoever_asked_for_the_plan_is_an_initiator_too() -> None:
    """Not the commander alone: else somebody could ask for what they then approve."""
    approvers = [{"role": "engineer", "count": 1}]
    rules = {"approvers": approvers, "proof": "claim", "within": "0s", "initiator_may_approve": "never"}
    office = Office(authorisation=rules)
    at_gate(office)
    office.say(ev.PlanningStarted(Wish()), actor="eng-2")
    hashed = office.freeze(releases_back=1)
    office.run("fetch", "worktree")
    words = "eng-2 asked for the rollback: here somebody else must say yes"
    assert office.refusal(rq.Go(hashed, ENV), "eng-2") == words


# -- decide -------------------------------------------------------------------------------------------


def failed(office: Office) -> None:
    switching(office)
    office.begin("push")
    office.end("push", "failed")


@pytest.mark.parametrize("choice", [Choice.RETRY, Choice.SKIP, Choice.ABORT])
def test_a_step_that_failed_is_decided(office: Office, choice: Choice) -> None:
    failed(office)
    decided = ev.StepDecided("push", 1, choice, "because")
    assert office.ask(rq.Decide("push", choice, "because")) == (decided,)


def test_a_step_that_failed_cannot_be_taken_as_done(office: Office) -> None:
    failed(office)
    words = "push can be answered with retry, skip, abort, not with continue"
    assert office.refusal(rq.Decide("push", Choice.CONTINUE)) == words


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_step_is_not_skipped_without_a_reason(office: Office, reason: str) -> None:
    failed(office)
    words = "a step is skipped by name and with a reason: give one"
    assert office.refusal(rq.Decide("push", Choice.SKIP, reason)) == words


def test_an_unclear_step_is_decided_when_somebody_has_looked(office: Office) -> None:
    switching(office)
    office.begin("push")
    office.crash()
    assert office.refusal(rq.Decide("push", Choice.RETRY)) == "push is unknown: it is being looked into"
    office.say(ev.StepProbed("push", 1, "cannot tell", "no answer"))
    for choice in set(Choice) - {Choice.REDEPLOY}:
        decided = ev.StepDecided("push", 1, choice, "seen")
        assert office.ask(rq.Decide("push", choice, "seen")) == (decided,)


@pytest.mark.parametrize(("step", "status"), [("fetch", "done"), ("push", "waiting")])
def test_there_is_nothing_to_decide_about_a_step_that_asks_nothing(
    office: Office, step: str, status: str
) -> None:
    switching(office)
    words = f"{step} is {status}: there is nothing to decide about it"
    assert office.refusal(rq.Decide(step, Choice.RETRY)) == words


def test_a_step_that_the_plan_does_not_have(office: Office) -> None:
    switching(office)
    words = "no step dploy in the plan; there are fetch, worktree, push, deploy, health, tidy"
    assert office.refusal(rq.Decide("dploy", Choice.RETRY)) == words
    office.say(ev.PlanningStarted(Wish()))
    assert office.refusal(rq.Decide("push", Choice.RETRY)) == "a plan is being made: wait for it"


# -- abort and resume ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "kept"), [("think first", "think first"), ("", "eng-1 said so")])
def test_a_run_is_aborted_with_a_reason(office: Office, given: str, kept: str) -> None:
    office.declare()
    assert office.ask(rq.Abort(given)) == (ev.RunAborted(kept),)


def test_a_run_is_aborted_once_and_resumed_once(office: Office) -> None:
    office.declare()
    assert office.refusal(rq.Resume()) == "the run is not aborted"
    office.say(ev.RunAborted("wait"))
    assert office.refusal(rq.Abort("again")) == "the run is aborted already"
    assert office.ask(rq.Resume()) == (ev.RunResumed(),)


def test_what_does_not_run_cannot_be_aborted(office: Office) -> None:
    switching(office)
    office.run("push", "deploy", "health", "tidy")
    assert office.refusal(rq.Abort("stop")) == "nothing runs that could be aborted"
    office.say(ev.PlanningStarted(Wish()))
    assert office.refusal(rq.Abort("stop")) == "nothing runs that could be aborted"


# -- note and tick ------------------------------------------------------------------------------------


def test_a_note_can_be_said_at_any_time(office: Office) -> None:
    assert office.ask(rq.Note("all quiet")) == (ev.NoteAdded("all quiet"),)
    office.declare()
    assert office.ask(rq.Note("not any more")) == (ev.NoteAdded("not any more"),)


def test_an_empty_note_is_none(office: Office) -> None:
    assert office.refusal(rq.Note(" \n")) == "an empty note says nothing"


def test_an_item_is_ticked_and_unticked(office: Office) -> None:
    office.suspect()
    assert office.refusal(rq.Tick("logs", done=False)) == "logs is not ticked"
    (ticked,) = office.ask(rq.Tick("logs", "I looked"))
    assert ticked == ev.ItemTicked("logs", done=True, note="I looked", step=None)
    office.say(ticked, actor="eng-1")
    assert office.refusal(rq.Tick("logs")) == "logs is ticked already"
    assert office.ask(rq.Tick("logs", done=False)) == (ev.ItemTicked("logs", done=False, note=""),)


def test_an_item_that_is_not_on_the_checklist(office: Office) -> None:
    office.suspect()
    assert office.refusal(rq.Tick("nope")) == "no item nope on the checklist; there are accessible, logs"


# -- resolve and stop ---------------------------------------------------------------------------------


def test_a_rollback_that_was_carried_out_is_recovered(office: Office) -> None:
    switching(office)
    office.run("push", "deploy", "health", "tidy")
    assert office.ask(rq.Resolve("recovered")) == (ev.IncidentResolved("recovered", "", HEAD),)


def test_what_was_not_carried_out_or_not_proven_is_not_recovered(office: Office) -> None:
    words = "the plan has not been carried out: it can end as mitigated or as a false alarm"
    office.suspect()
    assert office.refusal(rq.Resolve("recovered")) == words
    office = Office()
    switching(office)
    office.run("push", "deploy")
    assert office.refusal(rq.Resolve("recovered")) == words
    office.begin("health")
    office.end("health", "failed")
    office.say(ev.StepDecided("health", 1, Choice.SKIP, "looks fine"), actor="eng-1")
    office.run("tidy")
    words = "not proven: healthy: it can end as mitigated or as a false alarm"
    assert office.refusal(rq.Resolve("recovered", "looks fine")) == words


@pytest.mark.parametrize("outcome", ["mitigated", "false alarm"])
def test_any_other_end_takes_a_note(office: Office, outcome: str) -> None:
    office.suspect()
    assert office.refusal(rq.Resolve(outcome, " ")) == f"to end as {outcome} it takes a note that says why"
    (body,) = office.ask(rq.Resolve(outcome, "the flag is off"))
    assert isinstance(body, ev.IncidentResolved)
    assert (body.outcome, body.note, body.head) == (outcome, "the flag is off", HEAD)


def test_an_end_that_does_not_exist(office: Office) -> None:
    office.suspect()
    words = "an incident ends as recovered, mitigated, false alarm, not as 'fixed'"
    assert office.refusal(rq.Resolve("fixed")) == words


def test_nothing_is_resolved_under_a_step_that_runs(office: Office) -> None:
    office.declare()
    office.begin("fetch")
    words = "fetch is under way: wait for it, or abort"
    assert office.refusal(rq.Resolve("mitigated", "the flag is off")) == words


def test_an_engine_ends_when_it_is_asked_to(office: Office) -> None:
    assert office.ask(rq.Stop(), "eng-2") == (ev.EngineStopped("eng-2 asked for it"),)


# -- data ---------------------------------------------------------------------------------------------

BACKUPS = {"backups": {"folder": "backups"}}
DATA = DataChange("point in time", at(0).utc_us, at(1).utc_us, 200)


def test_a_plan_that_swaps_data_wants_the_name_twice() -> None:
    office = Office()
    hashed = at_gate(office, data=DATA)
    assert office.refusal(rq.Go(hashed, ENV)) == "this plan swaps data: type testnet once more"
    assert office.refusal(rq.Go(hashed, ENV, "Testnet")) == "this plan swaps data: type testnet once more"
    assert office.ask(rq.Go(hashed, ENV, ENV))


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(code=False), "a plan that changes neither code nor data, and does nothing else, is none"),
        (Wish(code=False, verb="flush-cash"), "no verb flush-cash that can be asked for this way; there are"),
        (Wish(code=False, verb="backup"), "no verb backup that can be asked for this way; there are"),
        (Wish(verb="swap-back"), "the strategy names no `backups` of this environment"),
    ],
    ids=["nothing", "no such verb", "a verb that runs alone", "no backups"],
)
def test_a_plan_that_nobody_can_make_is_refused_when_it_is_asked_for(wish: Wish, words: str) -> None:
    office = Office()
    at_gate(office)
    assert office.refusal(rq.Replan(wish)).startswith(words)


def test_a_verb_may_follow_a_plan_that_was_carried_out() -> None:
    """To swap back, for one; another rollback may not."""
    office = Office(**BACKUPS)
    switching(office)
    office.run("push", "deploy", "health", "tidy")
    assert office.ask(rq.Replan(Wish(code=False, verb="swap-back")))
    assert "has been carried out" in office.refusal(rq.Replan(Wish(data="b-1")))


RECOVERY = {"recovery": {"before": "15m", "loss_at_most": 50}}
ROWS = of_rows("users", ["7"], "b-1")


def test_rows_go_back_by_key_in_a_plan_of_their_own_also_after_the_way_back() -> None:
    """Nothing that is planned with them could damage them once more."""
    office = Office(**BACKUPS, **RECOVERY)
    switching(office)
    assert office.ask(rq.Replan(ROWS))
    refused = office.refusal(rq.Replan(replace(ROWS, code=True)))
    assert refused == "rows go back by key in a plan of their own, when nothing else changes"
    office.run("push", "deploy", "health", "tidy")
    assert office.ask(rq.Replan(ROWS))


def test_the_release_can_still_go_back_when_rows_have() -> None:
    office = Office(**BACKUPS, **RECOVERY)
    fetch, worktree, *steps = kit.STEPS
    rows = RowsChange("users", ("7",), "b-1", at(0).utc_us)
    hashed = office.declare(replace(fetch, action="show-rows"), worktree, *steps, rows=rows)
    office.run("fetch", "worktree")
    office.claim()
    office.say(ev.GateOpened(hashed, ("eng-1",), ()))
    office.run("push", "deploy", "health", "tidy")
    assert office.incident.finished
    assert office.ask(rq.Replan(Wish()))


def test_rows_without_a_table_a_key_or_a_recovery_are_refused() -> None:
    office = Office(**BACKUPS)
    at_gate(office)
    assert "names no `recovery`" in office.refusal(rq.Replan(ROWS))
    office = Office(**BACKUPS, **RECOVERY)
    at_gate(office)
    for options in ({}, {"table": "users"}, {"table": "users", "keys": "7"}):
        refused = office.refusal(rq.Replan(replace(ROWS, options=options)))
        assert refused == "rows go back by a table and at least one key: name both"


def test_a_yes_to_single_rows_is_typed_once_when_they_can_be_read() -> None:
    office = Office(**BACKUPS, **RECOVERY)
    fetch, worktree, *steps = kit.STEPS
    of_rows = (replace(fetch, action="show-rows"), worktree, *steps)
    hashed = office.declare(*of_rows, rows=RowsChange("users", ("7",), "b-1", at(0).utc_us))
    office.begin("fetch")
    assert office.refusal(rq.Go(hashed, ENV)) == (
        "what becomes of each row is not shown yet: wait until the rows are read"
    )
    attempt = office.incident.step("fetch").attempt
    office.say(ev.StepOutcome("fetch", attempt, "done", "read", 0.1, {"row:7": "name is 1, was 2"}))
    assert office.ask(rq.Go(hashed, ENV))


def test_a_moved_onset_asks_for_a_new_plan_of_rows() -> None:
    """The copy that they come out of has to end before it."""
    office = Office(**BACKUPS, **RECOVERY)
    at_gate(office, rows=RowsChange("users", ("7",), "b-1", at(0).utc_us))
    assert len(office.ask(rq.MoveOnset(at(-30).utc_us, "the deploy"))) == 2


def test_a_verb_of_the_cache_needs_a_cache() -> None:
    office = Office(**BACKUPS)
    at_gate(office)
    refused = office.refusal(rq.Replan(Wish(code=False, verb="flush-cache")))
    assert refused == "the strategy names no `cache` of this environment"


def test_a_backup_can_be_asked_for_before_anything_is_declared() -> None:
    office = Office(**BACKUPS)
    assert office.ask(rq.Errand("backup")) == (ev.ErrandBegun(Wish(code=False, verb="backup")),)


def test_one_errand_at_a_time() -> None:
    office = Office(**BACKUPS)
    begun = ev.ErrandBegun(Wish(code=False, verb="backup"))
    office.book.append(Draft(begun, office.clock.now(), "RUN-3HXP", "eng-1"))
    assert office.refusal(rq.Errand("backup")) == "RUN-3HXP, backup, is under way: wait for it"


def test_a_moved_onset_keeps_its_place_in_boot_time_and_asks_for_a_new_plan_of_the_data() -> None:
    office = Office(**BACKUPS)
    at_gate(office, data=DATA)
    earlier = office.clock.now().utc_us - 30_000_000
    moved, again = office.ask(rq.MoveOnset(earlier, "the deploy was at that time"))
    assert isinstance(moved, ev.OnsetMoved)
    assert moved.onset.utc_us == earlier
    assert office.clock.now().seconds_since(moved.onset) == 30
    assert again == ev.PlanningStarted(office.incident.wish)


def test_a_moved_onset_leaves_a_plan_that_keeps_the_data() -> None:
    office = Office()
    at_gate(office)
    assert len(office.ask(rq.MoveOnset(at(-30).utc_us, "the deploy"))) == 1


def test_an_onset_is_not_moved_without_a_reason_into_the_future_or_behind_the_gate() -> None:
    office = Office()
    hashed = at_gate(office)
    later = office.clock.now().utc_us + 3_600_000_000
    assert office.refusal(rq.MoveOnset(later, "x")) == "the onset cannot lie in the future"
    assert office.refusal(rq.MoveOnset(0, " ")) == "the onset is moved with a reason: give one"
    office.claim()
    office.say(ev.GateOpened(hashed, ("eng-1",), ()))
    assert office.refusal(rq.MoveOnset(0, "x")).startswith("the gate is open")


# -- prerequisites ------------------------------------------------------------------------------------

_RULES = [
    {"id": "told", "title": "security told", "proof": {"kind": "hand"}},
    {"id": "audit", "title": "audit passed", "proof": {"kind": "hand", "roles": ["security"]}},
    {"id": "lead", "title": "lead approval", "proof": {"kind": "approval", "role": "security"}},
]


@pytest.fixture
def guarded() -> Office:
    """A desk whose strategy has prerequisites."""
    return Office(prerequisites=_RULES)


def test_a_prerequisite_is_ticked_before_the_gate_with_a_note(guarded: Office) -> None:
    guarded.declare()
    words = "told is ticked with a note: say how you know"
    assert guarded.refusal(rq.Tick("told", note=" ")) == words
    ticked = ev.ItemTicked("told", done=True, note="by phone")
    assert guarded.ask(rq.Tick("told", "by phone")) == (ticked,)
    guarded.say(ticked, actor="eng-1")
    assert guarded.refusal(rq.Tick("told", "by phone")) == "told is ticked already"
    assert guarded.ask(rq.Tick("told", done=False)) == (ev.ItemTicked("told", done=False, note=""),)


def test_what_only_a_role_can_confirm_is_ticked_by_that_role(guarded: Office) -> None:
    guarded.declare()
    words = "eng-1 is engineer; security may tick audit"
    assert guarded.refusal(rq.Tick("audit", "seen")) == words
    assert guarded.ask(rq.Tick("audit", "seen"), "eng-2")


def test_what_something_else_shows_is_not_ticked_by_hand(guarded: Office) -> None:
    guarded.declare()
    words = "lead is not ticked by hand: it is shown by the yes of somebody who holds the role"
    assert guarded.refusal(rq.Tick("lead", "trust me")) == words


def test_after_the_gate_it_is_too_late(guarded: Office) -> None:
    switching(guarded)
    words = "the gate is open: what had to be done before it is decided"
    assert guarded.refusal(rq.Tick("told", "by phone")) == words


def test_somebody_of_a_role_that_only_a_prerequisite_names_may_say_yes(guarded: Office) -> None:
    lead = Prerequisite("lead", "lead approval", "approval", (), ("product",))
    hashed = at_gate(guarded, prerequisites=(lead,))
    assert guarded.ask(rq.Go(hashed, ENV), "pm-1") == (ev.GateClaimed(hashed, ("product",)),)


WAIVABLE = Prerequisite("backup", "a backup", "evidence", ("backup",), (), ("security",))
FIRM = Prerequisite("told", "security told", "hand")


def test_a_waiver_names_the_plan_and_the_reason(office: Office) -> None:
    hashed = at_gate(office, prerequisites=(WAIVABLE, FIRM))
    waived = ev.ItemWaived("backup", hashed, "the disk is full")
    assert office.ask(rq.Waive("backup", "the disk is full"), "eng-2") == (waived,)


@pytest.mark.parametrize(
    ("item", "reason", "actor", "why"),
    [
        ("backup", "x", "eng-1", "eng-1 is engineer; security may waive backup"),
        ("backup", " ", "eng-2", "a prerequisite is waived by name and with a reason: give one"),
        ("told", "x", "eng-2", "told cannot be waived"),
        ("tolld", "x", "eng-2", "no prerequisite tolld; there are backup, told"),
    ],
)
def test_only_what_may_be_waived_by_whom_and_why(
    office: Office, item: str, reason: str, actor: str, why: str
) -> None:
    at_gate(office, prerequisites=(WAIVABLE, FIRM))
    assert office.refusal(rq.Waive(item, reason), actor) == why


def test_what_is_met_is_not_waived(office: Office) -> None:
    met = replace(WAIVABLE, slots=("good-tree",))
    at_gate(office, prerequisites=(met,))
    words = "backup is met, by so it is: there is nothing to waive"
    assert office.refusal(rq.Waive("backup", "x"), "eng-2") == words


def test_after_the_gate_nothing_is_waived(office: Office) -> None:
    hashed = at_gate(office, prerequisites=(WAIVABLE,))
    office.say(ev.GateOpened(hashed, ("eng-1",), ()))
    assert office.refusal(rq.Waive("backup", "x"), "eng-2") == "the gate is open already"


# -- people who count only on some days -----------------------------------------------------------------


def test_whoever_does_not_count_today_says_no_yes_and_waives_nothing(guarded: Office) -> None:
    """The tests' day is 2025-10-09."""
    people = [
        {"handle": "eng-1", "roles": ["engineer"], "valid_until": "2025-10-08"},
        {"handle": "eng-2", "roles": ["engineer", "security"], "valid_from": "2025-10-10"},
    ]
    roster = Roster.model_validate({"schema": "warroom.roster/1", "people": people})
    guarded.desk = Desk(ENV, environment(prerequisites=_RULES), roster, lambda: guarded.book.state)
    hashed = at_gate(guarded, prerequisites=(WAIVABLE,))
    gone = "eng-1 counted only until 2025-10-08, says the roster"
    not_yet = "eng-2 counts only from 2025-10-10 on, says the roster"
    assert guarded.refusal(rq.Go(hashed, ENV)) == gone
    assert guarded.refusal(rq.Tick("told", "by phone")) == gone
    assert guarded.refusal(rq.Go(hashed, ENV), "eng-2") == not_yet
    assert guarded.refusal(rq.Waive("backup", "x"), "eng-2") == not_yet
    assert guarded.ask(rq.Note("still here")), "what they see is worth hearing"


# -- the kill switch of automatic rollback -----------------------------------------------------------

AUTOMATIC = {
    "unsigned": "runs",
    "release_within": "24h",
    "stages": dict.fromkeys(("detection", "alert", "validation", "execution", "verification"), "1m"),
}


class TestAutomaticSwitch:
    """Off for everybody in the roster, on for those who would have to say yes."""

    OFF = rq.SwitchAutomatic(on=False, reason="load test")
    ON = rq.SwitchAutomatic(on=True, reason="over")

    def switched_off(self) -> Office:
        office = Office(automatic=AUTOMATIC)
        office.say(ev.AutomaticSwitched(on=False, by="person", reason="load test"), actor="new-1")
        return office

    @pytest.mark.parametrize("actor", ["eng-1", "pm-1", "new-1"])
    def test_everybody_may_switch_it_off(self, actor: str) -> None:
        office = Office(automatic=AUTOMATIC)
        said = ev.AutomaticSwitched(on=False, by="person", reason="load test")
        assert office.ask(self.OFF, actor) == (said,)

    def test_who_would_have_to_say_yes_may_switch_it_on(self) -> None:
        office = self.switched_off()
        said = ev.AutomaticSwitched(on=True, by="person", reason="over")
        assert office.ask(self.ON, "eng-2") == (said,)
        assert office.refusal(self.ON, "pm-1") == (
            "pm-1 is product; engineer may switch automatic rollback on"
        )

    def test_it_is_switched_with_a_reason(self) -> None:
        blank = rq.SwitchAutomatic(on=False, reason=" ")
        assert "give one" in Office(automatic=AUTOMATIC).refusal(blank)

    def test_not_twice(self) -> None:
        assert self.switched_off().refusal(self.OFF) == "automatic rollback is off already, new-1: load test"
        assert Office(automatic=AUTOMATIC).refusal(self.ON) == "nobody has switched it off by hand"

    def test_the_file_is_not_taken_away_by_a_switch(self) -> None:
        office = Office(automatic=AUTOMATIC)
        office.say(ev.AutomaticSwitched(on=False, by="file", reason="the file automatic.off is there"))
        assert "it is off, engine: the file automatic.off is there" in office.refusal(self.ON)

    def test_where_there_is_none(self) -> None:
        assert "has no `automatic` section" in Office().refusal(self.OFF)


def test_an_incident_that_runs_by_itself_can_be_taken_over(office: Office) -> None:
    """It is declared, and nobody commands it."""
    office.suspect()
    office.say(ev.AutomaticBegan(("health_check",), ("health_check > 3",), "SEV-3", ""))
    (declared,) = office.ask(rq.Declare(note="mine"))
    assert isinstance(declared, ev.IncidentDeclared)
    assert declared.commander == "eng-1"
    assert "is declared already, by eng-1" in taken(office)


def taken(office: Office) -> str:
    """Why nobody else can take it then."""
    office.say(*office.ask(rq.Declare(note="mine")), actor="eng-1")
    return office.refusal(rq.Declare(note="mine"), "eng-2")


class TestReleases:
    """Anybody in the roster records a release and judges it; what is on record is not changed silently."""

    ASK = rq.RecordRelease("v1.5.0", "a" * 40, migrations=("2.sql", "1.sql"))
    RECORDED = ev.ReleaseRecorded("v1.5.0", "a" * 40, {}, ("1.sql", "2.sql"), (), at(60).utc_us)

    def test_a_release_is_recorded_as_deployed_now_unless_it_says_when(self, office: Office) -> None:
        assert office.ask(self.ASK, "new-1") == (self.RECORDED,)
        earlier = replace(self.ASK, deployed=at(1).utc_us)
        assert office.ask(earlier) == (replace(self.RECORDED, deployed=at(1).utc_us),)

    def test_the_same_twice_is_recorded_once(self, office: Office) -> None:
        office.say(replace(self.RECORDED, deployed=at(5).utc_us))
        again = replace(self.RECORDED, deployed=at(5).utc_us, again=True)
        assert office.ask(self.ASK) == (again,)

    def test_other_contents_are_refused_with_the_difference(self, office: Office) -> None:
        office.say(self.RECORDED, actor="new-1")
        assert office.refusal(replace(self.ASK, commit="b" * 40)) == (
            "v1.5.0 was recorded by new-1 with other contents: commit bbbbbbbb, on record is aaaaaaaa"
        )

    def test_what_is_not_pinned_is_refused(self, office: Office) -> None:
        assert "is not pinned" in office.refusal(replace(self.ASK, images={"web": "web:latest"}))

    def test_a_release_on_record_is_judged_by_anybody_with_a_reason(self, office: Office) -> None:
        office.say(self.RECORDED)
        said = ev.ReleaseMarked("v1.5.0", "good", "a week without trouble")
        assert office.ask(rq.MarkRelease("v1.5.0", "good", "a week without trouble"), "new-1") == (said,)
        assert office.refusal(rq.MarkRelease("v1.5.0", "good", " ")) == (
            "a release is judged with a reason: give one"
        )

    def test_what_is_not_on_record_cannot_be_judged(self, office: Office) -> None:
        assert "v9 is not in the ledger" in office.refusal(rq.MarkRelease("v9", "good", "x"))
