"""The engine: the only writer of the journal and the only thing that changes targets. Needs no terminal."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from actions.action import World
from console.authority.office import Office
from console.core import events as ev
from console.core.review import overdue
from console.core.state import Incident
from console.engine.adviser import Adviser
from console.engine.automatic import AutomaticRollback
from console.engine.board import Board
from console.engine.book import Book
from console.engine.caller import Caller
from console.engine.catalogue import Cataloguer
from console.engine.changes import ChangesKeeper
from console.engine.conductor import Conductor
from console.engine.desk import Desk
from console.engine.docket import ERRAND, Docket, of_errand
from console.engine.lane import Lane, end_errand
from console.engine.lookout import Lookout
from console.engine.on_call import DutyKeeper
from console.engine.pager import Means, Pager
from console.engine.reception import Reception
from console.engine.recollection import Recollector
from console.engine.runner import Runner
from console.engine.sampling import Sampler
from console.engine.service import Service
from console.engine.signatures import Signatures
from console.engine.standing_orders import StandingOrders
from console.engine.tasks import Tasks
from console.engine.timekeeper import Timekeeper
from console.store.bell import Bell
from console.store.inbox import FolderInbox
from console.store.lease import Lease

if TYPE_CHECKING:
    from console.engine.webhook import Listener

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
        office: Office,
        runner: Callable[[Docket], Runner],
        board: Board,
        sampler: Sampler,
        lookout: Lookout,
        inbox: FolderInbox,
        bell: Bell,
        lease: Lease,
        cataloguer: Cataloguer | None,
        changes: ChangesKeeper | None,
        means: Means,
        webhook: "Listener | None" = None,
        on_call: DutyKeeper | None = None,
        service: Service | None = None,
        recollector: Recollector | None = None,
        off: Path | None = None,
    ) -> None:
        """`cataloguer` keeps what the data could go back to in sight; None where there are no backups.

        `changes` keeps what changed in sight; None where there is no repository to read it from. `means` are
        those by which people are asked. `webhook` hears what Alertmanager tells, `on_call` keeps in sight who
        is asked first; None where nobody wants that. `service` tells a service manager how it goes; None
        where none wants to know. `recollector` fetches what sources recorded before this engine looked; None
        where nobody needs that. `off` is the file that switches automatic rollback off.
        """
        self._book = book
        self._clock = world.clock
        self._board = board
        self._sampler = sampler
        self._lookout = lookout
        self._bell = bell
        self._keepers = {
            "catalogue": cataloguer,
            "changes": changes,
            "webhook": webhook,
            "on call": on_call,
            "recollection": recollector,
            "service": service,
        }
        self._troubled = [one for one in (webhook, on_call) if one is not None]
        self._service = service
        self._stop = asyncio.Event()
        self._why = ""
        self._tasks = Tasks(failed=self.stop, ended=self._moved)
        ours, errands = Docket(book), Docket(book, of_errand, ERRAND)
        run, run_errand = runner(ours), runner(errands)
        self._reception = Reception(book, desk, office, run, inbox, world.clock, self._tasks, self.stop)
        conduct = partial(
            Conductor,
            clock=world.clock,
            drain=self._reception.drain,
            still_ours=lease.check,
            fault=self.stop,
        )
        self._signatures = Signatures(book, desk, office, world.clock, self._tasks)
        self._standing = StandingOrders(book, desk, office, world.clock, self._tasks)
        self._pager = Pager(book, means, world.clock, self._tasks)
        self._caller = Caller(book, means, world.clock, self._tasks)
        self._timekeeper = Timekeeper(book, world.clock)
        self._adviser = Adviser(book, world.environment, board, world.clock)
        self._automatic = AutomaticRollback(
            book, desk, world, means, self._standing, self._adviser, run, self._tasks, off
        )
        leader = conduct(ours, run, signed=self._signed, automatic=self._opens, pace=world.environment.pace)
        self._incident = Lane(ours, world, run, leader, board, self._tasks)
        conductor = conduct(errands, run_errand, settled=end_errand(errands))
        self._errand = Lane(errands, world, run_errand, conductor, board, self._tasks)

    async def serve(self, started: ev.EngineStarted) -> None:
        """Take up what the journal says is under way, and go on until `stop`."""
        self._book.say(started)
        self._lookout.recall()
        await self._signatures.look_at_open_gate()
        await self._standing.look_at_all()
        await self._automatic.look_at_open_gate()
        self._tasks.start("samples", self._sample())
        self._tasks.start("inbox", self._answer_requests())
        for name, keeper in self._keepers.items():
            if keeper is not None:
                self._tasks.start(name, keeper.keep())
        self._moved()
        await self._stop.wait()
        await self._end()

    def stop(self, why: str) -> None:
        """End between two steps."""
        self._why = self._why or why
        self._incident.conductor.close()
        self._errand.conductor.close()
        self._stop.set()

    async def _end(self) -> None:
        if self._service is not None:
            self._service.stopping(self._why)
        await self._tasks.cancel()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._incident.conductor.idle()
                await self._errand.conductor.idle()
        except TimeoutError:
            log.warning("engine.left_a_step", why="it did not end in time; the next engine will look into it")
        if not self._book.state.engine or self._book.state.engine.stopped is None:
            self._book.say(ev.EngineStopped(reason=self._why))

    async def _sample(self) -> None:
        async for tick in self._sampler.ticks():
            impact = self._lookout.take(tick)
            self._adviser.take(tick.row)
            self._automatic.take(tick)
            closed, trouble = self._incident.conductor.closed(), self._lookout.trouble(tick)
            for one in self._troubled:
                trouble |= one.trouble
            self._board.beat(impact, closed, trouble, self._standing.until)
            self._moved()
            if self._service is not None:
                self._service.ticked(tick, trouble)

    async def _answer_requests(self) -> None:
        while True:
            self._reception.drain()
            self._moved()
            self._board.show()
            await self._bell.wait(POLL_S)

    def _signed(self, incident: Incident) -> bool:
        """Whether every yes still holds, and nothing signed is left that might be a no."""
        return not self._reception.verifying and self._signatures.hold(incident)

    def _opens(self, incident: Incident) -> str | None:
        """By which standing authorisation the gate opens with nobody's yes; None where people open it."""
        return None if self._reception.verifying else self._automatic.opens(incident)

    def _miss_reviews(self) -> None:
        """Say once of each gate that was opened by breaking the glass who has not reviewed it in time."""
        for incident, missing in overdue(self._book.state.reviews, self._clock.now().utc_us):
            self._book.say(ev.ReviewOverdue(incident, missing))

    def _moved(self) -> None:
        """Something has changed: both runs may go on."""
        if self._stop.is_set():
            return
        self._signatures.lapse()
        self._standing.lapse()
        self._miss_reviews()
        self._timekeeper.look()
        self._automatic.look()
        self._pager.look()
        self._caller.look()
        self._incident.moved()
        self._errand.moved()
