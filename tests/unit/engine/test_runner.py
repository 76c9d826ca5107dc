"""The runner: written ahead, time-limited, proven, one line about whatever happens, and no secret in it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from actions.action import Action, ActionError, Finding, Preview, Proof, Report, Slot, Undo, World
from actions.registry import ACTIONS
from console.core import events as ev
from console.core.errors import StatedError
from console.core.live import Live, Progress
from console.core.plan import Step, WayBack, Wish
from console.core.protocols import JournalError
from console.core.releases import OnRecord
from console.core.requests import Choice
from console.core.state import Status
from console.engine import crash
from console.engine.board import Board
from console.engine.docket import Docket
from console.engine.runner import Runner, UnprovenError
from tests.unit.core.kit import ENV, at, step
from tests.unit.engine.kit import Desktop, environment

CANARY = "hunter2"


async def nothing(_report: Report) -> None:
    """A step whose work needs no telling."""


async def proven() -> Proof:
    return Proof("it is done")


async def found() -> Finding:
    return Finding("done", "it is there")


class Played(Action):
    """An action whose every part is what the test puts there."""

    repeatable = True
    perform_: ClassVar[Callable[[Report], Awaitable[None]]] = staticmethod(nothing)
    verify_: ClassVar[Callable[[], Awaitable[Proof]]] = staticmethod(proven)
    probe_: ClassVar[Callable[[], Awaitable[Finding]]] = staticmethod(found)
    made: ClassVar[list[tuple[dict[str, str], str]]] = []

    def __init__(self, params: dict[str, str], world: World, token: str) -> None:
        super().__init__(params, world, token)
        type(self).made.append((params, token))

    @staticmethod
    def preview(*_inputs: object) -> Preview:
        raise AssertionError("nobody plans here")

    async def probe(self) -> Finding:
        return await type(self).probe_()

    async def perform(self, report: Report) -> None:
        await type(self).perform_(report)

    async def verify(self) -> Proof:
        return await type(self).verify_()


class Stage(Desktop):
    """A runner in a folder, with one step `push` whose parts the test plays."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.folder = folder
        self.shown: list[Live] = []
        self.board = Board(Live(1, 1, self.clock.now()), self.clock, self.shown.append)
        parts = cast("Any", None)
        world = World(
            ENV,
            environment(),
            self.clock,
            *[parts] * 7,
            releases=lambda: OnRecord((), "file", "releases.yaml"),
            worktrees=folder,
            evidence=folder,
            base=folder,
        )
        self.runner = Runner(
            Docket(self.book),
            world,
            self.board,
            folder / "output",
            lambda text: text.replace(CANARY, "***"),
            lambda: self.book.state.rungs,
        )
        self.action = type("Push", (Played,), {"made": []})
        monkeypatch.setitem(ACTIONS, "fake", self.action)
        self.hashed = self.declare(self.step(), step("after", "prove"))

    def step(self, **changes: Any) -> Step:
        fields: dict[str, Any] = {"params": {"branch": "develop"}, "proves": ("accessible",)}
        return step("push", **{**fields, **changes})

    def play(self, **parts: Callable[..., Awaitable[Any]]) -> None:
        """What the action does."""
        for name, part in parts.items():
            setattr(self.action, f"{name}_", staticmethod(part))

    async def run(self, **changes: Any) -> ev.StepOutcome:
        """The step from intent to outcome."""
        pushed = self.step(**changes)
        self.book.say(self.runner.intent(pushed))
        self.journal.transactions.clear()
        await self.runner.run(pushed, lambda: False)
        return self.outcome

    @property
    def outcome(self) -> ev.StepOutcome:
        return [body for body in self.journal.bodies() if isinstance(body, ev.StepOutcome)][-1]

    def unclear(self) -> Step:
        """The engine dies in the middle of the step."""
        pushed = self.step()
        self.book.say(self.runner.intent(pushed))
        self.crash()
        return pushed

    def output(self) -> str:
        """What the step's output file holds."""
        assert self.outcome.output is not None
        return (self.folder / self.outcome.output).read_text()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def raising(error: BaseException) -> Callable[..., Awaitable[Any]]:
    async def fail(*_args: object) -> None:
        raise error

    return fail


