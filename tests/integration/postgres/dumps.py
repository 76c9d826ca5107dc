"""Dumps for tests, made by plain pg_dump, a database worth dumping, and a line to it that can go dead."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from console.core.backups import TableFacts
from console.targets.postgres.content import content
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell
from tests.servers import LOOPBACK, USER, Databases, PostgresServer

SEEDED = (
    "CREATE TABLE users (id text PRIMARY KEY, name text NOT NULL, seen timestamptz)",
    "INSERT INTO users SELECT 'user-' || n, 'name ' || n, now() FROM generate_series(1, 2000) n",
    "CREATE TABLE transactions (id bigint PRIMARY KEY, owner text REFERENCES users, amount numeric(20, 2))",
    "INSERT INTO transactions SELECT n, 'user-' || 1 + n % 2000, n / 7.0 FROM generate_series(1, 5000) n",
    "CREATE INDEX by_owner ON transactions (owner)",
    "CREATE SCHEMA ledger",
    "CREATE TABLE ledger.notes (at int, words text)",
    "INSERT INTO ledger.notes VALUES (1, 'a'), (1, 'a'), (2, NULL)",
)
"""Statements that make three tables with rows, keys, an index and a foreign key."""
BULK = (
    "CREATE TABLE bulk (id int PRIMARY KEY, words text)",
    (
        "INSERT INTO bulk SELECT i, (SELECT string_agg(md5(i || '/' || j), '') FROM generate_series(1, 20) j)"
        " FROM generate_series(1, 30000) i"
    ),
    "ANALYZE bulk",
)
"""Some 20 MB, which pack to the half of it."""
ROWS = {"public.users": 2000, "public.transactions": 5000, "ledger.notes": 3}


class Heard:
    """A progress that keeps what it hears."""

    def __init__(self, left_s: float = 60.0) -> None:
        self.left_s = left_s
        self.words: list[str] = []
        self.counted: list[tuple[float | None, float | None, str]] = []

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        self.words.append(words)
        self.counted.append((done, total, unit))


def server_of(postgres: Databases, database: str, folder: Path) -> Server:
    """The server as its administrator sees it, with that database as the live one."""
    programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
    return Server(lambda: postgres.dsn(database), HostShell(programs))


async def tables_of(server: Server, database: str | None = None) -> dict[str, TableFacts]:
    """What a database holds."""
    async with server.connect(database) as connection:
        return await content(connection)


def databases(postgres: Databases, pattern: str) -> list[str]:
    """Names of databases like that."""
    with psycopg.connect(postgres.dsn()) as connection:
        found = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1", (pattern,)
        )
        return [name for (name,) in found.fetchall()]


def program(
    postgres: PostgresServer, name: str, *words: str, **environment: str
) -> "subprocess.Popen[bytes]":
    """One of PostgreSQL's own programs under way, against that server."""
    reached = {"PGHOST": LOOPBACK, "PGPORT": str(postgres.port), "PGUSER": USER}
    secret = {"PGPASSWORD": postgres.password}
    return subprocess.Popen(
        [str(postgres.programs / name), *words],
        env={**os.environ, **reached, **secret, **environment},
        stdout=subprocess.DEVNULL,
    )


def pg_dump(postgres: PostgresServer, database: str, path: Path, *words: str) -> Path:
    """A dump at `path`, with those options; custom format unless they say otherwise."""
    assert program(postgres, "pg_dump", *(words or ("-Fc",)), "-f", str(path), database).wait() == 0
    return path


@asynccontextmanager
async def relay(to: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port that leads to another one until the event is set; from then on it takes bytes and drops them."""
    cut, running = asyncio.Event(), set[asyncio.Task[None]]()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 16):
                if not cut.is_set():
                    target.write(data)
                    await target.drain()
        finally:
            target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(LOOPBACK, to)
        for pair in ((reader, back), (there, writer)):
            task = asyncio.create_task(pump(*pair))
            running.add(task)

    listener = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield listener.sockets[0].getsockname()[1], cut
    finally:
        listener.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
