"""What a database holds: every change is seen, and what only looks different is not."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from console.core.backups import TableFacts
from console.targets.postgres import content as module
from console.targets.postgres.content import at_moment, content, pinned
from console.targets.postgres.server import Server, ServerError
from console.targets.process import Programs
from console.targets.shell import HostShell
from tests.servers import PostgresServer

KINDS = """
    CREATE TYPE mood AS ENUM ('calm', 'alert');
    CREATE TABLE kinds (
        id bigint, small smallint, f8 float8, f4 real, price numeric, word text, fixed char(4), flag bool,
        at timestamptz, plain timestamp, day date, span interval, raw bytea, doc jsonb, loose json,
        ids uuid, mood mood, list int[], period tstzrange, net inet, spot point, class regclass, pay money
    );
    INSERT INTO kinds SELECT i, i % 100, i / 3.0, i / 7.0, i * 1.10, 'é ' || i, 'ab', i % 2 = 0,
        timestamptz '2026-03-29 00:59:59.123456+00' + i * interval '1 hour',
        timestamp '2026-03-29 02:30' + i * interval '1 hour',
        date '2026-01-01' + i, i * interval '1 day 02:03:04.5', decode(md5(i::text), 'hex'),
        jsonb_build_object('n', i, 'of', 'kind'), '{"a":  1}', md5(i::text)::uuid,
        'alert', ARRAY[i, NULL, -i], tstzrange('2026-01-01', '2026-01-02'), '10.0.0.0/8', point(i, 0.1),
        'kinds'::regclass, i::numeric::money
    FROM generate_series(1, 500) i;
    INSERT INTO kinds (id) VALUES (NULL);
"""
PAIR = "CREATE TABLE pair (id int PRIMARY KEY, a text, b text)"
READER = secrets.token_hex(8)
TWO_ROWS = "INSERT INTO pair VALUES (1, 'one', 'eins'), (2, 'two', 'zwei')"


def server_of(dsn: str) -> Server:
    here = HostShell(Programs({"PATH": os.environ["PATH"]}, tag=Path("/")))
    return Server(lambda: dsn, here)


async def of(dsn: str) -> dict[str, TableFacts]:
    async with server_of(dsn).connect() as connection:
        return await content(connection)


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def snapshot(dsn: str) -> Iterator[str]:
    """An exported snapshot of this moment, held open."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield row[0]


async def test_a_table_is_the_same_in_every_major_version(
    postgres_15: PostgresServer, postgres_18: PostgresServer
) -> None:
    old, new = postgres_15.create("content_old", KINDS), postgres_18.create("content_new", KINDS)
    there = await of(old)
    assert there == await of(new)
    assert there["public.kinds"].rows == 501


async def test_a_restored_copy_is_the_same_however_its_sessions_are_set_up(postgres: PostgresServer) -> None:
    dsn = postgres.create("content_from", KINDS)
    copy = postgres.create(
        "content_to",
        "ALTER DATABASE content_to SET DateStyle = 'German, DMY'",
        "ALTER DATABASE content_to SET TimeZone = 'Asia/Kathmandu'",
        "ALTER DATABASE content_to SET IntervalStyle = 'iso_8601'",
        "ALTER DATABASE content_to SET bytea_output = 'escape'",
        "ALTER DATABASE content_to SET extra_float_digits = -15",
        "ALTER DATABASE content_to SET search_path = 'public'",
    )
    dumped = subprocess.run([postgres.programs / "pg_dump", "-Fc", dsn], check=True, capture_output=True)
    into: list[str | Path] = [postgres.programs / "pg_restore", "-d", copy]
    subprocess.run(into, input=dumped.stdout, check=True)
    assert await of(copy) == await of(dsn)


async def test_limits_made_for_the_service_do_not_end_a_long_read(postgres: PostgresServer) -> None:
    limited = "ALTER DATABASE content_limited SET statement_timeout = '100ms'"
    dsn = postgres.create("content_limited", limited)
    async with server_of(dsn).connect() as connection:
        await pinned(connection)
        await connection.execute("SELECT pg_sleep(0.2)")


