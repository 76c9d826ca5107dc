"""The engine: the only writer of the journal and the only thing that changes targets. Needs no terminal."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from actions.action import World
from console.core import events as ev
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.events import Draft
from console.core.impact import ImpactTracker
from console.core.live import Progress
from console.core.metrics import Row
from console.core.requests import Choice, Decide, Request
from console.core.state import Incident, Status
from console.engine.board import Board
from console.engine.book import Book
from console.engine.conductor import Conductor
from console.engine.desk import Desk, RefusedError, new_incident
from console.engine.planner import make_plan
from console.engine.runner import Runner
from console.engine.sampling import Sampler, Tick
from console.store.bell import Bell
from console.store.inbox import FolderInbox, Taken
from console.store.samples import SampleWriter

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
        samples: SampleWriter,
        recorded: Callable[[Stamp], Sequence[Row]],
        inbox: FolderInbox,
        bell: Bell,
        impact: ImpactTracker,
        still_ours: Callable[[], None],
    ) -> None:
        self._book = book
        self._world = world
        self._desk = desk
        self._runner = runner
        self._board = board
        self._sampler = sampler
        self._samples = samples
        self._recorded = recorded
        self._inbox = inbox
        self._bell = bell
        self._impact = impact
        self._conductor = Conductor(
            book, runner, world.clock, drain=self.drain, still_ours=still_ours, fault=self.stop
        )
        self._stop = asyncio.Event()
        self._why = ""
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def serve(self, started: ev.EngineStarted) -> None:
        """Take up what the journal says is under way, and go on until `stop`."""
        self._book.say(started)
        self._recall_impact()
        self._spawn("samples", self._sample())
        self._spawn("inbox", self._answer_requests())
        await self._look_at_unknown()
        self._moved()
        await self._stop.wait()
        await self._end()

    def stop(self, why: str) -> None:
        """End between two steps."""
        self._why = self._why or why
        self._conductor.close()
        self._stop.set()

    async def _end(self) -> None:
        for name in ("samples", "inbox", "planning"):
            if task := self._tasks.get(name):
                task.cancel()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._conductor.idle()
        except TimeoutError:
            log.warning("engine.left_a_step", why="it did not end in time; the next engine will look into it")
        if not self._book.state.engine or self._book.state.engine.stopped is None:
            self._book.say(ev.EngineStopped(reason=self._why))

    # -- samples ------------------------------------------------------------------------------------

    async def _sample(self) -> None:
        async for tick in self._sampler.ticks():
            self._take(tick)

    def _take(self, tick: Tick) -> None:
        """Keep one tick's row, and journal what changed on the ladder."""
        self._samples.append(tick.row)
        if news := (*self._landed(tick), *tick.changes):
            self._book.say(*news)
        self._suspect(tick)
        self._board.beat(self._impact.observe(tick.row), self._conductor.closed())
        self._moved()

    def _landed(self, tick: Tick) -> tuple[ev.ReleaseSeen, ...]:
        """Another release than the journal knows of."""
        known, seen = self._book.state.running, tick.running
        if seen is None or (known and (known.release, known.commit) == (seen.release, seen.commit)):
            return ()
        return (seen,)

    def _suspect(self, tick: Tick) -> None:
        """Open a suspected incident on a mandatory rung that began after the last one was resolved."""
        state = self._book.state
        if state.open_incident is not None or not tick.mandatory:
            return
        resolved = state.incident.resolved if state.incident else None
        fresh = [m for m in tick.mandatory if resolved is None or m.onset.seconds_since(resolved) > 0]
        if not fresh:
            return
        onset = fresh[0].onset
        body = ev.IncidentSuspected(triggers=tuple(m.rule for m in fresh), onset=onset, samples_from=onset)
        now = self._world.clock.now()
        self._book.append(Draft(body, now, new_incident(state, now)))
        self._impact.reset(onset)

    def _recall_impact(self) -> None:
        """Count on from where an engine before this one stopped: its rows are on record."""
        incident = self._book.state.open_incident
        if incident is None:
            return
        for row in self._recorded(incident.onset):
            self._impact.observe(row)
        self._impact.reset(incident.onset)

    # -- requests -----------------------------------------------------------------------------------

    async def _answer_requests(self) -> None:
        while True:
            self.drain()
            self._moved()
            self._board.show()
            await self._bell.wait(POLL_S)

    def drain(self) -> None:
        """Answer every request that lies in the inbox."""
        for taken in self._inbox.take_all():
            if taken.request is None:
                self._book.say(ev.RequestRefused(ask="unreadable", reason=taken.reason))
                self._inbox.done(taken)
            elif taken.request.id in self._book.state.answered:
                self._inbox.done(taken)
            elif f"request {taken.request.id}" not in self._tasks:
                self._answer(taken, taken.request)

    def _answer(self, taken: Taken, request: Request) -> None:
        try:
            bodies = self._desk.answer(request, self._world.clock.now(), self._book.head)
        except RefusedError as refused:
            self._refuse(taken, request, str(refused))
            return
        match request.ask:
            case Decide(step=step, choice=Choice.CONTINUE):
                self._spawn(f"request {request.id}", self._accept(taken, request, step, bodies))
                return
            case _:
                self._commit(taken, request, bodies)

    def _commit(self, taken: Taken, request: Request, bodies: Sequence[ev.Body]) -> None:
        now, state = self._world.clock.now(), self._book.state
        incident = state.open_incident.id if state.open_incident else None
        if any(isinstance(body, ev.IncidentDeclared) for body in bodies):
            incident = incident or new_incident(state, now)
            bodies = (*bodies, ev.PlanningStarted(target=None))
        self._book.append(*(Draft(body, now, incident, request.actor, request.id) for body in bodies))
        self._inbox.done(taken)
        if state.open_incident is None and self._book.state.open_incident is not None:
            self._impact.reset(self._book.state.open_incident.onset)
        if self._book.state.open_incident is None:
            self._impact.reset(None)
        if any(isinstance(body, ev.EngineStopped) for body in bodies):
            self.stop("asked to")

    def _refuse(self, taken: Taken, request: Request, reason: str) -> None:
        body = ev.RequestRefused(ask=type(request.ask).__name__.lower(), reason=reason)
        self._book.append(self._book.draft(body, actor=request.actor, request=request.id))
        self._inbox.done(taken)

    async def _accept(self, taken: Taken, request: Request, step: str, bodies: Sequence[ev.Body]) -> None:
        """An unclear step is taken as done only with its proof, in one transaction with the decision."""
        incident = self._book.state.open_incident
        assert incident is not None  # noqa: S101 - the desk has looked
        assert incident.plan is not None  # noqa: S101 - the desk has looked
        try:
            proven = await self._runner.accept(incident.plan.step(step))
        except (StatedError, TimeoutError) as error:
            self._refuse(
                taken, request, f"{step} cannot be taken as done: {str(error) or 'no proof in time'}"
            )
        else:
            self._commit(taken, request, (*bodies, *proven))
        self._moved()

    # -- the run ------------------------------------------------------------------------------------

    def _moved(self) -> None:
        """Something has changed: plan when a plan is wanted, and start what may start."""
        incident = self._book.state.open_incident
        if incident and incident.planning and "planning" not in self._tasks and not self._stop.is_set():
            self._spawn("planning", self._plan(incident))
        self._conductor.advance()

    async def _plan(self, incident: Incident) -> None:
        since = self._world.clock.now()

        def show(words: str) -> None:
            self._board.show(planning=Progress(words=words, since=since))

        show("fetching, and finding the release to go back to")
        try:
            author = incident.commander or "warroom"
            plan = await make_plan(self._world, incident.id, author, incident.planning_target, show)
        except StatedError as error:
            self._book.say(ev.PlanningFailed(reason=str(error)))
        else:
            self._book.say(plan)
        finally:
            self._board.show(planning=None)

    async def _look_at_unknown(self) -> None:
        """Say what was found of every step whose engine died in the middle of it."""
        incident = self._book.state.open_incident
        if incident is None or incident.plan is None:
            return
        for step in incident.plan.steps:
            if incident.step(step.id).status is Status.UNKNOWN:
                self._board.step(
                    step.id, Progress(words="looking what became of it", since=self._world.clock.now())
                )
                self._book.say(await self._runner.probe(step))
                self._board.step(step.id, None)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda ended: self._ended(name, ended))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        """A task that failed ends the engine: better none than one that only seems to work."""
        del self._tasks[name]
        if task.cancelled():
            return
        if error := task.exception():
            log.error("engine.failed", task=name, error=str(error), exc_info=error)
            self.stop(f"{name} failed: {error}")
        elif name == "planning":
            self._moved()
