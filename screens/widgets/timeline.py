"""The timeline: the journal in words, newest on top, drawn line by line so that its length costs nothing."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.cache import LRUCache
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.core.events import Event
from console.core.format import clock
from console.core.wording import Tone, said
from screens.lines import Line, Role, cell, fit, span, text
from screens.widgets.pane import ROLE_CLASSES, strip_of

ACTOR_CELLS = 8
KEPT_LINES = 512
_ROLE = {
    Tone.PLAIN: Role.PLAIN,
    Tone.GOOD: Role.GOOD,
    Tone.WARN: Role.WARN,
    Tone.BAD: Role.BAD,
    Tone.PERSON: Role.STRONG,
}


def event_line(event: Event, names: Mapping[str, str], width: int) -> Line:
    """`14:08:56 engine   gate open`: time in UTC, who, what."""
    what = said(event, names)
    who = span(event.actor, Role.DIM if event.actor == "engine" else Role.ACT)
    head = (span(f" {clock(event.at)} ", Role.DIM), *cell(who, ACTOR_CELLS), span(" "))
    return fit((*head, span(what.words, _ROLE[what.tone])), width)


class Timeline(ScrollView, can_focus=True):
    """Events, newest on top. At the top it follows; scrolled away, it stays on what is being read."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(ROLE_CLASSES.values())

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._events: Sequence[Event] = ()
        self._names: Mapping[str, str] = {}
        self._lines: LRUCache[tuple[int, int], Line] = LRUCache(KEPT_LINES)

    def show(self, events: Sequence[Event], names: Mapping[str, str]) -> None:
        """Draw these events, oldest first as the journal has them; `names` are titles by id."""
        newer = _newer(self._events, events)
        if newer == 0 and len(events) == len(self._events) and names == self._names:
            return
        if names != self._names:
            self._lines.clear()
        self._events, self._names = events, names
        away = self.scroll_offset.y
        self.virtual_size = Size(self.size.width, len(events))
        if away > 0 and newer:
            self.scroll_to(y=away + newer, animate=False, force=True, immediate=True)
        self.refresh()

    @property
    def words(self) -> str:
        """The lines in sight, without their looks."""
        seen = (self._seen(y) for y in range(self.size.height))
        return "\n".join(text(line) for line in seen if line is not None)

    def render_line(self, y: int) -> Strip:
        """Line API of textual."""
        width = self.size.width
        lines = self._seen(y)
        if lines is None:
            return Strip.blank(width, self.rich_style)
        return strip_of(self, lines).adjust_cell_length(width, self.rich_style)

    def notify_style_update(self) -> None:
        """The theme has changed: every line looks different."""
        super().notify_style_update()
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self.virtual_size = Size(self.size.width, len(self._events))

    def _seen(self, y: int) -> Line | None:
        """The line at a row of the widget; the first says so while newer events are out of sight."""
        index = self.scroll_offset.y + y
        if y == 0 and index > 0:
            return (span(f" ↑ {index + 1} newer, Home follows", Role.WARN),)
        return self._line(index, self.size.width) if index < len(self._events) else None

    def _line(self, index: int, width: int) -> Line:
        event = self._events[-1 - index]
        line = self._lines.get((event.seq, width))
        if line is None:
            line = self._lines[event.seq, width] = event_line(event, self._names, width)
        return line


def _newer(before: Sequence[Event], after: Sequence[Event]) -> int:
    """How many events came on top; a journal that was replaced counts as new from its start."""
    if not before or not after:
        return len(after)
    return max(0, after[-1].seq - before[-1].seq)
