"""Databases of our own beside the live one: made closed, marked as ours, never dropped without the mark.

The mark is the database's comment and names the database: renamed into the live one's place, it is nobody's
to drop any more. Between CREATE DATABASE and the comment stand two settings that nobody else would choose
together, closed to connections and a limit of UNMADE, so that what a killed engine leaves there is known too.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
from msgspec import Struct
from psycopg import errors, sql

from console.targets.postgres.server import Connection, Server, ServerError

OURS = "warroom"
UNMADE = 770_077
"""Connection limit of a database that has no mark yet, and lets nobody in."""
_WAIT_S = 30
"""How long another step's work on the same database, or a killed engine's, is waited for."""

_LIKE = """
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'ENCODING', pg_encoding_to_char(encoding), 'LC_COLLATE', datcollate, 'LC_CTYPE', datctype,
        'LOCALE_PROVIDER',
        CASE c ->> 'datlocprovider' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
        'ICU_LOCALE',
        CASE c ->> 'datlocprovider' WHEN 'i' THEN coalesce(c ->> 'datlocale', c ->> 'daticulocale') END,
        'ICU_RULES', c ->> 'daticurules',
        'BUILTIN_LOCALE', CASE c ->> 'datlocprovider' WHEN 'b' THEN c ->> 'datlocale' END,
        'OWNER', pg_get_userbyid(datdba), 'TABLESPACE', spcname))
    FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace, to_jsonb(d) c
    WHERE datname = current_database()
"""
"""Options with which CREATE DATABASE makes the like; by JSON, since the columns differ between versions."""
_LOOK = """
    SELECT coalesce(shobj_description(oid, 'pg_database'), ''), NOT datallowconn AND datconnlimit = %s
    FROM pg_database WHERE datname = %s
"""
_MARKED = """
    SELECT datname FROM pg_database
    WHERE starts_with(shobj_description(oid, 'pg_database'), concat_ws(' ', %s::text, datname, %s::text))
    ORDER BY datname
"""


class OwnError(ServerError):
    """A database cannot be made or dropped, because it is not ours or somebody works on it; one line."""


class Standing(Struct, frozen=True):
    """A database of some name, as it stands there."""

    is_ours: bool
    words: str = ""
    """What its mark says; empty where it was never finished, or is not ours."""


async def standing(server: Server, database: str) -> Standing | None:
    """What there is under that name; None when there is no such database."""
    async with server.connect(autocommit=True) as connection:
        return await _standing(connection, database)


async def _standing(connection: Connection, database: str) -> Standing | None:
    row = await (await connection.execute(_LOOK, (UNMADE, database))).fetchone()
    if row is None:
        return None
    ours = f"{OURS} {database} "
    if row[0].startswith(ours):
        return Standing(is_ours=True, words=row[0].removeprefix(ours))
    return Standing(is_ours=bool(row[1]))


@asynccontextmanager
async def held(server: Server, database: str) -> AsyncIterator[Connection]:
    """Hold a database for ourselves (there need be none yet); the connection that does is to the live one.

    Who holds it is alive: what is marked and held by nobody was left by a killed engine. OwnError when
    somebody else still holds it after half a minute.
    """
    async with server.connect(autocommit=True) as connection:
        await connection.execute(sql.SQL("SET lock_timeout = '{}s'").format(_WAIT_S))
        try:
            await connection.execute("SELECT pg_advisory_lock(%s)", (_key(database),))
        except errors.LockNotAvailable:
            raise OwnError(f"database {database} is being worked on by another step: wait for it") from None
        await connection.execute("RESET lock_timeout")
        yield connection


@asynccontextmanager
async def building(server: Server, database: str, words: str) -> AsyncIterator[Connection]:
    """An empty database that is ours for the block (see `make`); dropped when the block does not end well.

    Yields the connection that holds it, which is to the live one.
    """
    async with held(server, database) as connection:
        await make(connection, database, words)
        try:
            yield connection
        except BaseException:
            # Why it did not end well matters more; what is left is known by its mark.
            with suppress(psycopg.Error, OwnError):
                await drop(connection, database)
            raise


async def make(connection: Connection, database: str, words: str) -> None:
    """An empty database with encoding, locale, owner and tablespace of the one connected to, marked as ours.

    One of ours in its place is dropped first; OwnError when what is there is not ours.
    """
    await drop(connection, database)
    await connection.execute(await _create(connection, database))
    name = sql.Identifier(database)
    async with connection.transaction():  # open and marked in one moment
        await mark(connection, database, words)
        await connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true CONNECTION LIMIT -1").format(name)
        )


async def _create(connection: Connection, database: str) -> sql.Composed:
    row = await (await connection.execute(_LIKE)).fetchone()
    assert row is not None  # noqa: S101 - one is connected to it
    options = [sql.SQL("{} {}").format(sql.SQL(name), value) for name, value in row[0].items()]
    closed = sql.SQL("ALLOW_CONNECTIONS false CONNECTION LIMIT {}").format(UNMADE)
    create = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database))
    return sql.SQL(" ").join((create, *options, closed))


async def mark(connection: Connection, database: str, words: str) -> None:
    """Let the mark of one of ours say something else."""
    comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
    await connection.execute(comment.format(sql.Identifier(database), f"{OURS} {database} {words}"))


async def drop(connection: Connection, database: str) -> bool:
    """Drop one of ours, whoever is connected to it; whether there was one.

    OwnError when the database is not marked as ours.
    """
    found = await _standing(connection, database)
    if found is None:
        return False
    if not found.is_ours:
        raise OwnError(
            f"database {database} is not marked as Warroom's and is left alone: rename it, "
            "or drop it if nobody needs it"
        )
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    await connection.execute(statement.format(sql.Identifier(database)))
    return True


async def sweep(server: Server, words: str) -> list[str]:
    """Drop those of ours whose mark begins with `words` and that nobody holds; their names."""
    dropped = []
    async with server.connect(autocommit=True) as connection:
        for (name,) in await (await connection.execute(_MARKED, (OURS, words))).fetchall():
            free = await connection.execute("SELECT pg_try_advisory_lock(%s)", (_key(name),))
            if await free.fetchone() == (True,):
                dropped += [name] if await drop(connection, name) else []
                await connection.execute("SELECT pg_advisory_unlock(%s)", (_key(name),))
    return dropped


def _key(database: str) -> int:
    """The advisory lock of a name: eight bytes of its hash, since the server counts locks by numbers."""
    return int.from_bytes(hashlib.sha256(f"{OURS} {database}".encode()).digest()[:8], signed=True)
