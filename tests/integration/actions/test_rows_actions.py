"""Rows: written down at the switch, compared when healthy, in a real PostgreSQL."""

import re
import stat
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actions.action import ActionError
from console.drill.children import Children, environment
from console.drill.place import Place as DrillPlace
from console.drill.ports import free_port
from console.drill.postgres import start_postgres
from console.targets.postgres.rowfile import Compared, RowsError, in_order
from console.targets.postgres.rows import Rows
from console.targets.process import Programs
from tests.integration.actions.kit import Operator, Place, Said

pytestmark = pytest.mark.asyncio(loop_scope="module")

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)

# -- a real database ----------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dsn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A PostgreSQL for all tests of this module."""
    place = DrillPlace(tmp_path_factory.mktemp("postgres") / "drill")
    place.claim()
    place.secrets.mkdir()
    place.logs.mkdir()
    children = Children(place, lambda _words: None)
    at = await start_postgres(place, Programs(environment(place), tag=place.root / "keeper"), children)
    yield at.dsn
    await children.stop("postgres")
    place.clear_outside()


class Database:
    """Two tables, empty at the beginning of each test."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.rows = Rows(lambda: dsn, {"users": "name", "public.transactions": "id"})

    async def run(self, statement: str) -> None:
        """A statement."""
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            await connection.execute(statement)

    async def each(self, statement: str, names: Iterable[str | None]) -> None:
        """A statement, once for each of the names."""
        connection = await psycopg.AsyncConnection.connect(self.dsn)
        async with connection, connection.cursor() as cursor:
            await cursor.executemany(statement, [(name,) for name in names])

    async def add(self, *names: str | None) -> None:
        """Users of those names."""
        await self.each("INSERT INTO users VALUES (%s)", names)

    async def remove(self, names: Iterable[str | None]) -> None:
        """All users of those names."""
        await self.each("DELETE FROM users WHERE name IS NOT DISTINCT FROM %s", names)

    async def connections(self) -> int:
        """How many of ours are open."""
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'warroom rows'"
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            row = await (await connection.execute(count)).fetchone()
        return int(row[0]) if row else -1


@pytest_asyncio.fixture(loop_scope="module")
async def database(dsn: str) -> Database:
    database = Database(dsn)
    await database.run("DROP TABLE IF EXISTS users, transactions")
    await database.run("CREATE TABLE users (name text)")
    await database.run("CREATE TABLE transactions (id bigint PRIMARY KEY)")
    return database


NASTY = ["a\tb", "a\nb", "a\r\nb", "\r", "\\N", "\\", '"', "naïve", "\U0001f511", "\uffff", "", "None", None]


async def test_a_key_of_any_text_survives_the_file(database: Database, tmp_path: Path) -> None:
    """Tabs, line breaks and what looks like an escape; and a null, which is no text at all."""
    await database.add(*NASTY)
    path = tmp_path / "evidence" / "rows.txt"
    assert await database.rows.record(path) == {"users": len(NASTY), "public.transactions": 0}
    assert await database.rows.compare(path) == Compared(len(NASTY), len(NASTY), 0)
    for lost in NASTY:
        await database.remove([lost])
        assert (await database.rows.compare(path)).missing == 1, repr(lost)
        await database.add(lost)


@given(st.lists(_texts, max_size=12), st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_as_many_rows_are_missing_as_were_taken_away(
    database: Database, tmp_path: Path, names: list[str], data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(set(names))))) if names else set()
    path = tmp_path / "rows.txt"
    await database.run("TRUNCATE users")
    await database.add(*names)
    await database.rows.record(path)
    await database.remove(lost)
    await database.add("new to everybody")
    gone = sum(name in lost for name in names)
    told = await database.rows.compare(path)
    assert told == Compared(len(names), len(names) - gone + 1, gone, new=1)


async def test_numbers_are_compared_in_the_order_they_come_in(database: Database, tmp_path: Path) -> None:
    """As text, 10 comes before 9."""
    await database.run("INSERT INTO transactions SELECT generate_series(1, 1200)")
    path = tmp_path / "rows.txt"
    await database.rows.record(path)
    await database.run("DELETE FROM transactions WHERE id IN (9, 10, 999)")
    await database.run("INSERT INTO transactions VALUES (5000)")
    assert await database.rows.compare(path) == Compared(1200, 1198, 3, new=1)


async def test_the_file_is_its_owners_alone_and_nothing_is_left_beside_it(
    database: Database, tmp_path: Path
) -> None:
    await database.add("a")
    path = tmp_path / "evidence" / "rows.txt"
    await database.rows.record(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert await database.connections() == 0


async def test_a_reading_that_fails_leaves_no_file(database: Database, tmp_path: Path) -> None:
    """What was written down before stays: a file is there whole or not at all."""
    await database.add("a")
    path = tmp_path / "rows.txt"
    await database.rows.record(path)
    before = path.read_bytes()
    broken = Rows(lambda: database.dsn, {"users": "name", "zz_no_such_table": "id"})
    with pytest.raises(
        RowsError, match='cannot read the rows: .* relation "zz_no_such_table" does not exist'
    ):
        await broken.record(path)
    assert path.read_bytes() == before
    with pytest.raises(RowsError):
        await broken.record(tmp_path / "other.txt")
    assert not (tmp_path / "other.txt").exists()
    assert await database.connections() == 0


async def test_rows_that_come_while_we_read_are_not_half_seen(database: Database, tmp_path: Path) -> None:
    """Both tables are read in one snapshot."""
    await database.add("a")
    await database.run("INSERT INTO transactions VALUES (1)")
    seen = []
    async with database.rows._at_one_moment() as (connection, tables):
        for table in reversed(tables.values()):
            async for line in in_order(connection, table):
                seen.append((table.qualified, line.split(b"\t")[0]))
                await database.add("b")
    assert seen == [("public.transactions", b'["1"]'), ("public.users", b'["a"]')]


async def refusal(rows: Rows, path: Path, password: str) -> str:
    with pytest.raises(RowsError) as failed:
        await rows.record(path)
    assert "\n" not in str(failed.value)
    assert password not in str(failed.value)
    assert not path.exists()
    return str(failed.value)


async def test_a_database_that_is_down_is_one_line_without_the_password(dsn: str, tmp_path: Path) -> None:
    password = str(conninfo_to_dict(dsn)["password"])
    down = Rows(lambda: make_conninfo(dsn, port=free_port()), {"users": "name"})
    assert "refused" in await refusal(down, tmp_path / "rows.txt", password)
    wrong = Rows(lambda: make_conninfo(dsn, password="opensesame"), {"users": "name"})  # noqa: S106 - wrong
    assert "authentication failed" in await refusal(wrong, tmp_path / "rows.txt", "opensesame")
    unreadable = Rows(lambda: "postgres//u:opensesame@h", {"users": "name"})
    assert "the DSN cannot be read" in await refusal(unreadable, tmp_path / "rows.txt", "opensesame")


USERS = b'{"type":"table","schema":"public","name":"users","key":["name"],"columns":["name"],"whole":false}\n'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"users\ta\n",
        b"\xff\n",
        USERS,
        USERS + b'["a"]\t1\n',
        USERS + b'["a"]\n{"type":"end","rows":1}\n',
        USERS + b'["a"]\t1\n{"type":"end","rows":2}\n',
        USERS + b'["a"]\t1\n{"type":"end","rows":1}\n["b"]\t1\n',
    ],
)
async def test_a_file_that_is_not_as_it_was_written_proves_nothing(
    database: Database, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "rows.txt"
    path.write_bytes(content)
    with pytest.raises(RowsError, match="is not as it was written"):
        await database.rows.compare(path)
    assert await database.connections() == 0


async def test_a_file_of_other_tables_proves_nothing(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    await Rows(lambda: database.dsn, {"users": "name"}).record(path)
    with pytest.raises(RowsError, match="holds nothing of table public.transactions"):
        await database.rows.compare(path)
    await database.rows.record(path)
    with pytest.raises(RowsError, match=r"is of table public.transactions, which the strategy does not name"):
        await Rows(lambda: database.dsn, {"users": "name"}).compare(path)


async def test_a_row_with_another_content_is_no_row_that_is_gone(database: Database, tmp_path: Path) -> None:
    """It is told all the same."""
    await database.run("ALTER TABLE transactions ADD note text DEFAULT 'new'")
    await database.run("INSERT INTO transactions SELECT generate_series(1, 5)")
    path = tmp_path / "rows.txt"
    await database.rows.record(path)
    await database.run("UPDATE transactions SET note = NULL WHERE id = 3")
    assert await database.rows.compare(path) == Compared(5, 5, 0, changed=1)


async def test_a_file_that_is_gone_proves_nothing(database: Database, tmp_path: Path) -> None:
    with pytest.raises(RowsError, match=r"cannot read .*rows.txt: No such file"):
        await database.rows.compare(tmp_path / "rows.txt")


async def test_a_place_where_nothing_can_be_written_is_one_line(database: Database, tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file where the folder should be")
    with pytest.raises(RowsError, match=r"cannot write .*rows.txt: "):
        await database.rows.record(tmp_path / "evidence" / "rows.txt")


# -- the actions --------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def place(tmp_path: Path, operator: Operator, database: Database) -> Place:
    return await Place(tmp_path, operator, database.rows).ready()


async def test_the_rows_at_the_switch_are_counted_from_the_file_itself(
    place: Place, database: Database
) -> None:
    await database.add("a", "b\nc")
    action, said = place.action("count-rows"), Said()
    assert (await action.probe()).found == "not done"
    await action.perform(said)
    proof = await action.verify()
    assert (await action.probe()).found == "done"
    assert said.lines == ["users: 2 rows", "public.transactions: 0 rows"]
    assert (proof.words, proof.facts["rows"]) == ("2 rows at the switch", "2")
    assert re.fullmatch(r"[0-9a-f]{64}", proof.evidence[0].inputs)
    assert Path(proof.facts["path"]).parent == place.world.evidence


async def test_no_row_is_gone_when_users_went_on(place: Place, database: Database) -> None:
    await database.add("a", "b")
    await place.done("count-rows")
    await database.add("c")
    action = place.action("compare-rows")
    assert (await action.probe()).found == "not done"
    await action.perform(Said())
    proof = await action.verify()
    assert proof.words == "none of 2 rows gone, 3 now"
    assert proof.facts == {"before": "2", "after": "3", "missing": "0", "changed": "0"}
    assert proof.evidence[0].holds


async def test_rows_that_are_gone_fail_the_step_and_are_told(place: Place, database: Database) -> None:
    await database.add("a", "b", "c")
    await place.done("count-rows")
    await database.run("DELETE FROM users WHERE name <> 'b'")
    action = place.action("compare-rows")
    await action.perform(Said())
    with pytest.raises(ActionError, match="2 of 3 rows that were there at the switch are gone") as failed:
        await action.verify()
    assert failed.value.facts == {"before": "3", "after": "1", "missing": "2", "changed": "0"}


async def test_what_was_not_compared_is_not_proven(place: Place) -> None:
    with pytest.raises(ActionError, match="the rows were not compared to the end: retry"):
        await place.action("compare-rows").verify()


async def test_the_plan_names_every_table_and_says_that_it_only_reads(place: Place) -> None:
    for name in ("count-rows", "compare-rows"):
        assert place.effects(name) == (
            "COPY of column name of table users with a hash of each row, read only",
            "COPY of column id of table public.transactions with a hash of each row, read only",
        )
