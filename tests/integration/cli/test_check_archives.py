"""`warroom check` asks the archives that a strategy names: what can be restored, and what is wrong."""

import asyncio
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.core.checked import Sign
from console.core.exits import Exit
from tests.integration.cli.checking import Said, document, run
from tests.integration.postgres.archives import LIVE, Archived
from tests.integration.postgres.dumps import Heard
from tests.servers import LOOPBACK, PostgresServer, free_port

SMALL = Path("tests/unit/strategies/small.yaml")
DATA = '    data: {dsn: "env:DSN", tables: {users: id}, may_be_reset: true}\n'
UTC = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC"
NO_BASE = "there is no base backup to replay WAL from: make one with `warroom backup --base`"
NEEDED = "for continuous archiving, postgresql.conf needs:"


@pytest.fixture(scope="module", params=[15, 18], ids=["PostgreSQL 15", "PostgreSQL 18"])
def archived(request: pytest.FixtureRequest) -> Iterator[Archived]:
    """A server that archives, with a base backup and a commit after it."""
    folder = Path(tempfile.mkdtemp(prefix="warroom-test-"))
    made: Archived | None = None
    try:
        made = Archived(request.param, folder)
        asyncio.run(_based(made))
        yield made
    finally:
        if made is not None:
            made.postgres.stop()
        shutil.rmtree(folder)


async def _based(archived: Archived) -> None:
    await archived.archive.make_base("first", Heard())
    archived.commit(1)
    await archived.archive.reach_now(20)


def strategy(folder: Path, wal: Path, bases: Path, *, container: str = "") -> Path:
    """A strategy file without a mistake that names that archive."""
    inside = f"container: {container}, " if container else ""
    named = (
        f'    data: {{dsn: "env:DSN", {inside}tables: {{users: id}}, may_be_reset: true}}\n'
        "    backups: {folder: kept}\n"
        f"    archive: {{kind: files, wal: {wal}, bases: {bases}}}\n"
    )
    text = SMALL.read_text()
    assert text.count(DATA) == 1
    path = folder / "strategy.yaml"
    path.write_text(text.replace(DATA, named))
    return path


def check(path: Path, dsn: str | None, code: Exit = Exit.DONE) -> list[str]:
    """What `warroom check` says of the archive, a line each, what is well first."""
    done = run(path, "--json", environ={"DSN": dsn} if dsn else {})
    assert done.returncode == code, done.stderr + done.stdout
    found = [
        Said(**remark)
        for told in document(done)["environments"].values()
        for remark in told["remarks"]
        if remark["target"] == "archive"
    ]
    found.sort(key=lambda each: Sign(each.sign).height)
    return [line for each in found for line in (each.words, *each.to_do.splitlines())]


def test_of_an_archive_that_works_it_tells_the_window_and_its_age(archived: Archived, tmp_path: Path) -> None:
    lines = check(strategy(tmp_path, archived.wal, archived.bases), archived.postgres.dsn(LIVE))
    window, bases, works = lines
    assert re.fullmatch(
        rf"any moment from {UTC} to {UTC} can be restored: \d\d:\d\d long, its end \d\d:\d\d ago", window
    )
    assert re.fullmatch(r"1 base backup, the newest first of \d+\.\d MB, \d\d:\d\d old", bases)
    assert works == "continuous archiving is set up and works"


