"""What is wrong inside a database is found, and said: heaps, indexes, invariants, content."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.core.data import Invariant
from console.targets.postgres.integrity import IntegrityError, amcheck, violated
from console.targets.postgres.proving import faults
from tests.integration.postgres.dumps import SEEDED, Heard, server_of, tables_of
from tests.servers import PostgresServer

PAGE = 8192


@pytest.fixture(params=[15, 18], ids=["PostgreSQL 15", "PostgreSQL 18"])
def scratch(request: pytest.FixtureRequest, roomy: Path) -> Iterator[PostgresServer]:
    """A cluster to be broken, without checksums, so that the damage is pg_amcheck's to find."""
    server = PostgresServer(request.param, roomy)
    if server.major == 18:  # that version makes them unasked
        server.run("pg_checksums", "--disable", "-D", str(server.data))
    yield server.start()
    server.stop()


def relation(postgres: PostgresServer, database: str, name: str) -> Path:
    """The file of a table or index, with everything written to it."""
    with psycopg.connect(postgres.dsn(database), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_relation_filepath(%s)", (name,)).fetchone()
    assert row is not None
    return postgres.data / str(row[0])


def overwrite(postgres: PostgresServer, path: Path, offset: int, content: bytes) -> None:
    """Change a file of a cluster as a bad disk does, while nobody has it in memory."""
    postgres.stop()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)
    postgres.start()


async def test_a_sound_database_has_no_fault(postgres: PostgresServer, tmp_path: Path) -> None:
    """And is left as it was: what the checker needed is gone."""
    postgres.create("integrity_sound", *SEEDED)
    server = server_of(postgres, "integrity_sound", tmp_path)
    wanted = await tables_of(server)
    heard = Heard()
    none = {"no_debt": Invariant(title="no debt", sql="SELECT id FROM transactions WHERE amount < 0;")}
    assert await faults(server, "integrity_sound", wanted, none, jobs=2, progress=heard) is None
    assert await server.value("SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'") == 0
    assert (7003, 7003, "rows") in heard.counted


async def test_an_amcheck_of_the_databases_own_stays(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("integrity_own", *SEEDED, "CREATE EXTENSION amcheck")
    server = server_of(postgres, "integrity_own", tmp_path)
    assert await amcheck(server, "integrity_own", jobs=1, limit_s=60) is None
    assert await server.value("SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'") == 1


async def test_a_broken_heap_page_is_found(scratch: PostgresServer, tmp_path: Path) -> None:
    """A line pointer to a row that would end outside its page."""
    scratch.create("broken", *SEEDED)
    path = relation(scratch, "broken", "transactions")
    overwrite(scratch, path, 3 * PAGE + 24, (8000 | 1 << 15 | 500 << 17).to_bytes(4, "little"))
    server, lines = server_of(scratch, "broken", tmp_path), list[str]()
    found = await amcheck(server, "broken", jobs=2, limit_s=60, on_line=lines.append)
    assert found is not None
    assert found.startswith("is corrupt: pg_amcheck found ")
    assert 'the first in heap table "broken.public.transactions", block 3' in found
    assert lines


async def test_an_index_that_lacks_a_row_is_found(scratch: PostgresServer, tmp_path: Path) -> None:
    """Reading by the index would never show the row; only a look from the heap does."""
    scratch.create("broken", *SEEDED)
    path = relation(scratch, "broken", "transactions")
    raw = path.read_bytes()
    # The value of a row changed on disk behind the index's back: 4999 becomes another number.
    place = raw.rindex((4999).to_bytes(8, "little"))
    overwrite(scratch, path, place, (987_654_321).to_bytes(8, "little"))
    found = await amcheck(server_of(scratch, "broken", tmp_path), "broken", jobs=2, limit_s=60)
    assert found is not None
    assert 'btree index "broken.public.transactions_pkey"' in found
    assert "lacks matching index tuple" in found


async def test_a_damaged_heap_is_a_fault_of_the_restored_database(
    scratch: PostgresServer, tmp_path: Path
) -> None:
    """Also where the content can still be read."""
    scratch.create("broken", *SEEDED)
    server = server_of(scratch, "broken", tmp_path)
    path = relation(scratch, "broken", "by_owner")
    overwrite(scratch, path, 2 * PAGE + 24, b"\x00" * 64)
    found = await faults(server, "broken", await tables_of(server), {}, jobs=2, progress=Heard())
    assert found is not None
    assert found.startswith("is corrupt: pg_amcheck found ")


async def test_a_violated_invariant_says_which_and_shows_the_first_row(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.create(
        "integrity_live", *SEEDED, "INSERT INTO transactions VALUES (-1, NULL, -2), (-2, NULL, -3)"
    )
    server = server_of(postgres, "integrity_live", tmp_path)
    asked = {
        "all_there": Invariant(title="nobody is missing", sql="SELECT 1 WHERE false"),
        "no_debt": Invariant(
            title="no debt",
            sql="SELECT id, owner, amount FROM transactions WHERE amount < 0 ORDER BY id DESC",
        ),
    }
    assert await violated(server, "integrity_live", asked, limit_s=30) == (
        "violates `no_debt` (no debt): -1, null, -2.00"
    )


async def test_a_long_row_is_cut(postgres_18: PostgresServer, tmp_path: Path) -> None:
    postgres_18.create("integrity_long")
    server = server_of(postgres_18, "integrity_long", tmp_path)
    asked = {"short": Invariant(title="short", sql="SELECT repeat('x', 1000)")}
    said = await violated(server, "integrity_long", asked, limit_s=30)
    assert said == f"violates `short` (short): {'x' * 196} ..."


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("SELECT pg_sleep(30)", "canceling statement due to statement timeout"),
        ("SELECT nothing FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT 1; DELETE FROM kept", "cannot insert multiple commands"),
        ("SELECT delete_all()", "cannot execute DELETE in a read-only transaction"),
    ],
    ids=["endless", "wrong", "two at once", "writing"],
)
async def test_an_invariant_that_cannot_be_asked_proves_nothing(
    postgres_18: PostgresServer, tmp_path: Path, asked: str, reason: str
) -> None:
    """Neither holding nor violated, and never a change."""
    deleting = "CREATE FUNCTION delete_all() RETURNS int LANGUAGE sql AS 'DELETE FROM kept; SELECT 1'"
    postgres_18.create("integrity_live", "CREATE TABLE kept (i int)", "INSERT INTO kept VALUES (1)", deleting)
    server = server_of(postgres_18, "integrity_live", tmp_path)
    with pytest.raises(IntegrityError, match=f"the invariant `such` cannot be asked: .*{reason}"):
        await violated(server, "integrity_live", {"such": Invariant(title="such", sql=asked)}, limit_s=1)
    assert await server.value("SELECT count(*) FROM kept") == 1


async def test_invariants_are_asked_with_the_search_path_of_the_live_database(
    postgres_18: PostgresServer, tmp_path: Path
) -> None:
    """A database's settings are not in a dump, and people write invariants as the service writes queries."""
    app = ("CREATE SCHEMA app", "CREATE TABLE app.users (id int)", "INSERT INTO app.users VALUES (7)")
    postgres_18.create("integrity_live", *app, "ALTER DATABASE integrity_live SET search_path = app, public")
    postgres_18.create("integrity_copy", *app)
    server = server_of(postgres_18, "integrity_live", tmp_path)
    asked = {"none": Invariant(title="none", sql="SELECT id FROM users")}
    assert await violated(server, "integrity_copy", asked, limit_s=5) == "violates `none` (none): 7"
