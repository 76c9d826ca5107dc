"""The frame of every dialog: a box with a title, words that scroll, what to fill in, and two buttons."""

from collections.abc import Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList
from textual.widgets.option_list import Option

from console.core.commands import CLOSE, command
from console.core.format import plain
from console.core.requests import AnyAsk
from screens.lines import Line, Role, fit, span
from screens.scene import Scene
from screens.widgets.pane import Pane, Paragraphs

Result = TypeVar("Result")
_QUIT = command("quit")
FRAME_LINES = 6
"""Lines of a dialog that are not body: border, complaint, buttons, and one to spare."""


class Dialog(ModalScreen[Result], Generic[Result]):
    """Asks or tells one thing. Closed by Escape, by the button, or by what it asks for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(CLOSE.key, "close", CLOSE.label, id=CLOSE.id, tooltip=CLOSE.sentence, show=False),
        Binding(",".join(_QUIT.aliases), "app.leave", _QUIT.label, tooltip=_QUIT.sentence, show=False),
    ]
    AUTO_FOCUS = "Input, OptionList, TextArea, Button"
    caption = ""
    hint = "Enter does it, Tab moves on, Esc cancels"
    prompt = ""
    """What to fill in, right above where to; unlike the body, always in sight."""
    yes = ""
    """The words on the button that does it; empty when there is nothing to do but read."""
    no = "Cancel"
    """The words on the button that leaves everything as it is."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene

    def body(self, width: int) -> Sequence[Line]:
        """What the dialog says, in lines of at most `width` cells."""
        raise NotImplementedError

    def controls(self) -> ComposeResult:
        """What is to be filled in."""
        yield from ()

    def submit(self) -> None:
        """Do what the first button says."""
        raise NotImplementedError

    def update(self, scene: Scene) -> None:
        """Another moment: the words follow it, what has been typed stays."""
        self.scene = scene
        for words in self.query(Paragraphs):  # none yet, in the moment when it is being put together
            words.changed()

    def complain(self, words: str) -> None:
        """Say why it cannot be done like this."""
        self.query_one("#complaint", Pane).show(words)

    def compose(self) -> ComposeResult:
        """The frame."""
        with Vertical(id="box") as box:
            box.border_title = Content(plain(self.caption))
            box.border_subtitle = Content(self.hint)
            with VerticalScroll(id="body"):
                yield Paragraphs(self.body, id="words")
            if self.prompt:
                yield Label(Content(plain(self.prompt)), id="prompt")
            yield from self.controls()
            yield Pane(_complaint, id="complaint")
            with Horizontal(id="buttons"):
                if self.yes:
                    yield Button(Content(self.yes), id="yes", compact=True)
                yield Button(Content(self.no), id="no", compact=True)

    def on_resize(self) -> None:
        """The body takes what the terminal leaves it."""
        controls = self.query("Input, OptionList, TextArea, #prompt, #keys")
        taken = sum(widget.outer_size.height for widget in controls)
        self.query_one("#body").styles.max_height = max(3, self.size.height - FRAME_LINES - taken)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """A button."""
        event.stop()
        if event.button.id == "yes":
            self.submit()
        else:
            self.action_close()

    def action_close(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)


def field(placeholder: str) -> Input:
    """A field of one line. Its cursor does not blink: that would wake an idle console twice a second."""
    made = Input(placeholder=placeholder, compact=True)
    made.cursor_blink = False
    return made


def _complaint(words: str, width: int, height: int) -> list[Line]:
    return [fit((span(words, Role.BAD),), width)][:height]


class Lacking(NamedTuple):
    """Why there is nothing to hand over yet."""

    words: str
    field: int = 0
    """The field in which that can be mended, counted from 0."""


class Form(Dialog[AnyAsk | None]):
    """A dialog that ends in a request: perhaps something to choose, perhaps something to type."""

    fields: tuple[str, ...] = ()
    """What each field is for, in the words that stand in it while it is empty."""

    def options(self) -> Sequence[tuple[str, str]]:
        """What may be chosen, id and words; the first is proposed."""
        return ()

    def ask(self, chosen: str | None, *typed: str) -> AnyAsk | Lacking | None:
        """The request, why there is none yet, or None when something else has been asked first.

        `typed` has a text for each field.
        """
        raise NotImplementedError

    def controls(self) -> ComposeResult:
        """The list, and the fields below it."""
        if options := self.options():
            yield OptionList(*(Option(Content(plain(words)), id=key) for key, words in options), compact=True)
        yield from (field(placeholder) for placeholder in self.fields)

    def submit(self) -> None:
        """Hand over the request, or say what is missing."""
        asked = self.ask(self._chosen(), *self._typed())
        if isinstance(asked, Lacking):
            self.complain(asked.words)
            for number, place in enumerate(self.query(Input)):
                if number == asked.field:
                    place.focus()
        elif asked is not None:
            self.dismiss(asked)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field."""
        event.stop()
        self.submit()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on the list."""
        event.stop()
        self.submit()

    def _chosen(self) -> str | None:
        for choices in self.query(OptionList):
            if choices.highlighted is not None:
                return choices.get_option_at_index(choices.highlighted).id
        return None

    def _typed(self) -> tuple[str, ...]:
        return tuple(field.value.strip() for field in self.query(Input))


class Reading(Dialog[None]):
    """A dialog that is only read."""

    AUTO_FOCUS = "#body"
    no = "Close"
    hint = "arrows and PgDn scroll, Esc closes"

    def submit(self) -> None:
        """There is nothing to do but to close it."""
        self.action_close()
