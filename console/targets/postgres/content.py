"""What a database holds at one moment: the rows of every table, counted and hashed whatever their order.

There is one way to hash a row (`row_hash`): each value's text is hashed with its column's place as the seed,
the results are combined and mixed once more. A table's hash is the sum over its rows, so that their order
does not matter and a duplicate counts. The texts are what PostgreSQL itself prints under `SETTINGS`, which
is what a dump restores; so it is the same in a copy and in another major version. PostgreSQL's own
`hash_record_extended` is a little faster and too lenient: 1 and 2^32 are the same bigint to it, 1.0 and 1.00
the same number.

Left out is what a dump leaves out, or what a restore makes itself: generated columns, temporary and foreign
tables, materialized views, and tables that belong to an extension unless it says that their rows are
the user's.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from console.core.backups import TableFacts
from console.targets.postgres.server import Connection, Server
from console.targets.together import together

SETTINGS = {
    "DateStyle": "ISO, YMD",
    "TimeZone": "UTC",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "xmlbinary": "base64",
    "search_path": "pg_catalog",
    # Rows that a policy hides are an error, not rows that are not there.
    "row_security": "off",
    # One connection means one busy process of the server, and no compiling of queries that run once.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # Limits that were made for the service would end a long read; the step has its own.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "transaction_timeout": "0",
    "lock_timeout": "30s",
}
"""What a session is set to before anything is turned into text; those that the server's version has."""

PIECE = 4096
"""Pages of a table (8 kB each) that are read by one statement: what can be counted, and stopped between."""

OnRows = Callable[[int], None]
"""Hears how many rows more have been read."""
Pace = Callable[[int], Awaitable[None]]
"""Returns when so many bytes more may be read."""

_MASK = (1 << 64) - 1
_PAGE = 8192
_PIN = (
    "SELECT set_config(name, %(settings)s::jsonb ->> name, true) FROM pg_settings WHERE %(settings)s ? name"
)
_TABLES = """
    WITH RECURSIVE part(root, oid) AS (
        SELECT oid, oid FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
        UNION ALL
        SELECT part.root, child.oid
        FROM part
        JOIN pg_inherits ON inhparent = part.oid
        JOIN pg_class child ON child.oid = inhrelid AND child.relispartition
    )
    SELECT space.nspname, root.relname,
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = root.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
                 ORDER BY attnum),
           (SELECT json_agg(json_build_array(
                nspname, relname, pg_relation_size(leaf.oid) / current_setting('block_size')::int))
            FROM part JOIN pg_class leaf USING (oid) JOIN pg_namespace place ON place.oid = relnamespace
            WHERE part.root = root.oid AND relkind = 'r')
    FROM pg_class root JOIN pg_namespace space ON space.oid = root.relnamespace
    WHERE root.relkind IN ('r', 'p') AND NOT root.relispartition AND root.relpersistence <> 't'
      AND space.nspname <> 'information_schema' AND space.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend JOIN pg_extension ON pg_extension.oid = refobjid
                      WHERE classid = 'pg_class'::regclass AND objid = root.oid AND deptype = 'e'
                        AND refclassid = 'pg_extension'::regclass
                        AND NOT root.oid = ANY (coalesce(extconfig, '{}')))
    ORDER BY space.nspname, root.relname
"""


class Part(Struct, frozen=True, array_like=True):
    """A table that holds rows itself."""

    schema: str
    name: str
    pages: int | None
    """A hint; None when it is gone."""

    @property
    def only(self) -> sql.Composable:
        """Without the tables that inherit from it: they are counted as what they are."""
        return sql.SQL("ONLY {}").format(sql.Identifier(self.schema, self.name))


class Table(Struct, frozen=True, array_like=True):
    """A table as users know it: one whole, whatever partitions its rows are in."""

    schema: str
    name: str
    columns: list[str]
    parts: list[Part] | None
    """None for a partitioned table without partitions."""

    @property
    def qualified(self) -> str:
        """`public.users`."""
        return f"{self.schema}.{self.name}"


class _Piece(Struct, frozen=True):
    """A statement that counts and hashes a few pages of a table."""

    table: str
    statement: sql.Composed
    bytes: int


def row_hash(columns: Sequence[str], of: str | None = None) -> sql.Composable:
    """SQL of a row's hash, a bigint, from these columns in this order.

    `of` is the table's name or alias where the columns need one. Hashes can be compared when both were made
    from the same names in the same order, in sessions that were `pinned`.
    """
    mixed = sql.SQL(" # ").join(_value_hash(name, seed, of) for seed, name in enumerate(columns, 1))
    # The combined hashes are only a seed here: summed as they are, values swapped between rows could cancel.
    return sql.SQL("hashtextextended('' COLLATE \"C\", {})").format(mixed if columns else sql.SQL("0"))