# -- what an earlier plan has left --------------------------------------------------------------------


async def _not_done() -> Finding:
    return Finding("not done", "it is not there")


async def test_what_an_earlier_plan_has_left_is_verified_and_not_made_again(stage: Stage) -> None:
    """A changed plan does not build for an hour what stands there, proven, from the same inputs."""
    done: list[str] = []

    async def perform(_report: Report) -> None:
        done.append("performed")

    async def verify() -> Proof:
        done.append("verified")
        return Proof("it stands there")

    stage.play(perform=perform, verify=verify)
    stage.freeze(stage.step(phase="prepare"), step("after", "prove"), releases_back=3)
    assert (await stage.run(phase="prepare")).status == "done"
    assert done == ["verified"]
    await stage.run(phase="prepare")
    assert done == ["verified", "performed", "verified"], "whoever asks again gets it made again"


@pytest.mark.parametrize(
    ("plans", "phase", "repeatable", "probe"),
    [
        (1, "prepare", True, found),
        (2, "switch", True, found),
        (2, "prepare", False, found),
        (2, "prepare", True, _not_done),
    ],
    ids=["the first plan", "behind the gate", "not repeatable", "not there"],
)
async def test_everything_else_is_done(
    stage: Stage, plans: int, phase: str, *, repeatable: bool, probe: Callable[[], Awaitable[Finding]]
) -> None:
    done: list[str] = []

    async def perform(_report: Report) -> None:
        done.append("performed")

    stage.play(perform=perform, probe=probe)
    for releases_back in range(2, plans + 1):
        stage.freeze(
            stage.step(phase=phase, repeatable=repeatable),
            step("after", "prove"),
            releases_back=releases_back,
        )
    await stage.run(phase=phase, repeatable=repeatable)
    assert done == ["performed"]


# -- a step that goes well ----------------------------------------------------------------------------


async def test_the_intent_names_attempt_epoch_and_plan(stage: Stage) -> None:
    assert stage.runner.intent(stage.step()) == ev.StepIntent("push", 1, 1, stage.hashed)
    await stage.run()
    assert stage.runner.intent(stage.step()) == ev.StepIntent("push", 2, 1, stage.hashed)


async def test_the_action_gets_the_frozen_inputs_and_a_name_for_this_attempt(stage: Stage) -> None:
    """A second attempt is called otherwise, so that what the first left behind can be told from it."""
    await stage.run()
    await stage.run()
    token = f"INC-7QK2-{stage.hashed[:8]}-push"
    inputs = {"branch": "develop"}
    assert stage.action.made == [(inputs, f"{token}-1"), (inputs, f"{token}-2")]


async def test_the_effect_comes_after_the_intent_and_before_the_outcome(stage: Stage) -> None:
    seen: list[list[str]] = []

    async def perform(_report: Report) -> None:
        seen.append(stage.journal.kinds("step"))

    stage.play(perform=perform)
    await stage.run()
    assert seen == [["step.intent push"]]
    assert stage.journal.kinds("step") == ["step.intent push", "step.outcome push"]


async def test_outcome_evidence_and_ticks_are_one_transaction(stage: Stage) -> None:
    async def verify() -> Proof:
        return Proof("on the remote", {"commit": "c" * 40}, (Slot("branch", "it is there", "c" * 40),))

    stage.play(verify=verify)
    outcome = await stage.run()
    assert stage.journal.transactions == [["step.outcome", "evidence.recorded", "item.ticked"]]
    assert (outcome.status, outcome.words, outcome.facts) == ("done", "on the remote", {"commit": "c" * 40})
    assert stage.incident.evidence["branch"].inputs == "c" * 40
    tick = stage.incident.items["accessible"]
    assert (tick.note, tick.step, tick.by) == ("on the remote", "push", "engine")


async def test_the_time_that_a_step_took_is_the_clocks(stage: Stage) -> None:
    async def perform(_report: Report) -> None:
        stage.clock.seconds += 2.5

    stage.play(perform=perform)
    assert (await stage.run()).seconds == 2.5


