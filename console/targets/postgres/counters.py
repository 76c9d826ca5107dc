"""What a server counts of a database's tables: a bound for what was written that costs no look at any row."""

from console.core.loss import Counter, Counters
from console.targets.postgres.server import Connection

_EPOCH = """
    SELECT CASE WHEN current_setting('track_counts')::bool
                THEN concat_ws(' ', (SELECT oid FROM pg_database WHERE datname = current_database()),
                               (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
                               (SELECT stats_reset FROM pg_stat_bgwriter))
                ELSE '' END
"""
"""A crash throws all counts away: only the shared ones then say when they began anew."""
_COUNTERS = """
    SELECT space.nspname || '.' || root.relname,
           concat_ws(' ', key.conkey::text,
                     string_agg(leaf.oid || ':' || pg_relation_filenode(leaf.oid), ' ' ORDER BY leaf.oid)),
           coalesce(sum(pg_stat_get_tuples_inserted(leaf.oid) + pg_stat_get_tuples_updated(leaf.oid)
                        - CASE WHEN key.oid IS NULL THEN 0
                               ELSE pg_stat_get_tuples_hot_updated(leaf.oid) END), 0)::bigint
    FROM pg_class leaf
    JOIN pg_class root ON root.oid = coalesce(pg_partition_root(leaf.oid), leaf.oid)
    JOIN pg_namespace space ON space.oid = root.relnamespace
    LEFT JOIN pg_constraint key ON key.conrelid = root.oid AND key.contype = 'p'
    WHERE leaf.relkind = 'r' AND leaf.relpersistence <> 't'
      AND space.nspname <> 'information_schema' AND space.nspname !~ '^pg_'
    GROUP BY space.nspname, root.relname, key.oid, key.conkey
"""
"""A new key comes with an insert, or an update that is no heap-only one: those change no indexed column.

A table without a key goes by its content, so there any update makes a new one.
"""


async def counters(connection: Connection) -> Counters:
    """What the server has counted of each table until now; the connection must not be in a transaction.

    A backend hands its counts in after its transaction, at the latest when it ends: what is read here may be
    too low by what others did in the last ten seconds, and by nothing once they have ended.
    """
    async with connection.transaction():
        # All numbers of a table from one reading, so that their difference means something.
        await connection.execute("SET LOCAL stats_fetch_consistency = cache")
        await connection.execute("SET LOCAL statement_timeout = '10s'")  # the database's is for the service
        epoch = await (await connection.execute(_EPOCH)).fetchone()
        tables = await (await connection.execute(_COUNTERS)).fetchall()
    assert epoch is not None  # noqa: S101 - a SELECT without FROM has one row
    return Counters(epoch[0], {name: Counter(identity, keys) for name, identity, keys in tables})
