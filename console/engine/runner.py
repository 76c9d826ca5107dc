"""One step, from intent to outcome: written ahead, time-limited, proven, and never done twice unasked."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from msgspec import Struct

from actions.action import Action, Proof, Slot, World
from actions.registry import ACTIONS
from console.core import events as ev
from console.core.errors import StatedError
from console.core.events import Body
from console.core.plan import Step
from console.core.state import Incident
from console.engine import crash
from console.engine.board import Board, StepReport
from console.engine.book import Book
from console.store.output import OutputFile

PROBE_S = 90
"""How long a probe may take; it waits for what is still under way."""

log = structlog.get_logger()


class Failure(Struct, frozen=True):
    """How a step ended that did not do what it is for."""

    words: str


class Runner:
    """Runs the steps of the open incident's plan, one call each."""

    def __init__(
        self,
        book: Book,
        world: World,
        board: Board,
        folder: Path,
        redact: Callable[[str], str],
    ) -> None:
        self._book = book
        self._world = world
        self._board = board
        self._folder = folder
        self._redact = redact

    def intent(self, step: Step) -> ev.StepIntent:
        """The event that must be committed before `run`."""
        incident = self._incident()
        attempt = incident.step(step.id).attempt + 1
        return ev.StepIntent(step.id, attempt, self._book.state.epoch, incident.plan_hash or "")

    async def run(self, step: Step, stopping: Callable[[], bool]) -> None:
        """Perform and verify a step whose intent is committed, and commit the outcome."""
        crash.reached(step.id, "intent.after")
        began = self._world.clock.now()
        output = self._output(step)
        report = StepReport(step.id, step.limit_s, self._board, output, self._world.clock, stopping)
        try:
            ended: Proof | Failure = await self._perform(step, report)
        except StatedError as error:
            ended = Failure(str(error))
        except TimeoutError:
            ended = Failure(f"took longer than its limit of {step.limit_s:g} s")
        except Exception as error:  # a fault of ours must end as an outcome, not as silence
            log.exception("step.crashed", step=step.id)
            ended = Failure(f"a fault in Warroom itself, {type(error).__name__}: {error}; engine.log has it")
        seconds = self._world.clock.now().seconds_since(began)
        self._book.say(*self._outcome(step, ended, seconds, output))
        self._board.step(step.id, None)
        crash.reached(step.id, "outcome.after")

    async def probe(self, step: Step) -> ev.StepProbed:
        """Look whether an unclear step's effect is there; a probe that fails cannot tell."""
        attempt = self._attempt(step)
        try:
            async with asyncio.timeout(PROBE_S):
                finding = await self._action(step).probe()
        except StatedError as error:
            return ev.StepProbed(step.id, attempt, "cannot tell", self._redact(str(error)))
        except TimeoutError:
            return ev.StepProbed(step.id, attempt, "cannot tell", f"no answer within {PROBE_S} s")
        return ev.StepProbed(step.id, attempt, finding.found, self._redact(finding.words))

    async def accept(self, step: Step) -> tuple[Body, ...]:
        """What is to be committed when an unclear step is taken as done: only what verifies now.

        Raises StatedError with the reason when it does not.
        """
        began = self._world.clock.now()
        output = self._output(step)
        async with asyncio.timeout(PROBE_S):
            proof = await self._action(step).verify()
        return self._outcome(step, proof, self._world.clock.now().seconds_since(began), output)

    async def _perform(self, step: Step, report: StepReport) -> Proof:
        action = self._action(step)
        async with asyncio.timeout(step.limit_s):
            await action.perform(report)
            crash.reached(step.id, "effect.after")
            return await action.verify()

    def _outcome(
        self, step: Step, ended: Proof | Failure, seconds: float, output: OutputFile
    ) -> tuple[Body, ...]:
        """The outcome, and with a success its evidence and the items it proves; one transaction."""
        proof = ended if isinstance(ended, Proof) else None
        digest = output.close()
        outcome = ev.StepOutcome(
            step=step.id,
            attempt=self._attempt(step),
            status="done" if proof else "failed",
            words=self._redact(ended.words),
            seconds=round(seconds, 6),
            facts=proof.facts if proof else {},
            output=str(output.path.relative_to(self._folder.parent)),
            output_sha256=digest,
        )
        if proof is None:
            return (outcome,)
        ticks = (ev.ItemTicked(item, done=True, note=proof.words, step=step.id) for item in step.proves)
        return (outcome, *(_evidence(slot) for slot in proof.evidence), *ticks)

    def _output(self, step: Step) -> OutputFile:
        return OutputFile(self._folder, self._incident().id, step.id, self._attempt(step))

    def _action(self, step: Step) -> Action:
        return ACTIONS[step.action](step.params, self._world, self._name(step))

    def _attempt(self, step: Step) -> int:
        return self._incident().step(step.id).attempt

    def _incident(self) -> Incident:
        incident = self._book.state.open_incident
        assert incident is not None  # noqa: S101 - a step belongs to an open incident
        return incident

    def _name(self, step: Step) -> str:
        """Names this attempt, here and outside: incident, plan, step, attempt."""
        incident = self._incident()
        return f"{incident.id}-{(incident.plan_hash or '')[:8]}-{step.id}-{self._attempt(step)}"


def _evidence(slot: Slot) -> ev.EvidenceRecorded:
    return ev.EvidenceRecorded(slot.name, slot.holds, slot.words, slot.inputs)
