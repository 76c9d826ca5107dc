"""What changed: what landed before the onset, and what lies between what runs and where to go back to."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.core.commands import CHANGES, command
from screens.asking import AskingDialog
from screens.lines import Line
from screens.scene import Scene
from screens.views.diff import diff_view


class DiffDialog(AskingDialog):
    """Read, and the onset moved from it."""

    commands = CHANGES
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(entry.key, f"do('{entry.id}')", entry.label, tooltip=entry.sentence, show=False)
            for entry in CHANGES
        ),
        Binding(command("diff").key, "close", command("diff").label, show=False),
    ]
    AUTO_FOCUS = "#body"
    no = "Close"
    hint = "arrows and PgDn scroll, m moves the onset, Esc closes"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self.caption = " · ".join(("What changed", scene.name, *((incident.id,) if incident else ())))

    def body(self, width: int) -> Sequence[Line]:
        """See screens.views.diff."""
        return diff_view(self.scene.snapshot, self.scene.environment, width)
