"""What the benchmarks share: a service's tables of any size, and how a ratio is told."""

import sys
import time
from collections.abc import Awaitable, Callable

from psycopg import sql

from console.targets.postgres.content import SETTINGS, row_hash
from tests.integration.postgres.dumps import program
from tests.servers import PostgresServer

ROWS_PER_MB = 4900
"""Rows of both tables together that make a megabyte of database, indexes included."""
COLUMNS = {
    "users": ("id", "name", "mail", "seen"),
    "transactions": ("id", "owner", "amount", "hash", "note"),
}


STATEMENTS = (
    "CREATE TABLE users (id bigint, name text NOT NULL, mail text NOT NULL, seen timestamptz)",
    """INSERT INTO users SELECT n, 'name ' || n, md5(n::text) || '@x.invalid', now() - n * interval '1 s'
       FROM generate_series(1, {users}) n""",
    "CREATE TABLE transactions (id bigint, owner bigint, amount numeric(20, 2), hash text, note text)",
    """INSERT INTO transactions SELECT n, 1 + n % {users}, n / 7.0, md5(n::text) || md5((n + 1)::text),
       repeat('x', (n % 90)::int) FROM generate_series(1, {sent}) n""",
    "ALTER TABLE users ADD PRIMARY KEY (id)",
    "ALTER TABLE transactions ADD PRIMARY KEY (id)",
    "ALTER TABLE transactions ADD FOREIGN KEY (owner) REFERENCES users",
    "CREATE INDEX by_owner ON transactions (owner)",
    "CREATE UNIQUE INDEX by_mail ON users (mail)",
)


def statements(megabytes: int) -> list[str]:
    """A service's tables, with keys and indexes."""
    rows = megabytes * ROWS_PER_MB
    return [statement.format(users=rows // 5, sent=rows - rows // 5) for statement in STATEMENTS]


def content_by_hand(postgres: PostgresServer, database: str) -> None:
    """What we ask of every table, by psql, a table each, all at once."""
    known = {name: value for name, value in SETTINGS.items() if _knows(postgres, name)}
    settings = " ".join(f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in known.items())
    asked = [_asking(table, columns) for table, columns in COLUMNS.items()]
    running = [program(postgres, "psql", "-d", database, "-c", one, PGOPTIONS=settings) for one in asked]
    assert [one.wait() for one in running] == [0] * len(running)


def _knows(postgres: PostgresServer, setting: str) -> bool:
    return setting != "transaction_timeout" or postgres.major >= 17


def _asking(table: str, columns: tuple[str, ...]) -> str:
    select = sql.SQL("SELECT count(*), sum({}) FROM public.{}")
    return select.format(row_hash(columns), sql.Identifier(table)).as_string()


async def timed(act: Callable[[], Awaitable[None]]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    await act()
    return time.perf_counter() - began


def told(what: str, ours: float, plain: float, name: str) -> None:
    """One comparison, a line."""
    tell(f"{what:20} {ours:7.2f} s   {name:18} {plain:7.2f} s   ratio {ours / plain:.2f}")


def tell(line: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
