"""Leave: closing the console, which ends nothing that runs unless the one who opened it said so."""

from collections.abc import Sequence

from screens.dialog import Dialog
from screens.lines import Line, wrap
from screens.scene import Scene

STAYS = "Closing this console ends nothing: the engine goes on, and so does what it runs."
LEAVE = "leave"


class LeaveDialog(Dialog[str | None]):
    """Asks before the console is closed; ends with LEAVE or None."""

    AUTO_FOCUS = "#yes"
    caption = "Leave this console"
    yes = "Leave"
    no = "Stay"

    def __init__(self, scene: Scene, consequence: str) -> None:
        super().__init__(scene)
        self._consequence = consequence

    def body(self, width: int) -> Sequence[Line]:
        """What leaving means here."""
        return wrap(self._consequence, width)

    def submit(self) -> None:
        """Leave."""
        self.dismiss(LEAVE)
