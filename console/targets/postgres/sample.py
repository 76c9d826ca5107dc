"""A small copy of a database: its whole schema, and of its rows a sample in which every foreign key holds.

The sample is the newest rows of each table by primary key (of a table without one, the first that are found),
and with them whatever they refer to, and so on. That is chosen and read in one snapshot. Keys and constraints
are made after the rows are there, so that the server itself has seen to it that they hold.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import make_conninfo

from console.targets.postgres.content import every_table, pinned
from console.targets.postgres.programs import fault
from console.targets.postgres.sequences import carry
from console.targets.postgres.server import Connection, Server, ServerError
from console.targets.progress import Progress

ROWS = 200
"""Rows of each table that a sample begins with."""
MOST = 50_000
"""Rows that it may have with all that they refer to; where chains are longer, it begins with fewer."""

_FEWER = 10
_LOCK_MS = 10_000
_NOT_OURS = ("--no-publications", "--no-subscriptions", "--no-password")
"""A copy takes no part in the original's replication."""
_LEAVES = """
    SELECT c.oid::int8, n.nspname, c.relname,
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                 ORDER BY attnum),
           ARRAY(SELECT attname::text FROM pg_index
                 CROSS JOIN unnest(indkey) WITH ORDINALITY AS place (number, turn)
                 JOIN pg_attribute ON attrelid = indrelid AND attnum = number
                 WHERE indrelid = c.oid AND indisprimary ORDER BY turn),
           coalesce((SELECT json_agg(json_build_array(space.nspname, parent.relname,
                        (SELECT json_agg(json_build_array(own.attname, its.attname))
                         FROM unnest(conkey, confkey) AS pair (mine, theirs)
                         JOIN pg_attribute own ON own.attrelid = conrelid AND own.attnum = mine
                         JOIN pg_attribute its ON its.attrelid = confrelid AND its.attnum = theirs)))
                     FROM pg_constraint JOIN pg_class parent ON parent.oid = confrelid
                     JOIN pg_namespace space ON space.oid = parent.relnamespace
                     WHERE conrelid = c.oid AND contype = 'f'), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend
                      WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    ORDER BY n.nspname, c.relname
"""
# Whoever can read a copy must not get from it to other servers that the original has a login for.
_NO_LOGINS = """
    DO $$ DECLARE one record; BEGIN
        FOR one IN SELECT umuser, usename, srvname FROM pg_user_mappings LOOP
            EXECUTE format('DROP USER MAPPING FOR %s SERVER %I',
                           CASE one.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(one.usename) END,
                           one.srvname);
        END LOOP;
    END $$
"""


class SampleError(ServerError):
    """The copy cannot be made; one line with the reason."""


class Sampled(Struct, frozen=True):
    """What a copy holds."""

    tables: int
    rows: int


class _Reference(Struct, frozen=True, array_like=True):
    """A foreign key of a table."""

    schema: str
    name: str
    pairs: tuple[tuple[str, str], ...]
    """Its own columns, each with the one that it refers to."""


class _Leaf(Struct, frozen=True, array_like=True):
    """A table that holds rows itself."""

    oid: int
    schema: str
    name: str
    columns: list[str]
    key: list[str]
    references: tuple[_Reference, ...]

    @property
    def only(self) -> sql.Composable:
        """Without the tables that inherit from it."""
        return sql.SQL("ONLY {}").format(sql.Identifier(self.schema, self.name))


_Chosen = dict[int, set[str]]
"""Where the rows are (ctid), by table."""


async def sample(server: Server, source: str | None, into: str, progress: Progress) -> Sampled:
    """Copy schema and sample of a database into an empty one of the same server; what the copy holds.

    `source` None is the DSN's own. The first fault ends it: SampleError, ServerError, or ProgramError at the
    progress's time limit.
    """
    async with server.connect(source) as live:
        await live.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await live.set_read_only(True)
        row = await (await live.execute("SELECT pg_export_snapshot()")).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        progress("copying the schema")
        archive = await _dumped(server, source, row[0], progress)
        await _restored(server, into, archive, "pre-data", progress)
        await pinned(live)
        await every_table(live)
        leaves = msgspec.convert(await (await live.execute(_LEAVES)).fetchall(), list[_Leaf])
        progress("copying a sample of the rows")
        async with server.connect(into) as copy:
            await copy.execute(_NO_LOGINS.encode())
            await pinned(copy)
            rows = await _copied(live, copy, leaves)
            await carry(live, copy)
    progress("making keys and constraints")
    await _restored(server, into, archive, "post-data", progress)
    return Sampled(len(leaves), rows)


