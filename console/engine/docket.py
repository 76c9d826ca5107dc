"""A docket: the run that a conductor and its runner work on, the open incident's or the errand's."""

from collections.abc import Callable

from console.core.events import Body, Draft
from console.core.live import Progress
from console.core.state import Incident, State
from console.engine.board import Board
from console.engine.book import Book


def of_incident(state: State) -> Incident | None:
    """The open incident."""
    return state.open_incident


def of_errand(state: State) -> Incident | None:
    """The verb that runs by itself."""
    return state.open_errand


ERRAND = "errand:"
"""Begins the names under which an errand's steps are shown."""


class Docket:
    """One run in the engine's book: what is known of it, and what is said of it."""

    def __init__(
        self, book: Book, find: Callable[[State], Incident | None] = of_incident, prefix: str = ""
    ) -> None:
        """`prefix` begins the names under which its steps are shown, so that no other run has the same."""
        self._book = book
        self._find = find
        self._prefix = prefix

    def key(self, step: str) -> str:
        """The name under which a step is shown."""
        return f"{self._prefix}{step}"

    def show_planning(self, board: Board, progress: Progress | None) -> None:
        """Show that a plan is made for it; None when it has been."""
        if self._prefix:
            board.step(self.key("plan"), progress)
        else:
            board.show(planning=progress)

    @property
    def run(self) -> Incident | None:
        """The run as it is now; None while there is none."""
        return self._find(self._book.state)

    @property
    def epoch(self) -> int:
        """The engine's."""
        return self._book.state.epoch

    def say(self, *bodies: Body) -> None:
        """Commit what the engine has to say of this run, together."""
        run = self.run
        drafts = (self._book.draft(body) for body in bodies)
        self._book.append(*(_about(draft, run) for draft in drafts))


def _about(draft: Draft, run: Incident | None) -> Draft:
    return Draft(draft.body, draft.at, run.id if run else None, draft.actor, draft.request)
