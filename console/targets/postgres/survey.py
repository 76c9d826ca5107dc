"""What a database has of what a strategy counts on: tables with their keys, and rights. Only read."""

from collections.abc import Mapping
from typing import Any, LiteralString

from msgspec import Struct
from psycopg import sql

from console.targets.postgres.server import Server, ServerError

_TABLE = """
    SELECT t.oid IS NOT NULL, coalesce(has_table_privilege(t.oid, 'SELECT'), false), a.attnum IS NOT NULL,
           EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisunique AND i.indpred IS NULL
                   AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
    FROM (SELECT to_regclass(%s) AS oid) t
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = %s AND a.attnum > 0 AND NOT a.attisdropped
"""
_TABLES = """
    SELECT relname::text FROM pg_class
    WHERE relkind IN ('r', 'p')
      AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
"""
_COLUMNS = """
    SELECT attname::text FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
_RIGHTS = """
    SELECT current_user::text, rolsuper, rolcreatedb, pg_has_role(d.datdba, 'USAGE'),
           pg_has_role('pg_signal_backend', 'USAGE'),
           ARRAY(SELECT c.oid::regclass::text FROM pg_class c
                 WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%%'
                   AND c.relnamespace::regnamespace::text <> 'information_schema'
                   AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY 1)
    FROM pg_roles, pg_database d WHERE rolname = current_user AND d.datname = current_database()
"""
_VERSION = "SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000"


class Table(Struct, frozen=True):
    """A table of the strategy, as it is found."""

    there: bool
    readable: bool
    """By whoever asks."""
    has_key: bool
    """Whether it has the column that the strategy calls its key."""
    unique: bool
    """Whether that column alone tells rows apart."""
    near: tuple[str, ...]
    """What there is: other tables where it is missing, or its columns where its key is."""


class Rights(Struct, frozen=True):
    """What a role may do."""

    role: str
    superuser: bool
    creates: bool
    """CREATEDB."""
    owns: bool
    """Whether it may rename the database, which is its owner's."""
    signals: bool
    """Whether it may end the backends of others."""
    unreadable: tuple[str, ...]
    """Tables that it may not read, so that it cannot dump them."""


class Version(Struct, frozen=True):
    """Of a server."""

    words: str
    major: int


async def tables(server: Server, keys: Mapping[str, str]) -> tuple[Version, dict[str, Table]]:
    """The server's version, and each table by its name in `keys`; ServerError."""
    async with server.connect() as connection:
        await connection.set_read_only(True)
        words, major = await _row(connection, _VERSION)
        found = {}
        for name, key in keys.items():
            quoted = sql.Identifier(*name.split(".")).as_string(connection)
            there, readable, has_key, unique = await _row(connection, _TABLE, quoted, key)
            near: tuple[str, ...] = ()
            if not there:
                near = await _names(connection, _TABLES)
            elif not has_key:
                near = await _names(connection, _COLUMNS, quoted)
            found[name] = Table(there, readable, has_key, unique, near)
    return Version(str(words).split()[0], major), found


async def rights(server: Server) -> Rights:
    """What whoever connects may do with the database; ServerError."""
    async with server.connect() as connection:
        await connection.set_read_only(True)
        role, superuser, creates, owns, signals, unreadable = await _row(connection, _RIGHTS)
    return Rights(role, superuser, creates, owns, signals, tuple(unreadable))


async def _row(connection: Any, statement: LiteralString, *values: object) -> tuple[Any, ...]:
    row = await (await connection.execute(statement, values)).fetchone()
    if row is None:
        raise ServerError("the database's catalog does not know whoever asks")
    return tuple(row)


async def _names(connection: Any, statement: LiteralString, *values: object) -> tuple[str, ...]:
    return tuple(row[0] for row in await (await connection.execute(statement, values)).fetchall())
