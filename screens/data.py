"""The data screen: what the data can go back to, and everything that can be asked for about it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from console.core.commands import DATA
from console.core.live import Candidate
from console.core.plan import POINT_IN_TIME
from screens.asking import AskingDialog
from screens.data_forms import (
    BackupDialog,
    CacheDialog,
    KeepDialog,
    RestoreDialog,
    RowsDialog,
    SwapBackDialog,
    VerifyDialog,
)
from screens.dialog import Form
from screens.lines import Line
from screens.scene import Scene
from screens.views.candidates import candidate, choices, proposed
from screens.views.data import data_view
from screens.widgets.pane import Paragraphs


class DataDialog(AskingDialog):
    """The list, of which one row is chosen: what is asked for is about that."""

    commands = DATA
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

    def body(self, width: int) -> Sequence[Line]:
        """See screens.views.data."""
        return data_view(self.scene.snapshot, self.scene.environment, self._chosen, width).lines

    def on_mount(self) -> None:
        """Begin with what was named before; the keys are drawn by the base, which textual calls as well."""
        self._body.can_focus = False  # up and down move the choice, not the words
        if self._begin_with:
            self.call_after_refresh(self.action_do, self._begin_with)

    def update(self, scene: Scene) -> None:
        """Another moment: the choice stays on its row, wherever that is now."""
        super().update(scene)
        if self._chosen not in choices(scene.snapshot):
            self._chosen = proposed(scene.snapshot)

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

    def form(self, command_id: str) -> Form | str:
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
            case "swap-back":
                return SwapBackDialog(self.scene)
            case "backup":
                return BackupDialog(self.scene)
            case _:
                return super().form(command_id)

    def _restore(self, chosen: Candidate | None) -> Form | str:
        incident = self.scene.snapshot.state.open_incident
        if chosen is not None:
            return chosen.why_not or RestoreDialog(self.scene, chosen)
        if incident is not None and not incident.planning and incident.wish.data is None:
            return "the plan keeps the data already"
        return KeepDialog(self.scene)

    # -- to the screen ------------------------------------------------------------------------------

    @property
    def _body(self) -> VerticalScroll:
        return self.query_one("#body", VerticalScroll)

    def _follow(self) -> None:
        """Keep the chosen row in sight."""
        body, width = self._body, self.query_one(Paragraphs).size.width
        view = data_view(self.scene.snapshot, self.scene.environment, self._chosen, width)
        if view.first < body.scroll_y:
            body.scroll_to(y=view.first, animate=False)
        elif view.last >= body.scroll_y + body.size.height:
            body.scroll_to(y=view.last - body.size.height + 1, animate=False)
