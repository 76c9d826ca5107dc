"""A small copy of a database: its whole schema, some of its newest rows, and the rows that those refer to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from console.core.schema import digest
from console.targets.postgres import own
from console.targets.postgres import sample as made
from console.targets.postgres.sample import ROWS, Sampled, SampleError, sample
from console.targets.postgres.schema import read
from console.targets.postgres.server import Server
from tests.integration.postgres.dumps import Heard, server_of
from tests.servers import PostgresServer

MANY = 2000
"""Rows of a table, ten times as many as a sample begins with."""
TABLES = (
    "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE)",
    "INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 2000) AS n",
    (
        "CREATE TABLE sent (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, low text"
        " GENERATED ALWAYS AS ('x') STORED)"
    ),
    "INSERT INTO sent SELECT n, 1 + n % 7 FROM generate_series(1, 2000) AS n",
)


@asynccontextmanager
async def copied(server: Server) -> AsyncIterator[Sampled]:
    """A copy for as long as the block."""
    async with own.building(server, "sample_copy", "for a test") as live:
        yield await sample(server, None, "sample_copy", Heard())
        await own.drop(live, "sample_copy")


async def test_the_schema_is_whole_and_the_newest_rows_bring_what_they_refer_to(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """The users of the newest transactions are the oldest: they are there all the same."""
    postgres.create("sample_live", *TABLES)
    server = server_of(postgres, "sample_live", tmp_path)
    async with copied(server) as found:
        assert found == Sampled(tables=2, rows=2 * ROWS + 7)
        assert digest(await read(server, "sample_copy")) == digest(await read(server))
        ask = "SELECT array_agg(id ORDER BY id) FROM {}"
        newest = list(range(MANY - ROWS + 1, MANY + 1))
        assert await server.value(ask.format("sent"), database="sample_copy") == newest
        assert await server.value(ask.format("users"), database="sample_copy") == [*range(1, 8), *newest]


async def test_new_rows_get_ids_that_are_free(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("sample_live", *TABLES)
    server = server_of(postgres, "sample_live", tmp_path)
    async with copied(server):
        insert = "INSERT INTO users (name) VALUES ('new') RETURNING id"
        assert await server.value(insert, database="sample_copy") == MANY + 1
    assert await server.value("SELECT count(*) FROM users") == MANY, "the live one is only read"


async def test_keys_of_several_columns_partitions_and_rows_that_refer_to_each_other(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.create(
        "sample_live",
        "CREATE TABLE days (day date, no int, text text, PRIMARY KEY (day, no)) PARTITION BY RANGE (day)",
        "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
        "INSERT INTO days SELECT '2026-01-05', n, 'a' FROM generate_series(1, 2000) AS n",
        "INSERT INTO days VALUES ('2026-02-05', 1, E'a\\ttab')",
        "CREATE TABLE notes (id int PRIMARY KEY, day date, no int, FOREIGN KEY (day, no) REFERENCES days)",
        "INSERT INTO notes VALUES (1, '2026-01-05', 3), (2, '2026-02-05', 1), (3, NULL, 4)",
        'CREATE TABLE "Odd Name" ("a b" int PRIMARY KEY, "next" int REFERENCES "Odd Name" DEFERRABLE)',
        'INSERT INTO "Odd Name" SELECT n, 2001 - n FROM generate_series(1, 2000) AS n',
    )
    server = server_of(postgres, "sample_live", tmp_path)
    async with copied(server) as found:
        assert found.rows == (ROWS + 2) + 3 + 2 * ROWS
        assert await server.value("SELECT text FROM days_2", database="sample_copy") == "a\ttab"
        assert (
            await server.value("SELECT count(*) FROM notes JOIN days USING (day, no)", database="sample_copy")
            == 2
        )


async def test_a_chain_that_is_too_long_begins_with_fewer_rows(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row refers to the one before it, down to the first: then there are none, not broken ones."""
    monkeypatch.setattr(made, "MOST", ROWS)
    postgres.create(
        "sample_live",
        "CREATE TABLE chain (id int PRIMARY KEY, before int REFERENCES chain)",
        "INSERT INTO chain SELECT n, nullif(n - 1, 0) FROM generate_series(1, 250) AS n",
    )
    server = server_of(postgres, "sample_live", tmp_path)
    async with copied(server) as found:
        assert found == Sampled(tables=1, rows=0)


async def test_logins_to_other_servers_stay_behind(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create(
        "sample_live",
        "CREATE FOREIGN DATA WRAPPER away",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER away",
        "CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (password 'hush')",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere",
        "CREATE TABLE t (id int)",
    )
    server = server_of(postgres, "sample_live", tmp_path)
    count = "SELECT count(*) FROM pg_user_mappings"
    async with copied(server):
        assert await server.value(count, database="sample_copy") == 0
        assert await server.value(count) == 2


async def test_a_schema_that_cannot_be_made_is_said_with_the_servers_reason(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """And nothing of the copy stays."""
    postgres.create("sample_live", "CREATE TABLE t (id int)")
    server = server_of(postgres, "sample_live", tmp_path)

    async def into_one_that_is_not_empty() -> None:
        async with own.building(server, "sample_copy", "for a test"):
            with psycopg.connect(postgres.dsn("sample_copy")) as connection:
                connection.execute("CREATE TABLE t (id int)")
            await sample(server, None, "sample_copy", Heard())

    with pytest.raises(SampleError, match=r"cannot be made in sample_copy: .*already exists"):
        await into_one_that_is_not_empty()
    assert await own.standing(server, "sample_copy") is None
