"""The conductor: what may start, when the gate opens, and how a run comes to a halt."""

import asyncio
from collections.abc import Callable

import pytest

from console.core import events as ev
from console.core.plan import Need, Pace, Predicate, Step, WayBack, Wish
from console.core.protocols import JournalError
from console.core.requests import Choice
from console.engine.conductor import Conductor, startable
from console.engine.docket import Docket
from tests.unit.core.kit import step
from tests.unit.engine.kit import Desktop


class FakeRunner:
    """Steps that end when the test says so."""

    def __init__(self, desk: Desktop) -> None:
        self._desk = desk
        self.under_way: dict[str, asyncio.Future[str]] = {}
        self.stopping: dict[str, Callable[[], bool]] = {}
        self.performed: list[str] = []

    def intent(self, step: Step) -> ev.StepIntent:
        incident = self._desk.incident
        return ev.StepIntent(step.id, incident.step(step.id).attempt + 1, 1, incident.plan_hash or "")

    async def run(self, step: Step, stopping: Callable[[], bool]) -> None:
        self.performed.append(step.id)
        self.stopping[step.id] = stopping
        self.under_way[step.id] = asyncio.get_running_loop().create_future()
        status = await self.under_way[step.id]
        self._desk.end(step.id, status)

    def undo_intent(self, step: Step) -> ev.UndoIntent:
        return ev.UndoIntent(step.id, 1, 1, self._desk.incident.plan_hash or "")

    async def undo(self, step: Step, stopping: Callable[[], bool]) -> None:
        self.performed.append(f"undo {step.id}")
        self.stopping[step.id] = stopping
        self.under_way[step.id] = asyncio.get_running_loop().create_future()
        status = await self.under_way[step.id]
        self._desk.say(ev.UndoOutcome(step.id, 1, status, "so it is", 0.1))


class Stage(Desktop):
    """A conductor at work, with steps that the test ends one by one."""

    def __init__(self, pace: Pace = "phase") -> None:
        super().__init__()
        self.runner = FakeRunner(self)
        self.faults: list[str] = []
        self.order: list[str] = []
        self.in_the_inbox: Callable[[], None] = lambda: None
        self.lease_lost: Exception | None = None
        self.standing: str | None = None
        """By which standing authorisation the gate opens with nobody's yes; None: people open it."""
        self.conductor = Conductor(
            Docket(self.book),
            self.runner,
            self.clock,
            drain=self._drain,
            still_ours=self._check,
            fault=self.faults.append,
            automatic=lambda _incident: self.standing,
            pace=pace,
        )

    def _drain(self) -> None:
        self.order.append("drained")
        self.in_the_inbox()

    def _check(self) -> None:
        self.order.append("lease checked")
        if self.lease_lost is not None:
            raise self.lease_lost

    async def go(self) -> list[str]:
        """Let it start what it may; ids of what is under way then."""
        self.conductor.advance()
        await self.settle()
        return self.running

    @property
    def running(self) -> list[str]:
        return sorted(name for name, future in self.runner.under_way.items() if not future.done())

    def release(self, *steps: str) -> None:
        """Their keys are pressed."""
        self.say(ev.RunReleased(steps, self.incident.plan_hash or ""), actor="eng-1")

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def finish(self, step_id: str, status: str = "done") -> list[str]:
        """The step ends; ids of what is under way after that."""
        self.runner.under_way[step_id].set_result(status)
        await self.settle()
        return self.running


@pytest.fixture
def stage() -> Stage:
    return Stage()


# -- what may start -----------------------------------------------------------------------------------


def ids(desk: Desktop) -> list[str]:
    return [step.id for step in startable(desk.book.state.open_incident).steps]


def test_nothing_starts_before_somebody_has_declared_and_a_plan_is_there() -> None:
    desk = Desktop()
    assert startable(None).steps == ()
    desk.suspect()
    desk.freeze()
    assert ids(desk) == []
    desk = Desktop()
    desk.suspect()
    desk.say(ev.IncidentDeclared("eng-1", "SEV-3", "", (), desk.clock.now(), desk.clock.now()))
    assert ids(desk) == []


