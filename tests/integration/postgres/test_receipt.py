"""The receipt, exact to the row against real servers: what goes, what goes back, files to load it from."""

import csv
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from console.core import loss
from console.core.loss import Baseline, Ceiling, TableLoss
from console.targets.postgres import receipt
from console.targets.postgres.counters import counters
from console.targets.postgres.rowfile import RowsError
from console.targets.postgres.server import Server
from tests.integration.postgres.dumps import server_of
from tests.servers import PostgresServer

LIVE, COPY, EMPTY = "receipt_live", "receipt_copy", "receipt_empty"
SCHEMA = (
    "CREATE TABLE users (id bigint PRIMARY KEY, name text, seen timestamptz)",
    (
        "CREATE TABLE transactions (id bigserial PRIMARY KEY, owner bigint REFERENCES users, hash text,"
        " size int GENERATED ALWAYS AS (length(hash)) STORED)"
    ),
    "CREATE TABLE log (line text)",
    "CREATE TABLE pairs (one text, other int, words text, PRIMARY KEY (one, other))",
    "CREATE TABLE parted (id int PRIMARY KEY, words text) PARTITION BY RANGE (id)",
    "CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (1000)",
    "CREATE TABLE contacts (id int PRIMARY KEY)",
    'CREATE SCHEMA "Odd, schema"',
    'CREATE TABLE "Odd, schema"."a ""table""/x" ("the id" int PRIMARY KEY, "a,b" text)',
)
ROWS = (
    "INSERT INTO users SELECT n, 'user-' || n, '2026-01-01 10:00+00' FROM generate_series(1, 300) n",
    "INSERT INTO transactions (owner, hash) SELECT n, '0x' || n FROM generate_series(1, 300) n",
    "INSERT INTO log VALUES ('a'), ('a'), ('b'), (NULL)",
    "INSERT INTO pairs VALUES (E'tab\\there', 1, 'x'), (E'line\\nbreak', 2, NULL), ('back\\slash', 3, '')",
    "INSERT INTO parted SELECT n, 'p' FROM generate_series(1, 50) n",
    "INSERT INTO contacts VALUES (1), (2)",
    """INSERT INTO "Odd, schema"."a ""table""/x" VALUES (1, 'x')""",
)
SINCE = (
    "INSERT INTO users VALUES (1000, E'n\\tew\\r\\n\"', NULL), (1001, '', now()), (1002, NULL, 'infinity')",
    "INSERT INTO transactions (owner, hash) VALUES (1000, '0xnew'), (1001, NULL), (5, '0xother')",
    "UPDATE users SET name = 'changed' WHERE id IN (5, 6)",
    "UPDATE transactions SET hash = '0xagain' WHERE id = 9",
    "DELETE FROM transactions WHERE id = 7",
    "INSERT INTO log VALUES ('a'), ('c'), (NULL), (NULL), ('\\.')",
    "DELETE FROM log WHERE line = 'b'",
    "UPDATE pairs SET words = 'new' WHERE other = 2",
    "INSERT INTO pairs VALUES ('\\N', 4, 'a,\"b'), (E'\\r', 5, E'\\\\.')",
    "INSERT INTO parted VALUES (70, 'x')",
    "CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (1000) TO (2000)",
    "INSERT INTO parted VALUES (1500, 'y')",
    "DROP TABLE contacts",
    "CREATE TABLE fresh (id int)",
    "INSERT INTO fresh VALUES (1), (1)",
    """INSERT INTO "Odd, schema"."a ""table""/x" VALUES (2, NULL)""",
)
WANTED = {
    # gone, go back, come back
    'Odd, schema.a "table"/x': (1, 0, 0),
    "public.contacts": (0, 0, 2),
    "public.fresh": (2, 0, 0),
    "public.log": (5, 0, 1),
    "public.pairs": (2, 1, 0),
    "public.parted": (2, 0, 0),
    "public.transactions": (3, 1, 1),
    "public.users": (3, 2, 0),
}


class Pair:
    """A live database, and a copy of what it was at the recovery point, whose rows are written down."""

    def __init__(self, postgres: PostgresServer, folder: Path, *statements: str) -> None:
        self.postgres = postgres
        self.folder = folder / "loss"
        self.folder.mkdir()
        self.rows = folder / "candidate.rows"
        self.server: Server = server_of(postgres, LIVE, folder)
        self._stand(statements)

    def _stand(self, statements: tuple[str, ...]) -> None:
        """Both are there; the copy, which nobody changes, is made once."""
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as admin:
            there = admin.execute(b"SELECT FROM pg_database WHERE datname = %s", (COPY,)).fetchone()
        if there is None:
            self.postgres.create(COPY, *statements)
        self.postgres.drop(LIVE)
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {LIVE} TEMPLATE {COPY}".encode())

    def run(self, *statements: str) -> None:
        """Statements in the live database."""
        with psycopg.connect(self.postgres.dsn(LIVE)) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    async def recorded(self) -> "Pair":
        """The copy's rows are written down."""
        await receipt.record(self.server, self.rows, COPY)
        return self

    async def export(self) -> receipt.Found:
        """What a return would take, with files."""
        return await receipt.export(self.server, self.rows, self.folder, {"transactions": "hash"})

    async def losses(self) -> dict[str, TableLoss]:
        """By table."""
        found = await receipt.count(self.server, self.rows, WANTED)
        return {table.table: table for table in found.tables}