async def test_what_a_step_prints_is_kept_and_hashed(stage: Stage) -> None:
    async def perform(report: Report) -> None:
        report.line("pushing")
        report.line("pushed")

    stage.play(perform=perform)
    outcome = await stage.run()
    assert outcome.output is not None
    assert outcome.output.startswith("output/INC-7QK2/push-1")
    assert stage.output() == "pushing\npushed\n"
    assert outcome.output_sha256 == hashlib.sha256(b"pushing\npushed\n").hexdigest()


async def test_what_a_step_says_is_on_the_board_until_it_has_ended(stage: Stage) -> None:
    during: list[Progress] = []

    async def perform(report: Report) -> None:
        stage.clock.seconds += 1
        report("pushing", done=1, total=2, unit="refs")
        stage.clock.seconds += 1
        report.line("half of it")
        during.append(stage.shown[-1].steps["push"])
        during.append(Progress(str(report.left_s), at()))

    stage.play(perform=perform)
    await stage.run(limit_s=10.0)
    shown, left = during
    assert (shown.words, shown.done, shown.total, shown.unit) == ("pushing", 1, 2, "refs")
    assert shown.output == ("half of it",)
    assert float(left.words) == 8
    assert stage.shown[-1].steps == {}


async def test_a_step_can_see_that_it_is_to_stop(stage: Stage) -> None:
    seen: list[bool] = []

    async def perform(report: Report) -> None:
        seen.append(report.stopping)

    stage.play(perform=perform)
    pushed = stage.step()
    stage.book.say(stage.runner.intent(pushed))
    await stage.runner.run(pushed, lambda: True)
    assert seen == [True]


# -- a step that does not -----------------------------------------------------------------------------


async def test_a_step_that_fails_proves_nothing(stage: Stage) -> None:
    stage.play(perform=raising(ActionError("the remote refused it")))
    outcome = await stage.run()
    assert (outcome.status, outcome.words) == ("failed", "the remote refused it")
    assert stage.journal.transactions == [["step.outcome"]]
    assert (stage.incident.items, stage.incident.evidence) == ({}, {})


async def test_a_step_without_proof_has_failed(stage: Stage) -> None:
    """Its effect happened; but done is what was measured, not what was assumed."""
    stage.play(verify=raising(ActionError("the remote has it not")))
    assert (await stage.run()).status == "failed"


async def test_what_was_measured_is_told_although_the_step_failed(stage: Stage) -> None:
    stage.play(verify=raising(ActionError("2 of 120 rows are gone", {"missing": "2"})))
    assert (await stage.run()).facts == {"missing": "2"}


async def test_a_step_that_takes_too_long_is_ended(stage: Stage) -> None:
    ended = asyncio.Event()

    async def perform(_report: Report) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    stage.play(perform=perform)
    outcome = await stage.run(limit_s=0.05)
    assert (outcome.status, outcome.words) == ("failed", "took longer than its limit of 0.05 s")
    assert ended.is_set()


async def test_the_limit_is_for_the_proof_as_well(stage: Stage) -> None:
    async def verify() -> Proof:
        await asyncio.sleep(60)
        raise AssertionError("never reached")

    stage.play(verify=verify)
    assert (await stage.run(limit_s=0.05)).words == "took longer than its limit of 0.05 s"


async def test_somebody_elses_time_limit_is_not_the_steps(stage: Stage) -> None:
    stage.play(perform=raising(TimeoutError("of a socket")))
    words = "a fault in Warroom itself, TimeoutError: of a socket; engine.log has it"
    assert (await stage.run()).words == words


@pytest.mark.parametrize(
    "error", [ValueError("first line\nsecond line"), KeyError("x"), RecursionError(), AssertionError("no")]
)
async def test_a_fault_of_ours_becomes_an_outcome_of_one_line(stage: Stage, error: Exception) -> None:
    stage.play(perform=raising(error))
    outcome = await stage.run()
    assert outcome.status == "failed"
    assert outcome.words.startswith(f"a fault in Warroom itself, {type(error).__name__}: ")
    assert "\n" not in outcome.words


async def test_an_action_that_does_not_exist_any_more_is_a_failed_step(stage: Stage) -> None:
    """A plan frozen by another version can name one."""
    assert (await stage.run(action="teleport")).status == "failed"