def test_phases_come_one_after_the_other_and_within_one_what_is_needed_comes_first() -> None:
    desk = Desktop()
    desk.declare()
    seen = []
    while steps := startable(desk.incident).steps:
        seen.append([step.id for step in steps])
        for each in steps:
            desk.run(each.id)
    assert seen == [["fetch"], ["worktree"], ["push"], ["deploy"], ["health"], ["tidy"]]


def test_what_does_not_depend_on_each_other_starts_side_by_side() -> None:
    desk = Desktop()
    desk.declare(step("a"), step("b"), step("c", needs=("a", "b")), step("d", "switch"))
    assert ids(desk) == ["a", "b"]
    desk.run("a")
    assert ids(desk) == ["b"]
    desk.begin("b")
    assert ids(desk) == []
    desk.end("b")
    assert ids(desk) == ["c"]


def test_nothing_starts_while_another_plan_is_made() -> None:
    """And when none can be made, the old plan is gone on with."""
    stage = Desktop()
    stage.declare()
    stage.say(ev.PlanningStarted(Wish()))
    assert startable(stage.incident).steps == ()
    stage.say(ev.PlanningFailed("the remote does not answer"))
    assert [step.id for step in startable(stage.incident).steps] == ["fetch"]


def test_a_step_that_was_skipped_is_out_of_the_way() -> None:
    desk = Desktop()
    desk.declare()
    desk.begin("fetch")
    desk.end("fetch", "failed")
    assert ids(desk) == []
    desk.say(ev.StepDecided("fetch", 1, Choice.SKIP, "by hand"), actor="eng-1")
    assert ids(desk) == ["worktree"]


def test_nothing_starts_while_a_step_waits_for_a_decision() -> None:
    desk = Desktop()
    desk.declare(step("a"), step("b"), step("c"))
    desk.begin("a")
    desk.end("a", "failed")
    assert ids(desk) == []
    desk.say(ev.StepDecided("a", 1, Choice.RETRY, ""), actor="eng-1")
    assert ids(desk) == ["a", "b", "c"]
    desk.begin("b")
    desk.crash()
    assert ids(desk) == [], "b is unknown"


def test_nothing_starts_after_an_abort_until_somebody_goes_on() -> None:
    desk = Desktop()
    desk.declare()
    desk.say(ev.RunAborted("wait"), actor="eng-1")
    assert ids(desk) == []
    desk.say(ev.RunResumed(), actor="eng-1")
    assert ids(desk) == ["fetch"]


def test_the_switch_is_behind_the_gate_until_that_is_open() -> None:
    desk = Desktop()
    desk.declare()
    assert not startable(desk.incident).behind_gate
    desk.run("fetch", "worktree")
    assert (ids(desk), startable(desk.incident).behind_gate) == (["push"], True)
    desk.claim()
    desk.say(ev.GateOpened(desk.incident.plan_hash or "", ("eng-1",), ()))
    assert (ids(desk), startable(desk.incident).behind_gate) == (["push"], False)


# -- a run --------------------------------------------------------------------------------------------


async def test_a_run_goes_from_the_first_step_to_the_last_by_itself(stage: Stage) -> None:
    stage.declare()
    assert await stage.go() == ["fetch"]
    assert await stage.finish("fetch") == ["worktree"]
    assert await stage.finish("worktree") == [], "the gate is closed"
    stage.claim()
    assert await stage.go() == ["push"]
    assert await stage.finish("push") == ["deploy"]
    assert await stage.finish("deploy") == ["health"]
    assert await stage.finish("health") == ["tidy"]
    assert await stage.finish("tidy") == []
    assert stage.incident.finished
    assert not stage.conductor.busy
    assert stage.faults == []


async def test_an_intent_is_committed_before_its_step_is_performed(stage: Stage) -> None:
    stage.declare()
    stage.conductor.advance()
    assert stage.journal.kinds("step") == ["step.intent fetch"]
    assert stage.runner.performed == []


async def test_the_lease_is_checked_before_every_effect(stage: Stage) -> None:
    stage.declare()
    stage.lease_lost = JournalError("the lease is lost")
    with pytest.raises(JournalError):
        stage.conductor.advance()
    await stage.settle()
    assert stage.journal.kinds("step") == []
    assert stage.running == []


