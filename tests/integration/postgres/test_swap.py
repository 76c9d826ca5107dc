"""The swap by itself: what it keeps, what it refuses, and how the live database stands when it is cut off."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from console.core.errors import StatedError
from console.core.loss import Counters
from console.targets.postgres import swap as swapping
from console.targets.postgres.server import Server
from console.targets.postgres.swap import Places, Standing, SwapError, Swapped, look, swap
from tests.integration.postgres.dumps import server_of
from tests.servers import PostgresServer, wait_until

LIVE, HEIR, FORMER = "swapped_live", "swapped_heir", "swapped_former"
PLACES = Places(LIVE, HEIR, FORMER)
BACK = Places(LIVE, FORMER, HEIR)
ROLES = ("swap_owner", "swap_service", "swap_reader")
TABLES = (
    "CREATE TABLE which (name text)",
    "CREATE TABLE writes (id bigserial PRIMARY KEY, words text)",
    "CREATE SEQUENCE down INCREMENT -2 MAXVALUE 100 START 100",
    "CREATE SEQUENCE never",
    'CREATE SEQUENCE "Odd, name" CACHE 20',
)
ESTATE = """
    SELECT pg_get_userbyid(datdba), datconnlimit, shobj_description(d.oid, 'pg_database'),
           ARRAY(SELECT item::text FROM unnest(datacl) AS item ORDER BY 1),
           ARRAY(SELECT coalesce(setrole::regrole::text, '') || line
                 FROM pg_db_role_setting, unnest(setconfig) line
                 WHERE setdatabase = d.oid ORDER BY 1)
    FROM pg_database d WHERE datname = %s
