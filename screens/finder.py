"""A list that gets shorter the more is typed: the frame of the palette, and of choosing a person."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from console.core.format import plain
from screens.dialog import Dialog, field


class Finder(Dialog[str | None]):
    """Ends with the id of what was chosen."""

    placeholder = ""
    """What the field says while it is empty."""
    nothing = ""
    """The complaint when nothing is left to choose."""

    def found(self, typed: str) -> Sequence[tuple[str, str]]:
        """What matches the words typed, in lower case: id and words; the first is proposed."""
        raise NotImplementedError

    def controls(self) -> ComposeResult:
        """The field, and what it leaves."""
        yield field(self.placeholder)
        yield OptionList(*self._options(""), compact=True)

    def on_mount(self) -> None:
        """The first is proposed."""
        choices = self.query_one(OptionList)
        choices.highlighted = 0 if choices.option_count else None

    def on_input_changed(self, event: Input.Changed) -> None:
        """Fewer the more is typed."""
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
        """Hand over what is chosen."""
        choices = self.query_one(OptionList)
        if choices.highlighted is None:
            self.complain(self.nothing)
        else:
            self.dismiss(choices.get_option_at_index(choices.highlighted).id)

    def _options(self, typed: str) -> list[Option]:
        return [Option(Content(plain(words)), id=key) for key, words in self.found(typed.strip().lower())]
