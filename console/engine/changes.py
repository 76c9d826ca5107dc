"""What changed: keeps it in sight of every console, and asks the remote beside whatever else goes on."""

import asyncio

from console.core.clock import Clock
from console.core.errors import StatedError
from console.engine.board import Board
from console.engine.book import Book
from console.engine.comparison import Comparison
from console.targets.git import Clone
from console.targets.together import together

EVERY_S = 30.0
"""How often the remote is asked while an incident is open."""
GLANCE_S = 1.0
"""How often it is looked whether anything has happened."""
REMOTE_S = 20.0
"""How long the remote may take."""

Seen = tuple[object, ...]


class ChangesKeeper:
    """Compares what runs with where to go back to: at once when an incident begins, and without the remote.

    Again when the service answers another release, the plan goes somewhere else, or the remote was asked.
    """

    def __init__(self, book: Book, clone: Clone, comparison: Comparison, board: Board, clock: Clock) -> None:
        self._book = book
        self._clone = clone
        self._comparison = comparison
        self._board = board
        self._clock = clock
        self._asked = 0
        self._trouble = ""

    async def keep(self) -> None:
        """Look and ask again and again; ends with its task."""
        await together(self._keep_looking(), self._keep_asking())

    async def _keep_looking(self) -> None:
        seen: Seen | None = None
        while True:
            if seen != (now := (*self._compares(), self._asked)):
                seen = now
                state, at = self._book.state, self._clock.now()
                made = await asyncio.to_thread(self._comparison.made, state, at, self._trouble)
                self._board.show(changes=made)
            await self._clock.sleep(GLANCE_S)

    async def _keep_asking(self) -> None:
        """When a release has landed, so that its commits are here before anybody wants to see them."""
        ran: Seen | None = None
        waited = EVERY_S
        while True:
            incident, running = self._book.state.open_incident, self._book.state.running
            now = (running and running.since, incident and incident.id)
            if ran != now or (incident is not None and waited >= EVERY_S):
                ran, waited = now, 0.0
                await self._ask()
            await self._clock.sleep(GLANCE_S)
            waited += GLANCE_S

    async def _ask(self) -> None:
        try:
            await self._clone.look(REMOTE_S)
            self._trouble = ""
        except StatedError as error:
            self._trouble = f"the remote gave no answer: {error}"
        self._asked += 1

    def _compares(self) -> Seen:
        """What makes the comparison another one."""
        state = self._book.state
        incident, running = state.open_incident, state.running
        code = incident.plan.code if incident and incident.plan else None
        target = (code.running.commit, code.target.commit) if code else None
        return (incident and incident.id, running and running.since, target, state.ledger)
