"""A replay holds the state at one instant exactly, touches nothing else, and leaves nothing behind."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.reach import ArchiveError
from console.targets.postgres.replay import Replayed, ReplayError, replay
from console.targets.postgres.scratch import prefix_for
from console.targets.process import orphans
from tests.integration.postgres.archives import LIVE, Archived, replaced
from tests.integration.postgres.dumps import Heard
from tests.servers import wait_until

WINDOW = (
    r"reachable is \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC to \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC"
)
ELSEWHERE = Path("/var/tmp")  # noqa: S108 - where it is, is what is tested

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does differently is only seen as root")


def elsewhere(folder: Path) -> list[Path]:
    """Places for scratch servers of that folder which lie outside of it."""
    return list(ELSEWHERE.glob(f"{prefix_for(folder)}*"))


async def events(scratch: Replayed) -> list[int]:
    """The events that a scratch server holds."""
    async with scratch.server.connect() as connection:
        rows = await connection.execute("SELECT n FROM events ORDER BY n")
        return [row[0] for row in await rows.fetchall()]


async def events_at(
    archived: Archived, target: int, folder: Path, archive: FilesOfWal | None = None
) -> tuple[list[int], Replayed]:
    """The events at that moment, and how they were come by."""
    async with replayed(archived, target, folder, archive) as scratch:
        return await events(scratch), scratch


def replayed(
    archived: Archived, target: int, folder: Path, archive: FilesOfWal | None = None
) -> AbstractAsyncContextManager[Replayed]:
    """A replay of that archive, or of another one in its place."""
    source = archive or archived.archive
    return replay(source, target, folder, programs=archived.programs, progress=Heard())


@pytest.mark.parametrize(("after", "base"), [(1, "first"), (3, "first"), (4, "second")])
async def test_the_state_between_two_commits_is_exactly_that(
    archived: Archived, roomy: Path, after: int, base: str
) -> None:
    """Before and after a newer base backup, which is chosen as soon as it ends before the target."""
    target = archived.moments[after]
    found, scratch = await events_at(archived, target, roomy / "scratch")
    assert found == list(range(1, after + 1))
    assert scratch.base.id == base
    assert scratch.last_commit is not None
    assert scratch.last_commit < target <= scratch.stopped_before


async def test_a_commit_at_the_very_microsecond_is_left_out(archived: Archived, roomy: Path) -> None:
    _, scratch = await events_at(archived, archived.moments[1], roomy / "scratch")
    commit = scratch.stopped_before
    assert commit > archived.moments[1]
    assert (await events_at(archived, commit, roomy / "scratch"))[0] == [1]
    assert (await events_at(archived, commit + 1, roomy / "scratch"))[0] == [1, 2]


async def test_both_ends_of_the_window_can_be_had(archived_18: Archived, roomy: Path) -> None:
    window = await archived_18.archive.window()
    assert window is not None
    assert (await events_at(archived_18, window.begins, roomy / "scratch"))[0] == []
    assert (await events_at(archived_18, window.ends, roomy / "scratch"))[0] == [1, 2, 3, 4, 5]


async def test_a_target_out_of_reach_is_refused_before_anything_is_made(
    archived: Archived, roomy: Path
) -> None:
    window = await archived.archive.window()
    assert window is not None
    for target, why in (
        (window.begins - 1, "before the end of the oldest base backup"),
        (window.ends + 1, "beyond the archived WAL"),
    ):
        with pytest.raises(ArchiveError, match=rf"cannot be restored: that is {why} \({WINDOW}\)"):
            await events_at(archived, target, roomy / "scratch")
    assert not (roomy / "scratch").exists()


async def test_a_gap_in_wal_is_refused_with_what_is_reachable(archived: Archived, roomy: Path) -> None:
    archive = archived.copied(roomy / "copy")
    (roomy / "copy" / "wal" / archived.holds[2]).unlink()
    with pytest.raises(ArchiveError, match=rf"in a gap between them \({WINDOW}, and "):
        await events_at(archived, archived.moments[2], roomy / "scratch", archive)
    found, _ = await events_at(archived, archived.moments[4], roomy / "scratch", archive)
    assert found == [1, 2, 3, 4], "what the gap does not concern can be had"


async def test_a_truncated_file_of_wal_is_never_replayed(archived: Archived, roomy: Path) -> None:
    archive = archived.copied(roomy / "copy")
    path = roomy / "copy" / "wal" / archived.holds[2]
    replaced(path, path.read_bytes()[:9_000_000])
    with pytest.raises(ArchiveError, match=rf"WAL file {path.name} is not there whole"):
        await events_at(archived, archived.moments[2], roomy / "scratch", archive)


async def test_damage_inside_a_file_of_wal_is_a_refusal_and_no_older_state(
    archived: Archived, roomy: Path
) -> None:
    """By sizes and headers it is whole: only replaying it shows that it is not."""
    archive = archived.copied(roomy / "copy")
    path = roomy / "copy" / "wal" / archived.holds[2]
    content = bytearray(path.read_bytes())
    content[60:8192] = bytes(8132)
    replaced(path, bytes(content))
    assert len(await archive.windows()) == 1
    words = rf"could not be replayed up to .* it ends in {path.name} .*by its files, {WINDOW}"
    with pytest.raises(ReplayError, match=words):
        await events_at(archived, archived.moments[3], roomy / "scratch", archive)
    assert list((roomy / "scratch").iterdir()) == []


async def test_a_base_backup_that_has_rotted_is_refused(archived: Archived, roomy: Path) -> None:
    archive = archived.copied(roomy / "copy")
    rotten = max((roomy / "copy" / "bases" / "first" / "data" / "base").rglob("*"), key=size_of)
    content = bytearray(rotten.read_bytes())
    content[len(content) // 2] ^= 1
    replaced(rotten, bytes(content))
    with pytest.raises(ArchiveError, match="is not whole: .*checksum mismatch"):
        await events_at(archived, archived.moments[1], roomy / "scratch", archive)
    assert list((roomy / "scratch").iterdir()) == []


def size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


async def test_a_base_backup_of_another_cluster_is_refused(
    archived_15: Archived, archived_18: Archived, roomy: Path
) -> None:
    archive = FilesOfWal(
        archived_15.server, archived_15.programs, wal=archived_18.wal, bases=archived_18.bases
    )
    with pytest.raises(ReplayError, match=r"base backup first is of another cluster: its system identifier"):
        await events_at(archived_18, archived_18.moments[1], roomy / "scratch", archive)


async def test_neither_the_live_server_nor_its_archive_is_touched(archived: Archived, roomy: Path) -> None:
    """The scratch server writes WAL of a timeline of its own: nothing of that may come to the archive."""
    facts, files = await archived.server.facts(), files_of(archived)
    rows = archived.ask("SELECT array_agg(n ORDER BY n) FROM events")
    position = archived.ask("SELECT pg_current_wal_insert_lsn()")
    async with replayed(archived, archived.moments[3], roomy / "scratch") as scratch:
        async with scratch.server.connect() as connection:
            await connection.execute("INSERT INTO events SELECT generate_series(100, 100000)")
            await connection.execute("SELECT pg_switch_wal()")
        there = await scratch.server.facts()
        assert there.system_identifier == facts.system_identifier
        assert archived.ask("SELECT count(*) FROM events WHERE n >= 100") == 0
    assert files_of(archived) == files
    assert archived.ask("SELECT array_agg(n ORDER BY n) FROM events") == rows
    assert archived.ask("SELECT pg_current_wal_insert_lsn()") == position


def files_of(archived: Archived) -> dict[str, tuple[int, int]]:
    """Every file of the archive, with its size and when it was written."""
    found = (
        path for folder in (archived.wal, archived.bases) for path in folder.rglob("*") if path.is_file()
    )
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


IMPOSSIBLE = """
shared_preload_libraries = 'no_such_library'
shared_buffers = '4TB'
ssl = on
ssl_cert_file = '/nowhere/server.crt'
listen_addresses = '203.0.113.7'
unix_socket_directories = '/nowhere'
archive_command = 'cp %p /nowhere/%f'
logging_collector = on
log_directory = '/nowhere'
primary_conninfo = 'host=203.0.113.7'
"""


async def test_settings_that_cannot_hold_here_are_replaced(archived: Archived, roomy: Path) -> None:
    """Libraries and files that are not there, more memory than any machine has, nobody let in."""
    data, archive = archived.postgres.data, archived.files(archived.wal, roomy / "bases")
    odd = {
        "postgresql.conf": IMPOSSIBLE,
        "postgresql.auto.conf": IMPOSSIBLE,
        "pg_hba.conf": "local all all reject\n",
    }
    usual = {name: (data / name).read_text() for name in odd}
    try:
        for name, content in odd.items():
            (data / name).write_text(content)
        await archive.make_base("odd", Heard())
    finally:
        for name, content in usual.items():
            (data / name).write_text(content)
    await archive.reach_now(20)
    target = (await archive.bases())[0].ends
    found, _ = await events_at(archived, target, roomy / "scratch", archive)
    assert found == [1, 2, 3, 4, 5]


async def test_limits_that_were_raised_since_the_base_backup(roomy: Path) -> None:
    """Recovery waits for ever where a setting is lower than it was on the server that wrote the WAL."""
    archived = Archived(18, roomy)
    try:
        await archived.archive.make_base("small", Heard())
        archived.ask("ALTER SYSTEM SET max_worker_processes = 30")
        restart(archived)
        target = archived.commit(1)
        await archived.archive.reach_now(20)
        assert (await events_at(archived, target, roomy / "scratch"))[0] == [1]
        archived.ask("ALTER SYSTEM RESET max_worker_processes")
        restart(archived)
        with pytest.raises(ReplayError, match="cannot go on: hot standby is not possible because of insuff"):
            await events_at(archived, target, roomy / "scratch")
    finally:
        archived.postgres.stop()


def restart(archived: Archived) -> None:
    """Stop the server and start it again."""
    archived.postgres.stop()
    archived.postgres.start()


async def test_nobody_but_its_user_can_come_in(archived_18: Archived, roomy: Path) -> None:
    async with replayed(archived_18, archived_18.moments[1], roomy / "scratch") as scratch:
        (home,) = (roomy / "scratch").iterdir()
        assert [(home / name).stat().st_mode & 0o777 for name in ("data", "socket")] == [0o700, 0o700]
        assert await scratch.server.value("SHOW listen_addresses") == ""
        assert await scratch.server.value("SHOW archive_mode") == "off"
        assert not await scratch.server.value("SELECT pg_is_in_recovery()")
        dump = await scratch.server.run("pg_dump", ("--data-only",), limit_s=30)
        assert "COPY public.events" in dump.out
    assert list((roomy / "scratch").iterdir()) == []
    assert orphans(archived_18.folder) == []


async def test_a_folder_whose_path_is_too_long_for_a_socket(archived_18: Archived, roomy: Path) -> None:
    folder = roomy / ("long-" * 20)
    async with replayed(archived_18, archived_18.moments[1], folder) as scratch:
        assert await events(scratch) == [1]
        assert [path.name for place in elsewhere(folder) for path in place.iterdir()] == ["socket"]
    assert list(folder.iterdir()) == elsewhere(folder) == []


@as_root
async def test_a_folder_that_the_servers_user_cannot_enter(archived_18: Archived, tmp_path: Path) -> None:
    """A home is closed: then the server lives in /var/tmp for as long as it does."""
    folder = tmp_path / "scratch"
    async with replayed(archived_18, archived_18.moments[1], folder) as scratch:
        assert await events(scratch) == [1]
        assert [(place / "data" / "PG_VERSION").exists() for place in elsewhere(folder)] == [True]
    assert list(folder.iterdir()) == elsewhere(folder) == []


async def test_it_tells_how_far_it_is_against_the_target(archived_18: Archived, roomy: Path) -> None:
    heard = Heard()
    target = archived_18.moments[3]
    async with replay(
        archived_18.archive, target, roomy / "scratch", programs=archived_18.programs, progress=heard
    ) as scratch:
        assert scratch.last_commit is not None
    base = scratch.base
    words, (done, total, unit) = heard.words[-1], heard.counted[-1]
    assert re.fullmatch(r"replaying WAL up to .{26} UTC: .{26} UTC, 0/[0-9A-F]+", words)
    assert unit == "s"
    assert total == (target - base.ends) / 1e6
    assert done == (scratch.last_commit - base.ends) / 1e6 < total


async def test_cancelled_half_way_it_leaves_nothing(archived_18: Archived, roomy: Path) -> None:
    at_work = asyncio.Event()

    class Telling(Heard):
        def __call__(self, words: str, **counted: Any) -> None:
            super().__call__(words, **counted)
            if words.startswith("replaying"):
                at_work.set()

    async def run() -> None:
        async with replay(
            archived_18.archive,
            archived_18.moments[3],
            roomy / "scratch",
            programs=archived_18.programs,
            progress=Telling(),
        ):
            await asyncio.sleep(60)

    task = asyncio.create_task(run())
    await asyncio.wait_for(at_work.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list((roomy / "scratch").iterdir()) == []
    assert orphans(archived_18.folder) == []


async def test_a_replay_that_takes_too_long_is_ended(archived_18: Archived, roomy: Path) -> None:
    """Its restore_command waits: as a slow archive does."""
    heard = Heard()

    class Slow(FilesOfWal):
        async def lay_out(self, *words: Any) -> str:
            command = await super().lay_out(*words)
            heard.left_s = 1.0
            return f"sleep 60; {command}"

    archive = Slow(archived_18.server, archived_18.programs, wal=archived_18.wal, bases=archived_18.bases)
    with pytest.raises(ReplayError, match=r"not at .{26} UTC in time: replayed to .*took longer than 1 s"):
        async with replay(
            archive,
            archived_18.moments[3],
            roomy / "scratch",
            programs=archived_18.programs,
            progress=heard,
        ):
            pass
    assert list((roomy / "scratch").iterdir()) == []
    assert orphans(archived_18.folder) == []


HOLD = """
import asyncio, os, sys
from pathlib import Path
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.replay import replay
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard

