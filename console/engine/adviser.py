"""The adviser: journals what is recommended of a rollback, each time that it becomes something else."""

from console.core import events as ev
from console.core.clock import Clock
from console.core.metrics import Row, Rung
from console.core.recommendation import Grounds, line_seen, recommend
from console.core.strategy import Environment
from console.engine.board import Board, one_line
from console.engine.book import Book


class Adviser:
    """Judges each tick while an incident is open. It says; it decides nothing."""

    def __init__(self, book: Book, environment: Environment, board: Board, clock: Clock) -> None:
        self._book = book
        self._environment = environment
        self._board = board
        self._clock = clock

    def take(self, row: Row) -> None:
        """One more tick, of which the rungs are in the journal already."""
        incident = self._book.state.open_incident
        if incident is None or _has_just_begun(row):
            return
        found = recommend(self._environment, self.grounds(row))
        if found.level != incident.advised:
            self._book.say(ev.RollbackAdvised(found.level, one_line(found.words), one_line(found.cause)))

    def grounds(self, row: Row) -> Grounds:
        """What is known, as the engine sees it at that tick."""
        state = self._book.state
        return Grounds(
            at=self._clock.now(),
            state=state,
            rungs={reading.metric: reading.rung for reading in row.readings},
            values={reading.metric: reading.value for reading in row.readings},
            line=line_seen(self._board.live, state),
        )


def _has_just_begun(row: Row) -> bool:
    """Whether the engine has not looked at everything yet: what it does not know is no calm."""
    return any(reading.rung is Rung.WAITING and reading.measured is None for reading in row.readings)