@pytest.mark.parametrize("part", ["perform", "verify"])
async def test_the_reason_is_one_line_without_secret_or_control_characters(stage: Stage, part: str) -> None:
    words = f"git push: rejected\n\tby the hook \x1b[31mof {CANARY}@remote"
    stage.play(**{part: raising(StatedError(words))})
    assert (await stage.run()).words == "git push: rejected by the hook \\x1b[31mof ***@remote"


async def test_no_reason_is_longer_than_anybody_reads(stage: Stage) -> None:
    stage.play(perform=raising(StatedError("x" * 100_000)))
    assert len((await stage.run()).words) == 400


async def test_no_secret_is_in_proof_output_or_progress(stage: Stage) -> None:
    async def perform(report: Report) -> None:
        report(f"connecting with {CANARY}")
        report.line(f"password={CANARY}")

    async def verify() -> Proof:
        slot = Slot("branch", f"as {CANARY}", f"x{CANARY}")
        return Proof(f"in as {CANARY}", {"dsn": f"postgresql://u:{CANARY}@h"}, (slot,))

    stage.play(perform=perform, verify=verify)
    outcome = await stage.run()
    assert (outcome.words, outcome.facts) == ("in as ***", {"dsn": "postgresql://u:***@h"})
    assert stage.output() == "password=***\n"
    assert stage.incident.evidence["branch"].words == "as ***"
    assert CANARY not in b"".join(link.raw for link in stage.journal.links).decode()
    assert CANARY not in str(stage.shown)


async def test_a_step_whose_output_cannot_be_kept_is_not_performed(stage: Stage) -> None:
    """What nobody could look at afterwards does not happen; and the engine goes on."""
    (stage.folder / "output").write_text("a file where the folder should be")
    performed: list[bool] = []

    async def perform(_report: Report) -> None:
        performed.append(True)

    stage.play(perform=perform)
    outcome = await stage.run()
    assert (outcome.status, outcome.output, performed) == ("failed", None, [])
    assert outcome.words.startswith("its output cannot be kept: ")


async def test_an_outcome_that_cannot_be_committed_is_the_engines_end(stage: Stage) -> None:
    pushed = stage.step()
    stage.book.say(stage.runner.intent(pushed))
    stage.journal.refuses = JournalError("no space left on the device")
    with pytest.raises(JournalError):
        await stage.runner.run(pushed, lambda: False)


async def test_a_step_that_is_cancelled_leaves_no_outcome(stage: Stage) -> None:
    """The next engine finds it unknown, which it is."""

    async def perform(_report: Report) -> None:
        await asyncio.sleep(60)

    stage.play(perform=perform)
    pushed = stage.step()
    stage.book.say(stage.runner.intent(pushed))
    task = asyncio.create_task(stage.runner.run(pushed, lambda: False))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stage.journal.kinds("step") == ["step.intent push"]


# -- looking what became of it ------------------------------------------------------------------------


@pytest.mark.parametrize("found_", ["done", "not done", "cannot tell"])
async def test_what_a_probe_finds_is_told(stage: Stage, found_: Any) -> None:
    async def probe() -> Finding:
        return Finding(found_, f"as {CANARY}\nsaw it")

    stage.play(probe=probe)
    assert await stage.runner.probe(stage.unclear()) == ev.StepProbed("push", 1, found_, "as *** saw it")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StatedError("no answer from\nthe remote"), "no answer from the remote"),
        (ValueError("odd"), "a fault in Warroom itself, ValueError: odd; engine.log has it"),
    ],
)
async def test_a_probe_that_fails_cannot_tell(stage: Stage, error: Exception, words: str) -> None:
    """Whatever it is: an engine that died of looking would die again at every start."""
    stage.play(probe=raising(error))
    assert await stage.runner.probe(stage.unclear()) == ev.StepProbed("push", 1, "cannot tell", words)


