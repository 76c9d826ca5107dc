"""Resolve: how the incident ended, what has not been checked, and a word about it."""

from collections.abc import Sequence

from console.core.mitigating import still_in_force
from console.core.policy import unrecovered
from console.core.requests import AnyAsk, Resolve
from console.core.standing import open_items
from console.core.state import Incident
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, wrap

_OUTCOMES = {
    "recovered": "the plan was carried out and health is proven",
    "mitigated": "people are served again, but not by this plan; say how",
    "false alarm": "nothing was wrong with the release; say what it was",
}


class ResolveDialog(Form):
    """Closes the incident."""

    caption = "Close the incident"
    prompt = "How did it end?"
    yes = "Resolve"
    fields = ("a note (needed unless recovered)",)

    def body(self, width: int) -> Sequence[Line]:
        """What is still in force, what is not proven, and what nobody has ticked."""
        scene = self.scene
        incident = scene.snapshot.state.open_incident
        if incident is None:
            return wrap("No incident is open any more.", width)
        lasts = still_in_force(scene.snapshot.state, scene.environment)
        told = wrap(f"{lasts}: f takes it back, else the resolution names it.", width, Role.WARN)
        return [*(told if lasts else ()), *self._undone(incident, width), *self._of_the_ci(width)]

    def _of_the_ci(self, width: int) -> Sequence[Line]:
        """What would stay frozen."""
        held = ", ".join(one.workflow for one in self.scene.snapshot.state.frozen.values())
        words = f"Still frozen, and stays so until somebody unfreezes it (U): {held}."
        return wrap(words, width, Role.WARN) if held else []

    def _undone(self, incident: Incident, width: int) -> Sequence[Line]:
        """What is not proven, or not ticked, of the way back."""
        if incident.gate_opened is None:
            return wrap("Nothing has been switched: the service runs what it ran.", width)
        why_not = unrecovered(incident)
        lacking = wrap(f"It cannot end as recovered: {why_not}.", width, Role.BAD) if why_not else []
        still = open_items(incident, self.scene.environment)
        if not still:
            return [*lacking, *wrap("Every item of the checklist is ticked.", width, Role.GOOD)]
        words = f"{len(still)} not ticked, and the report will say so: {', '.join(still)}"
        return [*lacking, *wrap(words, width, Role.WARN)]

    def options(self) -> Sequence[tuple[str, str]]:
        """Recovered comes first when it is true, and is not offered when it is not."""
        incident = self.scene.snapshot.state.open_incident
        proven = incident is not None and not unrecovered(incident)
        return [(key, f"{key}: {words}") for key, words in _OUTCOMES.items() if proven or key != "recovered"]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The end; anything but a recovery takes a word."""
        if chosen is None:
            return Lacking("choose an outcome first")
        (note,) = typed
        if chosen != "recovered" and not note:
            return Lacking(f"to end as {chosen} it takes a note that says why")
        return Resolve(outcome=chosen, note=note)
