"""NEXT says one thing to do, or whom to wait for, in every state that an incident can be in."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core import requests as rq
from console.core.commands import command
from console.core.live import Live, Progress
from console.core.metrics import Rung
from console.core.next_line import NextStep
from console.core.next_step import Viewer, next_step
from console.core.plan import Need, Predicate, Wish
from console.core.presence import Presence, presence
from console.core.roster import Roster
from console.core.schema_verdict import Difference, SchemaVerdict
from tests.ui import data_place as dp
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.unit.core import kit


def said(room: FakeRoom) -> NextStep:
    """What NEXT says, and that the key it names can be pressed."""
    snapshot = room.snapshot()
    step = next_step(snapshot, room.environment)
    if step.command is not None:
        assert command(step.command).possible(snapshot, room.environment) is None
    return step


def declared() -> FakeRoom:
    room = FakeRoom()
    room.suspect()
    room.declare()
    return room


def prepared() -> FakeRoom:
    room = declared()
    room.freeze()
    room.prepare()
    return room


def switched() -> FakeRoom:
    room = prepared()
    room.open_gate()
    room.switch()
    return room


# -- the engine -------------------------------------------------------------------------------------


def test_no_engine_has_ever_run() -> None:
    assert said(FakeRoom(engine=False)) == NextStep("start an engine: none has run here yet", "engine")


def test_the_engine_ended_and_said_so() -> None:
    room = FakeRoom()
    room.say(ev.EngineStopped("eng-1 asked for it"))
    assert said(room) == NextStep("start an engine: the last one ended (eng-1 asked for it)", "engine")


def test_a_new_engine_is_believed_over_the_old_ones_farewell() -> None:
    """Its heartbeat is seen before its first event may be."""
    room = FakeRoom()
    room.say(ev.EngineStopped("restart"))
    room.live = Live(4712, 2, room.now)
    assert said(room).command is None


def test_the_engine_is_silent() -> None:
    room = prepared()
    room.lose_engine(gone=False)
    room.wait(5)
    assert said(room) == NextStep("wait: the engine is silent for 00:05, its process is there", None)


def test_an_engine_that_hangs_must_be_ended_before_another_can_start() -> None:
    """It holds the lease: to say `start one` would lead nowhere."""
    room = prepared()
    room.lose_engine(gone=False)
    room.wait(42)
    assert said(room) == NextStep("end process 4711: silent for 00:42; then E starts an engine", None)


def test_the_engines_process_is_gone() -> None:
    """Seen at once: nobody waits for a heartbeat that cannot come."""
    room = prepared()
    room.lose_engine()
    assert said(room) == NextStep("start an engine: the last one is gone", "engine")


def test_an_engine_that_has_just_begun_is_not_gone_because_the_one_before_it_is() -> None:
    """Its first event is there, its first heartbeat not yet."""
    room = FakeRoom()
    room.lose_engine()
    room.wait(600)
    room.say(ev.EngineStarted(4712, 2, "0.1.0", "5" * 64, "6" * 64, "cooperative"))
    assert presence(room.snapshot()) is Presence.ALIVE
    room.wait(4)
    assert presence(room.snapshot()) is Presence.SILENT


def test_an_engine_that_never_beat_is_silent_after_a_while() -> None:
    """Killed between its first event and its first heartbeat."""
    room = FakeRoom()
    room.live, room.silent_s = None, None
    assert said(room).command is None
    room.wait(6)
    assert said(room) == NextStep("start an engine: the last one is silent for 00:06", "engine")


def test_a_request_waits_and_no_engine_takes_it() -> None:
    room = FakeRoom(engine=False)
    room.pending.append("r-1")
    assert said(room).sentence == "start an engine: none has run here yet; 1 request queued"


def test_an_engine_that_consoles_do_not_start() -> None:
    room = FakeRoom(place.environment(engine="external"), engine=False)
    step = said(room)
    assert step.command is None
    assert step.sentence == "have the service manager start an engine: none has run here yet"
    assert command("engine").possible(room.snapshot(), room.environment) is not None


def test_an_engine_that_hangs_and_that_consoles_do_not_start() -> None:
    """Its process is the service manager's to end and to start."""
    room = FakeRoom(place.environment(engine="external"))
    room.lose_engine(gone=False)
    room.wait(42)
    step = said(room)
    assert step.command is None
    assert step.sentence.endswith("silent for 00:42; then its service manager starts an engine")


