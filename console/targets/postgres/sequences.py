"""Sequences of one database set past those of another, so that no id is given twice."""

from psycopg.types.json import Jsonb

from console.targets.postgres.server import Connection

_LAST = """
    SELECT coalesce(jsonb_agg(old), '[]')
    FROM (SELECT schemaname AS space, sequencename AS name, last_value AS last
          FROM pg_sequences WHERE last_value IS NOT NULL) AS old
"""
_CARRY = """
    SELECT count(setval(format('%%I.%%I', schemaname, sequencename)::regclass, last))
    FROM jsonb_to_recordset(%s) AS old (space name, name name, last bigint)
    JOIN pg_sequences ON schemaname = space AND sequencename = name
    WHERE sign(increment_by) * (last - coalesce(last_value, start_value - sign(increment_by)::numeric)) > 0
"""
"""One that was never asked stands a step before its start."""


async def carry(old: Connection, new: Connection) -> int:
    """Set the sequences of `new` to where those of `old` stand, never back; how many were set.

    Both connections commit by themselves. What `old` has handed out to caches of sessions is counted.
    """
    last = await (await old.execute(_LAST)).fetchone()
    assert last is not None  # noqa: S101 - an aggregate without groups has one row
    row = await (await new.execute(_CARRY, (Jsonb(last[0]),))).fetchone()
    return int(row[0]) if row else 0
