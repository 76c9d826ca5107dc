"""The data screen: what the data can go back to, and everything that can be asked for about it."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Struct
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from console.core.commands import DATA, command
from console.core.live import Candidate
from console.core.plan import POINT_IN_TIME
from console.core.requests import AnyAsk
from screens.data_forms import (
    BackupDialog,
    CacheDialog,
    KeepDialog,
    OnsetDialog,
    RestoreDialog,
    RowsDialog,
    SwapBackDialog,
    VerifyDialog,
)
from screens.dialog import Dialog, Form
from screens.lines import Line
from screens.scene import Scene
from screens.views.bottom import draw_keys, keys_view
from screens.views.candidates import candidate, choices, proposed
from screens.views.data import data_view
from screens.widgets.pane import Pane, Paragraphs


class Asked(Struct, frozen=True):
    """A request, and the command that led to it."""

    command: str
    ask: AnyAsk


class DataDialog(Dialog[Asked | None]):
    """Ends with what was asked for; what becomes of it is seen in the war room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        *(
            Binding(entry.key, f"do('{entry.id}')", entry.label, tooltip=entry.sentence, show=False)
            for entry in DATA
        ),
    ]
    AUTO_FOCUS = ""
    no = "Close"
    hint = "up and down choose, Enter restores, Esc closes"

    def __init__(self, scene: Scene, first: str = "") -> None:
        """`first` is the command to begin with, where it was named before the screen was open."""
        super().__init__(scene)
        incident = scene.snapshot.state.open_incident
        self.caption = " · ".join(("Data", scene.name, *((incident.id,) if incident else ())))
        self._chosen = proposed(scene.snapshot)
        self._begin_with = first

    def controls(self) -> ComposeResult:
        """The keys, each dim while it cannot be done."""
        yield Pane(draw_keys, id="keys")

    def body(self, width: int) -> Sequence[Line]:
        """See screens.views.data."""
        return data_view(self.scene.snapshot, self.scene.environment, self._chosen, width).lines

    def on_mount(self) -> None:
        """Draw the keys, and begin with what was named before."""
        self._body.can_focus = False  # up and down move the choice, not the words
        self._show_keys()
        if self._begin_with:
            self.call_after_refresh(self.action_do, self._begin_with)

    def update(self, scene: Scene) -> None:
        """Another moment: the choice stays on its row, wherever that is now."""
        super().update(scene)
        if self._chosen not in choices(scene.snapshot):
            self._chosen = proposed(scene.snapshot)
        self._show_keys()

    def submit(self) -> None:
        """There is no button that does it: its keys do."""
        self.action_close()

    def action_move(self, by: int) -> None:
        """Choose the row before or after."""
        self.complain("")
        ids = choices(self.scene.snapshot)
        at = (ids.index(self._chosen) if self._chosen in ids else 0) + by
        if not 0 <= at < len(ids):  # at either end there are words yet
            self._body.scroll_relative(y=by, animate=False)
            return
        self._chosen = ids[at]
        self.query_one(Paragraphs).changed()
        self.call_after_refresh(self._follow)

    def action_page(self, by: int) -> None:
        """Scroll the words."""
        self._body.scroll_relative(y=by * self._body.size.height, animate=False)

    def action_do(self, command_id: str) -> None:
        """Open the command's form, or say why it cannot be done now."""
        scene, entry = self.scene, command(command_id)
        reason = entry.possible(scene.snapshot, scene.environment)
        form = reason or self._form(command_id)
        if isinstance(form, str):
            self.complain(f"{entry.key} {entry.label}: {form}")
        else:
            self.app.push_screen(form, self._asker(command_id))

    def _form(self, command_id: str) -> Form | str:
        """What is to be filled in; or why there is nothing to fill in with the row that is chosen."""
        chosen = candidate(self.scene.snapshot, self._chosen)
        match command_id:
            case "restore":
                return self._restore(chosen)
            case "rows":
                if chosen is None:
                    return "choose a copy to take them from first"
                return chosen.why_not or RowsDialog(self.scene, chosen)
            case "verify-backup":
                if chosen is None or chosen.id == POINT_IN_TIME:
                    return "choose a backup first"
                return VerifyDialog(self.scene, chosen)
            case "cache":
                return CacheDialog(self.scene, chosen)
            case "onset":
                return OnsetDialog(self.scene)
            case "swap-back":
                return SwapBackDialog(self.scene)
            case _:
                return BackupDialog(self.scene)

    def _restore(self, chosen: Candidate | None) -> Form | str:
        incident = self.scene.snapshot.state.open_incident
        if chosen is not None:
            return chosen.why_not or RestoreDialog(self.scene, chosen)
        if incident is not None and not incident.planning and incident.wish.data is None:
            return "the plan keeps the data already"
        return KeepDialog(self.scene)

    def _asker(self, command_id: str) -> Callable[[AnyAsk | None], None]:
        def asked(ask: AnyAsk | None) -> None:
            if ask is not None:
                self.dismiss(Asked(command_id, ask))

        return asked

    # -- to the screen ------------------------------------------------------------------------------

    @property
    def _body(self) -> VerticalScroll:
        return self.query_one("#body", VerticalScroll)

    def _show_keys(self) -> None:
        self.query_one("#keys", Pane).show(keys_view(self.scene.snapshot, self.scene.environment, "", DATA))

    def _follow(self) -> None:
        """Keep the chosen row in sight."""
        body, width = self._body, self.query_one(Paragraphs).size.width
        view = data_view(self.scene.snapshot, self.scene.environment, self._chosen, width)
        if view.first < body.scroll_y:
            body.scroll_to(y=view.first, animate=False)
        elif view.last >= body.scroll_y + body.size.height:
            body.scroll_to(y=view.last - body.size.height + 1, animate=False)
