"""The chain that keeps a journal honest: how new events are numbered and hashed, and how old ones are judged.

The hash of an event is SHA-256 over the hash before it and the event's bytes as they are stored, so that
nothing is ever encoded again to verify it; before the first event stand 32 zero bytes.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from console.core import events
from console.core.clock import Stamp
from console.core.events import Draft, Event
from console.core.protocols import Head, JournalError

EMPTY = Head(0, bytes(32))


class Link(NamedTuple):
    """An event as it is stored."""

    seq: int
    raw: bytes
    hash: bytes


def seal(drafts: Sequence[Draft], head: Head, environment: str) -> tuple[list[Link], list[Event]]:
    """What follows `head` when `drafts` are appended: as it is stored, and as it will be read.

    JournalError when a draft cannot be read back (text or a number that JSON has no place for): once it
    stood in the journal, nobody could ever read past it.
    """
    links: list[Link] = []
    sealed: list[Event] = []
    previous = head.hash
    for seq, draft in enumerate(drafts, head.seq + 1):
        try:
            raw = events.encode(draft, environment, seq)
            sealed.append(events.decode(raw))
        except (ValueError, OverflowError, RecursionError) as error:
            raise JournalError(f"an event of kind {draft.body.kind} cannot be stored: {error}") from error
        previous = sha256(previous + raw).digest()
        links.append(Link(seq, raw, previous))
    return links, sealed


class Audit:
    """Judges stored links one after the other; up to `head` everything held."""

    def __init__(self, environment: str | None, heads: Mapping[int, str]) -> None:
        """Of `environment`, or of whichever the first event names; `heads`: hashes (hex) from elsewhere."""
        self.head = EMPTY
        self.notes: list[str] = []
        self._environment = environment
        self._heads = heads
        self._last: Stamp | None = None

    def fault(self, seq: object, raw: object, hash_: object) -> str | None:
        """What is wrong with the next link, or None: it holds. The values are as found, of any type."""
        expected = self.head.seq + 1
        if seq != expected:
            return f"it is missing: event {seq} comes next"
        if not isinstance(raw, bytes) or not isinstance(hash_, bytes):
            return "it is not stored as bytes"
        if sha256(self.head.hash + raw).digest() != hash_:
            return "its hash is not that of its bytes and the hash before it"
        if (known := self._heads.get(expected)) and known.lower() != hash_.hex():
            return f"it is not the event that was published: its hash is {hash_.hex()[:12]}, not {known[:12]}"
        if words := self._misfit(expected, raw):
            return words
        self.head = Head(expected, hash_)
        return None

    def missing(self) -> str | None:
        """What is known of a tail that is not there any more, once the last link was judged."""
        known = max(self._heads, default=0)
        if known <= self.head.seq:
            return None
        return (
            f"the journal ends with event {self.head.seq}, but event {known} was published: its tail is cut"
        )

    def _misfit(self, seq: int, raw: bytes) -> str | None:
        """Why those bytes cannot be event `seq` of this journal."""
        try:
            event = events.decode(raw)
        except (ValueError, RecursionError) as error:
            return f"its bytes cannot be decoded: {error}"
        if event.seq != seq:
            return f"its bytes are those of event {event.seq}"
        self._environment = self._environment or event.environment
        if event.environment != self._environment:
            return f"it is of environment {event.environment!r}, not {self._environment!r}"
        self._note_time(seq, event.at)
        return None

    def _note_time(self, seq: int, at: Stamp) -> None:
        """Time that runs backwards is odd, not wrong: a person's eyes decide."""
        before, self._last = self._last, at
        if before and before.boot_id == at.boot_id and at.boot_us < before.boot_us:
            self.notes.append(
                f"event {seq} is {(before.boot_us - at.boot_us) / 1e6:.3f} s older than the one before"
            )