def test_looking_changes_nothing(archived: Archived, tmp_path: Path) -> None:
    """No transaction is given a number, which any that writes has; not even a file of WAL is ended.

    The position in WAL would not do: the server writes there every 15 seconds of its own accord.
    """
    newest = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
    before = archived.ask(newest), archived.segments()
    check(strategy(tmp_path, archived.wal, archived.bases), archived.postgres.dsn(LIVE))
    assert (archived.ask(newest), archived.segments()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["strategy.yaml"]


def test_without_a_base_backup_it_tells_how_to_make_one(archived: Archived, tmp_path: Path) -> None:
    lines = check(strategy(tmp_path, archived.wal, tmp_path / "none"), archived.postgres.dsn(LIVE))
    assert lines == [NO_BASE]


def test_an_archive_command_that_fails_is_told_with_what_to_set(archived: Archived, tmp_path: Path) -> None:
    """Beside what can be restored all the same."""
    archived.archive_by("false")
    try:
        archived.ask("SELECT pg_switch_wal()")
        lines = check(strategy(tmp_path, archived.wal, archived.bases), archived.postgres.dsn(LIVE))
    finally:
        archived.archive_again()
        asyncio.run(archived.archive.reach_now(60))
    assert lines[0].startswith("any moment from ")
    assert re.match(rf"archive_command fails: WAL file \w{{24}} could not be archived at {UTC}", lines[2])
    assert lines[3] == NEEDED
    assert any(line.startswith("    archive_command = 'if test -f ") for line in lines)


def test_where_archiving_is_off_it_tells_what_to_put_into_postgresql_conf(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    wal = tmp_path / "wal"
    lines = check(strategy(tmp_path, wal, tmp_path / "bases"), postgres.dsn())
    assert lines[:2] == [
        "archive_mode is off, so no WAL is kept: set it to on, and restart the server",
        NEEDED,
    ]
    assert [line.split(" = ")[0] for line in lines[2:6]] == [
        "    wal_level",
        "    archive_mode",
        "    archive_command",
        "    archive_timeout",
    ]
    assert lines[6].startswith(f"{wal} is not there: make it on this machine")
    assert lines[7:] == [NO_BASE]


def test_a_server_that_is_not_there_is_one_line_beside_what_the_archive_holds(
    archived: Archived, tmp_path: Path
) -> None:
    port = free_port()
    lines = check(
        strategy(tmp_path, archived.wal, archived.bases),
        f"postgresql://a:hush@{LOOPBACK}:{port}/walletconnect",
    )
    assert lines[0].startswith("any moment from ")
    (told,) = lines[2:]
    assert told.startswith("whether archiving works is not known: ")
    assert f"{LOOPBACK}:{port}" in told
    assert "hush" not in told


def test_a_server_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    """Whoever listens there takes the connection and says nothing."""
    (tmp_path / "wal").mkdir()
    with socket.create_server((LOOPBACK, 0)) as silent:
        began = time.monotonic()
        dsn = f"postgresql://a@{LOOPBACK}:{silent.getsockname()[1]}/walletconnect"
        lines = check(strategy(tmp_path, tmp_path / "wal", tmp_path / "bases"), dsn)
        assert time.monotonic() - began < 20
    assert re.match(r"whether archiving works is not known: .*(no answer within 5 s|timeout)", lines[0])
    assert lines[1:] == [NO_BASE]


def test_a_server_that_falls_silent_is_given_up_and_hides_nothing_else(
    archived: Archived, tmp_path: Path
) -> None:
    """Somebody holds a lock on what is asked."""
    path = strategy(tmp_path, archived.wal, archived.bases)
    with psycopg.connect(archived.postgres.dsn()) as connection:
        connection.execute("LOCK TABLE pg_tablespace IN ACCESS EXCLUSIVE MODE")
        lines = check(path, archived.postgres.dsn(LIVE))
        connection.rollback()
    assert lines[0].startswith("any moment from ")
    assert lines[2:] == ["whether archiving works is not known: the server was silent for 8 s when asked"]


def test_a_secret_that_is_not_on_this_machine_is_one_line(archived: Archived, tmp_path: Path) -> None:
    lines = check(strategy(tmp_path, archived.wal, archived.bases), None)
    assert lines[0].startswith("any moment from ")
    (told,) = lines[2:]
    assert told == "whether archiving works waits for env:DSN"


def test_a_role_that_may_do_nothing_else_can_ask(archived: Archived, tmp_path: Path) -> None:
    """Whoever checks the files need not be the administrator."""
    archived.ask("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    try:
        dsn = f"postgresql://reader:reader@{LOOPBACK}:{archived.postgres.port}/{LIVE}"
        lines = check(strategy(tmp_path, archived.wal, archived.bases), dsn)
    finally:
        archived.ask("DROP ROLE reader")
    assert lines[2:] == ["continuous archiving is set up and works"]


def test_a_container_that_cannot_be_asked_is_one_line(archived: Archived, tmp_path: Path) -> None:
    """The DSN names no host then: where the server is, is asked of the container."""
    path = strategy(tmp_path, archived.wal, archived.bases, container="there-is-no-such-container")
    (told,) = check(path, "postgresql:///walletconnect")[2:]
    assert told.startswith("whether archiving works is not known: ")


def test_an_archive_that_cannot_be_read_is_one_line_beside_what_the_server_says(
    archived: Archived, tmp_path: Path
) -> None:
    """A file lies where the folder of base backups should be."""
    (tmp_path / "bases").touch()
    path = strategy(tmp_path, archived.wal, tmp_path / "bases")
    (told,) = check(path, archived.postgres.dsn(LIVE))
    assert told == f"what can be restored is not known: cannot read {tmp_path}/bases: Not a directory"


def test_of_a_file_with_mistakes_nothing_is_asked(tmp_path: Path) -> None:
    path = strategy(tmp_path, tmp_path / "wal", tmp_path / "bases")
    path.write_text(path.read_text().replace("risk: low", "risk: none at all"))
    assert check(path, "postgresql://nowhere/", Exit.USAGE) == []
