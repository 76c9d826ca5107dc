"""A schema is read out of the catalog: all that a program can notice, nothing that is the server's own."""

from pathlib import Path

import psycopg
import pytest

from console.core.schema import Column, Rule, digest
from console.core.schema_compare import compare
from console.targets.postgres.schema import read
from console.targets.postgres.server import ServerError
from tests.integration.postgres.dumps import server_of
from tests.servers import PostgresServer

DDL = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN address AS text CHECK (VALUE ~ '^0x')",
    "CREATE TYPE pair AS (a int, b text)",
    (
        "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " address address NOT NULL UNIQUE, mood mood DEFAULT 'ok', n serial,"
        " low text GENERATED ALWAYS AS (lower(address::text)) STORED)"
    ),
    (
        "CREATE TABLE sent (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users"
        ' ON DELETE CASCADE, value numeric(78, 0) CHECK (value >= 0), data text COLLATE "C")'
    ),
    "CREATE UNIQUE INDEX ON sent (lower(data)) WHERE value > 3",
    "CREATE INDEX ON sent (value)",
    "CREATE TABLE days (a int, b date) PARTITION BY RANGE (b)",
    "CREATE TABLE days_2026 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "CREATE VIEW people AS SELECT id, address FROM users",
    "CREATE FUNCTION total(a int) RETURNS int LANGUAGE sql AS 'SELECT a'",
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TRIGGER kept BEFORE INSERT ON sent FOR EACH ROW EXECUTE FUNCTION keep()",
    "CREATE SEQUENCE tickets",
)


async def test_everything_that_a_program_can_notice_is_read(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("schema_one", *DDL)
    found = await read(server_of(postgres, "schema_one", tmp_path))
    assert sorted(found.tables) == ["public.days", "public.sent", "public.users"]
    users, sent = found.tables["public.users"], found.tables["public.sent"]
    assert users.columns["id"] == Column("bigint", nullable=False, made="identity always")
    assert users.columns["mood"] == Column("public.mood", default="'ok'::public.mood")
    assert users.columns["low"].made.startswith("stored from lower(")
    assert users.rules == {
        Rule("primary key", "(id)", ("id",)),
        Rule("unique", "(address)", ("address",)),
    }
    assert sent.columns["data"].type == 'text COLLATE "C"'
    assert sent.rules == {
        Rule("primary key", "(id)", ("id",)),
        Rule("unique", "(lower(data)) WHERE (value > (3)::numeric)"),
        Rule("check", "((value >= (0)::numeric))", ("value",)),
        Rule(
            "foreign key", "(user_id) REFERENCES public.users(id) ON DELETE CASCADE", ("user_id",), acts=True
        ),
    }
    assert list(sent.triggers) == ["kept"]
    assert found.enums == {"public.mood": ("sad", "ok")}
    assert found.types == {
        "public.address": "text CHECK ((VALUE ~ '^0x'::text))",
        "public.pair": "(a integer, b text)",
    }
    assert found.views["public.people"].columns == {"id": "bigint", "address": "public.address"}
    assert sorted(found.sequences) == ["public.tickets", "public.users_n_seq"], "identities have none"
    assert found.functions["public.total(integer)"] == "a function that returns integer"


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ("ALTER TABLE sent ADD COLUMN wallet text", "expanded", "sent.wallet added, may be null"),
        (
            "ALTER TABLE sent ADD COLUMN wallet text NOT NULL",
            "contracted",
            "sent.wallet added, must be given",
        ),
        ("ALTER TABLE sent ALTER value SET NOT NULL", "contracted", "sent.value must not be null any more"),
        ("ALTER TABLE sent RENAME value TO amount", "contracted", "sent.value dropped"),
        ("ALTER TABLE sent ADD UNIQUE (data)", "contracted", "sent: unique (data) added"),
        ("CREATE UNIQUE INDEX ON sent (data)", "contracted", "sent: unique (data) added"),
        (
            "ALTER TABLE sent ADD CHECK (value < 9) NOT VALID",
            "contracted",
            "sent: check ((value < (9)::numeric)",
        ),
        ("ALTER TYPE mood ADD VALUE 'glad' BEFORE 'ok'", "expanded", "enum mood has `glad` too"),
        ("ALTER TABLE sent ALTER value TYPE bigint", "contracted", "sent.value is bigint, was numeric(78,0)"),
        ("ALTER TABLE sent ENABLE ROW LEVEL SECURITY", "contracted", "sent is guarded by policies now"),
        ("DROP TABLE sent", "contracted", "table sent dropped"),
        ("CREATE TABLE more (id int)", "expanded", "table more added"),
        ("CREATE INDEX ON sent (data)", "same", ""),
        ("ALTER TABLE users RENAME CONSTRAINT users_pkey TO users_key", "same", ""),
        (
            "CREATE TABLE days_2027 PARTITION OF days FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
            "same",
            "",
        ),
        ("COMMENT ON TABLE sent IS 'sent'; ANALYZE", "same", ""),
    ],
)
async def test_what_becomes_of_a_migration(
    postgres: PostgresServer, tmp_path: Path, change: str, kind: str, words: str
) -> None:
    """In words that name the thing; what makes no difference to a program makes none here."""
    postgres.create("schema_old", *DDL)
    postgres.create("schema_new", *DDL)
    with psycopg.connect(postgres.dsn("schema_new"), autocommit=True) as connection:
        connection.execute(change.encode())
    server = server_of(postgres, "schema_old", tmp_path)
    old, new = await read(server), await read(server, "schema_new")
    found = compare(old, new)
    assert found.kind == kind
    assert any(words in one.words for one in found.differences) is bool(words)
    assert (digest(old) == digest(new)) is (kind == "same")


async def test_what_cannot_be_read_is_said_in_one_line(postgres: PostgresServer, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="database nowhere_at_all"):
        await read(server_of(postgres, "schema_old", tmp_path), "nowhere_at_all")