async def test_a_probe_that_does_not_end_cannot_tell(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def probe() -> Finding:
        await asyncio.sleep(60)
        raise AssertionError("never reached")

    monkeypatch.setattr("console.engine.runner.PROBE_S", 0.02)
    stage.play(probe=probe)
    told = await stage.runner.probe(stage.unclear())
    assert (told.finding, told.words) == ("cannot tell", "no answer within 0.02 s")


# -- taking it as done --------------------------------------------------------------------------------


async def test_an_unclear_step_is_taken_as_done_with_its_proof_and_all_that_proves(stage: Stage) -> None:
    async def verify() -> Proof:
        return Proof("on the remote", {}, (Slot("branch", "it is there", "x"),))

    stage.play(verify=verify)
    bodies = await stage.runner.accept(stage.unclear())
    outcome, evidence, tick = bodies
    assert isinstance(outcome, ev.StepOutcome)
    assert (outcome.step, outcome.attempt, outcome.status) == ("push", 1, "done")
    assert evidence == ev.EvidenceRecorded("branch", holds=True, words="it is there", inputs="x")
    assert tick == ev.ItemTicked("accessible", done=True, note="on the remote", step="push")
    assert stage.journal.kinds("step.outcome") == [], "the engine commits it together with the decision"


async def test_evidence_says_how_old_it_was_already_when_it_was_proven(stage: Stage) -> None:
    """A step may prove what a moment before it looked like; a clock that was moved makes nothing younger."""
    now = stage.clock.now().utc_us

    async def verify() -> Proof:
        slots = (Slot("branch", "it is there", "x", shows=now - shift) for shift in (90_000_000, -90_000_000))
        return Proof("on the remote", {}, tuple(slots))

    stage.play(verify=verify)
    bodies = await stage.runner.accept(stage.unclear())
    ages = [body.age_s for body in bodies if isinstance(body, ev.EvidenceRecorded)]
    assert ages == [pytest.approx(90, abs=0.1), 0.0]


async def test_nothing_is_performed_to_take_a_step_as_done(stage: Stage) -> None:
    stage.play(perform=raising(AssertionError("performed")))
    assert await stage.runner.accept(stage.unclear())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ActionError(f"the remote has it not,\nsays {CANARY}"), r"the remote has it not, says \*\*\*"),
        (ValueError("odd"), "a fault in Warroom itself, ValueError: odd"),
    ],
)
async def test_without_a_proof_nothing_is_taken_as_done(stage: Stage, error: Exception, words: str) -> None:
    stage.play(verify=raising(error))
    with pytest.raises(UnprovenError, match=words):
        await stage.runner.accept(stage.unclear())