def _value_hash(name: str, seed: int, of: str | None) -> sql.Composable:
    """Of the value's bytes, under any collation; what a null counts for depends on the column too."""
    column = sql.Identifier(name) if of is None else sql.Identifier(of, name)
    return sql.SQL('coalesce(hashtextextended({column}::text COLLATE "C", {seed}), {seed})').format(
        column=column, seed=sql.Literal(seed)
    )


async def pinned(connection: Connection) -> None:
    """Set the session to `SETTINGS` until its transaction ends; there must be one, or begin with this."""
    await connection.execute(_PIN, {"settings": Jsonb(SETTINGS)})
    if connection.info.transaction_status == TransactionStatus.IDLE:
        raise psycopg.ProgrammingError("settings for a transaction, and there is none: not with autocommit")


async def content(
    connection: Connection,
    on_rows: OnRows | None = None,
    *,
    beside: Sequence[Connection] = (),
    pace: Pace | None = None,
) -> dict[str, TableFacts]:
    """Rows and hash of every table, by qualified name, as the connection's transaction sees them.

    In a database that is written to, the transaction must be a snapshot (`at_moment`). Connections `beside`
    it, of the same moment, share the work. `pace` is awaited before so many bytes are read.
    Raises psycopg.Error, which `Server.connect` puts into words.
    """
    found = dict[str, tuple[int, int]]()
    await pinned(connection)
    tables = await every_table(connection)
    pieces = _pieces(tables)
    await together(*(_share(each, pieces, found, on_rows, pace) for each in (connection, *beside)))
    sums = {table.qualified: found.get(table.qualified, (0, 0)) for table in tables}
    return {name: TableFacts(rows, f"{hashed & _MASK:016x}") for name, (rows, hashed) in sums.items()}


@asynccontextmanager
async def at_moment(
    server: Server, snapshot: str, count: int = 1, database: str | None = None
) -> AsyncIterator[list[Connection]]:
    """`count` connections that see the database as the exported `snapshot` does, and change nothing."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_seeing(server, snapshot, database)) for _ in range(count)]


@asynccontextmanager
async def _seeing(server: Server, snapshot: str, database: str | None) -> AsyncIterator[Connection]:
    async with server.connect(database) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        await connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        await pinned(connection)
        yield connection


async def every_table(connection: Connection) -> list[Table]:
    """Every table, locked so that it stays what the snapshot shows: TRUNCATE does not care for snapshots."""
    rows = await (await connection.execute(_TABLES)).fetchall()
    tables = msgspec.convert(rows, list[Table])
    parts = [part.only for table in tables for part in table.parts or ()]
    if parts:
        statement = sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.SQL(", ").join(parts))
        await connection.execute(statement)
    return tables


def _pieces(tables: Sequence[Table]) -> Iterator[_Piece]:
    """Statements that read all tables, each a few pages of one, largest table first."""
    by_size = sorted(tables, key=lambda table: sum(part.pages or 0 for part in table.parts or ()))
    for table in reversed(by_size):
        for part in table.parts or ():
            select = sql.SQL("SELECT count(*), coalesce(sum({}), 0) FROM {}").format(
                row_hash(table.columns), part.only
            )
            pages = part.pages or 0
            for first in range(0, max(pages, 1), PIECE):
                # The last piece is open, so that a table which has grown or was rewritten is read whole.
                end = first + PIECE if first + PIECE < pages else None
                statement = sql.Composed([select, _pages(first, end)])
                yield _Piece(table.qualified, statement, min(PIECE, pages - first) * _PAGE)


def _pages(first: int, end: int | None) -> sql.Composable:
    begins = sql.SQL(" WHERE ctid >= {}").format(sql.Literal(f"({first},0)"))
    if end is None:
        return begins
    return sql.SQL("{} AND ctid < {}").format(begins, sql.Literal(f"({end},0)"))


async def _share(
    connection: Connection,
    pieces: Iterator[_Piece],
    found: dict[str, tuple[int, int]],
    on_rows: OnRows | None,
    pace: Pace | None,
) -> None:
    """Read the next piece until there is none; those beside do the same."""
    for piece in pieces:
        if pace:
            await pace(piece.bytes)
        row = await (await connection.execute(piece.statement)).fetchone()
        assert row is not None  # noqa: S101 - an aggregate without groups has one row
        rows, hashed = found.get(piece.table, (0, 0))
        found[piece.table] = rows + row[0], hashed + int(row[1])
        if on_rows:
            on_rows(row[0])
