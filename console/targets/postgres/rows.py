"""Rows that must survive: those of the strategy's tables, written down at one moment, compared at another."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from console.targets.postgres.content import pinned
from console.targets.postgres.dsn import Params, in_words, parse
from console.targets.postgres.rowfile import (
    Compared,
    KeyedTable,
    RowsError,
    in_order,
    merged,
    recorded,
    write,
)
from console.targets.postgres.server import Connection
from console.targets.source import CannotAskError

_CONNECT_S = 5
_FIND = """
    SELECT nspname, relname,
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                 ORDER BY attnum),
           relkind = 'p'
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE c.oid = {}::regclass
"""


class Rows:
    """The strategy's tables of one database, by their key columns; reads only, each time in one snapshot."""

    def __init__(self, dsn: Callable[[], str], tables: Mapping[str, str]) -> None:
        """`dsn` is asked at each use; a table may be written with its schema, `public.users`."""
        self._dsn = dsn
        self.tables = dict(tables)

    async def record(self, path: Path) -> dict[str, int]:
        """Write every row's key and hash to `path`; returns the rows of each table, as the strategy names it.

        The file is there whole or not at all.
        """
        try:
            async with self._at_one_moment() as (connection, tables):
                counts = await write(connection, list(tables.values()), path)
        except OSError as error:
            raise RowsError(f"cannot write {path}: {error.strerror}") from error
        return {name: counts[table.qualified] for name, table in tables.items()}

    async def compare(self, path: Path) -> Compared:
        """The rows now against those in `path`; RowsError when they are not of the same tables."""
        told = Compared()
        with recorded(path) as file:
            async with self._at_one_moment() as (connection, tables):
                wanted = {table.qualified: table for table in tables.values()}
                for head, lines in file.parts():
                    table = wanted.pop(head.qualified, None)
                    if table is None:
                        raise RowsError(
                            f"{path} is of table {head.qualified}, which the strategy does not name"
                        )
                    async with aclosing(in_order(connection, table)) as present:
                        told += await merged(lines, present)
        if wanted:
            raise RowsError(f"{path} holds nothing of table {next(iter(wanted))}")
        return told

    @asynccontextmanager
    async def _at_one_moment(self) -> AsyncIterator[tuple[Connection, dict[str, KeyedTable]]]:
        """A connection that sees one moment, and the tables as they are then."""
        params = self._params()
        try:
            async with await psycopg.AsyncConnection.connect(**params) as connection:
                await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
                await connection.set_read_only(True)
                tables = {name: await self._found(connection, name, key) for name, key in self.tables.items()}
                await pinned(connection)
                yield connection, tables
        except psycopg.Error as error:
            raise RowsError(f"cannot read the rows: {in_words(params, error)}") from None

    async def _found(self, connection: Connection, name: str, key: str) -> KeyedTable:
        """The table that the strategy's name means to whoever reads."""
        quoted = sql.Identifier(*name.split(".")).as_string(connection)
        row = await (await connection.execute(sql.SQL(_FIND).format(quoted))).fetchone()
        assert row is not None  # noqa: S101 - the cast to regclass fails where there is no such table
        schema, relation, columns, whole = row
        return KeyedTable(schema, relation, (key,), tuple(columns), whole)

    def _params(self) -> Params:
        try:
            params = parse(self._dsn())
        except CannotAskError as error:
            raise RowsError(str(error)) from None
        ours = {"connect_timeout": _CONNECT_S, "application_name": "warroom rows", "client_encoding": "utf8"}
        return {**params, **ours}
