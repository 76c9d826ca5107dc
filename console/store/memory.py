"""The journal's twin in memory, for fast tests: behind the same protocol, and tested by the same tests."""

from collections.abc import Sequence

from console.core import events
from console.core.events import Draft, Event
from console.core.protocols import Head
from console.store.chain import EMPTY, Link, seal


class MemoryJournal:
    """Reader and writer in one; `links` is what a file would hold."""

    def __init__(self, environment: str) -> None:
        self.environment = environment
        self.links: list[Link] = []

    def head(self) -> Head:
        """The newest event's number and hash."""
        return Head(self.links[-1].seq, self.links[-1].hash) if self.links else EMPTY

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of the event of that number; None when there is none."""
        return self.links[seq - 1].hash if 1 <= seq <= len(self.links) else None

    def read(self, after: int, limit: int) -> Sequence[Event]:
        """Up to `limit` events that follow number `after`, in order."""
        return [events.decode(link.raw) for link in self.links[after : after + limit]]

    def append(self, drafts: Sequence[Draft]) -> Sequence[Event]:
        """Keep all of `drafts`, or none."""
        links, sealed = seal(drafts, self.head(), self.environment)
        self.links += links
        return sealed

    def close(self) -> None:
        """Nothing to let go of: what was appended stays readable."""
