"""Tick: what must be done before the gate, then the validation checklist, with the evidence of each."""

from collections.abc import Sequence

from console.core.format import clock
from console.core.policy import prerequisites
from console.core.requests import AnyAsk, Tick
from console.core.state import Incident
from console.core.strategy import ByHand
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, line, span
from screens.scene import Scene
from screens.views.prerequisites import prerequisite_lines


class TickDialog(Form):
    """Ticks an item, or takes a tick back."""

    yes = "Tick, or take the tick back"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self._before = incident is not None and incident.gate_opened is None
        self.caption = "Before the gate" if self._before else "Validation checklist"
        self.fields = ("a note: how you know" if self._before else "a note: what you saw (may stay empty)",)

    def body(self, width: int) -> Sequence[Line]:
        """How it works, and what is not ticked by hand."""
        how = line(span("Enter ticks the item; on a ticked one it takes the tick back.", Role.DIM))
        return [*self._shown(width), how]

    def _shown(self, width: int) -> Sequence[Line]:
        """The prerequisites that something else shows."""
        incident = self.scene.snapshot.state.open_incident
        if not self._before or incident is None:
            return []
        judged = prerequisites(incident, self.scene.snapshot.at)
        return prerequisite_lines([one for one in judged if one.item.proof != "hand"], width)

    def options(self) -> Sequence[tuple[str, str]]:
        """Open items first: they are what one comes here for."""
        incident = self.scene.snapshot.state.open_incident
        ticks = incident.items if incident else {}
        items = sorted(self._items(), key=lambda item: item[0] in ticks)
        return [(item, self._words(incident, item, title)) for item, title in items]

    def _items(self) -> list[tuple[str, str]]:
        environment = self.scene.environment
        if self._before:
            rules = (rule for rule in environment.prerequisites if isinstance(rule.proof, ByHand))
            return [(rule.id, rule.title) for rule in rules]
        return [(item.id, item.title) for item in environment.checklist]

    def _words(self, incident: Incident | None, item: str, title: str) -> str:
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
        done = chosen not in incident.items
        if self._before and done and not note:
            return Lacking("say in the note how you know")
        return Tick(item=chosen, note=note, done=done)
