"""Whether a database is sound: heaps and indexes as PostgreSQL's own checker sees them, and its invariants.

Each fault is a sentence that goes on from the database's name.
"""

from collections.abc import Callable, Mapping

import psycopg
from psycopg import sql

from console.core.data import Invariant
from console.core.format import count
from console.targets.postgres.dsn import in_words
from console.targets.postgres.programs import fault
from console.targets.postgres.server import Server, ServerError

_SHOWN = 200
"""Characters of a row that are repeated in a message."""
_CORRUPT = 2
"""How pg_amcheck ends when it found something; with 1 it could not look."""
_HAS_AMCHECK = "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"


class IntegrityError(ServerError):
    """The database could not be examined; one line with the reason."""


async def amcheck(
    server: Server, database: str, *, jobs: int, limit_s: float, on_line: Callable[[str], None] | None = None
) -> str | None:
    """What pg_amcheck finds wrong in heaps and indexes; None when it finds nothing.

    Every row of a heap is looked for in its indexes. The extension that this needs is put into the database
    for as long, unless it is there. `on_line` sees everything that is found.
    """
    was_there = await server.value(_HAS_AMCHECK, database=database)
    words = ("--heapallindexed", "--install-missing", f"--jobs={jobs}", "--no-password")
    try:
        finished = await server.run("pg_amcheck", words, limit_s=limit_s, database=database, on_line=on_line)
    finally:
        if not was_there:
            async with server.connect(database) as connection:
                await connection.execute("DROP EXTENSION IF EXISTS amcheck")
    if finished.code == 0:
        return None
    if finished.code != _CORRUPT:
        raise IntegrityError(f"pg_amcheck could not examine database {database}: {fault(finished)}")
    return _found(finished.out)


def _found(said: str) -> str:
    """How many faults, where the first is and what: it writes a place, and below it, indented, the fault."""
    lines = [line for line in said.splitlines() if line.strip()]
    places = [line for line in lines if not line.startswith(" ")]
    first = " ".join(" ".join(lines[:2]).split())
    return f"is corrupt: pg_amcheck found {count(len(places), 'fault')}, the first in {first}"


async def violated(
    server: Server,
    database: str,
    invariants: Mapping[str, Invariant],
    *,
    limit_s: float,
    on_name: Callable[[str], None] | None = None,
) -> str | None:
    """The first invariant for which the database has a row, with that row; None when all hold.

    Each is asked in a read-only transaction of its own, within `limit_s` seconds, with the search path that
    the live database has. `on_name` hears which is being asked.
    """
    path = await server.value("SELECT current_setting('search_path')")
    for name, invariant in invariants.items():
        if on_name:
            on_name(name)
        row = await _first_row(server, database, invariant, path, limit_s)
        if row is not None:
            shown = row if len(row) <= _SHOWN else f"{row[: _SHOWN - 4]} ..."
            return f"violates `{name}` ({invariant.title}): {shown}"
    return None


async def _first_row(
    server: Server, database: str, invariant: Invariant, path: str, limit_s: float
) -> str | None:
    """The first row that the question has for an answer, as text; None without one.

    By a cursor, so that of a million rows one is fetched, and nothing but one query can be asked.
    """
    async with server.connect(database) as connection:
        await connection.set_read_only(True)
        await connection.execute("SELECT set_config('search_path', %s, true)", (path,))
        timeout = sql.SQL("SET LOCAL statement_timeout = {}").format(max(1, round(limit_s * 1000)))
        await connection.execute(timeout)
        try:
            async with connection.cursor("invariant") as cursor:
                await cursor.execute(invariant.sql.encode())
                row = await cursor.fetchone()
        except psycopg.Error as error:
            words = in_words(server.params(database), error)
            raise IntegrityError(f"the invariant `{invariant.title}` cannot be asked: {words}") from None
    return None if row is None else ", ".join("null" if value is None else str(value) for value in row)
