"""A seat at a console: presses keys, and reads what is really painted."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.events import Paste
from textual.pilot import Pilot

from console.app import WarRoomApp
from screens.war_room import WarRoom
from tests.ui.fake_room import FakeRoom

_TEXT = re.compile(r'<text class="[^"]*" x="([\d.]+)"[^>]*clip-path="url\(#[^)]*-line-(\d+)\)">(.*?)</text>')
_CELL = 12.2
_FONTS = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


class Seat:
    """What a person at the console can do and see."""

    def __init__(self, app: WarRoomApp, room: FakeRoom, pilot: Pilot[None]) -> None:
        self.app, self.room, self.pilot = app, room, pilot

    async def press(self, *keys: str) -> str:
        """Press keys, wait until the console has settled; the screen afterwards."""
        await self.pilot.press(*keys)
        return await self.look()

    async def type(self, words: str) -> str:
        """Paste words into the field that has the focus, and press Enter."""
        assert self.app.focused is not None
        self.app.focused.post_message(Paste(words))
        return await self.press("enter")

    async def look(self) -> str:
        """The screen, after everything that the room has said has been drawn."""
        self.app.screen_stack[1].post_message(WarRoom.Seen(self.room.snapshot()))
        await self.pilot.pause()
        return self.painted()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for the console to come to something by itself; ten seconds are more than it needs."""
        async with asyncio.timeout(10):
            while not holds():
                await self.pilot.pause()

    def painted(self) -> str:
        """What stands in each cell of the terminal, line by line."""
        rows: dict[int, str] = {}
        for x, line, words in _TEXT.findall(self.svg()):
            row = rows.get(int(line), "").ljust(round(float(x) / _CELL))
            rows[int(line)] = row + html.unescape(words).replace("\xa0", " ")
        return "\n".join(rows[line] for line in sorted(rows))

    def svg(self) -> str:
        """The picture, without what differs from run to run or names an address."""
        svg = self.app.export_screenshot(title="Warroom")
        return _FONTS.sub("", re.sub(r"terminal-\d+-", "terminal-", svg))

    def colours(self) -> set[str]:
        """Every colour that a cell is painted in; empty when all are the terminal's own."""
        segments = (part for strip in self.app.screen._compositor.render_strips() for part in strip)
        used = {
            colour for part in segments if part.style for colour in (part.style.color, part.style.bgcolor)
        }
        return {colour.name for colour in used if colour is not None and not colour.is_default}

    @property
    def next(self) -> str:
        """The NEXT line's sentence."""
        war_room = self.app.screen_stack[1]
        assert isinstance(war_room, WarRoom)
        return war_room.next_step.sentence


@asynccontextmanager
async def seat(room: FakeRoom, width: int = 80, height: int = 24, **options: Any) -> AsyncIterator[Seat]:
    """Open the console on a room, in a terminal of that size."""
    app = WarRoomApp(room, **options)
    async with app.run_test(size=(width, height)) as pilot:
        taken = Seat(app, room, pilot)
        await taken.look()
        yield taken