# -- the journal ------------------------------------------------------------------------------------


def test_a_newer_journal_is_not_written_to() -> None:
    room = FakeRoom()
    room.state = replace(room.state, unknown_critical="gate.signed version 2")
    assert said(room) == NextStep(
        "the journal holds gate.signed version 2, unknown to this warroom: use a newer one", None
    )


def test_a_journal_that_ends_unreadable() -> None:
    room = FakeRoom()
    step = next_step(replace(room.snapshot(), trouble="event 12 does not hold"), room.environment)
    assert step == NextStep("the journal cannot be read any further: event 12 does not hold", None)


# -- before and after an incident -------------------------------------------------------------------


def _rung(room: FakeRoom, rung: Rung) -> None:
    room.sample(3, error_rate=(2.0, rung))


SEVEN = tuple(name for name, metric in place.environment().metrics.items() if metric.measure)
FOUR = ("error_rate", "memory_usage", "health_check", "response_time_p99")


def _hang(room: FakeRoom, seconds: float) -> None:
    """The engine is there, and takes no sample."""
    room.sample(3)
    room.sampling = False
    room.wait(seconds)


@pytest.mark.parametrize(
    ("arrange", "sentence", "key"),
    [
        (lambda _: None, "wait: the engine has taken no sample yet", None),
        (
            lambda room: room.sample(1, **dict.fromkeys(SEVEN, (None, Rung.WAITING))),
            "wait: nothing has been measured yet",
            None,
        ),
        (lambda room: room.sample(3), "nothing to do: no metric asks for anything", None),
        (
            lambda room: _rung(room, Rung.WARN),
            "nothing to do: errors warns, nothing asks for a rollback",
            None,
        ),
        (
            lambda room: _rung(room, Rung.STALE),
            "wait: no fresh data of errors: it may not be well",
            None,
        ),
        (
            lambda room: _hang(room, 42),
            "wait: no sample for 00:42, so nobody can say that all is well",
            None,
        ),
        (
            lambda room: room.sample(3, **dict.fromkeys(FOUR, (None, Rung.STALE))),
            "wait: no fresh data of 4 metrics: it may not be well",
            None,
        ),
        (
            lambda room: _rung(room, Rung.MANDATORY),
            "declare the incident: the rule for errors fires",
            "declare",
        ),
        (
            lambda room: room.suspect(),
            "declare the incident: error_rate > 5% since 14:09:17",
            "declare",
        ),
    ],
)
def test_before_anybody_has_declared(
    arrange: Callable[[FakeRoom], None], sentence: str, key: str | None
) -> None:
    room = FakeRoom()
    arrange(room)
    assert said(room) == NextStep(sentence, key)


def test_after_it_has_been_resolved() -> None:
    room = switched()
    room.prove()
    room.resolve()
    assert said(room) == NextStep("done: recovered in 9.0 s; q leaves this console", "quit")


def test_after_a_false_alarm_nothing_is_claimed_to_have_recovered() -> None:
    room = declared()
    room.say(ev.IncidentResolved("false alarm", "a broken probe", ""), actor="eng-1")
    assert said(room) == NextStep("done: false alarm; q leaves this console", "quit")


# -- the declared incident --------------------------------------------------------------------------


def test_while_the_plan_is_made() -> None:
    room = declared()
    assert said(room) == NextStep("wait: planning, the engine takes it up", None)
    room.show(planning=Progress("fetching the branch", room.now))
    assert said(room) == NextStep("wait: planning, fetching the branch", None)


def test_while_another_plan_is_made_the_old_one_is_not_gone_on_with() -> None:
    """Not even where it waits for a yes, or for a decision."""
    room = prepared()
    room.say(ev.PlanningStarted(Wish("v1.4.9")), actor="eng-1")
    assert said(room) == NextStep("wait: planning, the engine takes it up", None)
    room.say(ev.PlanningFailed("no tag v1.4.9"))
    assert said(room).command == "go"