"""


def run(postgres: PostgresServer, statement: str, *values: object, database: str = "postgres") -> list[Any]:
    """The rows of a statement."""
    with psycopg.connect(postgres.dsn(database), autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def which(postgres: PostgresServer, database: str = LIVE) -> str:
    """Which of the two it was."""
    ((name,),) = run(postgres, "SELECT name FROM which", database=database)
    return str(name)


def nothing_said(_words: str) -> None:
    """Whoever does not listen."""


def agreed(_now: Counters) -> None:
    """A judge that forbids nothing."""


class Two:
    """A live database, and one beside it."""

    def __init__(self, postgres: PostgresServer, folder: Path) -> None:
        self.postgres = postgres
        for name in (LIVE, HEIR, FORMER):
            postgres.drop(name)
        postgres.create(LIVE, *TABLES, "INSERT INTO which VALUES ('old')")
        postgres.create(HEIR, *TABLES, "INSERT INTO which VALUES ('new')")
        self.server: Server = server_of(postgres, LIVE, folder).named("swap test")

    async def swap(self, places: Places = PLACES) -> Swapped:
        """Change places."""
        return await swap(self.server, places, agreed, nothing_said)

    async def refused(self, error: type[Exception] = SwapError, **changes: Any) -> str:
        """Why they do not change places; the live one must be as it was, and take connections."""
        with pytest.raises(error) as failed:
            await swap(self.server, PLACES, **{"judge": agreed, "say": nothing_said, **changes})
        assert which(self.postgres) == "old"
        return str(failed.value)


@pytest.fixture
def two(postgres: PostgresServer, tmp_path: Path) -> Iterator[Two]:
    yield Two(postgres, tmp_path)
    for name in (LIVE, HEIR, FORMER):
        postgres.drop(name)


@pytest.fixture
def roles(postgres: PostgresServer, two: Two) -> Iterator[None]:
    """Roles that own the live database and may do things with it; they outlive no test."""
    for role in ROLES:
        run(postgres, f"CREATE ROLE {role} LOGIN PASSWORD 'pass'")
    yield
    for name in (LIVE, HEIR, FORMER):
        postgres.drop(name)
    for role in ROLES:
        run(postgres, f"DROP ROLE {role}")


# -- what is kept -------------------------------------------------------------------------------------


async def test_they_change_places_in_under_a_second_with_everybody_connected(two: Two) -> None:
    busy = [psycopg.connect(two.postgres.dsn(LIVE)) for _ in range(30)]
    for connection in busy:
        connection.execute(b"INSERT INTO writes (words) VALUES ('not committed')")
    swapped = await two.swap()
    assert swapped.refused_s < 1
    assert swapped.ended == 30
    assert (which(two.postgres), which(two.postgres, FORMER)) == ("new", "old")
    assert await look(two.server, PLACES) == Standing(live=True, heir=None, former=True)
    for connection in busy:
        connection.close()


async def test_owner_grants_settings_limit_and_comment_stay_with_the_name(two: Two, roles: None) -> None:
    postgres = two.postgres
    for statement in (
        f"ALTER DATABASE {LIVE} OWNER TO swap_owner",
        f"REVOKE ALL ON DATABASE {LIVE} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {LIVE} TO swap_service WITH GRANT OPTION",
        f"GRANT TEMPORARY, CONNECT ON DATABASE {LIVE} TO swap_reader",
        f"ALTER DATABASE {LIVE} SET search_path TO app, \"we,ird\", '', public",
        f"ALTER DATABASE {LIVE} SET statement_timeout = '50ms'",
        f"ALTER DATABASE {LIVE} SET default_transaction_read_only = on",
        f"ALTER DATABASE {LIVE} SET my.words TO 'a=b, \"c\"'",
        f"ALTER ROLE swap_service IN DATABASE {LIVE} SET work_mem = '7MB'",
        f"ALTER ROLE swap_service IN DATABASE {LIVE} SET search_path = ''",
        f"ALTER DATABASE {LIVE} CONNECTION LIMIT 33",
        f"COMMENT ON DATABASE {LIVE} IS 'it''s live'",
        # What the one beside it has of its own must not stay.
        f"GRANT CREATE ON DATABASE {HEIR} TO swap_reader",
        f"ALTER DATABASE {HEIR} SET work_mem = '9MB'",
        f"ALTER ROLE swap_reader IN DATABASE {HEIR} SET work_mem = '11MB'",
        f"COMMENT ON DATABASE {HEIR} IS 'warroom {HEIR} candidate'",
    ):
        run(postgres, statement)
    (wanted,) = run(postgres, ESTATE, LIVE)
    await two.swap()
    assert run(postgres, ESTATE, LIVE) == [wanted]
    assert wanted[:3] == ("swap_owner", 33, "it's live")
    service = postgres.dsn(LIVE).replace(f"//keeper:{postgres.password}@", "//swap_service:pass@")
    with psycopg.connect(service, autocommit=True) as connection:
        assert connection.execute(b"SHOW work_mem").fetchone() == ("7MB",)
    await two.swap(BACK)
    assert run(postgres, ESTATE, LIVE) == [wanted]


async def test_the_old_one_takes_connections_of_superusers_alone(two: Two, roles: None) -> None:
    said: list[str] = []
    await swap(two.server, PLACES, agreed, said.append)
    dsn = two.postgres.dsn(FORMER)
    psycopg.connect(dsn).close()
    service = dsn.replace(f"//keeper:{two.postgres.password}@", "//swap_service:pass@")
    with pytest.raises(psycopg.OperationalError, match="too many connections for database"):
        psycopg.connect(service)
    assert f"{FORMER} will take connections of superusers alone: keeper" in said


async def test_no_id_is_given_twice(two: Two) -> None:
    """Not after what users took in between, not where a session had ids in store, and not backwards."""
    postgres = two.postgres
    run(postgres, "SELECT nextval('writes_id_seq') FROM generate_series(1, 500)", database=LIVE)
    run(postgres, "SELECT nextval('down') FROM generate_series(1, 10)", database=LIVE)
    run(postgres, """SELECT nextval('"Odd, name"')""", database=LIVE)
    run(postgres, "SELECT nextval('never') FROM generate_series(1, 7)", database=HEIR)
    taken: list[int] = []

    def judge(_now: Counters) -> None:
        """Is asked before and after; users take one more in between."""
        if not taken:
            ((last,),) = run(postgres, "SELECT nextval('writes_id_seq')", database=LIVE)
            taken.append(last)

    await swap(two.server, PLACES, judge, nothing_said)
    sequences = ("writes_id_seq", "down", '"Odd, name"', "never")
    given = [run(postgres, "SELECT nextval(%s)", name, database=LIVE)[0][0] for name in sequences]
    assert taken == [501]
    assert given == [502, 80, 21, 8]


async def test_a_way_back_is_the_same_swap(two: Two) -> None:
    await two.swap()
    run(two.postgres, "INSERT INTO writes (words) VALUES ('since')", database=LIVE)
    await two.swap(BACK)
    assert (which(two.postgres), which(two.postgres, HEIR)) == ("old", "new")
    assert run(two.postgres, "SELECT words FROM writes", database=HEIR) == [("since",)]
    ((limit,),) = run(two.postgres, "SELECT datconnlimit FROM pg_database WHERE datname = %s", LIVE)
    assert limit == -1


async def test_every_write_that_was_told_of_is_in_one_of_the_two(two: Two) -> None:
    """Writers hold their connections, lose them, and come again as fast as they can."""
    stop, told = threading.Event(), [0] * 4

    def write(number: int) -> None:
        while not stop.is_set():
            try:
                with psycopg.connect(two.postgres.dsn(LIVE), autocommit=True) as connection:
                    while not stop.is_set():
                        words = f"{number} {told[number]}"
                        connection.execute(b"INSERT INTO writes (words) VALUES (%s)", (words,))
                        told[number] += 1
            except psycopg.OperationalError:
                continue

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    try:
        await asyncio.to_thread(wait_until, lambda: min(told) > 20, "nobody writes")
        swapped = await two.swap()
        before = list(told)
        await asyncio.to_thread(
            wait_until, lambda: all(now > then + 20 for now, then in zip(told, before, strict=True)), "stuck"
        )
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    kept = [
        row[0]
        for name in (LIVE, FORMER)
        for row in run(two.postgres, "SELECT words FROM writes", database=name)
    ]
    wanted = {f"{number} {turn}" for number, turns in enumerate(told) for turn in range(turns)}
    assert wanted <= set(kept)
    assert swapped.refused_s < 1
    ids = [
        row[0] for name in (LIVE, FORMER) for row in run(two.postgres, "SELECT id FROM writes", database=name)
    ]
    assert len(ids) == len(set(ids))


# -- what is refused while users still work -----------------------------------------------------------


async def test_a_candidate_that_is_not_there_or_whose_mark_is_not_that_of_one_is_refused(two: Two) -> None:
    marked = Places(LIVE, HEIR, FORMER, "candidate testnet proven ")
    run(two.postgres, f"COMMENT ON DATABASE {HEIR} IS 'warroom {HEIR} candidate testnet building'")
    with pytest.raises(SwapError, match="is not marked as `candidate testnet proven`: build it again"):
        await two.swap(marked)
    two.postgres.drop(HEIR)
    assert await two.refused() == f"there is no database {HEIR} to take the place of {LIVE}"


async def test_a_name_that_is_taken_is_refused(two: Two) -> None:
    run(two.postgres, f"CREATE DATABASE {FORMER}")
    assert f"there is a database {FORMER} already" in await two.refused()


async def test_another_locale_is_refused(two: Two) -> None:
    two.postgres.drop(HEIR)
    run(
        two.postgres,
        f"CREATE DATABASE {HEIR} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"
        + (" LOCALE_PROVIDER libc" if two.postgres.major >= 17 else ""),
    )
    assert f"{HEIR} cannot take the place of {LIVE}: its encoding is LATIN1" in await two.refused()


async def test_whoever_is_no_superuser_is_told_so(two: Two, roles: None) -> None:
    dsn = two.postgres.dsn(LIVE).replace(f"//keeper:{two.postgres.password}@", "//swap_owner:pass@")
    two.server = Server(lambda: dsn, two.server.shell)
    assert "name one in `data.admin`" in await two.refused()


async def test_a_sequence_that_cannot_go_so_far_is_found_before_anybody_notices(two: Two) -> None:
    refused: list[bool] = []
    run(two.postgres, "SELECT setval('never', 500)", database=LIVE)
    run(two.postgres, "ALTER SEQUENCE never MAXVALUE 100", database=HEIR)
    before = asyncio.create_task(_watched(two, refused))
    assert "out of bounds" in await two.refused(StatedError)
    before.cancel()
    assert not any(refused)


async def _watched(two: Two, refused: list[bool]) -> None:
    """Whether connections are refused, as often as can be seen."""
    while True:
        refused.append((await look(two.server, PLACES)).live is False)


async def test_a_prepared_transaction_is_refused_because_nobody_can_end_it(roomy: Path) -> None:
    postgres = PostgresServer(18, roomy, {"max_prepared_transactions": "5"}).start()
    try:
        folder = roomy / "ours"
        folder.mkdir()
        two = Two(postgres, folder)
        with psycopg.connect(postgres.dsn(LIVE)) as connection:
            connection.execute(b"INSERT INTO which VALUES ('prepared')")
            connection.execute(b"PREPARE TRANSACTION 'stuck'")
        assert f"a prepared transaction holds a database ({LIVE}: stuck)" in await two.refused()
    finally:
        postgres.stop()


# -- what fails while connections are refused ---------------------------------------------------------


async def test_what_was_written_behind_the_judges_back_is_judged_once_nobody_can_write(two: Two) -> None:
    """By counters that everybody has handed in: the sessions have ended."""
    seen: list[int] = []

    def judge(now: Counters) -> None:
        seen.append(now.tables["public.writes"].keys)
        if len(seen) == 1:
            run(two.postgres, "INSERT INTO writes (words) VALUES ('late'), ('later')", database=LIVE)
        elif seen[1] > seen[0]:
            raise SwapError("beyond what was signed")

    with psycopg.connect(two.postgres.dsn(LIVE), autocommit=True) as idle:
        idle.execute(b"INSERT INTO writes (words) VALUES ('counted late, because its session goes on')")
        assert await two.refused(judge=judge) == "beyond what was signed"
    assert seen == [seen[0], seen[0] + 2 + (seen[0] == 0)]
    assert await look(two.server, PLACES) == Standing(live=True, heir=True, former=None)


async def test_a_session_that_does_not_end_is_not_waited_for(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swapping, "ENDED_WITHIN_S", 0.3)
    with psycopg.connect(two.postgres.dsn(LIVE)) as stuck:
        pid = stuck.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        try:
            words = await two.refused()
        finally:
            os.kill(pid, signal.SIGCONT)
    assert f"did not end within 0.3 s, that of process {pid} among them: nothing was changed" in words


async def test_a_step_that_is_called_off_lets_users_in_again(two: Two) -> None:
    asked: list[Counters] = []

    def judge(now: Counters) -> None:
        asked.append(now)
        if len(asked) == 2:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()

    swapped = asyncio.create_task(swap(two.server, PLACES, judge, nothing_said))
    with pytest.raises(asyncio.CancelledError):
        await swapped
    assert which(two.postgres) == "old"
    assert await look(two.server, PLACES) == Standing(live=True, heir=True, former=None)


Wait = Callable[..., Awaitable[Any]]


async def test_whichever_exchange_with_the_server_fails_users_are_let_in(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks at the first, the second, ... until one swap goes through."""
    waits: Wait = psycopg.AsyncConnection.wait
    failed, turn = 0, 0
    while True:
        turn, count = turn + 1, 0

        async def wait(self: Any, *args: Any, **words: Any) -> Any:
            nonlocal count
            count += 1
            if count == turn:  # noqa: B023 - called within this turn alone
                raise psycopg.OperationalError("the line is dead")
            return await waits(self, *args, **words)

        monkeypatch.setattr(psycopg.AsyncConnection, "wait", wait)
        try:
            await two.swap()
        except StatedError as error:
            assert "the line is dead" in str(error)  # noqa: PT017 - some turns do not fail
            failed += 1
        finally:
            monkeypatch.setattr(psycopg.AsyncConnection, "wait", waits)
        standing = await look(two.server, PLACES)
        assert standing.is_open or standing.is_swapped, f"exchange {turn}: {standing}"
        assert which(two.postgres) == ("new" if standing.is_swapped else "old")
        if standing.is_swapped:
            await two.swap(BACK)
        if count < turn:
            break
    assert failed > 30, "every statement is an exchange"


