"""What a restore would take: the live database, compared by key with the rows of the candidate.

Those are written down once, when the candidate is proven (`record`). Against that file the live database is
compared before the gate, if need be again when the writers have stopped, and after the swap by its new name.
"""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from msgspec import Struct
from psycopg import sql

from console.core.loss import Baseline, Counters, TableLoss
from console.targets.postgres.content import every_table, pinned
from console.targets.postgres.counters import counters
from console.targets.postgres.export import Export
from console.targets.postgres.rowfile import (
    Compared,
    KeyedTable,
    OnRows,
    RowsError,
    in_order,
    merged,
    recorded,
    write,
)
from console.targets.postgres.server import Connection, Server

_KEYS = """
    SELECT nspname || '.' || relname,
           ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS place (number, turn)
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY turn)
    FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE contype = 'p'
"""
_FOUND = """
    SELECT nspname || '.' || relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE pg_class.oid = to_regclass(%s)
"""
_SORTING = "SET LOCAL work_mem = '64MB'"
_NOW = "SELECT (extract(epoch FROM now()) * 1000000)::bigint"


class Found(Struct, frozen=True):
    """What a comparison found."""

    at: int
    """The moment that it shows, by the server's clock, UTC microseconds."""
    tables: tuple[TableLoss, ...]
    chain_ids: int
    counters: Counters
    """As they were just before."""

    @property
    def baseline(self) -> Baseline:
        """What later counts are added to."""
        return Baseline({table.table: table.gone for table in self.tables}, self.counters)


async def record(
    server: Server, path: Path, database: str | None = None, on_rows: OnRows | None = None
) -> dict[str, int]:
    """Write down every row of a database (the server's own, if none is named); how many of each table.

    The file is there whole or not at all, and has at least 25 bytes for each row. RowsError when it cannot be
    written.
    """
    try:
        async with _moment(server, database) as moment:
            return await write(moment.connection, list(moment.tables.values()), path, on_rows)
    except OSError as error:
        raise RowsError(f"cannot write {path}: {error.strerror}") from error


async def export(
    server: Server,
    rows: Path,
    folder: Path,
    chain: Mapping[str, str],
    database: str | None = None,
    on_rows: OnRows | None = None,
) -> Found:
    """Compare a database with the `rows` written down; those that would go, or go back, are put in `folder`.

    `chain` is the strategy's: table to column. The folder must be there, and empty.
    """
    try:
        async with _moment(server, database, chain) as moment:
            files = Export(moment.connection, folder, moment.chain)
            tables = await _Comparison(moment, on_rows, files).of(rows)
            await files.finish()
            return Found(moment.at, tables, files.chain_ids, moment.counters)
    except OSError as error:
        raise RowsError(f"cannot write {folder}: {error.strerror}") from error


async def count(server: Server, rows: Path, only: Collection[str], on_rows: OnRows | None = None) -> Found:
    """Compare those tables of the live database alone, and write nothing."""
    async with _moment(server) as moment:
        tables = await _Comparison(moment, on_rows, only=only).of(rows)
        return Found(moment.at, tables, 0, moment.counters)


async def total(server: Server, database: str | None = None) -> int:
    """All rows of a database, counted at one moment."""
    async with _moment(server, database) as moment:
        rows = 0
        for table in moment.tables.values():
            statement = sql.SQL("SELECT count(*) FROM {}").format(table.source)
            row = await (await moment.connection.execute(statement)).fetchone()
            rows += row[0] if row else 0
        return rows


@dataclass(frozen=True, slots=True)
class _Moment:
    """A database as it is at one moment; its tables cannot be dropped or emptied while we look."""

    connection: Connection
    at: int
    tables: dict[str, KeyedTable]
    counters: Counters
    chain: dict[str, str]


@asynccontextmanager
async def _moment(
    server: Server, database: str | None = None, chain: Mapping[str, str] | None = None
) -> AsyncIterator[_Moment]:
    """One moment of a database; with a `chain`, even an empty one, its rows can be exported."""
    async with server.connect(database) as connection:
        await connection.set_read_only(False)  # whatever the database's own default is: keys need a place
        counted = await counters(connection)  # before the moment, so that nothing falls between the two
        if chain is not None:
            await connection.execute("SET statement_timeout = 0")
            await Export.prepare(connection)
        columns = {name: column async for name, column in _qualified(connection, chain or {})}
        await connection.commit()
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        await pinned(connection)
        await connection.execute(_SORTING)
        row = await (await connection.execute(_NOW)).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        yield _Moment(connection, row[0], await _keyed(connection), counted, columns)


