"""The journal in an SQLite file: one connection writes, any number read.

A handle is used from the thread that opened it. Readers hold no transaction between two calls, so that
none of them can keep the write-ahead file from being worked off.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from console.core import events
from console.core.events import Draft, Event
from console.core.protocols import Head, JournalError
from console.store.chain import EMPTY, Link, seal
from console.store.layout import Layout
from console.store.private import PRIVATE, Sharing, sync_folder
from console.store.reserve import Reserve
from console.store.sqlite import (
    DURABLE,
    SCHEMA,
    Rest,
    at_rest,
    check_identity,
    connect,
    connect_reader,
    primary,
    refuse_network,
    stated,
)


class SqliteReader:
    """The journal of one environment, to look at."""

    def __init__(self, path: Path, environment: str) -> None:
        """JournalError when there is no journal at `path`, or it is another environment's."""
        refuse_network(path)
        with stated(path):
            database, still = connect_reader(path)
        self._take(database, path, environment, still)

    def _take(
        self, database: sqlite3.Connection, path: Path, environment: str, still: Rest | None = None
    ) -> None:
        """Keep the connection if it leads to a journal of `environment`, else close it."""
        self._database, self._path, self.environment = database, path, environment
        self._still = still
        try:
            with stated(path):
                check_identity(database, path)
            self._check_environment()
        except JournalError:
            database.close()
            raise

    def _check_environment(self) -> None:
        for first in self.read(after=0, limit=1):
            if first.environment != self.environment:
                found = f"the journal of {first.environment!r}, not of {self.environment!r}"
                raise JournalError(f"{self._path}: {found}")

    @property
    def outdated(self) -> bool:
        """Whether an engine has begun to write to what was opened as a file at rest: open it again."""
        return self._still is not None and at_rest(self._path) != self._still

    def head(self) -> Head:
        """The newest event's number and hash."""
        with stated(self._path):
            return self._head_row()

    def _head_row(self) -> Head:
        rows = self._database.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchall()
        return Head(*rows[0]) if rows else EMPTY

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of the event of that number; None when there is none."""
        with stated(self._path):
            row = self._database.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    def read(self, after: int, limit: int) -> Sequence[Event]:
        """Up to `limit` events that follow number `after`, in order; JournalError where one is unreadable."""
        query = "SELECT seq, raw FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        with stated(self._path):
            rows = self._database.execute(query, (after, limit)).fetchall()
        return [self._decoded(seq, raw) for seq, raw in rows]

    def _decoded(self, seq: int, raw: bytes) -> Event:
        try:
            return events.decode(raw)
        except (ValueError, TypeError, RecursionError) as error:
            advice = "`warroom journal verify` says what still holds"
            raise JournalError(f"{self._path}: event {seq} cannot be read ({error}): {advice}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


class SqliteWriter(SqliteReader):
    """The one handle that appends; whoever opens it holds the environment's lease."""

    def __init__(self, layout: Layout, environment: str, sharing: Sharing = PRIVATE) -> None:
        """Open the journal of `environment`, making it and its folder where there is none yet.

        JournalError when that cannot be, or what lies there is something else.
        """
        path = layout.journal
        try:
            sharing.make_folder(path.parent)
            refuse_network(path)
            if not path.exists():
                _make(path)
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                # A killed engine left them; SQLite gives those that it makes the journal's mode.
                if (beside := path.with_name(name)).exists():
                    beside.chmod(sharing.file)
        except OSError as error:
            raise JournalError(f"{path}: cannot be made: {error.strerror}") from error
        with stated(path):
            database = connect(path, "mode=rw", *DURABLE)
        self._take(database, path, environment)
        self._head = self.head()
        self._reserve = Reserve(layout.reserve)
        self._reserve.restore()

    @property
    def short_of_space(self) -> bool:
        """Whether the disk is so full that there is no reserve; the next append may be the last."""
        return not self._reserve.held

    def append(self, drafts: Sequence[Draft]) -> Sequence[Event]:
        """Commit all of `drafts`, or none, in one transaction; on disk when this returns (about 1 ms).

        On a full disk the reserve is given up once. Raises JournalError when the disk refuses all the same,
        or when somebody else has appended: then the lease is gone, and this handle is of no more use.
        """
        links, sealed = seal(drafts, self._head, self.environment)
        with stated(self._path):
            try:
                self._commit(links)
            except sqlite3.OperationalError as error:
                if primary(error) != sqlite3.SQLITE_FULL or not self._reserve.release():
                    raise
                self._commit(links)
        if links:
            self._head = Head(links[-1].seq, links[-1].hash)
        self._reserve.restore()
        return sealed

    def _commit(self, links: Sequence[Link]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            found = self._head_row()
            if found != self._head:
                raise JournalError(
                    f"{self._path}: another writer has appended event {found.seq}, our last is "
                    f"{self._head.seq}: end this engine, the other one has taken over"
                )
            self._database.executemany("INSERT INTO event (seq, raw, hash) VALUES (?, ?, ?)", links)
            self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def close(self) -> None:
        """Fold the write-ahead file into the journal, so that one file holds all of it, and let go."""
        # A disk too full for that loses nothing: the events are in the write-ahead file already.
        with suppress(sqlite3.Error):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        super().close()


def _make(path: Path) -> None:
    """An empty journal at `path`, which never exists half made. OSError or JournalError when it cannot be."""
    orphan = path.with_name(f"{path.name}-wal")
    if orphan.exists():
        # SQLite would work it into whatever file takes the journal's name.
        raise JournalError(f"{orphan}: its journal is gone: put {path.name} back, or move this file away")
    unborn = path.with_name(f"{path.name}.new")
    for suffix in ("", "-wal", "-shm"):
        unborn.with_name(unborn.name + suffix).unlink(missing_ok=True)
    os.close(PRIVATE.open(unborn, os.O_EXCL))
    with stated(path):
        database = connect(unborn, "mode=rw", *DURABLE)
        try:
            database.executescript(SCHEMA)
        finally:
            database.close()
    unborn.rename(path)
    sync_folder(path.parent)
