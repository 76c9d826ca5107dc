"""The catalogue: keeps what the data could go back to in sight of every console, while somebody may ask."""

import asyncio

from actions.action import World
from console.core.candidates import candidates
from console.core.errors import StatedError
from console.core.live import Catalogue
from console.engine.board import Board
from console.engine.book import Book
from console.targets.postgres.estimate import live_rows
from console.targets.stores import Stores

EVERY_S = 30.0
"""How often it is looked through again when nothing has happened."""
GLANCE_S = 1.0
"""How often it is asked whether anything has happened."""

Seen = tuple[object, ...]


class Cataloguer:
    """Looks through vault and archive when an incident begins, its onset moves, or a backup has been made."""

    def __init__(self, book: Book, world: World, stores: Stores, board: Board) -> None:
        self._book = book
        self._world = world
        self._stores = stores
        self._board = board

    async def keep(self) -> None:
        """Look through it again and again; ends with its task."""
        seen: Seen | None = None
        waited = EVERY_S
        while True:
            if waited >= EVERY_S or seen != self._happened():
                seen, waited = self._happened(), 0.0
                self._board.show(catalogue=await self._look())
            await self._world.clock.sleep(GLANCE_S)
            waited += GLANCE_S

    def _happened(self) -> Seen:
        """What makes the list another one: the incident with its onset, and the backups that have ended."""
        state = self._book.state
        incident, errand = state.open_incident, state.errand
        steps = tuple(key for key, step in incident.steps.items() if step.ended) if incident else ()
        return (incident and (incident.id, incident.onset), errand and (errand.id, errand.status), steps)

    async def _look(self) -> Catalogue:
        stores, recovery, at = self._stores, self._world.environment.recovery, self._world.clock.now()
        incident = self._book.state.open_incident
        trouble: list[str] = []
        backups = await asyncio.to_thread(stores.vault.backups)
        window, rows = None, None
        try:
            window = await stores.archive.window() if stores.archive else None
        except StatedError as error:
            trouble.append(str(error))
        try:
            rows = await live_rows(stores.server)
        except StatedError as error:
            trouble.append(f"how many rows are lost is not known: {error}")
        listed = candidates(
            backups,
            window if recovery else None,
            incident,
            before_us=round(recovery.before * 1e6) if recovery else 0,
            live_rows=rows,
        )
        return Catalogue(at, listed, "; ".join(trouble))
