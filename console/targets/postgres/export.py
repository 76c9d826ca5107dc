"""Rows that a restore would take, as files that can be loaded again, one or two for each table.

They are CSV in UTF-8 with a line of column names, as COPY writes and reads it; `load.sql` says how. Only we
may read them.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import BinaryIO, Literal

from msgspec import Struct
from psycopg import sql

from console.targets.postgres.rowfile import MODE, KeyedTable, OnDifference, RowsError, What
from console.targets.postgres.server import Connection

CHAIN = "chain-ids.csv"
LOAD = "load.sql"
_SPOOL = "keys.partial"
_PIECE = 1 << 20
_Mode = Literal["wb", "ab"]
_FLAGS: dict[_Mode, int] = {
    "wb": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    "ab": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
}
_TEMPORARY = "CREATE TEMP TABLE warroom_keys (what text NOT NULL, key text NOT NULL)"
_REFERENCES = """
    SELECT one.nspname || '.' || child.relname, other.nspname || '.' || parent.relname
    FROM pg_constraint
    JOIN pg_class child ON child.oid = conrelid JOIN pg_namespace one ON one.oid = child.relnamespace
    JOIN pg_class parent ON parent.oid = confrelid JOIN pg_namespace other ON other.oid = parent.relnamespace
    WHERE contype = 'f' AND conrelid <> confrelid
"""

Why = Literal["gone", "go back"]
"""Rows that the candidate has not, and those that it has with another content."""


class _File(Struct, frozen=True):
    """A file that was written."""

    table: KeyedTable
    name: str
    why: Why

    def copy(self, into: sql.Composable) -> str:
        """The line of psql that loads it, into a table with its columns."""
        columns = sql.SQL(", ").join(map(sql.Identifier, self.table.columns))
        options = sql.SQL("WITH (FORMAT csv, HEADER true, ENCODING 'UTF8')")
        line = sql.SQL("\\copy {} ({}) FROM {} {}").format(into, columns, self.name, options)
        return line.as_string()


class Export:
    """Writes rows of one database into a folder, as the connection's transaction sees them."""

    def __init__(self, connection: Connection, folder: Path, chain: Mapping[str, str]) -> None:
        """`chain` names the column with ids of transactions on the chain, by qualified table."""
        self._connection = connection
        self._folder = folder
        self._chain = chain
        self._files: list[_File] = []
        self.chain_ids = 0
        """How many ids the file of chain ids lists."""

    @staticmethod
    async def prepare(connection: Connection) -> None:
        """Make place for keys in the session; it is gone with it."""
        await connection.execute(_TEMPORARY)

    @contextmanager
    def spool(self) -> Iterator[OnDifference]:
        """Collects a table's differences while it is read; their rows can only be asked for afterwards."""
        with _made(self._folder / _SPOOL, "wb") as file:

            def note(what: What, key: bytes) -> None:
                if what != "only recorded":
                    file.write(b"%s\t%s\n" % (b"go back" if what == "changed" else b"gone", key))

            yield note

    async def differing(self, table: KeyedTable, gone: int, go_back: int) -> None:
        """Write the rows whose keys were collected; so many there must be."""
        if not gone and not go_back:
            return
        await self._connection.execute("DELETE FROM pg_temp.warroom_keys")
        await self._load_keys()
        wanted: dict[Why, int] = {"gone": gone, "go back": go_back}
        for why, rows in wanted.items():
            if rows:
                await self._write(table, why, rows, _selected(table, why))

    async def whole(self, table: KeyedTable) -> int:
        """Write every row of a table that goes whole; how many there are."""
        source = sql.SQL("{} AS t").format(table.source)
        return await self._write(table, "gone", None, source)

    async def _load_keys(self) -> None:
        copy = sql.SQL("COPY pg_temp.warroom_keys FROM STDIN (ENCODING {})").format(
            sql.Literal(self._connection.info.parameter_status("server_encoding"))
        )
        with (self._folder / _SPOOL).open("rb") as file:
            async with self._connection.cursor() as cursor, cursor.copy(copy) as stream:
                while piece := file.read(_PIECE):
                    await stream.write(piece)

    async def _write(self, table: KeyedTable, why: Why, rows: int | None, source: sql.Composable) -> int:
        select = sql.SQL("SELECT {} FROM {}").format(_of_t(table.columns), source)
        name = f"{len(self._files) + 1:03}-{_plain(table.qualified)}.{_plain(why)}.csv"
        with _opened(self._folder / name) as file:
            written = await self._copied(select, file, header=True)
        if rows is not None and written != rows:
            raise RowsError(f"{table.qualified}: {rows} rows differ and {written} were found again to export")
        if written:
            self._files.append(_File(table, name, why))
            await self._write_chain(table, why, source)
        else:
            (self._folder / name).unlink()
        return written

    async def _write_chain(self, table: KeyedTable, why: Why, source: sql.Composable) -> None:
        column = self._chain.get(table.qualified)
        if column is None:
            return
        select = sql.SQL("SELECT {}, {}, {}::text FROM {} WHERE {} IS NOT NULL").format(
            table.qualified, why, _of_t((column,)), source, _of_t((column,))
        )
        path = self._folder / CHAIN
        header = b"" if path.exists() else b"table,why,id\n"
        with _opened(path, "ab") as file:
            file.write(header)
            self.chain_ids += await self._copied(select, file, header=False)

    async def _copied(self, select: sql.Composable, file: BinaryIO, *, header: bool) -> int:
        copy = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER {}, ENCODING 'UTF8')")
        async with self._connection.cursor() as cursor:
            async with cursor.copy(copy.format(select, sql.SQL(str(header).lower()))) as stream:
                async for line in stream:
                    file.write(line)
            return cursor.rowcount

    async def finish(self) -> None:
        """Say how the files are loaded, and let nothing be left that is none of them."""
        (self._folder / _SPOOL).unlink(missing_ok=True)
        if not self._files:
            return
        rows = await (await self._connection.execute(_REFERENCES)).fetchall()
        with _opened(self._folder / LOAD) as file:
            file.write("\n".join(_loading(self._files, rows)).encode() + b"\n")