async def test_a_proof_that_does_not_come_is_none(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def verify() -> Proof:
        await asyncio.sleep(60)
        raise AssertionError("never reached")

    monkeypatch.setattr("console.engine.runner.PROBE_S", 0.02)
    stage.play(verify=verify)
    with pytest.raises(UnprovenError, match="no proof within 0.02 s"):
        await stage.runner.accept(stage.unclear())


MEANWHILE: dict[str, Callable[[Stage], None]] = {
    "taken as done by somebody else": lambda stage: stage.end("push"),
    "retried": lambda stage: (
        stage.say(ev.StepDecided("push", 1, Choice.RETRY, ""), actor="eng-2"),
        stage.begin("push"),
    ),
    "skipped": lambda stage: stage.say(ev.StepDecided("push", 1, Choice.SKIP, "x"), actor="eng-2"),
    "planned anew": lambda stage: stage.say(ev.PlanningStarted(Wish()), actor="eng-2"),
    "planned anew and unclear again": lambda stage: (
        stage.freeze(stage.step(), releases_back=1),
        stage.begin("push"),
        stage.crash(),
    ),
    "resolved": lambda stage: stage.say(ev.IncidentResolved("mitigated", "flag off", ""), actor="eng-2"),
}


@pytest.mark.parametrize("name", MEANWHILE)
async def test_a_proof_that_comes_after_another_decision_counts_for_nothing(stage: Stage, name: str) -> None:
    """Looking takes seconds, in which other consoles go on."""

    async def verify() -> Proof:
        MEANWHILE[name](stage)
        return Proof("on the remote")

    stage.play(verify=verify)
    with pytest.raises(UnprovenError, match="it was decided otherwise meanwhile"):
        await stage.runner.accept(stage.unclear())


# -- points of a crash --------------------------------------------------------------------------------


async def test_every_point_of_a_crash_is_passed_in_order(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`intent.before` is the conductor's; the others are here, around the effect."""
    passed: list[tuple[str, list[str]]] = []

    def reached(name: str, point: str) -> None:
        assert name == "push"
        passed.append((point, stage.journal.kinds("step")))

    async def perform(report: Report) -> None:
        report("one")
        report("two")
        report("three")

    monkeypatch.setattr(crash, "reached", reached)
    stage.play(perform=perform)
    await stage.run()
    before, after = ["step.intent push"], ["step.intent push", "step.outcome push"]
    assert passed == [
        ("intent.after", before),
        ("effect.middle", before),
        ("effect.after", before),
        ("outcome.after", after),
    ]
    assert [point for point, _ in passed] == [point for point in crash.POINTS if point != "intent.before"]


# -- the way back -------------------------------------------------------------------------------------


class PlayedUndo(Undo):
    """A way back that says what it was made from; `there` is what its probe looks at."""

    there: ClassVar[bool] = True
    seen: ClassVar[list[tuple[str, dict[str, str]]]] = []

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:  # noqa: ARG004 - it plans nothing
        return WayBack("back", ("back --now",))

    async def probe(self) -> Finding:
        return Finding("not done" if type(self).there else "done", "looked")

    async def perform(self, report: Report) -> None:
        report.line("taking it back")
        type(self).seen.append((self.token, self.before))
        type(self).there = False

    async def verify(self) -> Proof:
        if type(self).there:
            raise ActionError(f"{CANARY} is still there")
        return Proof("it is gone")


async def taken_back(stage: Stage) -> ev.UndoOutcome:
    pushed = stage.step()
    stage.say(ev.UndoAsked(("push",), stage.hashed, ""), actor="eng-1")
    stage.say(stage.runner.undo_intent(pushed))
    await stage.runner.undo(pushed, lambda: False)
    return [body for body in stage.journal.bodies() if isinstance(body, ev.UndoOutcome)][-1]


@pytest.fixture
def undoes(stage: Stage) -> Stage:
    stage.action.undo = type("Back", (PlayedUndo,), {"there": True, "seen": []})  # type: ignore[attr-defined]
    return stage


async def test_what_a_step_found_before_its_effect_reaches_its_way_back(undoes: Stage) -> None:
    """Committed before the effect, without a secret in it; the way back has a name of its own."""

    async def replaces(report: Report) -> None:
        report.found({"head": f"9c1f {CANARY}"})
        assert undoes.incident.step("push").before == {"head": "9c1f ***"}

    undoes.play(perform=replaces)
    await undoes.run()
    outcome = await taken_back(undoes)
    assert (outcome.status, outcome.words, outcome.attempt) == ("done", "it is gone", 1)
    ((token, before),) = undoes.action.undo.seen  # type: ignore[attr-defined]
    assert before == {"head": "9c1f ***"}
    assert token.endswith("-push-1-undo-1")
    assert undoes.incident.step("push").status is Status.UNDONE
    assert outcome.output is not None
    assert (undoes.folder / outcome.output).read_text() == "taking it back\n"


async def test_what_is_as_it_was_is_not_taken_back_again(undoes: Stage) -> None:
    await undoes.run()
    undoes.action.undo.there = False  # type: ignore[attr-defined]
    assert (await taken_back(undoes)).status == "done"
    assert undoes.action.undo.seen == []  # type: ignore[attr-defined]


async def test_a_way_back_that_fails_says_why_and_leaves_the_step_done(undoes: Stage) -> None:
    """Without a secret; a second try is the next attempt."""

    async def stays(self: PlayedUndo, report: Report) -> None:
        report.line("it does not move")

    undoes.action.undo.perform = stays  # type: ignore[attr-defined]
    await undoes.run()
    outcome = await taken_back(undoes)
    assert (outcome.status, outcome.words) == ("failed", "*** is still there")
    assert undoes.incident.step("push").status is Status.DONE
    undoes.action.undo.there = False  # type: ignore[attr-defined]
    assert (await taken_back(undoes)).attempt == 2
