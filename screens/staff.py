"""The people of the incident: who has which role, who is waited for and for how long; and asking of that."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.core.commands import PEOPLE, command
from screens.asking import AskingDialog
from screens.dialog import Form
from screens.lines import Line
from screens.scene import Scene
from screens.staff_forms import AssignDialog, DoneDialog, DropDialog, OfferDialog, TakeDialog
from screens.views.staff import staff_lines


class StaffDialog(AskingDialog):
    """Read, and roles and tasks given from it."""

    commands = PEOPLE
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(entry.key, f"do('{entry.id}')", entry.label, tooltip=entry.sentence, show=False)
            for entry in PEOPLE
        ),
        Binding(command("people").key, "close", command("people").label, show=False),
    ]
    AUTO_FOCUS = "#body"
    no = "Close"
    hint = "arrows and PgDn scroll, Esc closes"

    def __init__(self, scene: Scene, first: str = "") -> None:
        """`first` is the command to begin with, where it was named before the page was open."""
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self.caption = " · ".join(("Who has what", scene.name, *((incident.id,) if incident else ())))
        self._begin_with = first

    def on_mount(self) -> None:
        """Begin with what was named before; the keys are drawn by the base, which textual calls as well."""
        if self._begin_with:
            self.call_after_refresh(self.action_do, self._begin_with)

    def body(self, width: int) -> Sequence[Line]:
        """See screens.views.staff."""
        scene = self.scene
        incident = scene.snapshot.state.open_incident
        return staff_lines(incident, scene.environment, scene.snapshot.at, scene.actor, width)

    def form(self, command_id: str) -> Form | str:
        """What is to be filled in; or why nothing can be."""
        scene = self.scene
        match command_id:
            case "assign":
                return AssignDialog(scene)
            case "done":
                return DoneDialog(scene)
            case "drop":
                return DropDialog(scene)
            case "handover":
                return OfferDialog(scene)
            case _:
                return TakeDialog(scene) if TakeDialog(scene).options() else "you have every role there is"