async def test_a_step_under_way_is_not_started_twice(stage: Stage) -> None:
    stage.declare(step("a"), step("b"))
    await stage.go()
    await stage.go()
    await stage.go()
    assert sorted(stage.runner.performed) == ["a", "b"]
    assert stage.journal.kinds("step.intent") == ["step.intent a", "step.intent b"]


# -- the gate -----------------------------------------------------------------------------------------


def at_gate(stage: Stage, *switch: Step) -> None:
    stage.declare(step("fetch"), *(switch or (step("push", "switch"),)), predicates=())
    stage.run("fetch")


async def test_the_gate_and_the_first_intent_are_one_transaction(stage: Stage) -> None:
    """A crash between the two would leave a gate open that nobody asked for again."""
    at_gate(stage, step("push", "switch"), step("deploy", "switch"))
    stage.claim()
    stage.journal.transactions.clear()
    assert await stage.go() == ["deploy", "push"]
    assert stage.journal.transactions == [["gate.opened", "step.intent"], ["step.intent"]]


def aged(stage: Stage, *, repeatable: bool = True) -> None:
    """At the gate, with a proof that may be a minute old and is two."""
    point = step("point", fills=("restorable",), repeatable=repeatable)
    demand = Predicate("restorable", "a restorable point", max_age_s=60.0)
    stage.declare(point, step("fetch"), step("push", "switch"), predicates=(demand,))
    stage.run("point", "fetch")
    stage.clock.seconds += 120


async def test_a_proof_that_has_grown_old_is_made_again_when_everybody_has_said_yes(stage: Stage) -> None:
    """And then the gate opens by itself: nobody plans anew while they are waited for."""
    aged(stage)
    assert await stage.go() == [], "nobody loads the servers while people still think"
    stage.claim()
    assert await stage.go() == ["point"]
    assert await stage.finish("point") == ["push"]
    assert stage.journal.kinds("gate.opened") == ["gate.opened"]


async def test_a_proof_that_has_grown_old_and_does_no_good_twice_keeps_the_gate_closed(stage: Stage) -> None:
    aged(stage, repeatable=False)
    stage.claim()
    assert await stage.go() == []


@pytest.mark.parametrize("standing", ["", "0123456789ab"])
async def test_a_gate_that_opens_by_itself_names_by_what_in_the_same_transaction(
    stage: Stage, standing: str
) -> None:
    """Nobody has said yes; the predicates hold all the same."""
    stage.declare()
    stage.run("fetch", "worktree")
    stage.standing = standing
    stage.journal.transactions.clear()
    assert await stage.go() == ["push"]
    assert stage.journal.transactions[0] == ["gate.opened", "step.intent"]
    (opened,) = [body for body in stage.journal.bodies() if isinstance(body, ev.GateOpened)]
    assert (opened.automatic, opened.standing, opened.approvers) == (True, standing, ())
    assert opened.predicates == ("the commit to deploy is exactly the good tree",)


async def test_whether_it_opens_by_itself_is_judged_after_the_inbox(stage: Stage) -> None:
    """Command that is taken in that very moment keeps it closed."""
    at_gate(stage)
    stage.standing = ""

    def taken() -> None:
        stage.standing = None

    stage.in_the_inbox = taken
    assert await stage.go() == []


async def test_without_the_proof_no_gate_opens_by_itself(stage: Stage) -> None:
    aged(stage, repeatable=False)
    stage.standing = ""
    assert await stage.go() == []


async def test_an_old_proof_is_made_again_before_a_gate_opens_by_itself(stage: Stage) -> None:
    aged(stage)
    stage.standing = ""
    assert await stage.go() == ["point"]
    assert await stage.finish("point") == ["push"]


async def test_the_gate_opens_exactly_once(stage: Stage) -> None:
    at_gate(stage, step("push", "switch"), step("deploy", "switch", needs=("push",)))
    stage.claim()
    for _ in range(3):
        await stage.go()
    await stage.finish("push", "failed")
    stage.say(ev.StepDecided("push", 1, Choice.RETRY, ""), actor="eng-1")
    await stage.go()
    await stage.finish("push")
    assert stage.running == ["deploy"]
    assert stage.journal.kinds("gate.opened") == ["gate.opened"]