def test_who_was_asked_to_take_a_role_is_told_so() -> None:
    """First, where there is nothing else to press; behind what is to be pressed otherwise. Nobody else is."""
    room = declared()
    room.say(ev.RoleOffered("commander", "eng-2"), actor="eng-1")

    def told(handle: str) -> NextStep:
        return next_step(room.snapshot(), room.environment, Viewer(handle))

    waits = "wait: planning, the engine takes it up"
    assert told("eng-1") == NextStep(waits, None)
    assert told("eng-2") == NextStep(f"answer: eng-1 asks you to take the command. {waits}", "people")
    room.say(ev.PlanningFailed("no release was judged good"))
    failed = "plan anew: no release was judged good"
    assert told("eng-2") == NextStep(f"{failed}. eng-1 asks you to take the command (w)", "target")
    room.say(ev.RoleDeclined("commander", "eng-2"), actor="eng-2")
    assert told("eng-2") == NextStep(failed, "target")


def test_when_no_plan_could_be_made() -> None:
    room = declared()
    room.say(ev.PlanningFailed("no release before v1.5.3 was judged good"))
    assert said(room) == NextStep("plan anew: no release before v1.5.3 was judged good", "target")


def test_while_prepare_runs_it_says_how_long_and_what_comes_then() -> None:
    room = declared()
    room.freeze()
    assert said(room) == NextStep("wait: the engine takes up the next step; then fetch the branch", None)
    room.begin("fetch")
    room.wait(1)
    assert said(room) == NextStep("wait: fetch the branch, ~00:01 left; then count the rows", None)
    room.wait(30)
    assert said(room).sentence.startswith("wait: fetch the branch, 00:31, limit 01:00")


def test_a_step_that_counts_is_judged_by_its_own_pace() -> None:
    """Not by what the strategy once expected."""
    room = declared()
    room.freeze()
    room.begin("fetch")
    room.wait(10)
    room.progress("fetch", "objects", 25, 100)
    assert said(room).sentence.startswith("wait: fetch the branch, ~00:30 left")


def test_at_the_end_of_prepare_the_gate_is_announced() -> None:
    room = declared()
    room.freeze()
    for step in ("fetch", "rows-before", "restore-tree"):
        room.run(step, 1, "done")
    room.begin("push-branch")
    assert said(room).sentence.endswith("; then the gate asks you (g)")


def test_at_the_gate_it_asks_for_the_name() -> None:
    assert said(prepared()) == NextStep("go: say yes to the plan and type testnet", "go")


def test_at_the_gate_with_a_predicate_that_does_not_hold() -> None:
    """A yes would not open it: that is said beforehand."""
    room = prepared()
    room.say(ev.EvidenceRecorded("rows", holds=False, words="the count failed", inputs="3"))
    assert said(room) == NextStep(
        "go: say yes to the plan and type testnet; "
        "the gate also waits for the rows are counted: the count failed",
        "go",
    )
    room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    assert said(room) == NextStep(
        "plan anew: the gate is closed, the rows are counted: the count failed", "target"
    )


def test_evidence_that_has_grown_too_old() -> None:
    room = declared()
    room.freeze(predicates=(Predicate("rows", "rows counted lately", max_age_s=60.0),))
    room.prepare()
    room.wait(120)
    assert "rows counted lately: 02:04 old, at most 01:00 wanted" in said(room).sentence


def test_at_a_gate_that_asks_for_signatures() -> None:
    room = declared()
    room.freeze(proof="signature")
    room.prepare()
    assert said(room) == NextStep("sign: 1 engineer must say yes, by signature", "sign")


def test_when_everybody_has_said_yes() -> None:
    room = prepared()
    room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    assert said(room) == NextStep("wait: everybody said yes, the gate opens", None)


def test_behind_the_gate() -> None:
    room = prepared()
    room.open_gate()
    room.begin("integrate")
    room.wait(1)
    assert said(room) == NextStep("wait: into develop, ~00:03 left; then deploy", None)


def test_the_last_step_is_followed_by_the_end() -> None:
    room = switched()
    for step in ("health", "validate", "rows-kept"):
        room.run(step, 1, "done")
    room.begin("tidy")
    assert said(room).sentence.endswith("; then R closes the incident")


def test_a_step_failed() -> None:
    room = prepared()
    room.say(ev.ReleaseSeen("v1.5.3", None))
    room.open_gate()
    room.begin("integrate")
    room.end("integrate", "develop has moved", failed=True)
    now = "Users are on v1.5.3, the bad release, as before"
    assert said(room) == NextStep(f"decide: into develop failed; retry it, skip it, or stop. {now}", "decide")


