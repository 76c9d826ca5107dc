"""Whether a PostgreSQL database answers, and with which numbers: a new connection, within a time limit."""

import asyncio
import math
import os
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import psycopg

from console.targets.postgres.dsn import Params, in_words, parse, place
from console.targets.source import Answered, CannotAskError, SourceError

APPLICATION_NAME = "warroom"
_OURS = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role \".*\" does not exist"
)
"""What a server says to credentials that it does not take: it is there, and it is we who are wrong.

libpq gives no SQLSTATE for a connection that was refused, so its words have to do.
"""


async def answers(dsn: str, limit_s: float, questions: Mapping[str, str] | None = None) -> Answered:
    """What the database has answered to `SELECT 1` and to these questions, on a new connection.

    `questions` are SQL by name, each of one row with one number; they are asked in read-only transactions,
    and have half of the time together. One that fails, or takes too long, takes nothing from the others, nor
    from the database's being there.

    Raises SourceError when it does not within `limit_s` seconds, CannotAskError when it is our DSN or our
    credentials that are wrong. No message holds the password.
    """
    params = parse(dsn)
    where = place(params)
    call = _Call(questions or {})
    asking = asyncio.create_task(call.make(params, limit_s))
    try:
        done, _ = await asyncio.wait({asking}, timeout=limit_s)
    finally:
        await call.end(asking)
    if not done:
        raise SourceError(f"{where}: no answer within {limit_s:g} s")
    if error := asking.exception():
        raise _stated(params, error) from None
    return asking.result()


class _Call:
    """One connection, which can be cut off at any point without waiting for the server."""

    def __init__(self, questions: Mapping[str, str]) -> None:
        self._questions = questions
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def make(self, params: dict[str, Any], limit_s: float) -> Answered:
        """Connect, ask, close. The statement's own limit ends it on the server when we are cut off."""
        wait = {"connect_timeout": max(2, math.ceil(limit_s)), "application_name": APPLICATION_NAME}
        connection = await psycopg.AsyncConnection.connect(**{**params, **wait})
        self._connection = connection
        try:
            # For this transaction alone: behind a pooler the next one belongs to somebody else.
            async with connection.transaction():
                await connection.execute(f"SET LOCAL statement_timeout = {math.ceil(limit_s * 1000)}")
                await connection.execute("SELECT 1")
            return await _all(connection, self._questions, limit_s)
        finally:
            await connection.close()

    async def end(self, asking: asyncio.Task[Answered]) -> None:
        """End a call that is still under way; returns at once when there is none.

        A cancelled query would first ask a server that does not answer to cancel it, for seconds. A socket
        that was shut down ends the query by itself.
        """
        if asking.done():
            if not asking.cancelled():
                asking.exception()  # nobody waits for it any more, and it is not to be told as unheard
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


async def _all(
    connection: psycopg.AsyncConnection[Any], questions: Mapping[str, str], limit_s: float
) -> Answered:
    """The answers to all questions that have one."""
    numbers: dict[str, float] = {}
    troubles: dict[str, str] = {}
    over = time.monotonic() + limit_s / 2
    for name, question in questions.items():
        left_s = over - time.monotonic()
        try:
            numbers[name] = await _number(connection, question, left_s)
        except psycopg.errors.QueryCanceled:
            troubles[name] = f"no answer within {limit_s / 2:g} s"
        except psycopg.OperationalError:
            raise  # the line is gone: that is said of the database
        except (psycopg.Error, ValueError, TypeError) as error:
            troubles[name] = " ".join(str(error).split())
    return Answered(numbers, troubles=troubles)


async def _number(connection: psycopg.AsyncConnection[Any], question: str, limit_s: float) -> float:
    """The one number that the question brings; ValueError or TypeError when that is not what it brings."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION READ ONLY")
        # 0 would be no limit at all.
        await connection.execute(f"SET LOCAL statement_timeout = {max(1, math.ceil(limit_s * 1000))}")
        cursor = await connection.execute(question.encode())
        rows = await cursor.fetchmany(2) if cursor.description else []
    if len(rows) != 1 or len(rows[0]) != 1:
        raise ValueError("it brings no single number: one row of one column is wanted")
    if isinstance(rows[0][0], bool) or not isinstance(rows[0][0], int | float | Decimal):
        raise TypeError("what it brings is no number")
    found = float(rows[0][0])
    if not math.isfinite(found):
        raise ValueError("what it brings is no number")
    return found


def _stated(params: Params, error: BaseException) -> SourceError:
    """The driver's words in one line, without the password should it be among them."""
    if not isinstance(error, psycopg.Error):
        raise error
    words = in_words(params, error)
    ours = isinstance(error, psycopg.ProgrammingError) or _OURS.search(words)
    return CannotAskError(words) if ours else SourceError(words)
