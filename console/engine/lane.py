"""A lane: one run from its wish to its end, planned, looked into when it was cut off, and conducted."""

from collections.abc import Callable

import structlog
from msgspec.structs import replace

from actions.action import World
from console.core import events as ev
from console.core.errors import StatedError
from console.core.live import Progress
from console.core.mitigating import named_by
from console.core.plan import Step
from console.core.state import Incident, Status
from console.engine.board import Board
from console.engine.conductor import Conductor
from console.engine.docket import Docket
from console.engine.planner import make_plan
from console.engine.runner import Runner
from console.engine.tasks import Tasks

log = structlog.get_logger()


class Lane:
    """What the engine does for one docket, each time something has changed."""

    def __init__(
        self, docket: Docket, world: World, runner: Runner, conductor: Conductor, board: Board, tasks: Tasks
    ) -> None:
        self._docket = docket
        self._world = world
        self._runner = runner
        self._board = board
        self._tasks = tasks
        self.conductor = conductor

    def moved(self) -> None:
        """Look into what is unclear, plan what is asked for, start what may start."""
        run = self._docket.run
        if run and run.planning and f"planning {run.id}" not in self._tasks:
            self._tasks.start(f"planning {run.id}", self._plan(run))
        if run and (step := _unclear(run)) and f"probe {run.id}" not in self._tasks:
            self._tasks.start(f"probe {run.id}", self._probe(run, step))
        self.conductor.advance()

    async def _probe(self, run: Incident, step: Step) -> None:
        """Say what was found of a step whose engine died in the middle of it."""
        key = self._docket.key(step.id)
        self._board.step(key, Progress("looking what became of it", self._world.clock.now()))
        found = await self._runner.probe(step)
        now = self._docket.run
        if now is not None and now.id == run.id and now.step(step.id).status is Status.UNKNOWN:
            self._docket.say(found)
        self._board.step(key, None)

    async def _plan(self, run: Incident) -> None:
        """Make the plan that was asked for; it is not said any more when the run has ended meanwhile."""
        since = self._world.clock.now()

        def show(words: str) -> None:
            self._docket.show_planning(self._board, Progress(words=words, since=since))

        try:
            said: ev.Body = await make_plan(self._world, run, show)
        except StatedError as error:
            said = ev.PlanningFailed(reason=str(error))
        except Exception as error:  # a fault of ours must end as an event, not as an engine that dies again
            log.exception("planning.crashed")
            said = ev.PlanningFailed(
                reason=f"a fault in Warroom itself, {type(error).__name__}: {error}; engine.log has it"
            )
        finally:
            self._docket.show_planning(self._board, None)
        now = self._docket.run
        if now is not None and now.id == run.id:
            self._docket.say(voiding(said, now))


def voiding(said: ev.Body, run: Incident) -> ev.Body:
    """What is said of a plan, also to those whose yes to the one before it does not count any more."""
    if not isinstance(said, ev.PlanFrozen):
        return said
    return replace(said, voids=tuple(yes.person for yes in run.approvals if yes.plan_hash != said.digest))


def end_errand(docket: Docket) -> Callable[[], None]:
    """What closes an errand as soon as its one step has come to an end, or never can."""

    def close() -> None:
        run = docket.run
        if run is not None and (ending := _ending(run)) is not None:
            docket.say(ending)

    return close


def _ending(run: Incident) -> ev.ErrandEnded | None:
    """How the errand ended; None while it goes on. An unclear step is not done again: one may ask anew."""
    if run.planning_failed is not None:
        return ev.ErrandEnded("failed", run.planning_failed)
    if run.plan is None or run.planning:
        return None
    if run.finished:
        return ev.ErrandEnded("done", "; ".join(run.step(step.id).words for step in run.plan.steps))
    for step in run.asking():
        state = run.step(step.id)
        if named_by(run.plan_wish) and state.finding == "done":
            return ev.ErrandEnded("done", state.words)  # its probe is all that proves it, now as ever
        if state.status is Status.FAILED or state.finding is not None:
            return ev.ErrandEnded("failed", state.words)
    return None


def _unclear(run: Incident) -> Step | None:
    """The first step of the plan that nobody has looked into since its engine died."""
    states = ((step, run.step(step.id)) for step in run.plan.steps) if run.plan else ()
    return next((s for s, state in states if state.status is Status.UNKNOWN and state.finding is None), None)
