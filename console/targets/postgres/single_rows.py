"""Single rows by key out of a copy into the live database: the lighter way where rot was slow."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from psycopg import errors, sql

from console.core.format import count
from console.targets.postgres.content import pinned, row_hash
from console.targets.postgres.rowfile import MODE, PARTIAL, RowsError
from console.targets.postgres.server import Connection, Server

LOCKED_S = 5
"""How long rows that somebody else has locked are waited for."""
_NAMED = """
    SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE c.oid = to_regclass({})
"""
_FOUND = """
    SELECT (SELECT json_agg(json_build_array(attname, format_type(atttypid, atttypmod)) ORDER BY attnum)
            FROM pg_attribute
            WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''),
           ARRAY(SELECT attname::text FROM pg_constraint
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
                 WHERE conrelid = c.oid AND contype = 'p' ORDER BY attnum)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = %s AND relname = %s AND relkind IN ('r', 'p')
"""


class Version(Struct, frozen=True):
    """A row of one database."""

    words: str
    """Its values, as JSON."""
    content: int
    """Its hash."""


class Versions(Struct, frozen=True):
    """The rows of the same keys in the live database, and in the copy."""

    table: str
    """Qualified."""
    present: dict[str, Version]
    """By key; one that is not there has no entry."""
    old: dict[str, Version]

    @property
    def are_same(self) -> bool:
        """Whether every row is in the live database what it is in the copy."""
        return self.present == self.old


class _Table(Struct, frozen=True):
    """A table with a primary key of one column."""

    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]
    """Name and type of those that can be written."""
    key: str

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Composable:
        return sql.Identifier(self.schema, self.name)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]

    @property
    def key_type(self) -> sql.SQL:
        return sql.SQL(dict(self.columns)[self.key])

    def those(self, keys: Sequence[str]) -> sql.Composable:
        """Which rows of it, called `t`, are meant; found by the key's own index."""
        return sql.SQL("t.{} = ANY ({}::text[]::{}[])").format(
            sql.Identifier(self.key), sql.Literal(list(keys)), self.key_type
        )


OnVersions = Callable[[Versions], None]


async def versions(server: Server, copy: str, table: str, keys: Sequence[str]) -> Versions:
    """The rows with these keys, here and there; RowsError where they cannot be put side by side."""
    async with server.connect() as live, server.connect(copy) as old:
        found = await _same_table(live, old, table, copy)
        return await _side_by_side(live, old, found, keys)


async def put_back(
    server: Server, copy: str, table: str, keys: Sequence[str], kept: Path, on_versions: OnVersions
) -> Versions:
    """Make the rows with these keys what they are in the copy, all or none, in one transaction.

    What they are now is written to `kept` first, as CSV that COPY reads. RowsError says why it cannot be;
    then nothing was changed.
    """
    async with server.connect() as live, server.connect(copy) as old:
        await live.set_read_only(False)  # whatever the database's own default is
        found = await _same_table(live, old, table, copy)
        await live.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCKED_S}s")))
        lock = sql.SQL("SELECT FROM {} AS t WHERE {} FOR UPDATE").format(found.identifier, found.those(keys))
        try:
            await live.execute(lock)
            told = await _side_by_side(live, old, found, keys)
            if lacking := [key for key in keys if key not in told.old]:
                raise RowsError(f"{copy} has no row {', '.join(lacking)} of {found.qualified} to put back")
            on_versions(told)
            await _keep(live, found, keys, kept)
            await _write(live, old, found, keys)
        except errors.LockNotAvailable:
            raise RowsError(
                f"rows of {found.qualified} have been locked by somebody for more than {LOCKED_S} s: "
                "nothing was changed, retry"
            ) from None
        await _see(live, found, keys, told.old)
        return told


async def _same_table(live: Connection, old: Connection, name: str, copy: str) -> _Table:
    """The table in both, which must be the same one; from here on both sessions are pinned."""
    quoted = sql.Identifier(*name.split(".")).as_string(live)
    named = await (await live.execute(sql.SQL(_NAMED).format(quoted))).fetchone()
    await pinned(live)
    await pinned(old)
    here = await _found(live, *named) if named else None
    if here is None:
        raise RowsError(f"there is no table {name} to put rows back into: it takes the whole restore")
    there = await _found(old, here.schema, here.name)
    if there is None:
        raise RowsError(f"{copy} has no table {here.qualified}")
    if here != there:
        raise RowsError(
            f"{here.qualified} is another table in {copy}: {_listed(here)} here, {_listed(there)} there"
        )
    return here


