"""The console: composes room, screen and theme, and carries each snapshot from the one to the other."""

from collections.abc import Sequence
from typing import Literal

from textual.app import App
from textual.events import Event, Key, MouseDown
from textual.filter import LineFilter, NoColor

from console.core.commands import command
from console.core.errors import StatedError
from console.core.protocols import Room
from console.core.roster import Roster
from screens import ascii as without_unicode
from screens.leave import STAYS
from screens.war_room import WarRoom
from themes import STYLESHEETS, THEMES

Look = Literal["dark", "light"]
LEAVING = command("quit").aliases
"""Keys that only ever ask whether to leave: whoever presses them."""
REREAD_S = 1.0
"""Everybody reads again once a second, rung or not (DESIGN 2)."""


class WarRoomApp(App[None], inherit_bindings=False):
    """One console on one environment."""

    CSS_PATH = STYLESHEETS
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Warroom"

    def __init__(
        self,
        room: Room,
        *,
        look: Look = "dark",
        leaving: str = STAYS,
        ascii_only: bool = False,
        roster: Roster | None = None,
    ) -> None:
        """`leaving` is what the console says will happen when it is closed; `ascii_only` draws no Unicode.

        `roster` names those who can be asked for a yes; None where it cannot be read.
        """
        super().__init__()
        self._room = room
        self._war_room = WarRoom(room, leaving, roster)
        self._filters_here: list[LineFilter] = [NoColor()] if self.no_color else []
        if ascii_only:
            self._filters_here.append(without_unicode.AsciiFilter())
            self.add_class("ascii")
        for theme in THEMES.values():
            self.register_theme(theme)
        self.animation_level = (
            "none"  # an animated scroll puts hundreds of lines into words that nobody reads
        )
        self._look: Look = look
        self.theme = THEMES[look].name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colour there is no grey either; what is bold, dim or reversed stays."""
        mine = self._filters_here
        return mine if self.no_color else [*super().get_line_filters(), *mine]

    async def on_event(self, event: Event) -> None:
        """A key or a click that nobody knows whose it is does nothing but ask that."""
        if isinstance(event, Key | MouseDown) and not event.is_forwarded:
            leaves = isinstance(event, Key) and event.key in LEAVING
            if not leaves and not self._war_room.pressed():
                return
        await super().on_event(event)

    async def on_mount(self) -> None:
        """Open the war room and keep it fed."""
        await self.push_screen(self._war_room)
        self.run_worker(self._feed(), name="feed")

    async def _feed(self) -> None:
        """Read, show, wait to be rung. Runs on the application's own loop, never in a thread."""
        while True:
            try:
                self._war_room.post_message(WarRoom.Seen(self._room.snapshot()))
            except StatedError as error:
                self._war_room.post_message(WarRoom.Blind(str(error)))
            await self._room.changed(REREAD_S)

    def action_leave(self) -> None:
        """Ask whether to leave, whatever is open."""
        self._war_room.action_do("quit")

    def on_war_room_left(self) -> None:
        """Close the console."""
        self.exit()

    def on_war_room_look_changed(self) -> None:
        """The other theme."""
        self._look = "light" if self._look == "dark" else "dark"
        self.theme = THEMES[self._look].name


def run_console(room: Room, *, look: Look = "dark", roster: Roster | None = None) -> None:
    """Open the console on a room and return when it is closed."""
    WarRoomApp(room, look=look, ascii_only=without_unicode.wanted(), roster=roster).run()


async def export(
    room: Room, width: int, height: int, *, look: Look = "dark", ascii_only: bool = False
) -> str:
    """The console's first picture of that room, as SVG; draws into no terminal."""
    app = WarRoomApp(room, look=look, ascii_only=ascii_only)
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        return app.export_screenshot(title="Warroom")
