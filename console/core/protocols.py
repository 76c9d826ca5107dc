"""What the parts of the house expect of each other."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from console.core.clock import Stamp
from console.core.course import Piece
from console.core.errors import StatedError
from console.core.events import Draft, Event
from console.core.live import Live
from console.core.metrics import Row
from console.core.requests import AnyAsk
from console.core.state import State
from console.core.strategy import Environment


class Head(Struct, frozen=True):
    """The last event of a journal, by number and hash; seq 0 and 32 zero bytes when it is empty."""

    seq: int
    hash: bytes


class Reader(Protocol):
    """A journal to read: never writes, never blocks the writer."""

    def head(self) -> Head:
        """The newest event's number and hash."""
        ...

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of the event of that number; None when there is none."""
        ...

    def read(self, after: int, limit: int) -> Sequence[Event]:
        """Up to `limit` events that follow number `after`, in order."""
        ...

    def close(self) -> None:
        """Let go of the file or connection."""
        ...


class Writer(Reader, Protocol):
    """The one journal that an engine writes, under its lease."""

    def append(self, drafts: Sequence[Draft]) -> Sequence[Event]:
        """Commit all of `drafts`, or none, in one transaction; they are on disk when this returns.

        Raises JournalError when the disk refuses, or the lease is gone.
        """
        ...


class JournalError(StatedError):
    """The journal cannot be read or written; the message is the one line a user sees."""


class Snapshot(Struct, frozen=True):
    """All that a screen draws, as of one moment; it crosses from the reader to the screen whole."""

    at: Stamp
    state: State
    events: tuple[Event, ...]
    """The newest events, oldest first."""
    rows: tuple[Row, ...]
    """The samples of the last minutes, oldest first."""
    live: Live | None
    engine_silent_s: float | None
    """Seconds since the engine's last heartbeat; None when there has never been one."""
    pending: tuple[str, ...]
    """Ids of requests that no engine has taken yet."""
    head: str
    """The journal's head, in hex."""
    engine_gone: bool = False
    """Whether the process of the last heartbeat has been seen to be gone."""
    trouble: str = ""
    """Why the journal cannot be read any further, in one line; what stands here is what was read before."""


class Room(Protocol):
    """The war room as a screen sees it: a projection to look at, and a hatch to put requests through."""

    environment: Environment
    name: str
    """The environment's name, as it is typed at the gate."""
    actor: str
    """The handle that this console was opened with."""

    def snapshot(self) -> Snapshot:
        """What is known now; cheap, reads only what is new."""
        ...

    async def changed(self, timeout_s: float) -> None:
        """Return when the engine has rung, or after `timeout_s`."""
        ...

    def submit(self, ask: AnyAsk, actor: str | None = None) -> str:
        """Put a request into the inbox; returns its id.

        `actor` is whose request it is; the room's own handle when none is named.
        """
        ...

    def timeline(self, before: int, count: int) -> Sequence[Event]:
        """Up to `count` events just before number `before`, oldest first: what a snapshot has let go of.

        Takes milliseconds for a few hundred; StatedError or OSError where they cannot be read.
        """
        ...

    async def course(self, metric: str, since: Stamp, until: Stamp, width_s: float) -> Sequence[Piece]:
        """The samples of one metric from `since` to `until`, oldest first: also what a snapshot let go of.

        Those within `width_s` of each other are put together, extremes are kept (see core.course.thinned).
        Never blocks its caller; OSError where they cannot be read.
        """
        ...

    def start_engine(self) -> None:
        """Start an engine where none runs (cooperative mode); EngineError with one line when it cannot."""
        ...
