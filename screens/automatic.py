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
            then = "Switched ON it may roll back again. Whoever would have to say yes may do that."
        else:
            then = (
                "Switched OFF, nothing is rolled back automatically, until somebody switches it on again; "
                "what waits at the gate then waits for people. A gate that is open stays open: x stops that."
            )
        return [*wrap(f"Now {now.words}.", width, Role.DIM), *wrap(then, width)]

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking:  # noqa: ARG002 - nothing to choose
        """The switch, with its reason."""
        (reason,) = typed
        if not reason:
            return Lacking("it is switched with a reason: give one")
        return SwitchAutomatic(on=self._is_off(), reason=reason)

    def _is_off(self) -> bool:
        return "person" in self.scene.snapshot.state.automatic_off