Make = Callable[[], Pair]


@pytest.fixture
def make(postgres: PostgresServer, tmp_path: Path) -> Make:
    return lambda: Pair(postgres, tmp_path, *SCHEMA, *ROWS)


def numbers(tables: tuple[TableLoss, ...]) -> dict[str, tuple[int, int, int]]:
    return {table.table: (table.gone, table.go_back, table.come_back) for table in tables}


async def test_every_row_is_counted_by_what_becomes_of_it(make: Make) -> None:
    """Keys with tabs, line breaks and nulls, several columns, none at all; partitions, odd names."""
    pair = await make().recorded()
    same = await pair.losses()
    assert all(not (table.gone or table.go_back or table.come_back) for table in same.values())
    pair.run(*SINCE)
    found = await pair.export()
    assert numbers(found.tables) == WANTED
    notes = {table.table: table.note for table in found.tables if table.note}
    assert "dropped since" in notes["public.contacts"]
    assert "goes whole" in notes["public.fresh"]
    live = {table.table: table.live for table in found.tables}
    assert (live["public.users"], live["public.log"], live["public.contacts"]) == (303, 8, 0)


async def test_what_went_can_be_loaded_again_into_the_state_that_was_gone_back_to(make: Make) -> None:
    """By psql and the script beside the files; then nothing is gone any more, to the row."""
    pair = await make().recorded()
    pair.run(*SINCE)
    await pair.export()
    pair.postgres.create(
        EMPTY, *SCHEMA, *ROWS, "CREATE TABLE fresh (id int)", "INSERT INTO parted VALUES (80, 'z')"
    )
    with psycopg.connect(pair.postgres.dsn(EMPTY)) as connection:
        connection.execute(b"CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (1000) TO (2000)")
    psql = [str(pair.postgres.programs / "psql"), "-X", "-q", pair.postgres.dsn(EMPTY), "-f", "load.sql"]
    done = subprocess.run(psql, cwd=pair.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = pair.rows.with_name("again.rows")
    await receipt.record(pair.server, again, EMPTY)
    found = await receipt.count(pair.server, again, WANTED)
    left = {table.table: table.gone for table in found.tables if table.gone}
    assert left == {}, "every row that live had is in what was loaded"


async def test_files_are_only_ours_and_nothing_else_is_left_in_the_folder(make: Make) -> None:
    pair = await make().recorded()
    pair.run(*SINCE)
    await pair.export()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in pair.folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert not [name for name in modes if name.endswith(".partial")]
    assert stat.S_IMODE(pair.rows.stat().st_mode) == 0o600
    with psycopg.connect(pair.postgres.dsn(LIVE)) as connection:
        left = connection.execute(b"SELECT relname FROM pg_class WHERE relname LIKE 'warroom%'").fetchall()
    assert left == []


async def test_ids_on_the_chain_are_apart_and_say_why_they_are_listed(make: Make) -> None:
    pair = await make().recorded()
    pair.run(*SINCE)
    found = await pair.export()
    listed = list(csv.reader((pair.folder / "chain-ids.csv").read_text().splitlines()))
    assert listed[0] == ["table", "why", "id"]
    assert sorted(listed[1:]) == [
        ["public.transactions", "go back", "0xagain"],
        ["public.transactions", "gone", "0xnew"],
        ["public.transactions", "gone", "0xother"],
    ]
    assert found.chain_ids == 3


async def test_the_live_version_of_what_goes_back_is_kept_to_be_looked_at(make: Make) -> None:
    pair = await make().recorded()
    pair.run(*SINCE)
    await pair.export()
    (path,) = pair.folder.glob("*public.users.go-back.csv")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert {(row["id"], row["name"]) for row in rows} == {("5", "changed"), ("6", "changed")}


async def test_a_table_with_another_key_counts_with_every_row(make: Make) -> None:
    pair = await make().recorded()
    pair.run("ALTER TABLE parted DROP CONSTRAINT parted_pkey")
    told = (await pair.losses())["public.parted"]
    assert (told.gone, told.come_back, told.live, told.candidate) == (50, 50, 50, 50)
    assert told.note == "its key was id and is none: every row counts"


async def test_a_column_that_came_or_went_means_that_every_row_goes_back(make: Make) -> None:
    pair = await make().recorded()
    pair.run("ALTER TABLE users DROP COLUMN seen")
    told = (await pair.losses())["public.users"]
    assert (told.gone, told.go_back, told.come_back) == (0, 300, 0)
    assert told.note == "its columns were id and name and seen and are id and name"


async def test_a_database_that_is_read_only_by_default_is_compared_all_the_same(make: Make) -> None:
    """As whoever wants to stop the damage sets it."""
    pair = await make().recorded()
    pair.run(*SINCE)
    with psycopg.connect(pair.postgres.dsn(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {LIVE} SET default_transaction_read_only = on".encode())
        admin.execute(f"ALTER DATABASE {LIVE} SET statement_timeout = '50ms'".encode())
    assert numbers((await pair.export()).tables) == WANTED


async def test_a_folder_that_cannot_be_written_is_one_line(make: Make) -> None:
    pair = await make().recorded()
    pair.run(*SINCE)
    pair.folder.rmdir()
    pair.folder.write_text("a file")
    with pytest.raises(RowsError, match=r"cannot write .*loss: "):
        await pair.export()


# -- counters -----------------------------------------------------------------------------------------


class Judged:
    """The live database against what a receipt counted."""

    def __init__(self, pair: Pair, base: Baseline) -> None:
        self._pair = pair
        self.base = base

    async def bound(self) -> loss.Bound:
        """What counters say now; everybody else's have been handed in, because their sessions have ended."""
        with psycopg.connect(self._pair.postgres.dsn()) as admin:
            others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            while admin.execute(others.encode(), (LIVE,)).fetchone() != (0,):
                admin.rollback()
        async with self._pair.server.connect(autocommit=True) as connection:
            return loss.bound(self.base, await counters(connection))

    async def total(self) -> int:
        """The bound; -1 where there is none."""
        told = await self.bound()
        return -1 if told.unsure else sum(told.gone.values())


async def judged(make: Make) -> tuple[Pair, Judged]:
    pair = await make().recorded()
    pair.run("INSERT INTO users VALUES (1000), (1001)")
    return pair, Judged(pair, (await pair.export()).baseline)


async def test_the_bound_is_the_receipt_while_nobody_writes(make: Make) -> None:
    pair, judge = await judged(make)
    assert await judge.total() == 2
    pair.run("DELETE FROM pairs WHERE other = 1", "SELECT count(*) FROM users")
    assert await judge.total() == 2


@pytest.mark.parametrize(
    ("statement", "at_least"),
    [
        ("INSERT INTO users VALUES (2000), (2001), (2002)", 5),
        ("UPDATE pairs SET other = other + 100", 5),
        ("UPDATE log SET line = 'z' WHERE line = 'a'", 4),
        ("INSERT INTO parted VALUES (500, 'x')", 3),
        ("INSERT INTO parted VALUES (5, 'x') ON CONFLICT (id) DO UPDATE SET id = 777", 3),
    ],
)
async def test_the_bound_counts_every_way_in_which_a_new_row_can_come(
    make: Make, statement: str, at_least: int
) -> None:
    """Also keys that are changed, which come without an insert."""
    pair, judge = await judged(make)
    pair.run(statement)
    assert await judge.total() >= at_least
    exact = sum(table.gone for table in (await pair.losses()).values())
    assert exact == at_least


async def test_updates_that_change_no_key_cost_nothing_of_the_ceiling(make: Make) -> None:
    """As long as the server can keep them in place, as it mostly does."""
    pair, judge = await judged(make)
    pair.run("UPDATE users SET name = 'x' WHERE id = 1001")
    assert await judge.total() == 2


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_stat_reset()",
        "SELECT pg_stat_reset_single_table_counters('users'::regclass)",
        "TRUNCATE users CASCADE",
        "VACUUM FULL users",
        "ALTER TABLE users ALTER COLUMN id TYPE int",
        "ALTER TABLE transactions RENAME TO was; CREATE TABLE transactions (LIKE was)",
        "CREATE TABLE new AS SELECT 1",
    ],
)
async def test_after_that_counters_say_nothing_any_more(make: Make, statement: str) -> None:
    """What they say must never be less than what is."""
    pair, judge = await judged(make)
    with psycopg.connect(pair.postgres.dsn(LIVE), autocommit=True) as connection:
        connection.execute(statement.encode())
        connection.execute(b"INSERT INTO log SELECT 'n' FROM generate_series(1, 1000)")
    told = await judge.bound()
    assert told.unsure
    assert loss.beyond(told, Ceiling(1_000_000))


async def test_a_server_that_crashed_has_forgotten_what_it_counted(
    postgres: PostgresServer, roomy: Path
) -> None:
    """It begins anew, and the numbers could look as if they went on."""
    server = PostgresServer(postgres.major, roomy).start()
    try:
        folder = roomy / "ours"
        folder.mkdir()
        pair = await Pair(server, folder, *SCHEMA, *ROWS).recorded()
        judge = Judged(pair, (await pair.export()).baseline)
        assert await judge.total() == 0
        server.stop(3)
        server.start()
        pair.run("INSERT INTO users SELECT generate_series(10000, 20000)")
        assert await judge.total() == -1
    finally:
        server.stop()
