"""The kill switch: automatic rollback off, or on again, with a reason."""

from collections.abc import Sequence

from console.core.automatic_words import told_now
from console.core.requests import AnyAsk, SwitchAutomatic
from screens.dialog import Form, Lacking
from screens.lines import Line, Role, wrap


class AutomaticDialog(Form):
    """Switches automatic rollback."""

    caption = "Automatic rollback"
    yes = "Switch"
    fields = ("why",)

    def body(self, width: int) -> Sequence[Line]:
        """How it stands, and what the switch does to that."""
        scene = self.scene
        now = told_now(scene.snapshot, scene.environment)
        if self._is_off():
            then = "Switched on it may roll back again. Whoever would have to say yes may do that."
        else:
            then = (
                "Switched off nothing is rolled back automatically, until somebody switches it on again; "
                "what waits at the gate then waits for people. A gate that is open stays open: x stops that."
            )
        return [*wrap(f"Now {now.words}.", width, Role.DIM), *wrap(then, width)]

    def options(self) -> Sequence[tuple[str, str]]:
        """The one thing that can be done."""
        return (("on", "switch it on"),) if self._is_off() else (("off", "switch it off"),)

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:
        """The switch, with its reason."""
        (reason,) = typed
        if not reason:
            return Lacking("it is switched with a reason: give one")
        return SwitchAutomatic(on=chosen == "on", reason=reason)

    def _is_off(self) -> bool:
        return "person" in self.scene.snapshot.state.automatic_off
