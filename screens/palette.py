"""The palette: every command by its name; what is not possible now stays and says why."""

from collections.abc import Sequence

from console.core.commands import COMMANDS, DATA, PEOPLE, Command
from screens.finder import Finder
from screens.lines import Line, Role, line, span


class Palette(Finder):
    """Ends with the id of the command that was chosen."""

    caption = "Commands"
    yes = "Do it"
    placeholder = "name of a command"
    nothing = "no command is called that"

    def body(self, width: int) -> Sequence[Line]:  # noqa: ARG002 - one short line
        """How it works."""
        return [line(span("Type a part of the name; up and down choose, Enter does it.", Role.DIM))]

    def found(self, typed: str) -> Sequence[tuple[str, str]]:
        """By name, label, sentence or subcommand."""
        every = (*COMMANDS, *DATA, *PEOPLE)
        return [(entry.id, self._words(entry)) for entry in every if _matches(entry, typed)]

    def _words(self, entry: Command) -> str:
        reason = entry.possible(self.scene.snapshot, self.scene.environment)
        return f"{entry.keys:<8}{entry.id:<14}{entry.sentence if reason is None else f'not now: {reason}'}"


def _matches(entry: Command, typed: str) -> bool:
    return typed in f"{entry.id} {entry.label} {entry.sentence} {entry.subcommand}".lower()
