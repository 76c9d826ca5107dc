"""Who is on call is asked in a rhythm and at the moment of need; without an answer the roster counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.core.live import Live
from console.core.on_duty import Answer, NobodyError
from console.engine import on_call
from console.engine.board import Board
from console.engine.on_call import DutyKeeper
from tests.unit.core.kit import at
from tests.unit.engine.kit import Desktop, environment

ROSTER = load_roster(BUNDLED / "roster.yaml").roster
SOURCE = {"kind": "command", "argv": ["who"], "every": "5m", "limit": "1s"}


class Rota:
    """A source that answers what it is told to, and counts how often it is asked."""

    def __init__(self, **changes: Any) -> None:
        self.desktop = Desktop()
        self.shown: list[Live] = []
        self.answer: Answer | Exception = Answer(("eng-2",), 7)
        self.hangs = False
        self.asked = 0
        board = Board(Live(1, 1, at()), self.desktop.clock, self.shown.append)
        made = environment(**{"on_call": SOURCE, **changes})
        book, clock = self.desktop.book, self.desktop.clock
        self.keeper = DutyKeeper(made, ROSTER, self._ask, book, board, clock)

    async def _ask(self) -> Answer:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """It is kept in sight."""
        task = asyncio.create_task(self.keeper.keep())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def until(self, seconds: float) -> None:
        """So much time has gone by; who waits by this clock makes it move."""
        async with asyncio.timeout(20):
            while self.desktop.clock.seconds < seconds:  # noqa: ASYNC110 - a clock has no event
                await asyncio.sleep(0)


async def test_it_is_asked_in_its_rhythm_and_shown() -> None:
    rota = Rota()
    async with rota.kept():
        await rota.until(299)
        assert rota.asked == 1
        await rota.until(302)
        assert rota.asked == 2
    assert rota.keeper.trouble == {}
    shown = rota.shown[0].on_call
    assert shown is not None
    assert (shown.people, shown.source, shown.until) == (("eng-2",), "command", 7)


async def test_it_is_asked_anew_when_an_incident_is_suspected_and_once() -> None:
    rota = Rota()
    async with rota.kept():
        await rota.until(10)
        rota.answer = Answer(("lead-1",))
        rota.desktop.suspect()
        await rota.until(20)
        assert rota.asked == 2
        assert rota.keeper.now is not None
        assert rota.keeper.now.people == ("lead-1",)


async def test_without_an_answer_the_roster_counts_and_why_is_told() -> None:
    rota = Rota()
    rota.answer = NobodyError("it printed nothing")
    async with rota.kept():
        await rota.until(5)
    duty = rota.keeper.now
    assert duty is not None
    assert (duty.people, duty.source) == (("oncall-1",), "roster")
    assert rota.keeper.trouble == {"on call": "the command did not say it: it printed nothing"}


async def test_somebody_who_is_not_in_the_roster_is_nobody() -> None:
    rota = Rota()
    rota.answer = Answer(("ghost",))
    async with rota.kept():
        await rota.until(5)
    assert rota.keeper.now is not None
    assert rota.keeper.now.people == ("oncall-1",)
    assert "`ghost` is no handle and no contact of the roster" in rota.keeper.now.trouble


async def test_a_source_that_hangs_is_given_up(monkeypatch: Any) -> None:
    monkeypatch.setattr(on_call, "SPARE_S", -0.9)
    rota = Rota()
    rota.hangs = True
    async with rota.kept(), asyncio.timeout(20):
        while rota.keeper.now is None:  # noqa: ASYNC110 - what it comes to has no event
            await asyncio.sleep(0.01)
    assert rota.keeper.now is not None
    assert rota.keeper.now.trouble == "the command did not say it: there was no answer within 1 s"


async def test_where_the_strategy_names_no_source_the_roster_is_no_trouble() -> None:
    rota = Rota(on_call=None)
    async with rota.kept():
        await rota.until(5)
    assert (rota.asked, rota.keeper.trouble) == (0, {})
    assert rota.keeper.now is not None
    assert rota.keeper.now.people == ("oncall-1",)
