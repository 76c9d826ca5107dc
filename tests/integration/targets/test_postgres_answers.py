"""Whether a database answers, asked of a real PostgreSQL; and of one that does not any more."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from console.core import stats as core_stats
from console.drill.children import Children, environment
from console.drill.place import Place
from console.drill.postgres import start_postgres
from console.targets.postgres.answers import answers
from console.targets.process import Programs
from console.targets.source import CannotAskError, SourceError
from console.targets.watch.postgres import QUESTIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Database(Struct, frozen=True):
    """A server of our own."""

    dsn: str
    pid: int

    def dsn_with(self, **changes: str | int) -> str:
        return make_conninfo(self.dsn, **changes)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """A PostgreSQL for all tests of this module."""
    place = Place(tmp_path_factory.mktemp("postgres") / "drill")
    place.claim()
    place.secrets.mkdir()
    place.logs.mkdir()
    children = Children(place, lambda _words: None)
    at = await start_postgres(place, Programs(environment(place), tag=place.root / "keeper"), children)
    yield Database(at.dsn, int((Path(at.data) / "postmaster.pid").read_text().split()[0]))
    await children.stop("postgres")
    place.clear_outside()


async def trouble(dsn: str, limit_s: float = 2.0) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await answers(dsn, limit_s)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_a_database_that_answers(database: Database) -> None:
    """Says nothing: there is nothing to say."""
    await answers(database.dsn, 2.0)


async def test_questions_bring_numbers_each_by_itself(database: Database) -> None:
    """One that is wrong, or too slow, takes nothing from the others; and the database is there."""
    asked = {
        "one": "SELECT 1",
        "half": "SELECT 0.5::numeric",
        "none": "SELECT NULL::int",
        "two": "SELECT 1, 2",
        "rows": "SELECT generate_series(1, 2)",
        "word": "SELECT 'many'",
        "flag": "SELECT true",
        "nan": "SELECT 'NaN'::float",
        "wrong": "SELECT no_such_column",
        "after": "SELECT 2",
    }
    answered = await answers(database.dsn, 4.0, asked)
    assert answered.numbers == {"one": 1.0, "half": 0.5, "after": 2.0}
    assert answered.troubles.keys() == asked.keys() - answered.numbers.keys()
    assert answered.troubles["none"] == "what it brings is no number"
    (wrong,) = (await answers(database.dsn, 4.0, {"wrong": asked["wrong"]})).trouble.splitlines()
    assert wrong.startswith('`wrong`: column "no_such_column" does not exist')


async def test_a_question_that_takes_too_long_is_not_the_databases_end(database: Database) -> None:
    answered = await answers(database.dsn, 1.0, {"slow": "SELECT 1 FROM pg_sleep(30)", "late": "SELECT 1"})
    assert answered.trouble == "`slow`: no answer within 0.5 s"
    assert answered.numbers in ({}, {"late": 1.0})


async def test_a_question_changes_nothing(database: Database) -> None:
    """It is asked of production."""
    answered = await answers(database.dsn, 2.0, {"odd": "CREATE TABLE odd (id int)"})
    assert answered.trouble == "`odd`: cannot execute CREATE TABLE in a read-only transaction"


async def test_what_a_database_knows_of_itself(database: Database) -> None:
    """Every number that a strategy may name is a question that a real server answers."""
    answered = await answers(database.dsn, 2.0, QUESTIONS)
    assert answered.trouble == ""
    assert set(answered.numbers) == set(QUESTIONS) == set(core_stats.STATS["postgres"])
    assert answered.numbers["replication_lag"] == 0
    assert 0 < answered.numbers["connections"] < 100


async def test_it_names_itself_to_the_database_and_stays_no_longer(database: Database) -> None:
    """A DBA who looks sees who asks; no connection is left behind."""
    seen = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'warroom'"
    async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as connection:
        async with relay(database, stall=lambda message: message.startswith(b"X")) as dsn:
            asking = asyncio.create_task(answers(make_conninfo(dsn, application_name="somebody"), 2.0))
            await until(lambda: counted(connection, seen), 1)
            await asking
        await until(lambda: counted(connection, seen), 0)


async def counted(connection: psycopg.AsyncConnection, query: str) -> int:
    row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


async def until(ask: Callable[[], Awaitable[int]], wanted: int) -> None:
    """Ask a server that tells nobody when something changes."""
    async with asyncio.timeout(5):
        while True:
            if await ask() == wanted:
                return
            await asyncio.sleep(0.01)


async def test_a_server_that_is_gone(database: Database) -> None:
    """The line says which database, and why."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        error = await trouble(database.dsn_with(port=port))
    assert str(error).startswith(f"database walletconnect on 127.0.0.1:{port}: ")
    assert "refused" in str(error)
    assert not isinstance(error, CannotAskError)