def _selected(table: KeyedTable, why: Why) -> sql.Composable:
    """Where the rows with the collected keys come from, as `t`; of copies, as many as were collected."""
    if table.key:
        return sql.SQL("{} AS t JOIN pg_temp.warroom_keys AS k ON k.what = {} AND k.key = {}").format(
            table.source, why, table.key_of("t")
        )
    return sql.SQL(
        "(SELECT t.*, {key} AS warroom_key, row_number() OVER (PARTITION BY {key}) AS warroom_copy"
        " FROM {table} AS t) AS t"
        " JOIN (SELECT key, count(*) AS copies FROM pg_temp.warroom_keys WHERE what = {why} GROUP BY key)"
        " AS k"
        " ON k.key = t.warroom_key AND t.warroom_copy <= k.copies"
    ).format(key=table.key_of("t"), table=table.source, why=why)


def _of_t(columns: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier("t", name) for name in columns)


def _loading(files: Sequence[_File], references: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The script that loads them, what is referred to before what refers to it."""
    yield "-- Loads rows that a restore took: psql DSN --file load.sql, in this folder."
    yield "\\set ON_ERROR_STOP on"
    yield "BEGIN;"
    gone = {file.table.qualified: file for file in files if file.why == "gone"}
    try:
        order = list(_parents_first(gone, references))
    except CycleError:
        yield "-- These tables refer to each other in a circle: drop a foreign key for as long as this takes."
        order = list(gone)
    for name in order:
        yield gone[name].copy(sql.Identifier(gone[name].table.schema, gone[name].table.name))
    yield "COMMIT;"
    for file in files:
        if file.why == "go back":
            yield f"-- What changed in {_plain(file.table.qualified)}, to look at beside what is there:"
            kept = sql.Identifier(f"{file.table.name}_changed")
            yield f"-- {_as_comment(kept, file.table)}"
            yield f"-- {file.copy(kept)}"


def _as_comment(kept: sql.Identifier, table: KeyedTable) -> str:
    like = sql.SQL("CREATE TEMP TABLE {} (LIKE {});")
    return like.format(kept, sql.Identifier(table.schema, table.name)).as_string()


def _parents_first(names: Iterable[str], references: Iterable[tuple[str, str]]) -> Iterable[str]:
    graph: dict[str, set[str]] = {name: set() for name in names}
    for child, parent in references:
        if child in graph and parent in graph:
            graph[child].add(parent)
    return TopologicalSorter(graph).static_order()


def _plain(name: str) -> str:
    """A name as a file's may be."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)


def _made(path: Path, mode: _Mode) -> BinaryIO:
    """A file that is only ours to read."""
    return os.fdopen(os.open(path, _FLAGS[mode], MODE), mode)


@contextmanager
def _opened(path: Path, mode: _Mode = "wb") -> Iterator[BinaryIO]:
    """Such a file, on the disk when it is closed."""
    with _made(path, mode) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
