"""A PostgreSQL server with one database of it: connections, what it says of itself, and its own programs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from console.core.errors import StatedError
from console.targets.postgres.dsn import Params, in_words, parse, place, variables
from console.targets.postgres.programs import Programs
from console.targets.process import Finished
from console.targets.shell import Shell, Sink

Connection = AsyncConnection[TupleRow]

CONNECT_S = 5
PORT = 5432
Locate = Callable[[int], Awaitable[tuple[str, int]]]
"""Says at which host and port a server is reached that listens on that port inside its container."""
_ALIVE = {
    # A peer that is gone without a word is noticed within seconds, not after two hours.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


class ServerError(StatedError):
    """The server could not be asked, or refused; one line with the place, without the password."""


class ServerFacts(Struct, frozen=True):
    """What a server says of itself and of one database."""

    version: str
    """`15.18`."""
    major: int
    system_identifier: str
    database: str
    bytes: int
    """`pg_database_size()`."""
    now: int
    """Its clock, UTC microseconds."""


_FACTS = """
    SELECT current_setting('server_version_num')::int, current_setting('server_version'),
           (SELECT system_identifier::text FROM pg_control_system()),
           current_database(), pg_database_size(current_database()),
           (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
"""


class Server:
    """One server as its administrator sees it; connections are short and say what they are for."""

    def __init__(
        self,
        dsn: Callable[[], str],
        shell: Shell,
        folder: str | None = None,
        *,
        application: str = "warroom",
        limit_s: float = CONNECT_S,
        locate: Locate | None = None,
    ) -> None:
        """`dsn` is asked at each use, `folder` holds its programs, `limit_s` bounds making a connection.

        `locate` is asked where the DSN names no host.
        """
        self._dsn = dsn
        self._folder = folder
        self._limit_s = limit_s
        self._locate = locate
        self.application = application
        """What our connections are called in `pg_stat_activity`, so that they can be told and ended."""
        self.shell = shell
        self.programs = Programs(shell, folder)

    def named(self, application: str) -> "Server":
        """The same server, for connections under another name (63 characters count)."""
        return Server(
            self._dsn,
            self.shell,
            self._folder,
            application=application,
            limit_s=self._limit_s,
            locate=self._locate,
        )

    @property
    def database(self) -> str:
        """Name of the database that the DSN means."""
        params = parse(self._dsn())
        return str(params.get("dbname") or params.get("user") or "")

    def params(self, database: str | None = None) -> Params:
        """libpq's parameters, for the DSN's database or another one of the server."""
        params = {**parse(self._dsn()), **_ALIVE, "connect_timeout": max(2, round(self._limit_s))}
        params |= {"application_name": self.application[:63], "client_encoding": "utf8"}
        return params if database is None else {**params, "dbname": database}

    @asynccontextmanager
    async def connect(
        self, database: str | None = None, *, autocommit: bool = False
    ) -> AsyncIterator[Connection]:
        """A connection, closed at the end; ServerError for whatever goes wrong with it or in it."""
        params = await self._located(self.params(database))
        try:
            connection = await self._open(params, autocommit=autocommit)
            try:
                yield connection
                if not connection.closed:  # a swap closes its own before the names change
                    await connection.commit()
            finally:
                # Without a ROLLBACK, whose answer would be waited for for ever where the line is dead.
                await connection.close()
        except psycopg.Error as error:
            raise ServerError(in_words(params, error)) from None

    async def reached(self) -> Params:
        """libpq's parameters with which it is reached from this machine, wherever it runs."""
        return await self._located(self.params())

    async def _located(self, params: Params) -> Params:
        """With the address of a server whose DSN names none."""
        if self._locate is None or params.get("host") or params.get("hostaddr"):
            return params
        host, port = await self._locate(int(params.get("port") or PORT))
        return {**params, "host": host, "port": port}

    async def _open(self, params: Params, *, autocommit: bool) -> Connection:
        try:
            async with asyncio.timeout(self._limit_s + 1):  # also where a name takes its time to resolve
                return await AsyncConnection.connect(**params, autocommit=autocommit)
        except TimeoutError:
            raise ServerError(f"{place(params)}: no answer within {self._limit_s:g} s") from None

    async def value(self, statement: Any, *values: object, database: str | None = None) -> Any:
        """The first column of a statement's first row; None without one."""
        async with self.connect(database, autocommit=True) as connection:
            row = await (await connection.execute(statement, values or None)).fetchone()
        return row[0] if row else None

    async def facts(self, database: str | None = None) -> ServerFacts:
        """What the server says of itself now."""
        async with self.connect(database) as connection:
            row = await (await connection.execute(_FACTS)).fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return ServerFacts(row[1].split()[0], row[0] // 10_000, row[2], row[3], row[4], row[5])

    def environment(self, database: str | None = None) -> dict[str, str]:
        """Variables with which the server's own programs reach it, where they run."""
        params = self.params(database)
        if not self.shell.is_here:
            # Inside its own container a server answers on its own socket, whatever its address outside.
            params = {key: params.get(key) for key in ("dbname", "user", "password", "application_name")}
        # What they say is read for progress and reasons: it must be in one language.
        return {**variables(params), "LC_ALL": "C"}

    async def run(
        self,
        program: str,
        words: Sequence[str],
        *,
        limit_s: float,
        database: str | None = None,
        source: AsyncIterator[bytes] | None = None,
        sink: Sink | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run one of PostgreSQL's own programs against the server, in the server's major version."""
        major = (await self.facts(database)).major
        path = await self.programs.find(program, major)
        return await self.shell.run(
            (path, *words),
            limit_s=limit_s,
            environment=self.environment(database),
            source=source,
            sink=sink,
            on_line=on_line,
        )

    async def end_ours(self, database: str | None = None) -> int:
        """End backends under our name that an engine before this one left; how many there were.

        Asked in `database`, where the DSN's own may refuse connections.
        """
        ended = await self.value(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = %s AND pid <> pg_backend_pid()",
            self.application[:63],
            database=database,
        )
        return int(ended or 0)
