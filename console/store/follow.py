"""A journal folded as it grows: the state, and the newest events; whole pages of older ones on demand."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from console.core.events import Event
from console.core.fold import fold
from console.core.protocols import Head, JournalError
from console.core.state import State
from console.store.chain import EMPTY
from console.store.journal import SqliteReader

KEPT_EVENTS = 500
PAGE = 1000
"""Events read at a time; nobody holds a whole journal decoded."""


class Follower:
    """Reads one environment's journal, which may appear later, and may be moved away and replaced."""

    def __init__(self, path: Path, environment: str) -> None:
        self._path = path
        self._environment = environment
        self._reader: SqliteReader | None = None
        self._identity: tuple[int, int] | None = None
        self._forget()

    def _forget(self) -> None:
        self.state = State(self._environment)
        self.events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        """The newest, oldest first."""
        self.head: Head = EMPTY
        """Of the last event folded."""

    def follow(self) -> None:
        """Fold what is new. JournalError when that cannot be read; everything before it stays known."""
        self._reopen()
        if self._reader is None:
            return
        try:
            self._fold_new(self._reader)
        except JournalError:
            if not self._reader.outdated:
                raise
            self.follow()  # an engine began to write in the middle of it

    def _fold_new(self, reader: SqliteReader) -> None:
        head = reader.head()
        if head.seq < self.head.seq or (head.seq == self.head.seq and head != self.head):
            self._forget()  # a copy was put back in its place
        while self.state.seq < head.seq:
            self._fold_page(reader, head.seq)
        self.head = head

    def _reopen(self) -> None:
        """See that `_reader` reads the file that bears the journal's name now; None while there is none."""
        try:
            found = self._path.stat()
            identity = (found.st_dev, found.st_ino)
        except FileNotFoundError:
            identity = None
        if identity == self._identity and not (self._reader and self._reader.outdated):
            return
        if identity != self._identity:
            self._forget()
        self.close()
        if identity is not None:
            self._reader = SqliteReader(self._path, self._environment)
        self._identity = identity

    def _fold_page(self, reader: SqliteReader, last: int) -> None:
        seq = self.state.seq
        page = reader.read(seq, min(PAGE, last - seq))
        for event in page:
            if event.seq != self.state.seq + 1:
                break
            self.state = fold(self.state, event)
            self.events.append(event)
        if self.state.seq != seq + len(page) or not page:
            missing = self.state.seq + 1
            advice = "`warroom journal verify` says what still holds"
            raise JournalError(f"{self._path}: event {missing} is missing: {advice}")

    def page(self, before: int, count: int) -> Sequence[Event]:
        """Up to `count` events just before number `before`, oldest first; none while there is no journal."""
        first = max(before - count, 1)
        if self._reader is None or first >= before:
            return ()
        return self._reader.read(after=first - 1, limit=before - first)

    def close(self) -> None:
        """Let go of the file; what was folded stays known."""
        if self._reader is not None:
            self._reader.close()
        self._reader, self._identity = None, None
