"""Declare: why it is suspected, what else only a person can see, and a few words for the timeline."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from console.core.format import clock, plain
from console.core.requests import Declare
from console.core.roles import COMMANDER
from console.core.state import Incident
from screens.dialog import Form, field
from screens.lines import Line, Role, line, wrap
from screens.scene import Scene
from screens.staff_forms import unknown_handle


class DeclareDialog(Form):
    """Opens an incident."""

    caption = "Declare an incident"
    yes = "Declare"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._marked: set[str] = set()

    def body(self, width: int) -> Sequence[Line]:
        """What the engine has seen, and what happens next."""
        known = self.scene.snapshot.state.open_incident
        lines: list[Line] = []
        if known is None:
            lines += wrap("No rule fires. Declare what the metrics do not see.", width)
        else:
            said = "is suspected" if known.status == "suspected" else "has nobody in command, sick"
            lines.append(line(f"{known.id} {said} since {clock(known.onset)}:"))
            lines += [row for why in known.triggers for row in wrap(f"! {why}", width, Role.BAD, indent=2)]
        then = f"You ({self.scene.actor}) take command; {_then(known)}"
        helpers = "who helps you, then to " if self._roles else ""
        how = f"Enter declares. Tab goes to {helpers}what only you can see: there Enter marks."
        return [*lines, *wrap(then, width), *wrap(how, width, Role.DIM)]

    def controls(self) -> ComposeResult:
        """The note first; then who is asked to take a role, and what can be declared besides."""
        yield field("what you see, in a few words (may stay empty)")
        yield from (field(f"{role}: who is asked (a handle; may stay empty)") for role in self._roles)
        if keys := list(self.scene.environment.triggers):
            yield OptionList(*(Option(self._words(key), id=key) for key in keys), compact=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter marks a trigger, or takes the mark away."""
        event.stop()
        event.prevent_default()  # a form would take Enter for the end
        self._marked ^= {event.option.id or ""}
        event.option_list.replace_option_prompt_at_index(
            event.option_index, self._words(event.option.id or "")
        )

    def submit(self) -> None:
        """Declare, with the roles that somebody is named for, and the triggers that are marked."""
        note, *people = self._typed()
        for number, handle in enumerate(people, 1):
            if handle and (why := unknown_handle(self.scene.roster, handle)):
                self.complain(why)
                self.query(Input)[number].focus()
                return
        roles = {role: handle for role, handle in zip(self._roles, people, strict=True) if handle}
        triggers = tuple(key for key in self.scene.environment.triggers if key in self._marked)
        self.dismiss(Declare(note=note, triggers=triggers, roles=roles))

    @property
    def _roles(self) -> list[str]:
        """Those that the strategy asks for, beside the command: that is taken by declaring."""
        rule = self.scene.environment.war_room
        return [role for role in rule.roles if role != COMMANDER] if rule else []

    def _words(self, trigger: str) -> Content:
        sign = "[x]" if trigger in self._marked else "[ ]"
        return Content(f"{sign} {plain(self.scene.environment.triggers[trigger].title)}")


def _then(known: Incident | None) -> str:
    """What happens next; an automatic rollback may have come some way already."""
    run = known.automatic if known else None
    if run is None:
        return "the engine plans the way back. Nothing is switched yet."
    if run.opened:
        return "what automatic rollback has begun goes on; x stops it."
    return "automatic rollback ends, and its plan waits for a yes. Nothing is switched yet."
