"""The engine's book: appends to the journal, keeps the state that follows, and rings whoever reads along."""

from collections.abc import Callable, Sequence

from console.core.clock import Clock
from console.core.events import Body, Draft, Event
from console.core.fold import fold
from console.core.paging import every_event
from console.core.protocols import Head, Writer
from console.core.state import State


class Book:
    """The only way in which the engine says anything."""

    def __init__(self, writer: Writer, environment: str, clock: Clock, ring: Callable[[int], None]) -> None:
        self._writer = writer
        self._clock = clock
        self._ring = ring
        self.state = State(environment=environment)
        for event in every_event(writer):
            self.state = fold(self.state, event)

    def draft(self, body: Body, *, actor: str = "engine", request: str | None = None) -> Draft:
        """An event of the open incident (or of none), as of now."""
        incident = self.state.open_incident
        return Draft(body, self._clock.now(), incident.id if incident else None, actor, request)

    def append(self, *drafts: Draft) -> Sequence[Event]:
        """Commit all of them in one transaction; JournalError when they are not on disk."""
        events = self._writer.append(drafts)
        for event in events:
            self.state = fold(self.state, event)
        self._ring(self.state.seq)
        return events

    def say(self, *bodies: Body) -> None:
        """Commit what the engine itself has to say, together."""
        self.append(*(self.draft(body) for body in bodies))

    @property
    def head(self) -> str:
        """The journal's head, in hex."""
        return self._writer.head().hash.hex()

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of the event of that number; None when there is none."""
        return self._writer.hash_at(seq)

    def last(self) -> Head:
        """The journal's newest event, by number and hash."""
        return self._writer.head()
