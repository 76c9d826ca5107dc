"""Single rows by key out of a copy into the live database: the lighter way where rot was slow."""

import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
from msgspec import Struct
from psycopg import errors, sql

from console.core.format import count
from console.core.single_rows import Versions
from console.targets.postgres.one_table import Key, OneTable, in_both, shown_key, triggers
from console.targets.postgres.rowfile import MODE, PARTIAL, RowsError
from console.targets.postgres.server import Connection, Server

LOCKED_S = 5
"""How long rows that somebody else has locked are waited for."""
Judge = Callable[[Versions], None]
"""Raises where the rows, as they are now that nobody else can write them, must not be put back."""


class Wanted(Struct, frozen=True):
    """Which rows, and out of which database."""

    copy: str
    table: str
    """As it was asked for."""
    keys: tuple[str, ...]
    """Each as it is; as a JSON list where the key has several columns."""


class _Both(Struct, frozen=True):
    """The table in both databases, with the keys that are meant."""

    live: Connection
    old: Connection
    table: OneTable
    keys: list[Key]
    copy: str


async def versions(server: Server, wanted: Wanted) -> Versions:
    """The rows here and there; RowsError where they cannot be put side by side, or the copy lacks one."""
    async with _both(server, wanted) as both:
        return await _side_by_side(both)


async def put_back(
    server: Server, wanted: Wanted, kept: Path, judge: Judge, on_commit: Callable[[str], None]
) -> Versions:
    """Make the rows what they are in the copy, all or none, in one transaction; what they were until then.

    What they are now is written to `kept` first, as CSV that COPY reads. `on_commit` hears the transaction's
    id just before it is committed. RowsError says why it cannot be; then nothing was changed.
    """
    async with _both(server, wanted) as both:
        live, table = both.live, both.table
        lock = sql.SQL("SELECT FROM {} WHERE {} FOR UPDATE").format(table.source, table.those(both.keys))
        await live.execute(lock)
        told = await _side_by_side(both)
        judge(told)
        await _keep(both, kept)
        if told.changing:
            await _write(both, [key for key in both.keys if shown_key(key) in told.changing])
            await live.execute(b"SET CONSTRAINTS ALL IMMEDIATE")  # now, where it can still be said what fails
            await _see(both, told)
        row = await (await live.execute(b"SELECT pg_current_xact_id()::text")).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        on_commit(row[0])
    return told


async def outcome(server: Server, wanted: Wanted, xid: str) -> str:
    """What has become of the transaction of that id: `committed` or `aborted`; empty when nobody knows now.

    It is waited for while it is under way.
    """
    async with server.connect() as live:
        with _worded(wanted.table):
            await _alone(live, wanted)
            row = await (await live.execute("SELECT pg_xact_status(%s::xid8)", (xid,))).fetchone()
    return row[0] or "" if row else ""


# -- both sides ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _both(server: Server, wanted: Wanted) -> AsyncIterator[_Both]:
    """Both databases, in transactions of which the live one alone may write."""
    async with server.connect(wanted.copy) as old, server.connect() as live:
        await old.set_read_only(True)
        await live.set_read_only(False)  # whatever the database's own default is
        await live.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
        with _worded(wanted.table):
            await _alone(live, wanted)
            table = await in_both(live, old, wanted.table, wanted.copy)
            await _patience(live)
            yield _Both(live, old, table, await table.keys(live, wanted.keys), wanted.copy)


async def _alone(live: Connection, wanted: Wanted) -> None:
    """Two attempts at the same rows wait for one another, also where one was cut off."""
    await _patience(live)
    name = f"warroom rows {wanted.copy} {wanted.table}".encode()
    lock = int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
    await live.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))


async def _patience(live: Connection) -> None:
    await live.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCKED_S}s")))


@contextmanager
def _worded(table: str) -> Iterator[None]:
    """What a server refuses while rows are written, in words."""
    try:
        yield
    except (errors.LockNotAvailable, errors.DeadlockDetected):
        raise RowsError(
            f"rows of {table} have been locked by somebody for more than {LOCKED_S} s: "
            "nothing was changed, retry"
        ) from None
    except errors.IntegrityError as error:
        why = ": ".join(filter(None, (error.diag.message_primary, error.diag.message_detail)))
        raise RowsError(f"{table} does not take the rows back, {why} Nothing was changed") from None


