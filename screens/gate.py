"""Go: the plan once more, and the environment's name typed by hand. Nowhere else is a rollback confirmed."""

from collections.abc import Sequence

from console.core.requests import AnyAsk, Go
from screens.dialog import Form
from screens.lines import Line, Role, wrap
from screens.scene import Scene
from screens.views.plan import gate_lines


class GateDialog(Form):
    """Says yes to the plan as it was when the dialog opened, and to no other."""

    prompt = "Type the environment's name to go on:"
    yes = "Go"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self._hash = (incident.plan_hash if incident else None) or ""
        self.caption = f"Go · {scene.name} · {incident.id if incident else ''}"
        self.placeholder = f"type {scene.name}"

    def body(self, width: int) -> Sequence[Line]:
        """What one says yes to."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan is None or incident.plan_hash != self._hash:
            return wrap("The plan has changed. Close this, and look at the new one.", width, Role.BAD)
        return gate_lines(self.scene.snapshot, incident, incident.plan, width)

    def ask(self, chosen: str | None, typed: str) -> AnyAsk | str:  # noqa: ARG002 - nothing to choose
        """The yes, if the name is right and the plan still the one that was shown."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan_hash != self._hash:
            return "the plan has changed since you read it: close this, and look at the new one"
        if typed != self.scene.name:
            return f"that is not the name: type {self.scene.name}, or cancel"
        return Go(plan_hash=self._hash, typed=typed)
