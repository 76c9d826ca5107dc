"""A dump with its counts: of one moment, with roles and grants, and whatever goes wrong is said in a line."""

import asyncio
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from console.core.data import Backups
from console.core.errors import StatedError
from console.targets.postgres import dump as module
from console.targets.postgres.content import SETTINGS
from console.targets.postgres.dump import DUMP, ROLES, Dumped, DumpError, dump
from console.targets.postgres.server import Server, ServerError
from console.targets.process import Programs, marked
from console.targets.sealing import SealError, Sealing, Unsealed
from console.targets.shell import HostShell
from tests.disks import small_disk
from tests.integration.postgres.dumps import BULK, SEEDED, Heard, relay, server_of, tables_of
from tests.seals import SEALS
from tests.servers import PostgresServer

TOKEN = f"INC-7QK2-{secrets.token_hex(4)}-backup-1"
"""The name of an attempt, ours alone: programs that carry it are looked for on the whole machine."""
CRAWL = "1B"
"""A rate at which nothing ends."""


async def dumped(
    server: Server, folder: Path, sealing: Sealing | None = None, progress: Heard | None = None, **how: object
) -> Dumped:
    """Dump into a new folder."""
    folder.mkdir(exist_ok=True)
    backups = Backups.model_validate({"folder": "x", **how})
    return await dump(server.named(TOKEN), folder, backups, sealing or Unsealed(), progress or Heard())


def restored(postgres: PostgresServer, path: Path, name: str) -> str:
    """A new database with what is in the dump."""
    dsn = postgres.create(name)
    restore = [str(postgres.programs / "pg_restore"), "--exit-on-error", "-d", dsn, str(path)]
    subprocess.run(restore, check=True)
    return dsn


@contextmanager
def writers(dsn: str, *, emptying: bool) -> Iterator[None]:
    """Somebody who inserts, updates, deletes (and empties tables), as fast as it goes."""
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET lock_timeout = '5ms'")
            while not over.is_set():
                for statement in (*WRITES, *([EMPTYING] if emptying else [])):
                    try:
                        connection.execute(statement)
                    except psycopg.errors.LockNotAvailable:  # the dump holds it; so it is left as it is
                        continue

    writing = [threading.Thread(target=write) for _ in range(2)]
    for thread in writing:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in writing:
            thread.join()


WRITES = (
    "INSERT INTO ledger.notes SELECT 3, md5(random()::text) FROM generate_series(1, 50)",
    "UPDATE users SET name = md5(random()::text) WHERE random() < 0.01",
    "UPDATE bulk SET words = 'other' WHERE id = (random() * 30000)::int",
    "DELETE FROM transactions WHERE id = (random() * 5000)::int",
)
EMPTYING = "TRUNCATE ledger.notes"
"""Not beside a dump by several jobs: PostgreSQL's own pg_dump ends when somebody waits for such a lock."""


@pytest.mark.parametrize("form", ["custom", "directory"])
async def test_counts_and_hashes_are_of_the_very_rows_that_are_dumped(
    postgres: PostgresServer, tmp_path: Path, form: str
) -> None:
    dsn = postgres.create(f"moment_{form}", *SEEDED, *BULK)
    server = server_of(postgres, f"moment_{form}", tmp_path)
    with writers(dsn, emptying=form == "custom"):
        made = await dumped(server, tmp_path / "to", format=form)
    assert made.facts.tables["public.bulk"].rows == 30_000
    restored(postgres, tmp_path / "to" / DUMP[made.facts.format], "moment_copy")
    assert await tables_of(server_of(postgres, "moment_copy", tmp_path)) == made.facts.tables
    assert await tables_of(server) != made.facts.tables


