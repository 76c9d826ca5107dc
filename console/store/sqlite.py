"""A journal as an SQLite file: its shape, how it is opened, and SQLite's errors as one line each."""

import sqlite3
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

_WORDS = {
    sqlite3.SQLITE_FULL: "the disk is full, nothing of this was written: free some space there",
    sqlite3.SQLITE_IOERR: "the disk failed, nothing of this was written: look into the kernel's log",
    sqlite3.SQLITE_CORRUPT: "damaged: `warroom journal verify` says from which event on",
    sqlite3.SQLITE_NOTADB: "not a journal, or damaged at its very beginning: put back a copy of it",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that file and folder are there, and are ours",
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
