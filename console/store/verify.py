"""Whether a journal holds, and if not, from which event on: for people, so it answers and never raises.

The file is only read. It is opened through SQLite alone: closing any other handle on it would drop the
locks of every connection that this process has to it.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Literal

from msgspec import Struct

from console.core.protocols import JournalError
from console.store import wal
from console.store.chain import Audit
from console.store.sqlite import at_rest, check_identity, connect, in_words, wal_of

How = Literal["mode=ro", "immutable=1"]


class Verdict(Struct, frozen=True):
    """What was found."""

    ok: bool
    events: int
    """How many hold, from the first on."""
    head: str
    """Hash of the last event that holds, in hex."""
    first_bad: int | None
    """The first event that does not hold, or is not there any more; None when none can be named."""
    words: str
    """One line."""
    notes: tuple[str, ...] = ()
    """What is odd and not wrong."""


def verify(path: Path, environment: str | None = None, heads: Mapping[int, str] | None = None) -> Verdict:
    """Judge the journal at `path`, also one that an engine is writing.

    `heads` are hashes (hex) of events by number, as signed or published elsewhere: only they can tell that
    the tail was cut off, or that everything was written anew.
    """
    still = at_rest(path)
    verdict = _judge(path, "immutable=1" if still else "mode=ro", Audit(environment, heads or {}))
    if still and at_rest(path) != still:
        # An engine began to write in the middle of it.
        verdict = _judge(path, "mode=ro", Audit(environment, heads or {}))
    return verdict


def _judge(path: Path, how: How, audit: Audit) -> Verdict:
    try:
        if not path.is_file():
            return _verdict(audit, f"{path}: there is no journal; name the file")
        with closing(connect(path, how)) as database:
            check_identity(database, path)
            return _scan(database, audit) or _tail(path, database, audit)
    except JournalError as error:
        return _verdict(audit, str(error))
    except sqlite3.Error as error:
        return _verdict(audit, f"{path}: {in_words(error)}")
    except OSError as error:
        return _verdict(audit, f"{path}: cannot be read: {error.strerror}")


def _scan(database: sqlite3.Connection, audit: Audit) -> Verdict | None:
    """The verdict on the first event that does not hold; None when all that can be read do."""
    try:
        for link in database.execute("SELECT seq, raw, hash FROM event ORDER BY seq"):
            if fault := audit.fault(*link):
                return _bad(audit, fault)
    except sqlite3.DatabaseError as error:
        return _bad(audit, f"{error}{_rest(database, audit.head.seq)}")
    return None


def _rest(database: sqlite3.Connection, good: int) -> str:
    """What can still be read behind a damaged page, in words: it proves nothing, but may be of use."""
    newest = lowest = None
    query = "SELECT seq, raw, hash FROM event WHERE seq > ? ORDER BY seq DESC"
    try:
        for seq, *_ in database.execute(query, (good + 1,)):
            newest, lowest = newest or seq, seq
    except sqlite3.DatabaseError:
        # Expected: walking down from the newest event ends at the damaged page as well.
        pass
    return f"; events {lowest} to {newest} behind the damage can still be read" if lowest else ""


def _tail(path: Path, database: sqlite3.Connection, audit: Audit) -> Verdict:
    """The verdict when every event that can be read holds: whether any could have been there that cannot."""
    if fault := audit.missing():
        return _bad(audit, fault)
    if (offset := wal.damage(wal_of(path))) is not None:
        return _bad(
            audit, f"{wal_of(path).name} is damaged at byte {offset} (changed, or cut by a power failure)"
        )
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        return _verdict(audit, f"{_held(audit)}, but the file is damaged and may have held more: {found}")
    held = _held(audit) if audit.head.seq else "the journal is empty"
    return _verdict(audit, f"{held}; head {audit.head.hash.hex()}", ok=True)


def _bad(audit: Audit, fault: str) -> Verdict:
    bad = audit.head.seq + 1
    return _verdict(audit, f"event {bad} does not hold: {fault}; {_held(audit)}", first_bad=bad)


def _held(audit: Audit) -> str:
    match audit.head.seq:
        case 0:
            return "no event holds"
        case 1:
            return "event 1 holds"
        case last:
            return f"events 1 to {last} hold"


def _verdict(audit: Audit, words: str, *, ok: bool = False, first_bad: int | None = None) -> Verdict:
    head = audit.head
    one_line = " ".join(words.split())
    return Verdict(ok, head.seq, head.hash.hex(), first_bad, one_line, tuple(audit.notes))