def test_a_step_failed_because_the_plan_fits_no_more() -> None:
    """To try it again would be no use: another plan would."""
    room = prepared()
    room.open_gate()
    room.begin("integrate")
    room.end("integrate", "develop has moved to 77aa: not the good tree, plan again", failed=True)
    assert said(room) == NextStep("plan again: into develop failed, to retry it is no use", "target")
    room.begin("rows-before")
    assert said(room).sentence.startswith("wait: count the rows ends first, then plan again (T)")


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ("done", "but is done"),
        ("not done", "and is not done"),
        ("cannot tell", "and may be done or not"),
    ],
)
def test_a_step_was_cut_off(finding: Literal["done", "not done", "cannot tell"], words: str) -> None:
    room = prepared()
    room.open_gate()
    room.begin("integrate")
    room.start_engine()
    assert said(room) == NextStep("wait: into develop was cut off, the engine looks what became of it", None)
    room.probed("integrate", finding, "develop at 9c1f")
    assert said(room) == NextStep(f"decide: into develop was cut off {words}", "decide")


def test_stopped_by_a_person() -> None:
    """While a step still runs there is nothing to press yet."""
    room = prepared()
    room.open_gate()
    room.begin("integrate")
    room.say(ev.RunAborted("the dba looks"), actor="eng-1")
    assert said(room) == NextStep("wait: stopping, into develop ends first", None)
    room.end("integrate", "develop at 9c1f")
    now = "Nobody knows which release runs: the service has not said it yet"
    assert said(room) == NextStep(f"go on, or plan anew (T): stopped, the dba looks. {now}", "resume")


def test_proven_counts_what_nobody_has_ticked() -> None:
    """The dialog names them: here one line must do."""
    room = switched()
    room.prove()
    assert said(room) == NextStep("close the incident: proven; 10 items not ticked", "resolve")


def test_proven_with_every_item_ticked() -> None:
    room = switched()
    room.prove()
    for item in room.environment.checklist:
        room.say(ev.ItemTicked(item.id, done=True, note=""), actor="eng-1")
    assert said(room) == NextStep("close the incident: proven; every item ticked", "resolve")


def test_proven_while_the_windows_still_hold_what_was_before() -> None:
    """One may close it, knowing that."""
    room = switched()
    room.prove()
    room.sample(3, error_rate=(60.0, Rung.MANDATORY))
    assert said(room).sentence == "close the incident: proven, errors not calm yet; 10 items not ticked"
    room.sample(3, **dict.fromkeys(FOUR, (60.0, Rung.MANDATORY)))
    assert said(room).sentence == "close the incident: proven, 4 metrics not calm yet; 10 items not ticked"


def test_what_was_skipped_is_not_called_proven() -> None:
    """The engine would refuse `recovered`."""
    room = prepared()
    room.open_gate()
    room.switch()
    for step in ("health", "validate", "rows-kept", "tidy"):
        room.begin(step)
        room.end(step, "no answer", failed=True)
        room.say(ev.StepDecided(step, 1, rq.Choice.SKIP, "by hand"), actor="eng-1")
    assert said(room) == NextStep("close the incident as mitigated: not proven: healthy", "resolve")


# -- the screen it stands on --------------------------------------------------------------------------


def test_typical_sentences_fit_one_line_of_a_small_terminal() -> None:
    """80 columns, less the word NEXT and the key."""
    room, sentences = FakeRoom(), set[str]()

    def hear() -> None:
        sentences.add(said(room).sentence)

    hear()
    room.sample(3)
    room.suspect()
    hear()
    room.declare()
    room.show(planning=Progress("fetching, and finding the release to go back to", room.now))
    hear()
    room.freeze()
    for step in ("fetch", "rows-before", "restore-tree", "push-branch"):
        room.begin(step)
        hear()
        room.end(step, "done")
        if step != "push-branch":
            hear()
    for slot in ("rows", "good-tree"):
        room.say(ev.EvidenceRecorded(slot, holds=True, words="4,432 rows", inputs="1"))
    hear()
    room.open_gate()
    room.begin("integrate")
    hear()
    room.end("integrate", "done")
    room.begin("deploy")
    room.lose_engine(gone=False)
    room.wait(42)
    room.pending.append("r-1")
    hear()
    room.start_engine()
    room.pending.clear()
    hear()
    room.probed("deploy", "done", "runs 9c1f0000")
    hear()
    room.say(ev.StepOutcome("deploy", 1, "done", "runs 9c1f0000", 1.0))
    room.prove()
    hear()
    room.sample(3, error_rate=(60.0, Rung.MANDATORY))
    hear()
    room.resolve()
    hear()
    assert len(sentences) > 12
    assert {sentence for sentence in sentences if len(sentence) > 70} == set()


