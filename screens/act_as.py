"""Who is there: chooses the person in whose name the keys of this console are pressed from now on."""

from collections.abc import Sequence

from console.core.roles import roles_of
from console.core.roster import Person, Roster
from screens.finder import Finder
from screens.lines import Line, Role, wrap
from screens.scene import Scene

_CLAIM = "A key press is a claim of that name, and is journalled under it; it is never a signature."


class ActAsDialog(Finder):
    """Ends with a handle of the roster."""

    caption = "Who is at the keys?"
    yes = "That is me"
    placeholder = "a handle, or a role"
    nothing = "nobody in the roster is called that"

    def __init__(self, scene: Scene, roster: Roster, *, away: bool) -> None:
        """`away`: nobody has pressed a key for long, so the present name may not be who is there."""
        super().__init__(scene)
        self._roster = roster
        self._away = away

    def body(self, width: int) -> Sequence[Line]:
        """Why it is asked, and what it means."""
        asked = wrap("Nobody has pressed a key for long. Who is there now?", width, Role.WARN)
        return [*(asked if self._away else ()), *wrap(_CLAIM, width, Role.DIM)]

    def found(self, typed: str) -> Sequence[tuple[str, str]]:
        """Everybody whose word counts today; who acts now comes first."""
        now, actor = self.scene.snapshot.at.utc_us, self.scene.actor
        there = [person for person in self._roster.people if not person.not_valid(now)]
        there.sort(key=lambda person: person.handle != actor)
        told = ((person.handle, self._words(person)) for person in there)
        return [(handle, words) for handle, words in told if typed in words.lower()]

    def _words(self, person: Person) -> str:
        incident = self.scene.snapshot.state.open_incident
        has = roles_of(incident, person.handle) if incident else ()
        deputy = [f"deputy for {role}" for role in person.deputy_for]
        held = ", ".join((*person.roles, *deputy))
        return f"{person.handle:<12}{held}{' · now ' * bool(has)}{', '.join(has)}"
