"""Reads the schema of a database out of its catalog, as it is at one moment.

Left out are the server's own schemas, temporary tables, what belongs to an extension, and partitions, whose
whole is there. Every name is printed with its namespace, because nothing but the catalog is on the path.
"""

from typing import Any

import msgspec
import psycopg

from console.core.schema import Schema
from console.targets.postgres.content import pinned
from console.targets.postgres.server import Connection, Server

_OURS = """
    nspname <> 'information_schema' AND nspname !~ '^pg_'
"""
_NO_EXTENSION = """
    NOT EXISTS (SELECT FROM pg_depend
                WHERE classid = '{catalog}'::regclass AND objid = {oid} AND deptype = 'e')
"""


def _kept(catalog: str, oid: str) -> str:
    """The condition that something is a user's own; both are words of ours."""
    return f"{_OURS} AND {_NO_EXTENSION.format(catalog=catalog, oid=oid)}"


# A type's modifier is part of it; so is a collation that is not the type's own.
_COLUMNS = """
    SELECT coalesce(json_object_agg(attname, json_build_object(
        'type', format_type(atttypid, atttypmod)
            || CASE WHEN attcollation = typcollation THEN ''
                    ELSE ' COLLATE ' || attcollation::regcollation END,
        'nullable', NOT attnotnull,
        'default', CASE WHEN attgenerated = '' THEN coalesce(pg_get_expr(adbin, adrelid), '') ELSE '' END,
        'made', CASE WHEN attidentity = 'a' THEN 'identity always'
                     WHEN attidentity = 'd' THEN 'identity by default'
                     WHEN attgenerated = 's' THEN 'stored from ' || pg_get_expr(adbin, adrelid)
                     WHEN attgenerated = 'v' THEN 'computed from ' || pg_get_expr(adbin, adrelid)
                     ELSE '' END)), '{}')
    FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
"""
# Whether it is a constraint or an index alone makes no difference to whoever writes.
_KEYS = """
    SELECT CASE WHEN indisprimary THEN 'primary key' ELSE 'unique' END AS kind,
           concat_ws(' ',
               '(' || (SELECT string_agg(pg_get_indexdef(indexrelid, place, true), ', ' ORDER BY place)
                       FROM generate_series(1, indnkeyatts) AS place) || ')',
               CASE WHEN amname <> 'btree' THEN 'USING ' || amname END,
               CASE WHEN indnullsnotdistinct THEN 'NULLS NOT DISTINCT' END,
               'WHERE ' || pg_get_expr(indpred, indrelid),
               CASE WHEN NOT indimmediate THEN 'DEFERRABLE' END) AS text,
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = indrelid AND attnum = ANY (indkey) ORDER BY attnum) AS columns,
           false AS acts, indnullsnotdistinct AS nulls_clash
    FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_am ON pg_am.oid = i.relam
    WHERE indrelid = c.oid AND indisunique AND indisvalid
"""
_CONSTRAINTS = """
    SELECT CASE contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' ELSE 'exclusion' END,
           regexp_replace(pg_get_constraintdef(oid), '^(FOREIGN KEY|CHECK) ', ''),
           ARRAY(SELECT attname::text FROM pg_attribute
                 WHERE attrelid = conrelid AND attnum = ANY (conkey) ORDER BY attnum),
           contype = 'f' AND (confdeltype NOT IN ('a', 'r') OR confupdtype NOT IN ('a', 'r')),
           false
    FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('f', 'c', 'x') AND conparentid = 0
"""
_TABLES = f"""
    SELECT coalesce(json_object_agg(nspname || '.' || relname, json_build_object(
        'columns', ({_COLUMNS}),
        'rules', (SELECT coalesce(json_agg(r), '[]') FROM ({_KEYS} UNION {_CONSTRAINTS}) AS r),
        'triggers', (SELECT coalesce(json_object_agg(tgname, pg_get_triggerdef(oid)), '{{}}')
                     FROM pg_trigger
                     WHERE tgrelid = c.oid AND NOT tgisinternal AND tgenabled IN ('O', 'A')),
        'guarded', relrowsecurity)), '{{}}')
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'f') AND NOT relispartition AND relpersistence <> 't'
      AND {_kept("pg_class", "c.oid")}
"""  # noqa: S608 - made of words of ours alone
_VIEWS = f"""
    SELECT coalesce(json_object_agg(nspname || '.' || relname, json_build_object(
        'columns', (SELECT json_object_agg(attname, format_type(atttypid, atttypmod))
                    FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
        'query', md5(pg_get_viewdef(c.oid)))), '{{}}')
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('v', 'm') AND relpersistence <> 't' AND {_kept("pg_class", "c.oid")}
"""  # noqa: S608 - made of words of ours alone
_ENUMS = f"""
    SELECT coalesce(json_object_agg(nspname || '.' || typname, ARRAY(
        SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder)), '{{}}')
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
    WHERE typtype = 'e' AND {_kept("pg_type", "t.oid")}
"""  # noqa: S608 - made of words of ours alone
_TYPES = f"""
    SELECT coalesce(json_object_agg(nspname || '.' || typname, CASE typtype
        WHEN 'd' THEN concat_ws(' ', format_type(typbasetype, typtypmod),
            CASE WHEN typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || typdefault,
            (SELECT string_agg(pg_get_constraintdef(oid), ' ' ORDER BY pg_get_constraintdef(oid))
             FROM pg_constraint WHERE contypid = t.oid AND contype = 'c'))
        ELSE (SELECT format('(%s)', string_agg(
                  attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum))
              FROM pg_attribute WHERE attrelid = typrelid AND attnum > 0 AND NOT attisdropped) END), '{{}}')
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace LEFT JOIN pg_class k ON k.oid = typrelid
    WHERE (typtype = 'd' OR (typtype = 'c' AND relkind = 'c')) AND {_kept("pg_type", "t.oid")}
"""  # noqa: S608 - made of words of ours alone
_SEQUENCES = f"""
    SELECT coalesce(json_object_agg(nspname || '.' || relname, concat_ws(' ',
        format_type(seqtypid, -1), 'by', seqincrement, 'from', seqmin, 'to', seqmax,
        CASE WHEN seqcycle THEN 'and again' END)), '{{}}')
    FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relpersistence <> 't' AND {_kept("pg_class", "c.oid")}
      AND NOT EXISTS (SELECT FROM pg_depend
                      WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'i')
"""  # noqa: S608 - made of words of ours alone
_FUNCTIONS = f"""
    SELECT coalesce(json_object_agg(p.oid::regprocedure::text, concat_ws(' ',
        CASE prokind WHEN 'f' THEN 'a function' WHEN 'p' THEN 'a procedure'
                     WHEN 'a' THEN 'an aggregate' ELSE 'a window function' END,
        'that returns ' || pg_get_function_result(p.oid))), '{{}}')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    WHERE {_kept("pg_proc", "p.oid")}
"""  # noqa: S608 - made of words of ours alone
_EXTENSIONS = "SELECT coalesce(json_agg(extname ORDER BY extname), '[]') FROM pg_extension"
_PARTS = {
    "tables": _TABLES,
    "views": _VIEWS,
    "enums": _ENUMS,
    "types": _TYPES,
    "sequences": _SEQUENCES,
    "functions": _FUNCTIONS,
    "extensions": _EXTENSIONS,
}
"""For each field of a schema, the statement whose one value it is, as JSON."""


async def read(server: Server, database: str | None = None) -> Schema:
    """The schema of the DSN's database, or of another one of the server; ServerError if it cannot be read."""
    async with server.connect(database) as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        return await read_by(connection)


async def read_by(connection: Connection) -> Schema:
    """The schema as the transaction of the connection sees it; its settings are pinned until it ends."""
    await pinned(connection)
    found: dict[str, Any] = {}
    for part, statement in _PARTS.items():
        row = await (await connection.execute(statement.encode())).fetchone()
        assert row is not None  # noqa: S101 - an aggregate without groups has one row
        found[part] = row[0]
    return msgspec.convert(found, Schema)