# -- the data ---------------------------------------------------------------------------------------


def test_data_that_was_declared_corrupt_and_is_kept_is_mentioned_until_the_gate_opens() -> None:
    """It is asked for all the same: whoever commands may know better."""
    room = dp.keeps()
    step = said(room)
    assert step.command == "go"
    assert step.sentence.endswith(
        "The data is kept, though it was said: database corrupt; b shows what it can go back to"
    )
    room.open_gate()
    room.begin("integrate")
    assert "corrupt" not in said(room).sentence


def test_data_that_goes_back_needs_no_mention() -> None:
    assert "corrupt" not in said(dp.compared()).sentence


def test_a_plan_that_swaps_data_is_said_yes_to_twice() -> None:
    assert said(dp.compared()) == NextStep(
        "go: say yes to the plan and type testnet, twice: it swaps data", "go"
    )


def test_a_loss_beyond_the_ceiling_is_not_asked_a_yes_for() -> None:
    """No yes could open that gate: another plan can."""
    sentence = "plan again with a higher ceiling or another candidate: 40 rows would go, beyond the 20 signed"
    assert said(dp.compared(beyond=True)) == NextStep(sentence, "data")


@pytest.mark.parametrize("step", ["judge-loss", "swap"])
def test_a_loss_that_grew_until_the_writers_stopped_goes_back_to_who_said_yes(step: str) -> None:
    """With the reason, and the key that helps."""
    room = dp.compared()
    room.open_gate()
    room.run("stop-writers", 1, "nobody writes")
    room.begin(step)
    why = "61 rows would go, beyond the 50 signed: nothing was changed; plan again with another ceiling"
    room.end(step, why, failed=True)
    assert said(room) == NextStep(f"plan again with a higher ceiling or another candidate: {why}", "data")


def test_a_proof_that_has_grown_old_is_waited_for() -> None:
    """The engine does that step once more; nobody has to plan anew."""
    room = declared()
    step = place.plan("INC-7QK2").steps[0]
    proof = replace(step, fills=("rows",))
    predicates = (Predicate("rows", "the rows are counted", max_age_s=60),)
    room.freeze(steps=(proof, *place.plan("INC-7QK2").steps[4:]), predicates=predicates)
    room.run(step.id, 1, "counted")
    room.say(ev.EvidenceRecorded("rows", holds=True, words="4,432 rows", inputs="1"))
    room.wait(90)
    room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    assert said(room).sentence == f"wait: {step.title} is done once more, its proof is not of now"


# -- whose yes it is ----------------------------------------------------------------------------------

_PEOPLE: tuple[dict[str, Any], ...] = (
    {"handle": "eng-1", "roles": ["engineer"]},
    {"handle": "eng-2", "roles": ["engineer"]},
    {"handle": "exec-1", "roles": ["executive"]},
    {"handle": "exec-2", "roles": [], "deputy_for": ["executive"]},
    {"handle": "sup-1", "roles": ["support"]},
)
ROSTER = Roster.model_validate({"schema": "warroom.roster/1", "people": list(_PEOPLE)})


def _paging(proof: str) -> FakeRoom:
    """A plan that waits for an executive, who was asked a moment ago; people are paged here."""
    rule = {
        "approvers": [{"role": "engineer", "count": 1}, {"role": "executive", "count": 1}],
        "proof": proof,
        "within": "15m",
        "initiator_may_approve": "always",
        "paging": {"limit": "5s", "again": "2m", "deputy_after": "5m"},
    }
    room = FakeRoom(place.environment(authorisation=rule))
    room.suspect()
    room.declare()
    room.freeze(proof=proof, needs=(Need("engineer", 1), Need("executive", 1)))
    room.prepare()
    room.say(ev.GateAsked(room.plan_hash, "exec-1", ("executive",), "role"))
    return room


def told(room: FakeRoom, actor: str) -> NextStep:
    """What NEXT says to that person; the key can be pressed."""
    step = next_step(room.snapshot(), room.environment, Viewer(actor, ROSTER))
    if step.command is not None:
        assert command(step.command).possible(room.snapshot(), room.environment) is None
    return step