async def hold(folder, wal, bases, target):
    programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
    server = Server(lambda: os.environ["DSN"], HostShell(programs))
    archive = FilesOfWal(server, programs, wal=wal, bases=bases)
    async with replay(archive, target, folder, programs=programs, progress=Heard()) as scratch:
        print(scratch.server.params()["host"], flush=True)
        await asyncio.sleep(60)

asyncio.run(hold(*map(Path, sys.argv[1:4]), int(sys.argv[4])))
"""


@contextmanager
def holding(archived: Archived, folder: Path) -> Iterator[tuple["subprocess.Popen[str]", Path, int]]:
    """Another engine with a replay of its own: the engine, its place, and the server's process id."""
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "DSN": archived.postgres.dsn(LIVE), "PYTHONPATH": root}
    words = map(str, (folder, archived.wal, archived.bases, archived.moments[1]))
    argv = [sys.executable, "-c", HOLD, *words]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        place = Path(engine.stdout.readline().strip()).parent
        yield engine, place, int((place / "data" / "postmaster.pid").read_text().split()[0])
        engine.kill()


def gone(pid: int) -> bool:
    """Whether that process has ended."""
    return not Path(f"/proc/{pid}").exists()


async def test_what_a_killed_engine_left_ends_by_itself_and_is_swept(archived: Archived, roomy: Path) -> None:
    folder = roomy / "scratch"
    with holding(archived, folder) as (engine, place, pid):
        found, _ = await events_at(archived, archived.moments[1], folder)
        assert found == [1], "one that is in use does not stand in the way of another"
        assert place.exists()
        engine.kill()
        wait_until(lambda: gone(pid), "its server goes on")
        assert place.exists()
    await events_at(archived, archived.moments[1], folder)
    assert list(folder.iterdir()) == []


async def test_a_server_that_outlived_its_engine_is_ended(archived_18: Archived, roomy: Path) -> None:
    """The death signal did nothing to it: it was stopped."""
    folder = roomy / "scratch"
    with holding(archived_18, folder) as (engine, _, pid):
        os.kill(pid, signal.SIGSTOP)
        engine.kill()
    assert not gone(pid)
    await events_at(archived_18, archived_18.moments[1], folder)
    wait_until(lambda: gone(pid), "its server goes on")  # it is the system that buries it
    assert list(folder.iterdir()) == []