CHANGES = {
    "a bigint by 2^32": "UPDATE kinds SET id = id + 4294967295 WHERE id = 1",
    "a number's scale": "UPDATE kinds SET price = price::numeric(10, 3) WHERE id = 7",
    "a float's last bit": "UPDATE kinds SET f8 = f8 + 1e-16 WHERE id = 1",
    "the sign of zero": "UPDATE kinds SET f8 = '-0' WHERE id = 500",
    "the case of a letter": "UPDATE kinds SET word = 'É 9' WHERE id = 9",
    "a trailing blank": "UPDATE kinds SET word = word || ' ' WHERE id = 9",
    "nothing to an empty text": "UPDATE kinds SET word = '' WHERE id IS NULL",
    "a microsecond": "UPDATE kinds SET at = at + interval '1 microsecond' WHERE id = 77",
    "a byte": "UPDATE kinds SET raw = set_byte(raw, 15, 0) WHERE id = 77",
    "a blank in json": """UPDATE kinds SET loose = '{"a": 1}' WHERE id = 5""",
    "an item of a list": "UPDATE kinds SET list[2] = 0 WHERE id = 5",
    "a label": "UPDATE kinds SET mood = 'calm' WHERE id = 5",
    "a row twice": "INSERT INTO kinds SELECT * FROM kinds WHERE id = 3",
    "a row gone": "DELETE FROM kinds WHERE id = 3",
    "a value in the next column": "UPDATE kinds SET plain = NULL, at = plain AT TIME ZONE 'UTC' WHERE id = 4",
    "two rows' values swapped": "UPDATE kinds SET word = 'é ' || 3 - id WHERE id IN (1, 2)",
}


async def test_any_one_value_counts(postgres: PostgresServer) -> None:
    """Each change is made alone and taken back, so that each must be seen by itself."""
    dsn = postgres.create("content_changes", KINDS, "UPDATE kinds SET f8 = 0 WHERE id = 500")
    async with server_of(dsn).connect() as connection:
        before = await content(connection)
        await connection.rollback()  # with it goes what the session was set to
        for what, change in CHANGES.items():
            await connection.execute(change.encode())
            assert await content(connection) != before, what
            await connection.rollback()
        assert await content(connection) == before


async def test_the_order_of_rows_does_not_count(postgres: PostgresServer) -> None:
    dsn = postgres.create("content_order", KINDS)
    before = await of(dsn)
    run(dsn, "CREATE INDEX backwards ON kinds (id DESC NULLS FIRST)", "CLUSTER kinds USING backwards")
    assert await of(dsn) == before


async def test_two_values_of_a_row_that_change_places_are_not_what_they_were(
    postgres: PostgresServer,
) -> None:
    dsn = postgres.create("content_swap", PAIR, TWO_ROWS)
    before = await of(dsn)
    run(dsn, "UPDATE pair SET a = b, b = a WHERE id = 1")
    assert await of(dsn) != before