async def _side_by_side(both: _Both) -> Versions:
    """What is there under these keys; RowsError for a key that the copy has no row of."""
    present, old = await _read(both.live, both), await _read(both.old, both)
    keys = [shown_key(key) for key in both.keys]
    if lacking := [key for key in keys if key not in old]:
        here = lacking[0] in present
        why = "it was made since, and nothing is deleted" if here else "nor is there one now"
        raise RowsError(
            f"{both.copy} has no row {', '.join(lacking)} of {both.table.qualified} to put back: {why}"
        )
    return Versions(
        table=both.table.qualified,
        present={key: present[key] for key in keys if key in present},
        old={key: old[key] for key in keys},
        triggers=await triggers(both.live, both.table),
    )


async def _read(connection: Connection, both: _Both) -> dict[str, dict[str, str | None]]:
    table = both.table
    values = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("t", name)) for name in table.names)
    select = sql.SQL("SELECT {}, ARRAY[{}] FROM {} WHERE {}").format(
        table.key_of, values, table.source, table.those(both.keys)
    )
    rows = await (await connection.execute(select)).fetchall()
    return {shown_key(tuple(key)): dict(zip(table.names, texts, strict=True)) for key, texts in rows}


# -- the live side ------------------------------------------------------------------------------------


async def _keep(both: _Both, kept: Path) -> None:
    """Write what the rows are now to a file that COPY reads."""
    copy = sql.SQL(
        "COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')"
    ).format(_of_t(both.table.names), both.table.source, both.table.those(both.keys))
    partial = kept.with_name(kept.name + PARTIAL)
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE), "wb") as file:
            async with both.live.cursor() as cursor, cursor.copy(copy) as stream:
                async for line in stream:
                    file.write(line)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(kept)
    except OSError as error:
        raise RowsError(f"cannot write {kept}: {error.strerror}; nothing was changed") from error


async def _write(both: _Both, keys: Sequence[Key]) -> None:
    """Write the copy's rows over the live ones, under the search path that the table's triggers know."""
    live, table = both.live, both.table
    columns = _of_t(table.names)
    temporary = "CREATE TEMP TABLE warroom_rows ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
    await live.execute(sql.SQL(temporary).format(columns, table.source))
    select = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT").format(
        columns, table.source, table.those(keys)
    )
    async with (
        both.old.cursor() as out,
        live.cursor() as into,
        out.copy(select) as reading,
        into.copy(b"COPY pg_temp.warroom_rows FROM STDIN") as writing,
    ):
        async for line in reading:
            await writing.write(line)
    statements = [*_update(table), _insert(table)]
    await live.execute(b"SET LOCAL search_path TO DEFAULT")
    for statement in statements:
        await live.execute(statement)
    await live.execute(b"SET LOCAL search_path TO pg_catalog")


def _update(table: OneTable) -> Iterator[sql.Composed]:
    """The rows that are there; an INSERT ... ON CONFLICT would fire their triggers for INSERT as well."""
    others = [each.name for each in table.columns if each.name not in table.key and not each.always]
    if others:
        changes = (sql.SQL("{} = old.{}").format(*2 * (sql.Identifier(name),)) for name in others)
        yield sql.SQL("UPDATE {} SET {} FROM pg_temp.warroom_rows AS old WHERE {}").format(
            table.source, sql.SQL(", ").join(changes), _same_key(table)
        )


def _insert(table: OneTable) -> sql.Composed:
    """Those that are not."""
    columns = sql.SQL(", ").join(map(sql.Identifier, table.names))
    return sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.warroom_rows AS old"
        " WHERE NOT EXISTS (SELECT FROM {} WHERE {})"
    ).format(table.identifier, columns, columns, table.source, _same_key(table))


def _same_key(table: OneTable) -> sql.Composable:
    pairs = (
        sql.SQL("{} = {}").format(sql.Identifier("t", name), sql.Identifier("old", name))
        for name in table.key
    )
    return sql.SQL(" AND ").join(pairs)


async def _see(both: _Both, told: Versions) -> None:
    """A trigger or a rule may have had a mind of its own."""
    now = await _read(both.live, both)
    if odd := [key for key, old in told.old.items() if now.get(key) != old]:
        fires = f" ({', '.join(told.triggers)})" if told.triggers else ""
        raise RowsError(
            f"{count(len(odd), 'row')} of {told.table} did not become what the copy has ({odd[0]}): a trigger"
            f"{fires}, a rule or an identity column holds against it; nothing was changed"
        )


def _of_t(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier("t", name) for name in names)
