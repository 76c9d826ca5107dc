"""The engine: the only writer of the journal and the only thing that changes targets. Needs no terminal."""

import asyncio

import structlog

from actions.action import World
from console.core import events as ev
from console.core.errors import StatedError
from console.core.live import Progress
from console.core.plan import Step
from console.core.state import Incident, Status
from console.engine.board import Board
from console.engine.book import Book
from console.engine.conductor import Conductor
from console.engine.desk import Desk
from console.engine.lookout import Lookout
from console.engine.planner import make_plan
from console.engine.reception import Reception
from console.engine.runner import Runner
from console.engine.sampling import Sampler
from console.engine.tasks import Tasks
from console.store.bell import Bell
from console.store.inbox import FolderInbox
from console.store.lease import Lease

POLL_S = 1.0
"""How long a request can lie in the inbox when its bell was lost; and the rhythm of the heartbeat."""
PATIENCE_S = 5.0
"""How long a step under way may go on after the engine was told to end."""

log = structlog.get_logger()


class Engine:
    """Samples, judges, answers requests and runs the plan, until it is told to stop."""

    def __init__(
        self,
        *,
        book: Book,
        world: World,
        desk: Desk,
        runner: Runner,
        board: Board,
        sampler: Sampler,
        lookout: Lookout,
        inbox: FolderInbox,
        bell: Bell,
        lease: Lease,
    ) -> None:
        self._book = book
        self._world = world
        self._runner = runner
        self._board = board
        self._sampler = sampler
        self._lookout = lookout
        self._bell = bell
        self._stop = asyncio.Event()
        self._why = ""
        self._tasks = Tasks(failed=self.stop, ended=self._moved)
        self._reception = Reception(book, desk, runner, inbox, world.clock, self._tasks, self.stop)
        self._conductor = Conductor(
            book, runner, world.clock, drain=self._reception.drain, still_ours=lease.check, fault=self.stop
        )

    async def serve(self, started: ev.EngineStarted) -> None:
        """Take up what the journal says is under way, and go on until `stop`."""
        self._book.say(started)
        self._lookout.recall()
        self._tasks.start("samples", self._sample())
        self._tasks.start("inbox", self._answer_requests())
        self._moved()
        await self._stop.wait()
        await self._end()

    def stop(self, why: str) -> None:
        """End between two steps."""
        self._why = self._why or why
        self._conductor.close()
        self._stop.set()

    async def _end(self) -> None:
        await self._tasks.cancel()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._conductor.idle()
        except TimeoutError:
            log.warning("engine.left_a_step", why="it did not end in time; the next engine will look into it")
        if not self._book.state.engine or self._book.state.engine.stopped is None:
            self._book.say(ev.EngineStopped(reason=self._why))

    async def _sample(self) -> None:
        async for tick in self._sampler.ticks():
            impact = self._lookout.take(tick)
            self._board.beat(impact, self._conductor.closed(), self._lookout.trouble(tick))
            self._moved()

    async def _answer_requests(self) -> None:
        while True:
            self._reception.drain()
            self._moved()
            self._board.show()
            await self._bell.wait(POLL_S)

    def _moved(self) -> None:
        """Something has changed: look into what is unclear, plan what is asked for, start what may start."""
        if self._stop.is_set():
            return
        incident = self._book.state.open_incident
        if incident and incident.planning and "planning" not in self._tasks:
            self._tasks.start("planning", self._plan(incident))
        if (step := _unclear(incident)) and "probe" not in self._tasks:
            self._tasks.start("probe", self._probe(step))
        self._conductor.advance()

    async def _probe(self, step: Step) -> None:
        """Say what was found of a step whose engine died in the middle of it."""
        self._board.step(step.id, Progress("looking what became of it", self._world.clock.now()))
        found = await self._runner.probe(step)
        incident = self._book.state.open_incident
        if incident and incident.step(step.id).status is Status.UNKNOWN:
            self._book.say(found)
        self._board.step(step.id, None)

    async def _plan(self, incident: Incident) -> None:
        """Make the plan that was asked for; it is not said any more when the incident has ended meanwhile."""
        since = self._world.clock.now()

        def show(words: str) -> None:
            self._board.show(planning=Progress(words=words, since=since))

        show("fetching, and finding the release to go back to")
        author = incident.commander or "warroom"
        try:
            said: ev.Body = await make_plan(self._world, incident.id, author, incident.planning_target, show)
        except StatedError as error:
            said = ev.PlanningFailed(reason=str(error))
        except Exception as error:  # a fault of ours must end as an event, not as an engine that dies again
            log.exception("planning.crashed")
            said = ev.PlanningFailed(
                reason=f"a fault in Warroom itself, {type(error).__name__}: {error}; engine.log has it"
            )
        finally:
            self._board.show(planning=None)
        now = self._book.state.open_incident
        if now is not None and now.id == incident.id:
            self._book.say(said)


def _unclear(incident: Incident | None) -> Step | None:
    """The first step of the plan that nobody has looked into since its engine died."""
    if incident is None or incident.plan is None:
        return None
    states = ((step, incident.step(step.id)) for step in incident.plan.steps)
    return next((s for s, state in states if state.status is Status.UNKNOWN and state.finding is None), None)
