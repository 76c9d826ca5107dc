"""A pane: frozen view data in, lines out; repaints only the lines that changed."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from screens.lines import Line, Role, text

View = TypeVar("View")
Draw = Callable[[View, int, int], Sequence[Line]]
"""The lines of a view in so many cells and at most so many lines."""
ROLE_CLASSES: dict[Role, str] = {role: f"role--{role}" for role in Role}


def strip_of(widget: Widget, line: Line) -> Strip:
    """The line as segments, with the looks that the theme gives to its roles."""
    style = widget.get_component_rich_style
    return Strip([Segment(part.text, style(ROLE_CLASSES[part.role])) for part in line if part.text])


class Pane(Widget, Generic[View]):
    """A widget that draws one view, with the function it was given."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(ROLE_CLASSES.values())

    def __init__(self, draw: Draw[View], *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id, classes=classes)
        self._draw = draw
        self._view: View | None = None
        self._lines: Sequence[Line] = ()

    def show(self, view: View) -> None:
        """Draw `view` from now on; nothing happens when it is what is drawn already."""
        if view != self._view:
            self._view = view
            self._redraw()

    @property
    def words(self) -> str:
        """What the pane says, without its looks."""
        return "\n".join(text(line) for line in self._lines)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._redraw()

    def render_line(self, y: int) -> Strip:
        """Line API of textual."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        return strip_of(self, self._lines[y]).adjust_cell_length(self.size.width, self.rich_style)

    def notify_style_update(self) -> None:
        """The theme has changed: every line looks different."""
        super().notify_style_update()
        self.refresh()

    def _redraw(self) -> None:
        if self._view is None or not self.size:
            return
        before, self._lines = self._lines, self._draw(self._view, *self.size)
        if len(before) != len(self._lines):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))


class Paragraphs(Pane[int]):
    """Lines as many as they are at this width: the body of something that scrolls. The view is a version."""

    def __init__(self, wrapped: Callable[[int], Sequence[Line]], *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(lambda _version, width, _height: wrapped(width), id=id)
        self._wrapped = wrapped
        self._view = 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """As many lines as there are."""
        return len(self._wrapped(width))

    def changed(self) -> None:
        """What is written has changed."""
        self._redraw()
        self.refresh(layout=True)
