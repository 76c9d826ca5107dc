"""The metrics: all of them, the most urgent first, and everything about the one that is chosen."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.worker import Worker

from console.core.clock import Stamp
from console.core.commands import command
from console.core.course import Piece
from console.core.errors import StatedError
from screens.dialog import FRAME_LINES, Dialog
from screens.lines import Line
from screens.scene import Scene
from screens.views.metric import Looking, Reach, chosen, covers, metric_view, names, reaches, span_of
from screens.widgets.pane import Paragraphs

Course = Callable[[str, Stamp, Stamp, float], Awaitable[Sequence[Piece]]]
"""See core.protocols.Room.course."""
PIECES = 480
"""In how many pieces what lies back longer is read: more than any terminal has cells."""
AGAIN_S = 600
"""After so many seconds it is read again; a snapshot holds more than that."""
_Key = tuple[str, Reach, str, int]


class MetricsDialog(Dialog[None]):
    """Up and down choose a metric, `s` how far back its chart goes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "the metric before", show=False),
        Binding("down,j", "move(1)", "the next metric", show=False),
        Binding("home", "move(-9999)", "the most urgent metric", show=False),
        Binding("end", "move(9999)", "the last metric", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("s", "reach", "another span of time", show=False),
        Binding(command("metrics").key, "close", command("metrics").label, show=False),
    ]
    AUTO_FOCUS = ""
    no = "Close"
    hint = "up and down choose, s span, PgDn rules and source, Esc closes"

    def __init__(self, scene: Scene, read: Course) -> None:
        """`read` reads what a snapshot has let go of."""
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self.caption = " · ".join(("Metrics", scene.name, *((incident.id,) if incident else ())))
        self._read = read
        self._metric = names(scene.snapshot, scene.environment)[0]
        self._reach = Reach.QUARTER
        self._past: tuple[Piece, ...] = ()
        self._past_is: _Key | None = None
        """What `_past` was read for."""
        self._reader: Worker[None] | None = None
        self._drawn: dict[tuple[int, int], Sequence[Line]] = {}
        """What is on the screen, by its size: it is asked for several times before it is drawn once."""

    def body(self, width: int) -> Sequence[Line]:
        """See screens.views.metric."""
        height = self.size.height - FRAME_LINES
        if (width, height) not in self._drawn:
            self._drawn = {(width, height): self._lines(width, height)}
        return self._drawn[width, height]

    def _lines(self, width: int, height: int) -> Sequence[Line]:
        wanted = self._wanted()
        past = None if wanted and wanted[:3] != (self._past_is or ())[:3] else self._past
        looking = Looking(self._metric, self._reach, past if wanted else ())
        snapshot, environment = self.scene.snapshot, self.scene.environment
        return metric_view(snapshot, environment, looking, width, height)

    def on_mount(self) -> None:
        """Up and down move the choice, not the words; and what a snapshot does not have is read."""
        self._body.can_focus = False
        self._see_to_past()

    def update(self, scene: Scene) -> None:
        """Another moment: the choice stays on its metric, wherever that is now."""
        self._metric = chosen(scene.snapshot, scene.environment, self._metric)
        self._drawn = {}
        super().update(scene)
        self._see_to_past()

    def submit(self) -> None:
        """There is nothing to do but to close it."""
        self.action_close()

    def action_move(self, by: int) -> None:
        """Choose the metric before or after."""
        found = names(self.scene.snapshot, self.scene.environment)
        self._metric = found[max(0, min(len(found) - 1, found.index(self._metric) + by))]
        self._changed()

    def action_reach(self) -> None:
        """Look further back; after the furthest, at the last minutes again."""
        found = reaches(self.scene.snapshot)
        self._reach = found[(found.index(self._reach) + 1) % len(found)]
        self._changed()

    def action_page(self, by: int) -> None:
        """Scroll the words."""
        self._body.scroll_relative(y=by * self._body.size.height, animate=False)

    @property
    def _body(self) -> VerticalScroll:
        return self.query_one("#body", VerticalScroll)

    def _changed(self) -> None:
        self.complain("")
        self._redraw()
        self._see_to_past()

    def _redraw(self) -> None:
        self._drawn = {}
        self.query_one(Paragraphs).changed()

    # -- what lies further back ---------------------------------------------------------------------

    def _wanted(self) -> _Key | None:
        """What must be read for what is looked at; None where the snapshot has all of it."""
        snapshot = self.scene.snapshot
        if self._reach is Reach.QUARTER and covers(snapshot):
            return None
        incident = snapshot.state.incident
        period = snapshot.at.boot_us // (AGAIN_S * 1_000_000)
        return self._metric, self._reach, incident.id if incident else "", period

    def _see_to_past(self) -> None:
        """Have it read, one question at a time: whoever walks through the metrics starts no crowd of them."""
        if self._wanted() not in (None, self._past_is) and (self._reader is None or self._reader.is_finished):
            self._reader = self.run_worker(self._read_past(), name="course")

    async def _read_past(self) -> None:
        while (wanted := self._wanted()) not in (None, self._past_is):
            span = span_of(self._reach, self.scene.snapshot, self.scene.environment)
            since = span.now.before(span.seconds)
            try:
                pieces = await self._read(self._metric, since, span.now, span.seconds / PIECES)
            except (StatedError, OSError) as error:
                pieces = ()
                self.complain(f"what lies further back cannot be read: {error}")
            self._past, self._past_is = tuple(pieces), wanted
            self._redraw()