async def test_the_gate_says_who_approved_and_what_held(stage: Stage) -> None:
    stage.declare()
    stage.run("fetch", "worktree")
    stage.claim("eng-2")
    await stage.go()
    (opened,) = [body for body in stage.journal.bodies() if isinstance(body, ev.GateOpened)]
    assert opened.plan_hash == stage.incident.plan_hash
    assert opened.approvers == ("eng-2",)
    assert opened.predicates == ("the commit to deploy is exactly the good tree",)


async def test_the_gate_stays_closed_and_says_why(stage: Stage) -> None:
    at_gate(stage)
    assert await stage.go() == []
    assert stage.conductor.closed() == "1 engineer must say yes"
    assert stage.journal.kinds("gate") == []
    stage.claim()
    await stage.go()
    assert stage.conductor.closed() == ""


async def test_the_inbox_is_drained_before_the_gate_is_judged(stage: Stage) -> None:
    """The yes that lies in the inbox counts, and so does everything that would take it back."""
    at_gate(stage)
    stage.in_the_inbox = stage.claim
    stage.order.clear()
    assert await stage.go() == ["push"]
    assert stage.order == ["drained", "lease checked"]


async def test_an_abort_that_lies_in_the_inbox_keeps_the_gate_closed(stage: Stage) -> None:
    at_gate(stage)
    stage.claim()
    stage.in_the_inbox = lambda: stage.say(ev.RunAborted("not yet"), actor="eng-2")
    assert await stage.go() == []
    assert stage.journal.kinds("gate.opened", "step.intent") == ["step.intent fetch"]


async def test_a_new_plan_that_lies_in_the_inbox_keeps_the_gate_closed(stage: Stage) -> None:
    at_gate(stage)
    stage.claim()
    stage.in_the_inbox = lambda: stage.say(ev.PlanningStarted(Wish("v1.5.1")), actor="eng-2")
    assert await stage.go() == []
    assert stage.journal.kinds("gate.opened") == []


async def test_an_engine_that_is_told_to_end_by_the_inbox_opens_no_gate(stage: Stage) -> None:
    at_gate(stage)
    stage.claim()
    stage.in_the_inbox = stage.conductor.close
    assert await stage.go() == []
    assert stage.journal.kinds("gate.opened", "step.intent") == ["step.intent fetch"]


async def test_people_who_are_missing_keep_the_gate_closed(stage: Stage) -> None:
    stage.declare(step("fetch"), step("push", "switch"), predicates=(), needs=(Need("engineer", 2),))
    stage.run("fetch")
    stage.claim("eng-1")
    assert await stage.go() == []
    stage.claim("eng-2")
    assert await stage.go() == ["push"]


# -- a run that halts ---------------------------------------------------------------------------------


async def test_a_step_that_fails_stops_what_has_not_started_while_its_siblings_finish(stage: Stage) -> None:
    stage.declare(step("a"), step("b"), step("after-b", needs=("b",)))
    assert await stage.go() == ["a", "b"]
    assert await stage.finish("a", "failed") == ["b"]
    assert await stage.finish("b") == [], "after-b waits until somebody has decided about a"
    assert stage.incident.step("b").status == "done"
    stage.say(ev.StepDecided("a", 1, Choice.SKIP, "never mind"), actor="eng-1")
    assert await stage.go() == ["after-b"]


async def test_a_retry_is_another_attempt(stage: Stage) -> None:
    stage.declare(step("a"))
    await stage.go()
    await stage.finish("a", "failed")
    stage.say(ev.StepDecided("a", 1, Choice.RETRY, ""), actor="eng-1")
    assert await stage.go() == ["a"]
    assert stage.incident.step("a").attempt == 2


async def test_an_abort_lets_the_step_under_way_end_and_starts_no_other(stage: Stage) -> None:
    stage.declare(step("a"), step("b", needs=("a",)))
    await stage.go()
    assert stage.runner.stopping["a"]() is False
    stage.say(ev.RunAborted("wait"), actor="eng-1")
    assert stage.runner.stopping["a"]() is True, "a step that can stop midway is told so"
    assert await stage.finish("a") == []
    assert stage.incident.step("a").status == "done"
    stage.say(ev.RunResumed(), actor="eng-1")
    assert await stage.go() == ["b"]


