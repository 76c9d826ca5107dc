"""Allow: what a step stops that is other people's work, and the commander's yes to it, typed by hand."""

from collections.abc import Sequence

from console.core.commanding import to_allow
from console.core.plan import Step
from console.core.requests import Allow, AnyAsk
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, labelled, wrap
from screens.scene import Scene


class AllowDialog(Form):
    """Says the commander's yes to the step that waits for it, as the plan had it when the dialog opened."""

    prompt = "Type the environment's name to go on:"
    yes = "Yes"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        waiting = to_allow(incident) if incident else ()
        self._hash = (incident.plan_hash if incident else None) or ""
        self._step = waiting[0].id if waiting else ""
        self.caption = f"{waiting[0].title if waiting else 'Yes'} · {scene.name}"
        self.fields = (f"type {scene.name}",)

    def body(self, width: int) -> Sequence[Line]:
        """What it does, exactly, and whose word it takes."""
        incident, step = self.scene.snapshot.state.open_incident, self._waiting()
        if incident is None or step is None:
            return wrap("It does not wait for a yes any more. Close this.", width, Role.BAD)
        facts = (("Does", step.words), *(("Asks", effect) for effect in step.effects))
        return [
            *(row for name, words in facts for row in labelled(name, words, width)),
            *labelled("Takes", f"the yes of {incident.commander}, who commands, and of nobody else", width),
        ]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to choose
        """The yes, if the name is right and the step still waits for it."""
        if self._waiting() is None:
            return Lacking("it does not wait for a yes any more: close this")
        (name,) = typed
        if name != self.scene.name:
            return Lacking(f"that is not the name: type {self.scene.name}, or cancel")
        return Allow(self._step, self._hash, name)

    def _waiting(self) -> Step | None:
        """The step, while it waits and the plan is the one that was shown."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan_hash != self._hash:
            return None
        return next((step for step in to_allow(incident) if step.id == self._step), None)
