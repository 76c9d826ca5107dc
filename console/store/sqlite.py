"""A journal as an SQLite file: its shape, how it is opened, and SQLite's errors as one line each."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from console.core.protocols import JournalError
from console.store.mounts import network_filesystem

APPLICATION_ID = 0x57524A4C
"""`WRJL`, by which file(1) and we know a journal."""
VERSION = 1
"""Of the table below, not of the events in it."""
SCHEMA = f"""
    BEGIN;
    CREATE TABLE event (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL, hash BLOB NOT NULL);
    CREATE TRIGGER event_stays BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
    CREATE TRIGGER event_kept BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
    PRAGMA application_id = {APPLICATION_ID};
    PRAGMA user_version = {VERSION};
    COMMIT;
"""
BUSY_S = 5.0
"""How long to wait while another connection recovers the file after a crash."""
DURABLE = ("journal_mode = WAL", "synchronous = FULL")
"""With these a commit is on disk when it returns, and readers and the writer never wait for each other."""
_PAUSE_S = 0.02
Rest = tuple[int, int, int]
"""What identifies a file that nobody is writing to."""

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full, nothing of this was written: free some space there",
    sqlite3.SQLITE_IOERR: "the disk failed, nothing of this was written: look into the kernel's log",
    sqlite3.SQLITE_CORRUPT: "damaged: `warroom journal verify` says from which event on",
    sqlite3.SQLITE_NOTADB: "not a journal, or damaged at its very beginning: put back a copy of it",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that file and folder are there, and are ours; "
    "where an engine of another account was killed, start it again: it works off what is beside the file",
    sqlite3.SQLITE_PERM: "cannot be opened: check that file and folder are ours",
    sqlite3.SQLITE_READONLY: "cannot be written: check that file, folder and file system are writable for us",
    sqlite3.SQLITE_BUSY: "another process holds it: end that one, or try again",
}


def connect(
    path: Path, how: Literal["mode=ro", "mode=rw", "immutable=1"], *pragmas: str
) -> sqlite3.Connection:
    """An open connection in autocommit mode, its pragmas set; never makes a file. Raises sqlite3.Error."""
    uri = f"{path.absolute().as_uri()}?{how}"
    database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)
    try:
        for pragma in pragmas:
            database.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        database.close()
        raise
    return database


def connect_reader(path: Path, tries: int = 3) -> tuple[sqlite3.Connection, Rest | None]:
    """A connection that reads, and None: it sees what is committed. Raises sqlite3.Error.

    Where SQLite's files beside the journal are gone, and we may not make them, it is opened as the file at
    rest that it is; then what identifies it is returned too: once that changes, open it again.
    """
    try:
        return _joined(path), None
    except sqlite3.Error as error:
        if primary(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        if still := at_rest(path):
            return connect(path, "immutable=1", "query_only = ON"), still
        if not tries:
            raise
    time.sleep(_PAUSE_S)  # an engine begins or ends just now
    return connect_reader(path, tries - 1)


def _joined(path: Path) -> sqlite3.Connection:
    """A connection that reads what is committed, whoever commits it."""
    database = connect(path, "mode=ro", "query_only = ON")
    try:
        database.execute("PRAGMA schema_version").fetchone()  # only a read opens the files beside it
    except sqlite3.Error:
        database.close()
        raise
    return database


def at_rest(path: Path) -> Rest | None:
    """What identifies a file that nobody is writing to; None when there is a write-ahead file to heed.

    A file at rest can be opened as an immutable one, which needs and leaves nothing beside it.
    """
    try:
        beside = wal_of(path)
        if beside.exists() and beside.stat().st_size > 0:
            return None
        found = path.stat()
    except OSError:
        return None  # opening it will say what is wrong
    return found.st_ino, found.st_size, found.st_mtime_ns


def wal_of(path: Path) -> Path:
    """The write-ahead file of a journal."""
    resolved = path.resolve()
    return resolved.with_name(f"{resolved.name}-wal")


def refuse_network(path: Path) -> None:
    """JournalError where `path` lies on a network file system: WAL needs memory that all readers share."""
    if kind := network_filesystem(path):
        raise JournalError(
            f"{path}: a journal cannot lie on a network file system ({kind}): use a local disk"
        )


def check_identity(database: sqlite3.Connection, path: Path) -> None:
    """JournalError when an open file is not a journal that we can read. Raises sqlite3.Error too."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise JournalError(f"{path}: not a journal, though an SQLite file: name another file")
    if version != VERSION:
        raise JournalError(
            f"{path}: a journal of format {version}, not {VERSION}: use the warroom that wrote it"
        )


@contextmanager
def stated(path: Path) -> Iterator[None]:
    """Turns any sqlite3.Error inside into a JournalError of one line."""
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"{path}: {in_words(error)}") from error


def in_words(error: sqlite3.Error) -> str:
    """What happened and what to do, without the file's name."""
    words = _WORDS.get(primary(error))
    return f"{words} ({error})" if words else str(error)


def primary(error: sqlite3.Error) -> int:
    """SQLite's own code of the error, without its extension; 0 when the error is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
