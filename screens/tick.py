"""Tick: the validation checklist, with the evidence of what has been ticked already."""

from collections.abc import Sequence

from console.core.format import clock
from console.core.requests import AnyAsk, Tick
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, line, span


class TickDialog(Form):
    """Ticks an item, or takes a tick back."""

    caption = "Validation checklist"
    yes = "Tick, or take the tick back"
    fields = ("a note: what you saw (may stay empty)",)

    def body(self, width: int) -> Sequence[Line]:  # noqa: ARG002 - one short line
        """How it works."""
        return [line(span("Enter ticks the item; on a ticked one it takes the tick back.", Role.DIM))]

    def options(self) -> Sequence[tuple[str, str]]:
        """Open items first: they are what one comes here for."""
        incident = self.scene.snapshot.state.open_incident
        ticks = incident.items if incident else {}
        items = sorted(self.scene.environment.checklist, key=lambda item: item.id in ticks)
        return [(item.id, self._words(item.id, item.title)) for item in items]

    def _words(self, item: str, title: str) -> str:
        incident = self.scene.snapshot.state.open_incident
        tick = incident.items.get(item) if incident else None
        if tick is None:
            return f"· {title}"
        titles = self.scene.titles()
        by = f"proven by {titles.get(tick.step, tick.step)}" if tick.step else f"ticked by {tick.by}"
        note = f": {tick.note}" if tick.note else ""
        return f"✓ {title} ({by} {clock(tick.at)}{note})"

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The tick, or its opposite."""
        incident = self.scene.snapshot.state.open_incident
        if chosen is None or incident is None:
            return Lacking("choose an item first")
        (note,) = typed
        return Tick(item=chosen, note=note, done=chosen not in incident.items)
