"""Rows that must survive: the keys of tables, written down at one moment and compared at another.

The file has a line for each row, `["users", "eng-1"]` in JSON, because a key may hold tabs and line breaks.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from console.core.errors import StatedError

_CONNECT_S = 5
_MODE = 0o600
"""The keys of users are nobody else's to read."""

Key = tuple[str, str | None]
"""A table, and the key of a row in it; None where the column is null."""

_line = msgspec.json.Decoder(Key)


class RowsError(StatedError):
    """The rows could not be read; the message is one line, without the connection's secrets."""


class Compared(Struct, frozen=True):
    """Rows now, against the keys that were written down."""

    before: int
    after: int
    missing: int
    """Keys that were there and are not any more."""


class Rows:
    """The tables of one database, by their key columns; reads only, each time in one snapshot."""

    def __init__(self, dsn: Callable[[], str], tables: Mapping[str, str]) -> None:
        """`dsn` is asked at each use; a table may be written with its schema, `public.users`."""
        self._dsn = dsn
        self.tables = dict(tables)

    async def record(self, path: Path) -> dict[str, int]:
        """Write the keys of every table to `path`, a line each, in order; returns the rows of each table.

        The file is there whole or not at all.
        """
        try:
            return await self._record(path, path.with_suffix(".partial"))
        except OSError as error:
            raise RowsError(f"cannot write {path}: {error.strerror}") from error

    async def _record(self, path: Path, partial: Path) -> dict[str, int]:
        path.parent.mkdir(parents=True, exist_ok=True)
        counts = dict.fromkeys(self.tables, 0)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as file:
            async with aclosing(self._keys()) as present:
                async for row in present:
                    file.write(msgspec.json.encode(row) + b"\n")
                    counts[row[0]] += 1
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        return counts

    async def compare(self, path: Path) -> Compared:
        """How many of the keys in `path` are gone; both sides come in one order, so neither is held."""
        try:
            with path.open("rb") as file:
                async with aclosing(self._keys()) as present:
                    return await compared(_recorded(file), present)
        except OSError as error:
            raise RowsError(f"cannot read {path}: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise RowsError(f"{path} is not as it was written: {error}") from error

    async def _keys(self) -> AsyncGenerator[Key, None]:
        try:
            async with await psycopg.AsyncConnection.connect(**self._params()) as connection:
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
                for table in sorted(self.tables):
                    async with aclosing(_column(connection, table, self.tables[table])) as keys:
                        async for key in keys:
                            yield table, key
        except psycopg.Error as error:
            raise RowsError(f"cannot read the rows: {_one_line(error)}") from None

    def _params(self) -> dict[str, Any]:
        try:
            params = dict(conninfo_to_dict(self._dsn()))
        except psycopg.ProgrammingError:
            # The driver's own words would repeat the DSN, and the password in it.
            raise RowsError(
                "the DSN cannot be read: write postgresql://user@host:port/database, or key=value pairs"
            ) from None
        ours = {"connect_timeout": _CONNECT_S, "application_name": "warroom rows", "client_encoding": "utf8"}
        return {**params, **ours}


async def _column(
    connection: psycopg.AsyncConnection, table: str, key: str
) -> AsyncGenerator[str | None, None]:
    copy = sql.SQL(
        'COPY (SELECT {key}::text FROM {table} ORDER BY {key}::text COLLATE "C") TO STDOUT'
    ).format(key=sql.Identifier(key), table=sql.Identifier(*table.split(".")))
    async with connection.cursor() as cursor, cursor.copy(copy) as stream:
        async for row in stream.rows():
            yield row[0]


def _recorded(lines: Iterable[bytes]) -> Iterator[Key]:
    for line in lines:
        yield _line.decode(line)


async def compared(recorded: Iterator[Key], present: AsyncIterator[Key]) -> Compared:
    """Merge two lists that are in the database's order: by table, then by the key's bytes, nulls last."""
    before = after = missing = 0
    old = next(recorded, None)
    async for now in present:
        after += 1
        while old is not None and _order(old) < _order(now):
            before, missing, old = before + 1, missing + 1, next(recorded, None)
        if old == now:
            before, old = before + 1, next(recorded, None)
    while old is not None:
        before, missing, old = before + 1, missing + 1, next(recorded, None)
    return Compared(before, after, missing)


def _order(row: Key) -> tuple[str, bool, bytes]:
    table, key = row
    return table, key is None, (key or "").encode()


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
