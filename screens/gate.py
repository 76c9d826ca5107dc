"""Go: the plan once more, and the environment's name typed by hand; once more where the plan swaps data."""

from collections.abc import Sequence

from console.core.requests import AnyAsk, Go
from console.core.state import Incident
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, wrap
from screens.scene import Scene
from screens.views.advice import advice_lines
from screens.views.loss import swap_lines
from screens.views.plan import gate_lines

_CHANGED = Lacking("the plan has changed since you read it: close this, and look at the new one")


class GateDialog(Form):
    """Says yes to the plan as it was when the dialog opened, and to no other."""

    prompt = "Type the environment's name to go on:"
    yes = "Go"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self._hash = (incident.plan_hash if incident else None) or ""
        self.caption = f"Go · {scene.name} · {incident.id if incident else ''}"
        self.fields = (f"type {scene.name}",)

    def body(self, width: int) -> Sequence[Line]:
        """What is recommended, and what one says yes to."""
        incident = self._incident()
        if incident is None or incident.plan is None:
            return wrap("The plan has changed. Close this, and look at the new one.", width, Role.BAD)
        scene = self.scene
        advised = advice_lines(scene.snapshot, scene.environment, width)
        return [*advised, *gate_lines(scene.snapshot, incident, incident.plan, width)]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking | None:  # noqa: ARG002 - nothing to choose
        """The yes, if the name is right and the plan still the one that was shown."""
        incident = self._incident()
        if incident is None or incident.plan is None:
            return _CHANGED
        (name,) = typed
        if name != self.scene.name:
            return Lacking(f"that is not the name: type {self.scene.name}, or cancel")
        go = Go(plan_hash=self._hash, typed=name)
        if incident.plan.data is None:
            return go
        self._also_to_the_data(go)
        return None

    def _also_to_the_data(self, go: Go) -> None:
        """Rows will go: that is said and asked by itself."""

        def asked(answer: AnyAsk | None) -> None:
            if answer is not None:
                self.dismiss(answer)

        self.app.push_screen(SwapDialog(self.scene, go), asked)

    def _incident(self) -> Incident | None:
        """The incident with the plan that was shown; None when that is not its plan any more."""
        incident = self.scene.snapshot.state.open_incident
        return incident if incident is not None and incident.plan_hash == self._hash else None


class SwapDialog(Form):
    """Says yes to what the swap takes: to the loss receipt."""

    prompt = "Type the environment's name once more to swap its data:"
    yes = "Swap"

    def __init__(self, scene: Scene, go: Go) -> None:
        super().__init__(scene)
        self._go = go
        self.caption = f"Swap the data · {scene.name}"
        self.fields = (f"type {scene.name}",)

    def body(self, width: int) -> Sequence[Line]:
        """Which rows go, as far as that is known."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan is None or incident.plan.data is None:
            return wrap("The plan has changed. Close this, and look at the new one.", width, Role.BAD)
        return swap_lines(self.scene.snapshot, incident, incident.plan.data, width)

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to choose
        """The whole yes."""
        incident = self.scene.snapshot.state.open_incident
        if incident is None or incident.plan_hash != self._go.plan_hash:
            return _CHANGED
        (name,) = typed
        if name != self.scene.name:
            return Lacking(f"that is not the name: type {self.scene.name}, or cancel")
        return Go(plan_hash=self._go.plan_hash, typed=self._go.typed, typed_again=name)