async def test_an_engine_that_ends_starts_nothing_and_waits_for_what_is_under_way(stage: Stage) -> None:
    stage.declare(step("a"), step("b", needs=("a",)))
    await stage.go()
    stage.conductor.close()
    assert stage.runner.stopping["a"]() is True
    waiting = asyncio.create_task(stage.conductor.idle())
    await stage.settle()
    assert not waiting.done()
    assert await stage.finish("a") == []
    await asyncio.wait_for(waiting, 1)


async def test_a_step_that_cannot_be_brought_to_an_outcome_ends_the_engine(stage: Stage) -> None:
    """Better no engine than one that only seems to work."""
    stage.declare()
    await stage.go()
    stage.runner.under_way["fetch"].set_exception(JournalError("no space left on the device"))
    await stage.settle()
    assert stage.faults == ["the run cannot go on after fetch: no space left on the device"]
    assert not stage.conductor.busy
    assert stage.journal.kinds("step") == ["step.intent fetch"]


async def test_an_engine_whose_lease_is_gone_when_the_next_step_is_due_ends(stage: Stage) -> None:
    """It comes up where nobody waits: right after a step has ended."""
    stage.declare()
    await stage.go()
    stage.lease_lost = JournalError("the lease is lost")
    assert await stage.finish("fetch") == []
    assert stage.faults == ["the run cannot go on after fetch: the lease is lost"]
    assert stage.journal.kinds("step.intent") == ["step.intent fetch"]


# -- a step a key, and the way back -------------------------------------------------------------------


async def test_by_steps_each_waits_for_its_key_and_the_gate_opens_with_the_first_behind_it() -> None:
    stage = Stage("step")
    stage.declare()
    assert await stage.go() == []
    stage.release("fetch")
    assert await stage.go() == ["fetch"]
    assert await stage.finish("fetch") == [], "the next one waits too"
    stage.release("worktree")
    await stage.go()
    await stage.finish("worktree")
    stage.claim()
    assert await stage.go() == []
    assert stage.incident.gate_opened is None
    stage.release("push")
    assert await stage.go() == ["push"]
    assert stage.incident.gate_opened is not None
    stage.say(ev.RunPaced("phase"), actor="eng-1")
    assert await stage.finish("push") == ["deploy"], "from here on a phase goes by itself"


async def test_what_is_taken_back_goes_back_one_after_the_other_and_nothing_else_starts(stage: Stage) -> None:
    """An intent is committed before each; the run goes on with nothing afterwards."""
    back = WayBack("back", ("back --now",))
    stage.declare(
        step("push", "switch", back=back), step("deploy", "switch", needs=("push",), back=back), predicates=()
    )
    stage.claim()
    await stage.go()
    await stage.finish("push")
    assert await stage.finish("deploy", "failed") == []
    stage.say(ev.UndoAsked(("deploy", "push"), stage.incident.plan_hash or "", ""), actor="eng-1")
    assert await stage.go() == ["deploy"]
    assert await stage.go() == ["deploy"], "single flight"
    assert await stage.finish("deploy") == ["push"]
    assert await stage.finish("push") == []
    assert stage.runner.performed == ["push", "deploy", "undo deploy", "undo push"]
    assert stage.journal.kinds("undo.intent") == ["undo.intent deploy", "undo.intent push"]


async def test_what_cannot_be_taken_back_stops_there(stage: Stage) -> None:
    back = WayBack("back", ("back --now",))
    stage.declare(
        step("push", "switch", back=back), step("deploy", "switch", needs=("push",), back=back), predicates=()
    )
    stage.claim()
    await stage.go()
    await stage.finish("push")
    await stage.finish("deploy")
    stage.say(ev.UndoAsked(("deploy", "push"), stage.incident.plan_hash or "", ""), actor="eng-1")
    await stage.go()
    assert await stage.finish("deploy", "failed") == []
