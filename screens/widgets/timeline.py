"""The timeline: the journal in words, newest on top, drawn line by line so that its length costs nothing."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.core.events import Event
from console.core.format import clock
from console.core.wording import said
from screens.lines import ELLIPSIS, ROLE_OF, Line, Role, cell, fit, span, text
from screens.widgets.pane import ROLE_CLASSES, strip_of

ACTOR_CELLS = 8
KEPT_LINES = 512
PAGE = 200
"""Events that are asked for at once: a few milliseconds."""
KEPT_PAGES = 16


def event_line(event: Event, names: Mapping[str, str], width: int) -> Line:
    """`14:08:56 engine   gate open`: time in UTC, who, what."""
    what = said(event, names)
    who = span(event.actor, Role.DIM if event.actor == "engine" else Role.ACT)
    head = (span(f" {clock(event.at)} ", Role.DIM), *cell(who, ACTOR_CELLS), span(" "))
    return fit((*head, span(what.words, ROLE_OF[what.tone])), width)


class Timeline(ScrollView, can_focus=True):
    """Events, newest on top. At the top it follows; scrolled away, it stays on what is being read.

    It is given the newest events; older ones it asks for, page by page, when they come into sight.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(ROLE_CLASSES.values())

    class Wanted(Message):
        """Older events are in sight and not here: `take` or `fail` answers."""

        def __init__(self, page: int) -> None:
            super().__init__()
            self.page = page
            self.before = (page + 1) * PAGE + 1
            """Number of the event that follows the page."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._newest: Sequence[Event] = ()
        self._pages: LRUCache[int, Sequence[Event]] = LRUCache(KEPT_PAGES)
        self._asked: set[int] = set()
        self._trouble = ""
        self._names: Mapping[str, str] = {}
        self._lines: LRUCache[tuple[int, int], Line] = LRUCache(KEPT_LINES)

    def show(self, events: Sequence[Event], names: Mapping[str, str]) -> None:
        """Draw the journal that ends with these events, oldest first; `names` are titles by id."""
        before, self._newest = self._newest, events
        replaced = _replaced(before, events)
        if replaced:
            self._pages.clear()
        if replaced or names != self._names:
            self._lines.clear()
        elif events and before and events[-1].seq == before[-1].seq and not self._asked:
            return
        self._names, self._asked, self._trouble = names, set(), ""
        newer = 0 if replaced else self._length - (before[-1].seq if before else 0)
        away = self.scroll_offset.y
        self.virtual_size = Size(self.size.width, self._length)
        if away > 0 and newer:
            self.scroll_to(y=away + newer, animate=False, force=True, immediate=True)
        self.refresh()

    def take(self, page: int, events: Sequence[Event]) -> None:
        """Keep a page of older events that was wanted, oldest first."""
        self._pages[page] = events
        if len(events) == PAGE:  # a page that came short is not asked for again before the next `show`
            self._asked.discard(page)
        self.refresh()

    def fail(self, words: str) -> None:
        """Older events cannot be read: say so in their place; they are asked for again at the next `show`."""
        self._trouble = words
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
        self.virtual_size = Size(self.size.width, self._length)

    @property
    def _length(self) -> int:
        """Events of the whole journal: they are numbered from 1."""
        return self._newest[-1].seq if self._newest else 0

    def _seen(self, y: int) -> Line | None:
        """The line at a row of the widget; the first says so while newer events are out of sight."""
        index = self.scroll_offset.y + y
        if y == 0 and index > 0:
            return (span(f" ↑ {index + 1} newer, Home follows", Role.WARN),)
        return self._line(self._length - index, self.size.width) if index < self._length else None

    def _line(self, seq: int, width: int) -> Line:
        line = self._lines.get((seq, width))
        if line is not None:
            return line
        event = self._event(seq)
        if event is None:
            waiting = span(f" {self._trouble or ELLIPSIS}", Role.WARN if self._trouble else Role.DIM)
            return fit((waiting,), width)
        line = self._lines[seq, width] = event_line(event, self._names, width)
        return line

    def _event(self, seq: int) -> Event | None:
        """The event of that number; None where it is not here yet: then it has been asked for."""
        first = self._newest[0].seq
        if seq >= first:
            return self._newest[seq - first]
        page, place = divmod(seq - 1, PAGE)
        events = self._pages.get(page, ())
        if place < len(events):
            return events[place]
        if page not in self._asked:
            self._asked.add(page)
            self.post_message(self.Wanted(page))
        return None


def _replaced(before: Sequence[Event], after: Sequence[Event]) -> bool:
    """Whether another journal has come in the place of the one before: the last event known is not in it."""
    if not before or not after:
        return bool(before)
    index = before[-1].seq - after[0].seq
    return index >= len(after) or (index >= 0 and after[index] != before[-1])
