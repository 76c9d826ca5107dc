"""Undo: what is taken back, step by step and in which order, what is left to people, and the name, typed."""

from collections.abc import Sequence

from console.core import undoing
from console.core.pacing import pace_of
from console.core.plan import Step
from console.core.requests import AnyAsk, Undo
from console.core.whereabouts import whereabouts
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, labelled, wrap
from screens.scene import Scene


class UndoDialog(Form):
    """Takes back what was done: all of it, or down to a step."""

    prompt = "Type the environment's name to take it back:"
    yes = "Take back"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self._hash = (incident.plan_hash if incident else None) or ""
        self._steps = undoing.undoable(incident) if incident else ()
        self.caption = f"Undo · {scene.name}"
        self.fields = (f"type {scene.name}", "why (may stay empty)")

    def body(self, width: int) -> Sequence[Line]:
        """Where the service stands, and each step's way back as the plan had it."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan_hash != self._hash or undoing.refused(incident):
            why = undoing.refused(incident) if incident else ""
            return wrap(f"Nothing can be taken back now: {why or 'the plan has changed'}.", width, Role.BAD)
        found = whereabouts(self.scene.snapshot, self.scene.environment)
        lines = wrap(f"{found.sentence}.", width) if found else []
        steps = (*self._steps, *undoing.by_hand(incident))
        column = max((len(step.title) for step in steps), default=0) + 2
        for step in steps:
            lines += labelled(step.title, undoing.back_words(step), width, column=column)
        return lines

    def options(self) -> Sequence[tuple[str, str]]:
        """All that was done behind the gate, or down to a step; by steps, the newest alone first."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or not self._steps:
            return ()
        whole = ("", f"all: {_titles(undoing.order(incident))}")
        parts = [(step.id, f"down to {step.title}") for step in self._steps]
        by_step = pace_of(incident, self.scene.environment.pace) == "step"
        return [parts[0], whole, *parts[1:]] if by_step else [whole, *parts]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The wish, if the name is right."""
        name, reason = typed
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan_hash != self._hash:
            return Lacking("the plan has changed: close this and look again")
        if why := undoing.may_not(incident, undoing.order(incident, chosen or ""), self.scene.actor):
            return Lacking(why)
        if name != self.scene.name:
            return Lacking(f"that is not the name: type {self.scene.name}, or cancel")
        return Undo(self._hash, name, chosen or "", reason)


def _titles(steps: Sequence[Step]) -> str:
    return ", then ".join(step.title for step in steps)