async def _found(connection: Connection, schema: str, name: str) -> _Table | None:
    row = await (await connection.execute(_FOUND, (schema, name))).fetchone()
    if row is None:
        return None
    columns, key = row
    if len(key) != 1:
        raise RowsError(
            f"{schema}.{name} has {f'a key of {len(key)} columns' if key else 'no primary key'}: "
            "rows are put back by a key of one column"
        )
    return _Table(schema, name, tuple(map(tuple, columns)), key[0])


def _listed(table: _Table) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in table.columns) + f" by {table.key}"


async def _side_by_side(live: Connection, old: Connection, table: _Table, keys: Sequence[str]) -> Versions:
    return Versions(table.qualified, await _read(live, table, keys), await _read(old, table, keys))


async def _read(connection: Connection, table: _Table, keys: Sequence[str]) -> dict[str, Version]:
    """The rows by the keys as they were asked for, which another text may mean too: `007` is 7."""
    select = sql.SQL(
        "SELECT asked.key, to_jsonb(t)::text, {hash} FROM unnest({keys}::text[]) AS asked (key)"
        " JOIN {table} AS t ON t.{column} = asked.key::{type}"
    ).format(
        hash=row_hash(table.names, "t"),
        keys=sql.Literal(list(keys)),
        table=table.identifier,
        column=sql.Identifier(table.key),
        type=table.key_type,
    )
    rows = await (await connection.execute(select)).fetchall()
    return {key: Version(words, content) for key, words, content in rows}


async def _keep(live: Connection, table: _Table, keys: Sequence[str], kept: Path) -> None:
    copy = sql.SQL(
        "COPY (SELECT {} FROM {} AS t WHERE {}) TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')"
    ).format(_of("t", table.names), table.identifier, table.those(keys))
    partial = kept.with_name(kept.name + PARTIAL)
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE), "wb") as file:
            async with live.cursor() as cursor, cursor.copy(copy) as stream:
                async for line in stream:
                    file.write(line)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(kept)
    except OSError as error:
        raise RowsError(f"cannot write {kept}: {error.strerror}; nothing was changed") from error


async def _write(live: Connection, old: Connection, table: _Table, keys: Sequence[str]) -> None:
    """Write the copy's rows over the live ones, under the search path that the table's triggers know."""
    columns = _of("t", table.names)
    temporary = "CREATE TEMP TABLE warroom_rows ON COMMIT DROP AS SELECT {} FROM {} AS t WITH NO DATA"
    await live.execute(sql.SQL(temporary).format(columns, table.identifier))
    select = sql.SQL("COPY (SELECT {} FROM {} AS t WHERE {}) TO STDOUT").format(
        columns, table.identifier, table.those(keys)
    )
    async with (
        old.cursor() as out,
        live.cursor() as into,
        out.copy(select) as reading,
        into.copy(b"COPY pg_temp.warroom_rows FROM STDIN") as writing,
    ):
        async for line in reading:
            await writing.write(line)
    await live.execute(b"SET LOCAL search_path TO DEFAULT")
    await live.execute(_upsert(table))
    await live.execute(b"SET LOCAL search_path TO pg_catalog")


def _upsert(table: _Table) -> sql.Composed:
    others = [sql.Identifier(name) for name in table.names if name != table.key]
    changes = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(name) for name in others)
    action = sql.SQL("UPDATE SET {}").format(changes) if others else sql.SQL("NOTHING")
    columns = sql.SQL(", ").join(map(sql.Identifier, table.names))
    return sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.warroom_rows"
        " ON CONFLICT ({}) DO {}"
    ).format(table.identifier, columns, columns, sql.Identifier(table.key), action)


async def _see(live: Connection, table: _Table, keys: Sequence[str], wanted: Mapping[str, Version]) -> None:
    """A trigger or a rule may have had a mind of its own."""
    now = await _read(live, table, keys)
    if odd := [key for key in keys if now.get(key) != wanted[key]]:
        raise RowsError(
            f"{count(len(odd), 'row')} of {table.qualified} did not become what the copy has ({odd[0]}): "
            "a trigger changed them; nothing was kept of it"
        )


def _of(alias: str, names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)