async def test_a_database_that_does_not_exist_is_unavailable(database: Database) -> None:
    """The server runs and the data is gone: that is the target's trouble, not ours."""
    error = await trouble(database.dsn_with(dbname="nowhere"))
    assert 'database "nowhere" does not exist' in str(error)
    assert not isinstance(error, CannotAskError)


@pytest.mark.parametrize("changes", [{"password": "rotated"}, {"password": ""}, {"user": "nobody"}])
async def test_our_own_credentials_say_nothing_about_the_database(
    database: Database, changes: dict[str, str]
) -> None:
    """A password that was rotated must not roll back a healthy service."""
    error = await trouble(database.dsn_with(**changes))
    assert isinstance(error, CannotAskError)


@pytest.mark.parametrize(
    "dsn", ["postgresql://bob:hunter2@[db/x", "hunter2", "host=db pass=hunter2", "dbname='"]
)
async def test_a_dsn_that_cannot_be_read_is_not_shown(dsn: str) -> None:
    """The driver would repeat it, and the password in it."""
    error = await trouble(dsn)
    assert isinstance(error, CannotAskError)
    assert str(error).startswith("the DSN cannot be read: write postgresql://")
    assert error.__cause__ is None
    assert error.__suppress_context__


async def test_no_message_holds_the_password(database: Database) -> None:
    """Not even where the server's own words do."""
    secret = str(conninfo_to_dict(database.dsn)["password"])
    error = await trouble(database.dsn_with(dbname=f"db-{secret}"))
    assert secret not in str(error)


async def test_a_stopped_server_is_given_up_in_time(database: Database) -> None:
    """It accepts connections, because its kernel does, and never says a word."""
    os.kill(database.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        error = await trouble(database.dsn, 0.4)
        assert time.monotonic() - began < 1
    finally:
        os.kill(database.pid, signal.SIGCONT)
    assert "no answer within 0.4 s" in str(error)
    await answers(database.dsn, 2.0)


@asynccontextmanager
async def relay(database: Database, stall: Callable[[bytes], bool]) -> AsyncIterator[str]:
    """A DSN whose connections run through a relay, which forwards nothing after a message that stalls it."""
    params = conninfo_to_dict(database.dsn)
    lines: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(
            str(params["host"]), int(str(params["port"]))
        )
        lines.extend((writer, server_writer))
        back = asyncio.create_task(forward(server_reader, writer, lambda _message: False))
        await forward(reader, server_writer, stall)
        await back

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield database.dsn_with(port=listening.sockets[0].getsockname()[1])
        for line in lines:
            line.close()


async def forward(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stall: Callable[[bytes], bool]
) -> None:
    while message := await reader.read(65536):
        if stall(message):
            return
        writer.write(message)
        await writer.drain()


async def test_a_server_that_hangs_in_the_middle_of_a_query_is_given_up_in_time(database: Database) -> None:
    """Asking it to cancel the query would take as long as it hangs."""
    async with relay(database, stall=lambda message: message.startswith(b"Q")) as dsn:
        began = time.monotonic()
        error = await trouble(dsn, 0.4)
        assert time.monotonic() - began < 1
    assert "no answer within 0.4 s" in str(error)


@pytest.mark.parametrize("stalls_at", [b"Q", b"p"], ids=["in a query", "while connecting"])
async def test_a_cancelled_question_ends_at_once(database: Database, stalls_at: bytes) -> None:
    """An engine that is told to stop does not wait for a database that hangs."""
    async with relay(database, stall=lambda message: message.startswith(stalls_at)) as dsn:
        asking = asyncio.create_task(answers(dsn, 30))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert time.monotonic() - began < 0.5