async def _qualified(connection: Connection, chain: Mapping[str, str]) -> AsyncIterator[tuple[str, str]]:
    """The strategy's tables as the database calls them; one that was dropped has nothing to lose."""
    for name, column in chain.items():
        quoted = sql.Identifier(*name.split(".")).as_string(connection)
        row = await (await connection.execute(_FOUND, (quoted,))).fetchone()
        if row is not None:
            yield row[0], column


async def _keyed(connection: Connection) -> dict[str, KeyedTable]:
    """Every table with its primary key, by qualified name."""
    tables = await every_table(connection)
    keys: dict[str, list[str]] = dict(await (await connection.execute(_KEYS)).fetchall())
    return {
        table.qualified: KeyedTable(
            table.schema,
            table.name,
            tuple(keys.get(table.qualified, ())),
            tuple(table.columns),
            whole=[(part.schema, part.name) for part in table.parts or ()] != [(table.schema, table.name)],
        )
        for table in tables
    }


class _Comparison:
    """A database at one moment against the rows that were written down of another one."""

    def __init__(
        self,
        moment: _Moment,
        on_rows: OnRows | None,
        files: Export | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        """With `files`, what would go or go back is exported; `only` names the tables that are looked at."""
        self._moment = moment
        self._on_rows = on_rows
        self._files = files
        self._only = only

    async def of(self, rows: Path) -> tuple[TableLoss, ...]:
        """Each table of either side, by name."""
        left = {name: table for name, table in self._moment.tables.items() if self._wants(name)}
        losses = []
        with recorded(rows) as file:
            for head, lines in file.parts():
                if self._wants(head.qualified):
                    losses.append(await self._loss(head, left.pop(head.qualified, None), lines))
        for name, table in left.items():
            live = await self._whole(table)
            note = "the candidate has no such table: it goes whole"
            losses.append(_loss_of(name, Compared(after=live, new=live), note))
        return tuple(sorted(losses, key=lambda loss: loss.table))

    def _wants(self, name: str) -> bool:
        return self._only is None or name in self._only

    async def _loss(self, head: KeyedTable, table: KeyedTable | None, lines: Iterator[bytes]) -> TableLoss:
        name = head.qualified
        if table is None:
            rows = sum(1 for _ in lines)
            note = "dropped since: it comes back whole"
            return _loss_of(name, Compared(before=rows, missing=rows), note)
        if table.key != head.key:
            rows, live = sum(1 for _ in lines), await self._whole(table)
            note = f"its key was {_listed(head.key)} and is {_listed(table.key)}: every row counts"
            return _loss_of(name, Compared(rows, live, missing=rows, new=live), note)
        told = await self._merged(table, lines)
        same = table.columns == head.columns
        note = "" if same else f"its columns were {_listed(head.columns)} and are {_listed(table.columns)}"
        return _loss_of(name, told, note if table.key or note else "without a primary key, by content")

    async def _merged(self, table: KeyedTable, lines: Iterator[bytes]) -> Compared:
        async with aclosing(in_order(self._moment.connection, table)) as present:
            if self._files is None:
                return await merged(lines, present, on_rows=self._on_rows)
            with self._files.spool() as note:
                told = await merged(lines, present, note, self._on_rows)
        await self._files.differing(table, told.new, told.changed)
        return told

    async def _whole(self, table: KeyedTable) -> int:
        if self._files is not None:
            return await self._files.whole(table)
        statement = sql.SQL("SELECT count(*) FROM {}").format(table.source)
        row = await (await self._moment.connection.execute(statement)).fetchone()
        return int(row[0]) if row else 0


def _loss_of(name: str, told: Compared, note: str) -> TableLoss:
    return TableLoss(
        table=name,
        gone=told.new,
        go_back=told.changed,
        come_back=told.missing,
        live=told.after,
        candidate=told.before,
        note=note,
    )


def _listed(names: Collection[str]) -> str:
    return " and ".join(names) or "none"