async def test_the_dump_says_what_it_is_of_and_when(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("dump_facts", *SEEDED)
    server = server_of(postgres, "dump_facts", tmp_path)
    before = (await server.facts()).now
    made = await dumped(server, tmp_path / "to")
    facts = await server.facts()
    assert before < made.ends < facts.now
    assert (made.facts.name, made.facts.format) == ("dump_facts", "custom")
    assert made.facts.system_identifier == facts.system_identifier
    assert made.facts.version.startswith(f"{postgres.major}.")


async def test_roles_and_grants_come_back_in_another_cluster(
    postgres_15: PostgresServer, postgres_18: PostgresServer, tmp_path: Path
) -> None:
    """And no password is in the file."""
    roles = (
        "CREATE ROLE dump_readers NOLOGIN",
        "CREATE ROLE dump_reader LOGIN PASSWORD 'very secret' IN ROLE dump_readers",
        "ALTER ROLE dump_reader SET statement_timeout = '3s'",
        "GRANT SELECT ON users TO dump_readers",
    )
    postgres_15.create("dump_roles", *SEEDED, *roles)
    try:
        await dumped(server_of(postgres_15, "dump_roles", tmp_path), tmp_path / "to")
        text = (tmp_path / "to" / ROLES).read_text()
        assert "PASSWORD" not in text
        psql = [str(postgres_18.programs / "psql"), "-q", "-f", str(tmp_path / "to" / ROLES)]
        subprocess.run([*psql, postgres_18.dsn()], check=True, capture_output=True)
        dsn = restored(postgres_18, tmp_path / "to" / DUMP["custom"], "dump_roles")
        with psycopg.connect(dsn) as connection:
            found = connection.execute(
                "SELECT has_table_privilege('dump_reader', 'users', 'SELECT'),"
                " has_table_privilege('dump_reader', 'users', 'UPDATE'), rolconfig[1], rolpassword"
                " FROM pg_authid LEFT JOIN pg_db_role_setting ON setrole = pg_authid.oid,"
                " LATERAL (SELECT setconfig AS rolconfig) settings WHERE rolname = 'dump_reader'"
            ).fetchone()
        assert found == (True, False, "statement_timeout=3s", None)
    finally:
        for server in (postgres_15, postgres_18):
            server.drop("dump_roles")
            with psycopg.connect(server.dsn()) as connection:
                connection.execute("DROP ROLE IF EXISTS dump_reader, dump_readers")


@pytest.mark.parametrize("program", ["age", "gpg"])
async def test_an_encrypted_dump_is_nowhere_in_the_clear_and_restores(
    postgres_18: PostgresServer, roomy: Path, program: str
) -> None:
    postgres_18.create("dump_sealed", *SEEDED, "CREATE TABLE plainly_visible ()")
    server, folder = server_of(postgres_18, "dump_sealed", roomy), roomy / "to"
    with SEALS[program](roomy) as seal:
        made = await dumped(server, folder, seal)
        assert sorted(path.name for path in folder.iterdir()) == [
            f"{DUMP['custom']}.{program}",
            f"{ROLES}.{program}",
        ]
        assert not any(b"plainly_visible" in path.read_bytes() for path in folder.iterdir())
        opened = folder / "opened"
        pieces = [piece async for piece in seal.open(folder / f"{DUMP['custom']}.{program}", limit_s=20)]
        opened.write_bytes(b"".join(pieces))
    restored(postgres_18, opened, "dump_opened")
    assert await tables_of(server_of(postgres_18, "dump_opened", roomy)) == made.facts.tables


async def test_a_directory_cannot_be_encrypted(postgres_18: PostgresServer, tmp_path: Path) -> None:
    with SEALS["age"](tmp_path) as seal, pytest.raises(DumpError, match="neither encrypted nor streamed"):
        await dumped(server_of(postgres_18, "postgres", tmp_path), tmp_path / "to", seal, format="directory")


async def test_progress_counts_towards_the_whole(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create("dump_progress", *BULK)
    heard = Heard()
    await dumped(server_of(postgres, "dump_progress", tmp_path), tmp_path / "to", progress=heard, rate="40MB")
    done = [done or 0 for done, _, _ in heard.counted]
    total = heard.counted[-1][1] or 0
    assert done == sorted(done)
    assert 20 < total < 40
    assert total * 0.5 < done[-1] <= total
    assert heard.words[-1] == "dumping table public.bulk; 30,000 of about 30,000 rows hashed"


async def test_the_rate_is_kept(postgres_18: PostgresServer, tmp_path: Path) -> None:
    """Rows are read twice, by the dump and to be hashed: 40 MB at 8 MB/s take five seconds, less a look."""
    postgres_18.create("dump_rate", *BULK)
    server = server_of(postgres_18, "dump_rate", tmp_path)
    with SEALS["age"](tmp_path) as seal:
        for name, sealing in (("file", Unsealed()), ("stream", seal)):
            began = time.monotonic()
            await dumped(server, tmp_path / name, sealing, rate="8MB")
            assert time.monotonic() - began > 3.5, name


# -- while it is under way --------------------------------------------------------------------------


@asynccontextmanager
async def crawling(
    server: Server, folder: Path, sealing: Sealing | None = None, progress: Heard | None = None
) -> AsyncIterator[asyncio.Task[Dumped]]:
    """A dump that has begun and does not come to an end by itself."""
    task = asyncio.create_task(dumped(server, folder, sealing, progress, rate=CRAWL))
    try:
        await until(lambda: task.done() or bool(marked("PGAPPNAME", TOKEN)))
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Return when it holds; fails after twenty seconds."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.05)


def backends(postgres: PostgresServer) -> int:
    """How many are called after the dump."""
    with psycopg.connect(postgres.dsn()) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (TOKEN,)
        ).fetchone()
    return int(row[0]) if row else 0


async def test_no_password_is_in_any_argument(postgres_18: PostgresServer, tmp_path: Path) -> None:
    postgres_18.create("dump_argv", *BULK)
    with SEALS["age"](tmp_path) as seal:
        async with crawling(server_of(postgres_18, "dump_argv", tmp_path), tmp_path / "to", seal):
            lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert any(b"pg_dump" in line for line in lines)
    assert not any(postgres_18.password.encode() in line for line in lines)


async def test_a_dump_that_is_given_up_leaves_no_program_and_no_backend(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.create("dump_given_up", *BULK)
    server = server_of(postgres, "dump_given_up", tmp_path)
    async with crawling(server, tmp_path / "to") as task:
        assert backends(postgres) > 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await until(lambda: not marked("PGAPPNAME", TOKEN))  # a killed grandchild is the system's to bury
    await until(lambda: backends(postgres) == 0)


ENDED = r"database dump_ended on .*(terminating connection|closed the connection)"


async def test_backends_that_are_ended_end_the_dump_with_the_reason(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """The server's own, where its last words get through before the line is closed."""
    postgres.create("dump_ended", *BULK)
    server = server_of(postgres, "dump_ended", tmp_path)
    async with crawling(server, tmp_path / "to") as task:
        await until(
            lambda: backends(postgres) > 2
        )  # before pg_dump is there, its snapshot alone would be gone
        await server.named(TOKEN).end_ours()
        with pytest.raises(ServerError, match=ENDED) as caught:
            await task
    assert_stated(caught.value, postgres)


async def test_a_server_that_is_killed_ends_the_dump(roomy: Path) -> None:
    postgres = PostgresServer(18, roomy).start()
    try:
        postgres.create("dump_killed", *BULK)
        async with crawling(server_of(postgres, "dump_killed", roomy), roomy / "to") as task:
            os.kill(postgres.pid, signal.SIGKILL)
            with pytest.raises(ServerError, match="database dump_killed on ") as caught:
                await asyncio.wait_for(task, 20)
        assert_stated(caught.value, postgres)
    finally:
        postgres.stop()


async def test_a_line_that_has_gone_dead_ends_the_dump(
    postgres_18: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its other end still takes every byte, so that no timer of the network ever fires."""
    monkeypatch.setattr(module, "_SILENT_S", 1.0)
    dsn = postgres_18.create("dump_black_hole", *BULK)
    async with relay(postgres_18.port) as (port, cut):
        through = make_conninfo(dsn, port=port)
        programs = Programs({"PATH": os.environ["PATH"]}, tag=tmp_path)
        server = Server(lambda: through, HostShell(programs))
        async with crawling(server, tmp_path / "to") as task:
            cut.set()
            began = time.monotonic()
            with pytest.raises(ServerError, match=rf"database dump_black_hole on 127\.0\.0\.1:{port}"):
                await task
            assert time.monotonic() - began < 25


@pytest.mark.parametrize("form", ["custom", "directory", "sealed"])
async def test_a_full_disk_ends_the_dump_with_that_reason(
    postgres_18: PostgresServer, tmp_path: Path, form: str
) -> None:
    postgres_18.create("dump_full", *BULK)
    server = server_of(postgres_18, "dump_full", tmp_path)
    with SEALS["age"](tmp_path) as seal, small_disk(tmp_path, "1m") as disk:
        sealing = seal if form == "sealed" else Unsealed()
        kind = "directory" if form == "directory" else "custom"
        with pytest.raises((DumpError, SealError), match="[Nn]o space left on device") as caught:
            await dumped(server, disk / "to", sealing, format=kind)
    assert_stated(caught.value, postgres_18)


async def test_a_key_that_nobody_has_ends_it_at_once(postgres_18: PostgresServer, tmp_path: Path) -> None:
    postgres_18.create("dump_no_key", *BULK)
    with SEALS["age"](tmp_path) as seal:
        seal._recipient = seal._recipient.model_copy(update={"key": "age1nobody"})
        with pytest.raises(SealError, match="age1nobody"):
            await dumped(server_of(postgres_18, "dump_no_key", tmp_path), tmp_path / "to", seal)


async def test_a_table_that_somebody_keeps_locked_is_named(
    postgres_18: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of waiting behind a migration until the time is over."""
    monkeypatch.setitem(SETTINGS, "lock_timeout", "200ms")
    dsn = postgres_18.create("dump_locked", *SEEDED)
    with psycopg.connect(dsn) as migration:
        migration.execute("LOCK TABLE users")
        with pytest.raises(ServerError, match="lock timeout"):
            await dumped(server_of(postgres_18, "dump_locked", tmp_path), tmp_path / "to")


def assert_stated(error: StatedError, postgres: PostgresServer) -> None:
    """One line, without the password."""
    assert "\n" not in str(error)
    assert postgres.password not in str(error)
