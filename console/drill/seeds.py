"""Rows from before the drill: planted the same in every world, and looked for, one by one, at its end."""

import hashlib
from collections.abc import Callable
from math import ceil
from pathlib import Path

import psycopg
from psycopg import AsyncConnection, errors, sql
from psycopg.rows import TupleRow

from console.drill.facts import SeedFacts
from console.drill.place import DrillError, one_line, write_atomically
from console.drill.world import Seeds

USERS, CONTACTS, TRANSACTIONS = 400, 800, 2400
"""Rows of a world without bulk."""
PIECE = 8192
"""Bytes of data of a transaction in a world with bulk: long enough to be kept apart from its row."""

PLAIN = 16
"""Of so many transactions, one is a plain transfer, without data."""

_SMALL = 64
_BEGAN = "2024-11-01 00:00:00+00"
_POOL = 1 << 20
_BATCH = 8192
"""Rows that are planted at once, so that it can be told how far it is."""
_LIMIT_S = 5

_PLANT = {
    "users": """
        INSERT INTO users (id, address, created_at, last_seen_at) OVERRIDING SYSTEM VALUE
        SELECT n, '0x' || left(md5('user' || n) || md5(n || 'user'), 40),
               %(began)s::timestamptz + n * interval '17 minutes',
               %(began)s::timestamptz + n * interval '17 minutes'
        FROM generate_series(%(first)s::bigint, %(last)s) n
    """,
    "contacts": """
        INSERT INTO contacts (id, user_id, name, address, created_at) OVERRIDING SYSTEM VALUE
        SELECT n, 1 + n %% %(users)s, 'friend ' || n,
               '0x' || left(md5('friend' || n) || md5(n || 'friend'), 40),
               %(began)s::timestamptz + n * interval '17 minutes'
        FROM generate_series(%(first)s::bigint, %(last)s) n
    """,
    # A piece of the pool does not compress, nor do many of them within the window of a usual compressor.
    "transactions": """
        INSERT INTO transactions (id, user_id, hash, recipient, value, data, gas_limit, created_at)
        OVERRIDING SYSTEM VALUE
        SELECT n, 1 + n %% %(users)s, '0x' || md5('hash' || n) || md5(n || 'hash'),
               '0x' || left(md5('to' || n) || md5(n || 'to'), 40), 1000000000000000 + n,
               CASE WHEN n %% %(plain)s = 0 THEN ''
                    ELSE substring(%(pool)s FROM (1 + n * 7919 %% %(room)s)::int FOR %(piece)s) END,
               21000 + %(piece)s * 56, %(began)s::timestamptz + n * interval '17 seconds'
        FROM generate_series(%(first)s::bigint, %(last)s) n
    """,
}

LASTING = {
    "users": "address, created_at",
    "contacts": "user_id, name, address, created_at",
    "transactions": "user_id, hash, recipient, value, md5(data), gas_limit, created_at",
}
"""What never changes of a row; when a user was last seen does."""

Connection = AsyncConnection[TupleRow]


async def plant(dsn: str, bulk: int, path: Path, say: Callable[[str], None]) -> Seeds:
    """Fill the tables of v1.5.0 with at least `bulk` bytes of data, and write down a hash of each row.

    They are empty until then. The same `bulk` always makes the same rows. Raises DrillError.
    """
    transactions = max(TRANSACTIONS, ceil(bulk / PIECE * PLAIN / (PLAIN - 1)))
    rows = {"users": USERS, "contacts": CONTACTS, "transactions": transactions}
    piece = PIECE if bulk else _SMALL
    values: dict[str, object] = {"users": USERS, "began": _BEGAN, "plain": PLAIN}
    values |= {"pool": _pool(), "room": _POOL - piece, "piece": piece}
    planted: dict[str, str] = {}
    try:
        async with await _connected(dsn) as connection:
            for table, count in rows.items():
                await _plant(connection, table, count, values, say)
                planted |= await _hashes(connection, table, count)
    except psycopg.Error as error:
        raise DrillError(f"the database could not be seeded: {one_line(error)}") from error
    content = "".join(f"{row} {digest}\n" for row, digest in planted.items()).encode()
    write_atomically(path, content)
    return Seeds(rows, hashlib.sha256(content).hexdigest())


async def look_for(dsn: str, seeds: Seeds, path: Path) -> SeedFacts:
    """Compare every row from before the drill with what was written down of it. Raises DrillError."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != seeds.sha256:
        raise DrillError(f"{path} is not as it was written: what has become of the rows cannot be told")
    planted = dict(line.rsplit(" ", 1) for line in content.decode().splitlines())
    present: dict[str, str] = {}
    gone = []
    try:
        async with await _connected(dsn) as connection:
            for table, count in seeds.rows.items():
                try:
                    present |= await _hashes(connection, table, count)
                except errors.UndefinedTable:
                    gone.append(table)
    except psycopg.Error as error:
        raise DrillError(f"the seeded rows could not be read: {one_line(error)}") from error
    changed = sum(planted[row] != digest for row, digest in present.items())
    return SeedFacts(len(planted), len(planted.keys() - present.keys()), changed, tuple(gone))


async def _connected(dsn: str) -> Connection:
    return await AsyncConnection.connect(
        dsn,
        autocommit=True,
        connect_timeout=_LIMIT_S,
        application_name="warroom drill",
        options="-c TimeZone=UTC -c DateStyle=ISO",  # times are hashed as they are written
    )


async def _plant(
    connection: Connection, table: str, count: int, values: dict[str, object], say: Callable[[str], None]
) -> None:
    for first in range(1, count + 1, _BATCH):
        last = min(first + _BATCH - 1, count)
        await connection.execute(_PLANT[table].encode(), {**values, "first": first, "last": last})
        if count > _BATCH:
            say(f"seeding {table}: {last} of {count} rows")
    # The users' own rows come after them.
    await connection.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table, count))


async def _hashes(connection: Connection, table: str, count: int) -> dict[str, str]:
    """A hash of each row that has the id of a seed, by `table id`."""
    query = sql.SQL("COPY (SELECT id, md5(row({})::text) FROM {} WHERE id <= {} ORDER BY id) TO STDOUT")
    words = (sql.SQL(LASTING[table]), sql.Identifier(table), sql.Literal(count))
    async with connection.cursor() as cursor, cursor.copy(query.format(*words)) as stream:
        return {f"{table} {row[0]}": row[1] async for row in stream.rows()}


def _pool() -> bytes:
    """A megabyte that does not compress, always the same."""
    return b"".join(hashlib.sha512(str(number).encode()).digest() for number in range(_POOL // 64))