def test_who_can_sign_is_told_to_whoever_else_is_silent() -> None:
    room = _paging("signature")
    room.wait(600)
    assert told(room, "eng-1") == NextStep("sign: 1 engineer, 1 executive must say yes, by signature", "sign")


def test_who_cannot_sign_is_told_whose_deputy_to_page() -> None:
    """Once the holder was asked twice; while everybody was asked only lately, there is nothing to page."""
    room = _paging("signature")
    waits = NextStep("sign: 1 engineer, 1 executive must say yes, by signature", "sign")
    assert told(room, "sup-1") == waits
    room.wait(120)
    room.say(ev.GateAsked(room.plan_hash, "exec-1", ("executive",), "again"))
    assert told(room, "sup-1") == NextStep(
        "exec-1 does not answer: page exec-2, deputy for executive", "page"
    )
    assert next_step(room.snapshot(), room.environment) == waits, "where the roster is not at hand"
    room.say(ev.GateAsked(room.plan_hash, "exec-2", ("executive",), "by hand"))
    assert told(room, "sup-1") == waits
    room.wait(121)
    assert told(room, "sup-1") == NextStep("exec-1 does not answer for 04:01: page exec-1 again", "page")


def test_where_a_name_is_typed_whose_yes_it_is_is_said() -> None:
    """Nobody is told to do what would be refused."""
    room = _paging("claim")
    assert told(room, "eng-1") == NextStep("go: say yes to the plan and type testnet", "go")
    assert told(room, "sup-1") == NextStep(
        "wait: 1 engineer, 1 executive must say yes; eng-1 or eng-2 or exec-1 or exec-2 can (g)", None
    )
    assert told(room, "root").sentence.endswith("; root is not in the roster: act as one who is, --as HANDLE")
    room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    assert told(room, "eng-1").sentence == "wait: 1 executive must say yes; exec-1 or exec-2 can (g)"


# -- the schema -------------------------------------------------------------------------------------


def unfit(nearest: str = "") -> FakeRoom:
    """At the gate of a plan whose target misses a table."""
    room = declared()
    gone = (Difference("contracted", "table contacts dropped"),)
    room.freeze(schema=SchemaVerdict("contracted", gone, nearest=nearest))
    return room


def test_a_release_that_fits_the_schema_is_named() -> None:
    room = unfit("v1.4.9")
    room.prepare()
    found = said(room)
    assert found.command == "target"
    assert found.sentence == (
        "plan anew, to v1.4.9, whose schema fits: the schema has contracted: table contacts dropped"
    )


def test_without_one_the_plan_shows_the_ways_out() -> None:
    found = said(unfit())
    assert found.command == "plan"
    assert found.sentence.startswith("this gate stays closed, look at the ways out: ")


def test_nobody_plans_anew_while_a_step_runs() -> None:
    room = unfit("v1.4.9")
    room.begin("fetch")
    found = said(room)
    assert found.command is None
    assert "ends first, then plan anew (T): the schema has contracted" in found.sentence


# -- a step a key -----------------------------------------------------------------------------------


def by_steps() -> FakeRoom:
    room = FakeRoom(place.environment(pace="step"))
    room.suspect()
    room.declare()
    room.freeze()
    return room


def test_by_steps_each_is_named_with_what_it_would_do() -> None:
    """Under way, it is waited for as ever."""
    room = by_steps()
    assert said(room).sentence.startswith("run fetch the branch: ")
    assert said(room).command == "run"
    room.begin("fetch")
    assert said(room).command is None


def test_by_steps_the_gate_opens_with_a_key_once_nothing_else_is_waited_for() -> None:
    """Also where a proof has grown old: that step is done again when the key is pressed."""
    room = by_steps()
    room.prepare()
    assert said(room).command == "go", "somebody must say yes first"
    room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    assert said(room).sentence.startswith("open the gate with ")
    assert said(room).command == "run"
    room.freeze(
        steps=kit.STEPS, predicates=(Predicate("good-tree", "exactly the good tree", max_age_s=60.0),)
    )
    for name in ("fetch", "worktree"):
        room.run(name, 1, "done")
    room.say(ev.EvidenceRecorded("good-tree", holds=True, words="so it is", inputs="x"))
    room.say(ev.GateClaimed(room.plan_hash, ("engineer",)), actor="eng-1")
    room.wait(120)
    assert said(room).sentence.startswith("open the gate with ")