async def _dumped(server: Server, source: str | None, snapshot: str, progress: Progress) -> bytes:
    """The schema as pg_restore takes it; small enough to be held."""
    pieces = bytearray()

    async def keep(piece: bytes) -> None:
        pieces.extend(piece)

    words = ("--format=custom", "--schema-only", f"--snapshot={snapshot}", f"--lock-wait-timeout={_LOCK_MS}")
    finished = await server.run(
        "pg_dump", (*words, *_NOT_OURS), limit_s=progress.left_s, database=source, sink=keep
    )
    if finished.code:
        raise SampleError(f"the schema of {source or server.database} cannot be dumped: {fault(finished)}")
    return bytes(pieces)


async def _restored(server: Server, into: str, archive: bytes, section: str, progress: Progress) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield archive

    words = ("--exit-on-error", f"--section={section}", f"--dbname={make_conninfo(dbname=into)}")
    finished = await server.run(
        "pg_restore", (*words, *_NOT_OURS), limit_s=progress.left_s, database=into, source=pieces()
    )
    if finished.code:
        raise SampleError(f"the schema cannot be made in {into}: {fault(finished)}")


# -- the rows ---------------------------------------------------------------------------------------


async def _copied(live: Connection, copy: Connection, leaves: Sequence[_Leaf]) -> int:
    """Copy the sample; how many rows it is."""
    by_oid = {leaf.oid: leaf for leaf in leaves}
    wanted = ROWS
    while (chosen := await _closed(live, by_oid, wanted)) is None:
        wanted //= _FEWER
    for oid, places in chosen.items():
        if places:
            await _copy(live, copy, by_oid[oid], places)
    return sum(map(len, chosen.values()))


async def _closed(live: Connection, by_oid: Mapping[int, _Leaf], wanted: int) -> _Chosen | None:
    """So many rows of each table with all that they refer to; None where that is too much."""
    chosen: _Chosen = {oid: await _newest(live, leaf, wanted) for oid, leaf in by_oid.items()}
    fresh = [(oid, set(places)) for oid, places in chosen.items() if places]
    while fresh:
        oid, places = fresh.pop()
        for reference in by_oid[oid].references:
            for parent, found in (await _referred(live, by_oid[oid], reference, places)).items():
                if new := found - chosen[parent]:
                    chosen[parent] |= new
                    fresh.append((parent, new))
        if sum(map(len, chosen.values())) > MOST:
            return None
    return chosen


async def _newest(live: Connection, leaf: _Leaf, wanted: int) -> set[str]:
    order = sql.SQL(", ").join(sql.SQL("{} DESC").format(sql.Identifier(name)) for name in leaf.key)
    by_key = sql.SQL(" ORDER BY {}").format(order) if leaf.key else sql.SQL("")
    query = sql.SQL("SELECT ctid::text FROM {}{} LIMIT {}").format(leaf.only, by_key, sql.Literal(wanted))
    return {place for (place,) in await (await live.execute(query)).fetchall()}


async def _referred(live: Connection, leaf: _Leaf, reference: _Reference, places: set[str]) -> _Chosen:
    """The rows that these refer to by one foreign key."""
    same = sql.SQL(" AND ").join(
        sql.SQL("its.{} = own.{}").format(sql.Identifier(theirs), sql.Identifier(mine))
        for mine, theirs in reference.pairs
    )
    query = sql.SQL(
        "SELECT DISTINCT its.tableoid::int8, its.ctid::text FROM {} AS own JOIN {} AS its ON {} "
        "WHERE own.ctid = {}"
    ).format(leaf.only, sql.Identifier(reference.schema, reference.name), same, _any(places))
    found: _Chosen = {}
    for oid, place in await (await live.execute(query)).fetchall():
        found.setdefault(oid, set()).add(place)
    return found


def _any(places: set[str]) -> sql.Composable:
    """As a literal, because COPY takes no parameters; a ctid is nothing but two numbers."""
    return sql.SQL("ANY ({}::tid[])").format(sql.Literal(sorted(places)))


async def _copy(live: Connection, copy: Connection, leaf: _Leaf, places: set[str]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, leaf.columns))
    read = sql.SQL("COPY (SELECT {} FROM {} WHERE ctid = {}) TO STDOUT").format(
        names, leaf.only, _any(places)
    )
    write = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(leaf.schema, leaf.name), names)
    async with (
        live.cursor() as old,
        copy.cursor() as new,
        old.copy(read) as reading,
        new.copy(write) as writing,
    ):
        async for piece in reading:
            await writing.write(piece)
