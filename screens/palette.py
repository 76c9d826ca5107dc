"""The palette: every command by its name; what is not possible now stays and says why."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from console.core.commands import COMMANDS, DATA, Command
from screens.dialog import Dialog, field
from screens.lines import Line, Role, line, span


class Palette(Dialog[str | None]):
    """Ends with the id of the command that was chosen."""

    caption = "Commands"
    yes = "Do it"

    def body(self, width: int) -> Sequence[Line]:  # noqa: ARG002 - one short line
        """How it works."""
        return [line(span("Type a part of the name; up and down choose, Enter does it.", Role.DIM))]

    def controls(self) -> ComposeResult:
        """The field, and what it leaves."""
        yield field("name of a command")
        yield OptionList(*self._options(""), compact=True)

    def on_mount(self) -> None:
        """The first is proposed."""
        self.query_one(OptionList).highlighted = 0

    def on_input_changed(self, event: Input.Changed) -> None:
        """Fewer commands the more is typed."""
        choices = self.query_one(OptionList)
        choices.clear_options()
        choices.add_options(self._options(event.value))
        choices.highlighted = 0 if choices.option_count else None

    def on_key(self, event: Key) -> None:
        """Up and down move the list while the field has the focus."""
        choices = self.query_one(OptionList)
        if event.key == "up" and not choices.has_focus:
            choices.action_cursor_up()
        elif event.key == "down" and not choices.has_focus:
            choices.action_cursor_down()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field."""
        event.stop()
        self.submit()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on the list."""
        event.stop()
        self.submit()

    def submit(self) -> None:
        """Hand over the command."""
        choices = self.query_one(OptionList)
        if choices.highlighted is None:
            self.complain("no command is called that")
        else:
            self.dismiss(choices.get_option_at_index(choices.highlighted).id)

    def _options(self, typed: str) -> list[Option]:
        found = [entry for entry in (*COMMANDS, *DATA) if _matches(entry, typed.strip().lower())]
        return [Option(Content(self._words(entry)), id=entry.id) for entry in found]

    def _words(self, entry: Command) -> str:
        reason = entry.possible(self.scene.snapshot, self.scene.environment)
        return f"{entry.keys:<8}{entry.id:<14}{entry.sentence if reason is None else f'not now: {reason}'}"


def _matches(entry: Command, typed: str) -> bool:
    return typed in f"{entry.id} {entry.label} {entry.sentence} {entry.subcommand}".lower()
