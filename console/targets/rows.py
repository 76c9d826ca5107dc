"""Rows that must survive: the keys of tables, written down at one moment and compared at another."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path

import psycopg
from msgspec import Struct
from psycopg import sql

from console.core.errors import StatedError

_CONNECT_S = 5


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
        self._dsn = dsn
        self.tables = dict(tables)

    async def record(self, path: Path) -> dict[str, int]:
        """Write the keys of every table to `path`, a line each, in order; returns the rows of each table.

        The file is there whole or not at all.
        """
        partial = path.with_suffix(".partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        counts = dict.fromkeys(self.tables, 0)
        with partial.open("w", encoding="utf-8") as file:
            async for table, key in self._keys():
                file.write(f"{table}\t{key}\n")
                counts[table] += 1
        partial.replace(path)
        return counts

    async def compare(self, path: Path) -> Compared:
        """How many of the keys in `path` are gone; both sides come in one order, so neither is held."""
        try:
            with path.open(encoding="utf-8") as file:
                return await _compare(_recorded(file), self._keys())
        except OSError as error:
            raise RowsError(f"cannot read {path}: {error.strerror}") from error

    async def _keys(self) -> AsyncIterator[tuple[str, str]]:
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._dsn(), connect_timeout=_CONNECT_S, application_name="warroom rows"
            )
            async with connection:
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
                for table in sorted(self.tables):
                    async for key in _column(connection, table, self.tables[table]):
                        yield table, key
        except psycopg.Error as error:
            raise RowsError(f"cannot read the rows: {_one_line(error)}") from None


async def _column(connection: psycopg.AsyncConnection, table: str, key: str) -> AsyncIterator[str]:
    copy = sql.SQL(
        'COPY (SELECT {key}::text FROM {table} ORDER BY {key}::text COLLATE "C") TO STDOUT'
    ).format(key=sql.Identifier(key), table=sql.Identifier(table))
    async with connection.cursor() as cursor, cursor.copy(copy) as stream:
        async for row in stream.rows():
            yield str(row[0])


def _recorded(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        table, _, key = line.rstrip("\n").partition("\t")
        yield table, key


async def _compare(recorded: Iterator[tuple[str, str]], present: AsyncIterator[tuple[str, str]]) -> Compared:
    """Merge the two ordered lists; bytes order, as the database sorted them."""
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


def _order(row: tuple[str, str]) -> tuple[str, bytes]:
    return row[0], row[1].encode()


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
