"""A screen to look at, from which some commands can be asked for: by their keys, each in its own form."""

from collections.abc import Callable
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult

from console.core.commands import Command, command
from console.core.requests import AnyAsk
from screens.data_forms import OnsetDialog
from screens.dialog import Dialog, Form
from screens.scene import Scene
from screens.views.bottom import draw_keys, keys_view
from screens.widgets.pane import Pane


class Asked(Struct, frozen=True):
    """A request, and the command that led to it."""

    command: str
    ask: AnyAsk


class AskingDialog(Dialog[Asked | None]):
    """Ends with what was asked for; what becomes of it is seen in the war room."""

    commands: ClassVar[tuple[Command, ...]]

    def controls(self) -> ComposeResult:
        """The keys, each dim while it cannot be done."""
        yield Pane(draw_keys, id="keys")

    def on_mount(self) -> None:
        """Draw the keys."""
        self._show_keys()

    def update(self, scene: Scene) -> None:
        """Another moment: other commands may be possible."""
        super().update(scene)
        self._show_keys()

    def submit(self) -> None:
        """There is no button that does it: its keys do."""
        self.action_close()

    def action_do(self, command_id: str) -> None:
        """Open the command's form, or say why it cannot be done now."""
        scene, entry = self.scene, command(command_id)
        reason = entry.possible(scene.snapshot, scene.environment)
        form = reason or self.form(command_id)
        if isinstance(form, str):
            self.complain(f"{entry.key} {entry.label}: {form}")
        else:
            self.app.push_screen(form, self._asker(command_id))

    def form(self, command_id: str) -> Form | str:  # noqa: ARG002 - screens with more forms choose by it
        """What is to be filled in; or why there is nothing to fill in now."""
        return OnsetDialog(self.scene)

    def _asker(self, command_id: str) -> Callable[[AnyAsk | None], None]:
        def asked(ask: AnyAsk | None) -> None:
            if ask is not None:
                self.dismiss(Asked(command_id, ask))

        return asked

    def _show_keys(self) -> None:
        view = keys_view(self.scene.snapshot, self.scene.environment, "", self.commands)
        self.query_one("#keys", Pane).show(view)
