"""One step, from intent to outcome: written ahead, time-limited, proven, and never done twice unasked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog
from msgspec import Struct

from actions.action import Action, ActionError, Finding, Proof, Report, Slot, Undo, World
from actions.registry import ACTIONS
from console.core import events as ev
from console.core.errors import StatedError
from console.core.events import Body
from console.core.plan import Phase, Step
from console.core.state import Incident, RungState, Status, StepState
from console.engine import crash
from console.engine.board import Board, StepReport, Worsened, one_line
from console.engine.docket import Docket
from console.store.output import OutputFile
from console.store.private import PRIVATE, Sharing

PROBE_S = 90
"""How long a probe may take; it waits for what is still under way."""

log = structlog.get_logger()


class UnprovenError(StatedError):
    """A step cannot be taken as done."""


class Failure(Struct, frozen=True):
    """How a step ended that did not do what it is for."""

    words: str
    facts: dict[str, str] = {}


class Printed(Struct, frozen=True):
    """The file of what a step printed, relative to the state folder, and its SHA-256."""

    path: str
    sha256: str


class Ended(Struct, frozen=True):
    """What came of an attempt."""

    how: Proof | Failure
    seconds: float
    printed: Printed | None


class Runner:
    """Runs the steps of one docket's plan, or takes them back, one call each."""

    def __init__(
        self,
        docket: Docket,
        world: World,
        board: Board,
        folder: Path,
        redact: Callable[[str], str],
        rungs: Callable[[], Mapping[str, RungState]],
        sharing: Sharing = PRIVATE,
    ) -> None:
        """`rungs` tells where each metric stands."""
        self._docket = docket
        self._world = world
        self._board = board
        self._folder = folder
        self._redact = redact
        self._rungs = rungs
        self._sharing = sharing

    def intent(self, step: Step) -> ev.StepIntent:
        """The event that must be committed before `run`."""
        incident = self._incident()
        attempt = incident.step(step.id).attempt + 1
        return ev.StepIntent(step.id, attempt, self._docket.epoch, incident.plan_hash or "")

    async def run(self, step: Step, stopping: Callable[[], bool]) -> None:
        """Perform and verify a step whose intent is committed, and commit the outcome."""
        crash.reached(step.id, "intent.after")

        async def work(report: Report) -> Proof:
            action = self._action(step)
            if not await self._was_done_before(step, action):
                await action.perform(report)
            crash.reached(step.id, "effect.after")
            return await action.verify()

        ended = await self._tried(step, step.id, self._attempt(step), work, stopping)
        self._docket.say(*self._outcome(step, ended))
        self._board.step(self._docket.key(step.id), None)
        crash.reached(step.id, "outcome.after")

    def undo_intent(self, step: Step) -> ev.UndoIntent:
        """The event that must be committed before `undo`."""
        incident = self._incident()
        attempt = incident.undos.get(step.id, StepState()).attempt + 1
        return ev.UndoIntent(step.id, attempt, self._docket.epoch, incident.plan_hash or "")

    async def undo(self, step: Step, stopping: Callable[[], bool]) -> None:
        """Take back a step whose undo's intent is committed, and commit what came of it.

        It looks first: what is as it was before the step needs nothing but the proof of that.
        """
        name = f"undo-{step.id}"
        crash.reached(name, "intent.after")

        async def work(report: Report) -> Proof:
            undo = self._undo(step)
            if (await undo.probe()).found != "done":
                await undo.perform(report)
            crash.reached(name, "effect.after")
            return await undo.verify()

        ended = await self._tried(step, name, self._incident().undos[step.id].attempt, work, stopping)
        self._docket.say(*self._undone(step, ended))
        self._board.step(self._docket.key(step.id), None)
        crash.reached(name, "outcome.after")

    async def _tried(
        self,
        step: Step,
        name: str,
        attempt: int,
        work: Callable[[Report], Awaitable[Proof]],
        stopping: Callable[[], bool],
    ) -> Ended:
        """What it came to, with the file of what it printed, `name` by name."""
        began = self._world.clock.now()
        ended: Proof | Failure
        printed = None
        try:
            output = OutputFile(self._folder, self._incident().id, name, attempt, sharing=self._sharing)
        except OSError as error:
            ended = Failure(f"its output cannot be kept: {error.strerror}, {error.filename}")
        else:
            ended = await self._ending(step, work, self._report(step, output, stopping))
            printed = Printed(str(output.path.relative_to(self._folder.parent)), output.close())
        return Ended(ended, self._world.clock.now().seconds_since(began), printed)

    async def probe(self, step: Step) -> ev.StepProbed:
        """Look whether an unclear step's effect is there; a probe that fails cannot tell."""
        attempt = self._attempt(step)
        try:
            async with asyncio.timeout(PROBE_S):
                finding = await self._looked(step)
        except StatedError as error:
            finding = Finding("cannot tell", str(error))
        except TimeoutError:
            finding = Finding("cannot tell", f"no answer within {PROBE_S} s")
        except Exception as error:  # whoever cannot look has found nothing, and the engine goes on
            log.exception("probe.crashed", step=step.id)
            finding = Finding("cannot tell", _fault(error))
        return ev.StepProbed(step.id, attempt, finding.found, self._fit(finding.words))

    async def _looked(self, step: Step) -> Finding:
        """What the probe finds when nothing of the engine before us runs on: else "not done" is not sure."""
        unseen = ""
        try:
            ended = await self._world.stores.end_orphans() if self._world.stores else 0
        except StatedError as error:
            unseen = str(error)
        else:
            if ended:
                log.warning("probe.orphans_ended", step=step.id, programs=ended)
        finding = await self._action(step).probe()
        if unseen and finding.found == "not done":
            return Finding("cannot tell", f"{finding.words}; it may still run: {unseen}")
        return finding

    async def accept(self, step: Step) -> tuple[Body, ...]:
        """What is to be committed when an unclear step is taken as done: only what verifies now.

        Raises UnprovenError with the reason when it does not, or when it was decided otherwise meanwhile.
        """
        before, began = self._unclear(step), self._world.clock.now()
        try:
            async with asyncio.timeout(PROBE_S):
                proof = await self._action(step).verify()
        except StatedError as error:
            raise UnprovenError(self._fit(str(error))) from error
        except TimeoutError:
            raise UnprovenError(f"no proof within {PROBE_S} s") from None
        except Exception as error:  # without a proof it stays unclear, and the engine goes on
            log.exception("proof.crashed", step=step.id)
            raise UnprovenError(self._fit(_fault(error))) from error
        if before is None or self._unclear(step) != before:
            raise UnprovenError("it was decided otherwise meanwhile")
        return self._outcome(step, Ended(proof, self._world.clock.now().seconds_since(began), None))

    def _unclear(self, step: Step) -> tuple[str, str | None, int] | None:
        """Which attempt of which plan is unclear; None when the step is not."""
        incident = self._docket.run
        if incident is None or incident.planning or incident.step(step.id).status is not Status.UNKNOWN:
            return None
        return incident.id, incident.plan_hash, incident.step(step.id).attempt

    async def _ending(
        self, step: Step, work: Callable[[Report], Awaitable[Proof]], report: StepReport
    ) -> Proof | Failure:
        """The proof, or why there is none: whatever happens ends as one of the two."""
        limit = asyncio.timeout(step.limit_s)
        try:
            async with limit:
                return await work(report)
        except StatedError as error:
            return Failure(str(error), error.facts if isinstance(error, ActionError) else {})
        except Exception as error:  # a fault of ours must end as an outcome, not as silence
            if limit.expired() and isinstance(error, TimeoutError):
                return Failure(f"took longer than its limit of {step.limit_s:g} s")
            log.exception("step.crashed", step=step.id)
            return Failure(_fault(error))

    async def _was_done_before(self, step: Step, action: Action) -> bool:
        """Whether an earlier plan of this incident has left what this one is to make, from the same inputs.

        What a step of *prepare* leaves has a name made from its inputs, and by that the action's own probe
        finds it: the candidate that was proven, the backup that is whole. It is then verified once more.
        """
        incident = self._incident()
        again = incident.plans > 1 and incident.step(step.id).attempt == 1
        if not (again and step.phase is Phase.PREPARE and step.repeatable):
            return False
        return (await action.probe()).found == "done"

    def _report(self, step: Step, output: OutputFile, stopping: Callable[[], bool]) -> StepReport:
        return StepReport(
            self._docket.key(step.id),
            step.limit_s,
            self._board,
            output,
            self._world.clock,
            stopping=stopping,
            worsened=Worsened(self._rungs),
            redact=self._redact,
            remember=self._docket.say,
            found=lambda facts: self._docket.say(
                ev.StepFound(step.id, self._attempt(step), self._redacted(facts))
            ),
        )

    def _undone(self, step: Step, tried: Ended) -> tuple[Body, ...]:
        """The outcome of taking a step back, and what else the journal is to say of it."""
        proof = tried.how if isinstance(tried.how, Proof) else None
        outcome = ev.UndoOutcome(
            step=step.id,
            attempt=self._incident().undos[step.id].attempt,
            status="done" if proof else "failed",
            words=self._fit(tried.how.words),
            seconds=round(tried.seconds, 6),
            facts=self._redacted(tried.how.facts),
            output=tried.printed.path if tried.printed else None,
            output_sha256=tried.printed.sha256 if tried.printed else None,
        )
        return (outcome, *(proof.events if proof else ()))

    def _outcome(self, step: Step, tried: Ended) -> tuple[Body, ...]:
        """The outcome, and with a success its evidence and the items it proves; one transaction."""
        proof = tried.how if isinstance(tried.how, Proof) else None
        words = self._fit(tried.how.words)
        outcome = ev.StepOutcome(
            step=step.id,
            attempt=self._attempt(step),
            status="done" if proof else "failed",
            words=words,
            seconds=round(tried.seconds, 6),
            facts=self._redacted(tried.how.facts),
            output=tried.printed.path if tried.printed else None,
            output_sha256=tried.printed.sha256 if tried.printed else None,
        )
        if proof is None:
            return (outcome,)
        ticks = (ev.ItemTicked(item, done=True, note=words, step=step.id) for item in step.proves)
        return (outcome, *(self._evidence(slot) for slot in proof.evidence), *proof.events, *ticks)

    def _evidence(self, slot: Slot) -> ev.EvidenceRecorded:
        now = self._world.clock.now().utc_us
        return ev.EvidenceRecorded(
            slot.name,
            slot.holds,
            self._fit(slot.words),
            self._redact(slot.inputs),
            age_s=0.0 if slot.shows is None else max(0.0, (now - slot.shows) / 1e6),
        )

    def _fit(self, words: str) -> str:
        """Words as they may stand in the journal."""
        return one_line(self._redact(words))

    def _redacted(self, facts: Mapping[str, str]) -> dict[str, str]:
        return {name: self._redact(fact) for name, fact in facts.items()}

    def _action(self, step: Step) -> Action:
        return ACTIONS[step.action](step.params, self._world, self._name(step))

    def _undo(self, step: Step) -> Undo:
        """The way back of a step; its name is another one than that of the step's own attempts."""
        made, incident = ACTIONS[step.action].undo, self._incident()
        if made is None:
            raise ActionError(f"{step.title} cannot be taken back by Warroom: {step.words}")
        token = f"{self._name(step)}-undo-{incident.undos[step.id].attempt}"
        return made(step.params, self._world, token, incident.step(step.id).before)

    def _attempt(self, step: Step) -> int:
        return self._incident().step(step.id).attempt

    def _incident(self) -> Incident:
        incident = self._docket.run
        assert incident is not None  # noqa: S101 - a step belongs to an open incident
        return incident

    def _name(self, step: Step) -> str:
        """Names this attempt, here and outside: incident, plan, step, attempt."""
        incident = self._incident()
        return f"{incident.id}-{(incident.plan_hash or '')[:8]}-{step.id}-{self._attempt(step)}"


def _fault(error: Exception) -> str:
    return f"a fault in Warroom itself, {type(error).__name__}: {error}; engine.log has it"
