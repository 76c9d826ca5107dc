"""Whether a PostgreSQL database answers: a new connection and a trivial query, within a time limit."""

import asyncio
import math
import os
import re
import socket
from contextlib import suppress
from typing import Any

import psycopg

from console.targets.postgres.dsn import Params, in_words, parse, place
from console.targets.source import CannotAskError, SourceError

APPLICATION_NAME = "warroom"
_OURS = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role \".*\" does not exist"
)
"""What a server says to credentials that it does not take: it is there, and it is we who are wrong.

libpq gives no SQLSTATE for a connection that was refused, so its words have to do.
"""


async def answers(dsn: str, limit_s: float) -> None:
    """Return when the database has answered `SELECT 1` on a new connection.

    Raises SourceError when it does not within `limit_s` seconds, CannotAskError when it is our DSN or our
    credentials that are wrong. No message holds the password.
    """
    params = parse(dsn)
    where = place(params)
    call = _Call()
    asking = asyncio.create_task(call.make(params, limit_s))
    try:
        done, _ = await asyncio.wait({asking}, timeout=limit_s)
    finally:
        await call.end(asking)
    if not done:
        raise SourceError(f"{where}: no answer within {limit_s:g} s")
    if error := asking.exception():
        raise _stated(params, error) from None


class _Call:
    """One connection, which can be cut off at any point without waiting for the server."""

    def __init__(self) -> None:
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def make(self, params: dict[str, Any], limit_s: float) -> None:
        """Connect, ask, close. The statement's own limit ends it on the server when we are cut off."""
        wait = {"connect_timeout": max(2, math.ceil(limit_s)), "application_name": APPLICATION_NAME}
        connection = await psycopg.AsyncConnection.connect(**{**params, **wait})
        self._connection = connection
        try:
            # For this transaction alone: behind a pooler the next one belongs to somebody else.
            await connection.execute(f"SET LOCAL statement_timeout = {math.ceil(limit_s * 1000)}")
            await connection.execute("SELECT 1")
        finally:
            await connection.close()

    async def end(self, asking: asyncio.Task[None]) -> None:
        """End a call that is still under way; returns at once when there is none.

        A cancelled query would first ask a server that does not answer to cancel it, for seconds. A socket
        that was shut down ends the query by itself.
        """
        if asking.done():
            return
        if self._connection is None:
            asking.cancel()
        else:
            with (
                suppress(OSError, psycopg.Error),  # it has just been closed, which is what we want
                socket.socket(fileno=os.dup(self._connection.fileno())) as line,
            ):
                line.shutdown(socket.SHUT_RDWR)
        await asyncio.gather(asking, return_exceptions=True)


def _stated(params: Params, error: BaseException) -> SourceError:
    """The driver's words in one line, without the password should it be among them."""
    if not isinstance(error, psycopg.Error):
        raise error
    words = in_words(params, error)
    ours = isinstance(error, psycopg.ProgrammingError) or _OURS.search(words)
    return CannotAskError(words) if ours else SourceError(words)