async def test_pieces_and_connections_side_by_side_make_the_same_whole(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = postgres.create("content_pieces", KINDS, PAIR, TWO_ROWS)
    whole, heard = await of(dsn), list[int]()
    monkeypatch.setattr(module, "PIECE", 2)
    with snapshot(dsn) as name:
        async with at_moment(server_of(dsn), name, 3) as (first, *others):
            assert await content(first, heard.append, beside=others) == whole
    assert sum(heard) == 503
    assert len(heard) > 10


async def test_a_moment_stays_what_it_was_while_others_write(postgres: PostgresServer) -> None:
    dsn = postgres.create("content_moment", PAIR, TWO_ROWS)
    before = await of(dsn)
    with snapshot(dsn) as name:
        run(dsn, "DELETE FROM pair WHERE id = 1", "CREATE TABLE later (i int)")
        async with at_moment(server_of(dsn), name, 2) as (first, *others):
            assert await content(first, beside=others) == before
    assert await of(dsn) != before


async def test_a_table_cannot_be_emptied_under_the_reader(postgres: PostgresServer) -> None:
    """TRUNCATE does not care for snapshots: without a lock, a reader would find nothing."""
    dsn = postgres.create("content_locked", PAIR, TWO_ROWS)
    with snapshot(dsn) as name:
        async with at_moment(server_of(dsn), name) as (connection,):
            await content(connection)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                run(dsn, "SET lock_timeout = '100ms'", "TRUNCATE pair")


async def test_partitions_and_inheritance_count_once(postgres: PostgresServer) -> None:
    """A partitioned table is one table, the same wherever its rows are; an heir is a table of its own."""
    rows = "SELECT i, 'row ' || i FROM generate_series(1, 100) i"
    tables = (
        "CREATE TABLE flat (i int, word text)",
        "CREATE TABLE split (i int, word text) PARTITION BY RANGE (i)",
        "CREATE TABLE split_low PARTITION OF split FOR VALUES FROM (0) TO (50)",
        "CREATE TABLE split_rest (gone int, word text, i int)",
        "ALTER TABLE split_rest DROP gone",
        "ALTER TABLE split ATTACH PARTITION split_rest DEFAULT",
        "CREATE TABLE heir () INHERITS (flat)",
        "CREATE TABLE hollow (i int) PARTITION BY RANGE (i)",
    )
    fill = (f"INSERT INTO flat {rows}", f"INSERT INTO split {rows}", "INSERT INTO heir VALUES (1, 'heir')")
    found = await of(postgres.create("content_parts", *tables, *fill))
    assert set(found) == {"public.flat", "public.split", "public.heir", "public.hollow"}
    assert found["public.split"] == found["public.flat"]
    assert found["public.flat"].rows == 100
    assert (found["public.heir"].rows, found["public.hollow"].rows) == (1, 0)


async def test_what_a_dump_leaves_out_is_left_out(postgres: PostgresServer) -> None:
    """Tables of an extension are its own, unless it says that their rows are the user's."""
    dsn = postgres.create(
        "content_left",
        "CREATE TABLE made (i int, twice int GENERATED ALWAYS AS (i * 2) STORED)",
        "CREATE TABLE bare (i int)",
        "INSERT INTO made VALUES (1)",
        "INSERT INTO bare VALUES (1)",
        "CREATE MATERIALIZED VIEW seen AS SELECT * FROM made",
        "CREATE TABLE theirs (i int)",
        "CREATE TABLE ours_in_theirs (i int)",
        "ALTER EXTENSION plpgsql ADD TABLE theirs",
        "ALTER EXTENSION plpgsql ADD TABLE ours_in_theirs",
        "UPDATE pg_extension SET extconfig = ARRAY['ours_in_theirs'::regclass::oid], extcondition = '{\"\"}'",
    )
    found = await of(dsn)
    assert set(found) == {"public.made", "public.bare", "public.ours_in_theirs"}
    assert found["public.made"] == found["public.bare"]


async def test_names_and_tables_of_every_shape(postgres: PostgresServer) -> None:
    dsn = postgres.create(
        "content_names",
        'CREATE SCHEMA "Odd.One"',
        'CREATE TABLE "Odd.One"."a ""b"" %s {} \'c" ("x.y" int, "Größe %" text)',
        'INSERT INTO "Odd.One"."a ""b"" %s {} \'c" VALUES (1, \'a\')',
        "CREATE TABLE nothing ()",
        "INSERT INTO nothing DEFAULT VALUES",
    )
    found = await of(dsn)
    assert found['Odd.One.a "b" %s {} \'c'].rows == 1
    assert found["public.nothing"].rows == 1


async def test_rows_that_a_policy_hides_are_an_error(postgres: PostgresServer) -> None:
    dsn = postgres.create(
        "content_policy",
        PAIR,
        TWO_ROWS,
        "ALTER TABLE pair ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON pair USING (id = 1)",
        "DROP ROLE IF EXISTS content_reader",
        f"CREATE ROLE content_reader LOGIN PASSWORD '{READER}'",
        "GRANT SELECT ON pair TO content_reader",
    )
    theirs = psycopg.conninfo.make_conninfo(dsn, user="content_reader", password=READER)
    with pytest.raises(ServerError, match="row-level security"):
        await of(theirs)
    postgres.drop("content_policy")
    run(postgres.dsn(), "DROP ROLE content_reader")