def killed_at(two: Two, turn: int) -> bool:
    """Swap in a process that is killed before its so-manieth exchange with the server; whether it was."""
    child = os.fork()
    if child == 0:
        waits: Wait = psycopg.AsyncConnection.wait
        count = 0

        async def wait(self: Any, *args: Any, **words: Any) -> Any:
            nonlocal count
            count += 1
            if count == turn:
                os.kill(os.getpid(), signal.SIGKILL)
            return await waits(self, *args, **words)

        psycopg.AsyncConnection.wait = wait  # type: ignore[method-assign]
        try:
            asyncio.run(two.swap())
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_wherever_it_is_killed_users_are_in_or_the_next_swap_sees_what_was_left(two: Two) -> None:
    """Before every single exchange with the server; what is left is one of three states, and goes on."""
    seen: dict[str, int] = {"as it was": 0, "refused": 0, "swapped": 0}
    turn = 0
    while killed_at(two, turn := turn + 1):
        asyncio.run(two.server.end_ours("postgres"))
        standing = asyncio.run(look(two.server, PLACES))
        if standing.is_open:
            seen["as it was"] += 1
            assert which(two.postgres) == "old"
        elif standing.is_swapped:
            seen["swapped"] += 1
        else:
            seen["refused"] += 1
            assert standing == Standing(live=False, heir=False, former=None)
        if not standing.is_swapped:
            asyncio.run(two.swap())
        assert (which(two.postgres), which(two.postgres, FORMER)) == ("new", "old")
        asyncio.run(two.swap(BACK))
    assert min(seen["as it was"], seen["refused"]) > 5, seen


async def test_when_nobody_can_be_let_in_the_error_says_what_to_run(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself is out of reach from the moment on."""
    waits: Wait = psycopg.AsyncConnection.wait
    dead = False

    async def wait(self: Any, *args: Any, **words: Any) -> Any:
        if dead:
            raise psycopg.OperationalError("the line is dead")
        return await waits(self, *args, **words)

    asked: list[Counters] = []

    def judge(now: Counters) -> None:
        nonlocal dead
        asked.append(now)
        dead = len(asked) == 2

    monkeypatch.setattr(psycopg.AsyncConnection, "wait", wait)
    with pytest.raises(SwapError, match=f'ALTER DATABASE "{LIVE}" ALLOW_CONNECTIONS true'):
        await swap(two.server, PLACES, judge, nothing_said)
    dead = False
    run(
        two.postgres,
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(LIVE)).as_string(),
    )
    assert which(two.postgres) == "old"
