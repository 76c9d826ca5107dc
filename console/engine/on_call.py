"""Who is on call: kept in sight of every console, and asked anew at the moment of need."""

import asyncio
from collections.abc import Awaitable, Callable

from console.core.alerts import cut
from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.live import OnDuty
from console.core.on_duty import Answer, by_roster, on_duty
from console.core.roster import Roster
from console.core.strategy import Environment
from console.engine.board import Board
from console.engine.book import Book

GLANCE_S = 1.0
"""How often it is looked whether somebody is needed."""
EVERY_S = 300.0
"""How often the roster is looked at, where nobody else is asked: its people count from day to day."""
SPARE_S = 2.0
"""How much longer than its own limit a question may take before it is given up."""
_LONGEST = 200


class DutyKeeper:
    """Asks every few minutes, and when an incident is suspected. Without an answer the roster counts."""

    def __init__(
        self,
        environment: Environment,
        roster: Roster,
        ask: Callable[[], Awaitable[Answer]],
        book: Book,
        board: Board,
        clock: Clock,
    ) -> None:
        """`ask` puts the question to the source that the strategy names; not called where it names none."""
        self._environment = environment
        self._roster = roster
        self._ask = ask
        self._book = book
        self._board = board
        self._clock = clock
        self.now: OnDuty | None = None
        """Who it is; None before the first question has ended."""

    @property
    def trouble(self) -> dict[str, str]:
        """Why the roster has to do, if so."""
        return {"on call": self.now.trouble} if self.now and self.now.trouble else {}

    async def keep(self) -> None:
        """Ask again and again; ends with its task."""
        while True:
            if self._is_due():
                self.now = await self._look()
                self._board.show(on_call=self.now)
            await self._clock.sleep(GLANCE_S)

    def _is_due(self) -> bool:
        if self.now is None:
            return True
        incident = self._book.state.open_incident
        needed = incident.suspected if incident and incident.status == "suspected" else None
        if needed is not None and needed.seconds_since(self.now.at) > 0:
            return True
        every = self._environment.on_call.every if self._environment.on_call else EVERY_S
        return not 0 <= self._clock.now().seconds_since(self.now.at) < every

    async def _look(self) -> OnDuty:
        """Who it is, as of the moment when the question ends."""
        source, roster = self._environment.on_call, self._roster
        if source is None:
            return by_roster(self._environment, roster, self._clock.now())
        try:
            async with asyncio.timeout(source.limit + SPARE_S):
                answer = await self._ask()
            return on_duty(self._environment, roster, answer, self._clock.now())
        except TimeoutError:
            why = f"there was no answer within {source.limit:g} s"
        except StatedError as error:
            why = str(error)
        trouble = cut(f"the {source.kind} did not say it: {why}", _LONGEST)
        return by_roster(self._environment, roster, self._clock.now(), trouble)
