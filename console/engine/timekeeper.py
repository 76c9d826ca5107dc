"""The timekeeper: says once of each task of the incident that its time is over."""

from console.core import events as ev
from console.core.clock import Clock
from console.core.tasks import overdue, whose
from console.engine.book import Book


class Timekeeper:
    """Looks whenever something has moved, and once a tick."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def look(self) -> None:
        """Journal every task that has become overdue."""
        incident = self._book.state.open_incident
        if incident is None:
            return
        late = [(name, incident.tasks[name]) for name in overdue(incident, self._clock.now())]
        if late:
            self._book.say(*(ev.TaskOverdue(name, task.what, whose(incident, task)) for name, task in late))
