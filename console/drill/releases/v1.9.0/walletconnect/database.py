"""PostgreSQL: users, their contacts, and transactions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

CONNECTIONS = 8
LIMIT_S = 2


class Database:
    """A handful of connections, opened when needed and dropped when they break."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[AsyncConnection[TupleRow]] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def connect_user(self, address: str) -> int:
        """The id of the user with this address, who is new or has come back."""
        row = await self._run(
            "INSERT INTO users (address) VALUES (%s) "
            "ON CONFLICT (address) DO UPDATE SET last_seen_at = now() RETURNING *",
            (address,),
        )
        user_id, _address, _created_at, _last_seen_at = row
        return int(user_id)

    async def contact(self, user_id: int, name: str) -> str | None:
        """The address that a user keeps under a name."""
        row = await self._run(
            "SELECT (SELECT address FROM contacts WHERE user_id = %s AND name = %s)", (user_id, name)
        )
        return None if row[0] is None else str(row[0])

    async def insert(self, statement: str, values: Sequence[object]) -> None:
        """Run an INSERT that names its columns."""
        await self._run(statement + " RETURNING 1", values)

    async def check(self) -> None:
        """A trivial query, answered by the server; psycopg.Error when it is not."""
        await self._run("SELECT 1", ())

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()

    async def _run(self, statement: str, values: Sequence[object]) -> TupleRow:
        # A server that hangs does not hear a cancel either: it is left to itself, and the user is told.
        query = asyncio.create_task(self._query(statement, values))
        done, _ = await asyncio.wait({query}, timeout=LIMIT_S)
        if not done:
            query.add_done_callback(_forget)
            raise psycopg.OperationalError(f"the database has not answered within {LIMIT_S} s")
        return query.result()

    async def _query(self, statement: str, values: Sequence[object]) -> TupleRow:
        async with self._connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            row = await cursor.fetchone()
        if row is None:
            raise psycopg.DataError("the statement returned no row")
        return row

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        async with self._slots:
            connection = self._idle.pop() if self._idle else await self._open()
            try:
                yield connection
            except psycopg.OperationalError:
                # The server went away: the idle connections are as dead as this one.
                await self.close()
                raise
            finally:
                if not connection.closed:
                    self._idle.append(connection)

    async def _open(self) -> AsyncConnection[TupleRow]:
        return await AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name="walletconnect",
            connect_timeout=LIMIT_S,
            options=f"-c statement_timeout={LIMIT_S * 1000}",
        )


def _forget(query: asyncio.Task[TupleRow]) -> None:
    """Its outcome comes too late for anybody."""
    if not query.cancelled():
        query.exception()
