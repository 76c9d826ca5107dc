"""An archive knows what it reaches, what it lacks, and says so in one sentence for each."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.core.backups import Window
from console.targets.postgres.archive_words import describe, trouble
from console.targets.postgres.archiving import archive_command
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.reach import ArchiveError
from console.targets.postgres.server import Server
from console.targets.process import ProgramError, Programs, end_orphans
from console.targets.shell import HostShell
from tests.integration.postgres.archives import Archived, replaced, segments_in
from tests.integration.postgres.dumps import Heard
from tests.servers import PostgresServer, wait_until

UTC = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC"
WINDOW = rf"reachable is {UTC} to {UTC}"


async def window_of(archive: FilesOfWal) -> Window:
    """The window of an archive that has one."""
    window = await archive.window()
    assert window is not None
    return window


async def test_the_window_reaches_from_the_oldest_bases_end_to_the_last_commit(archived: Archived) -> None:
    window = await window_of(archived.archive)
    bases = await archived.archive.bases()
    assert [base.id for base in bases] == ["first", "second"]
    assert window.begins == bases[0].ends
    assert archived.moments[5] < window.ends <= archived.now()
    assert await trouble(archived.archive) == []


async def test_a_base_backup_says_what_it_is_a_copy_of(archived: Archived) -> None:
    facts = await archived.server.facts()
    base = (await archived.archive.bases())[0]
    assert (base.system_identifier, base.version) == (facts.system_identifier, facts.version)
    assert (base.timeline, base.major) == (1, archived.postgres.major)
    assert base.began < base.ends < archived.moments[1]
    assert base.start_lsn < base.end_lsn
    assert "successfully verified" in base.verified


async def test_the_newest_base_that_ends_before_the_target_is_chosen(archived: Archived) -> None:
    first, second = await archived.archive.bases()
    assert (await archived.archive.base_for(archived.moments[3])).id == "first"
    assert (await archived.archive.base_for(second.ends - 1)).id == "first"
    assert (await archived.archive.base_for(second.ends)).id == "second"
    assert (await archived.archive.base_for(first.ends)).id == "first"


async def test_reaching_now_moves_the_windows_end_past_now(archived: Archived) -> None:
    before = await window_of(archived.archive)
    now = archived.now()
    assert now > before.ends
    assert await archived.archive.reach_now(20) >= now
    assert (await window_of(archived.archive)).ends >= now
    assert (await window_of(archived.archive)).begins == before.begins


async def test_a_target_outside_is_refused_with_the_window_in_it(archived: Archived) -> None:
    window = await window_of(archived.archive)
    with pytest.raises(ArchiveError, match=rf"before the end of the oldest base backup \({WINDOW}\)"):
        await archived.archive.base_for(window.begins - 1)
    with pytest.raises(ArchiveError, match=rf"beyond the archived WAL \({WINDOW}\)"):
        await archived.archive.base_for(window.ends + 1)


async def test_a_missing_file_is_a_gap_between_two_windows(archived: Archived, roomy: Path) -> None:
    archive = archived.copied(roomy / "copy")
    base = (await archive.bases())[0]
    gap = roomy / "copy" / "wal" / archived.holds[2]
    gap.unlink()
    older, newer = await archive.windows()
    assert older.begins == base.ends
    assert base.ends < older.ends < archived.moments[1]
    assert newer.begins == (await archive.bases())[1].ends
    assert await archive.window() == newer
    assert (await archive.base_for(older.ends)).id == "first"
    with pytest.raises(
        ArchiveError, match=rf"in a gap between them \({WINDOW}, and .*{gap.name} is not there"
    ):
        await archive.base_for(archived.moments[2])
    (told,) = await trouble(archive)
    assert told.startswith(f"WAL file {gap.name} is missing from {roomy}/copy/wal: ")


async def test_a_truncated_file_is_found_by_its_size(archived: Archived, roomy: Path) -> None:
    archive = archived.copied(roomy / "copy")
    last = segments_in(roomy / "copy" / "wal")[-1]
    replaced(last, last.read_bytes()[:70_000])
    assert (await window_of(archive)).ends < (await window_of(archived.archive)).ends
    told = await trouble(archive)
    assert told[0].startswith(f"WAL file {last.name} is truncated: it has 70,000 of 16,777,216 bytes: ")


async def test_a_file_with_other_wal_in_it_counts_as_none(archived: Archived, roomy: Path) -> None:
    archive = archived.copied(roomy / "copy")
    *_, other, last = segments_in(roomy / "copy" / "wal")
    replaced(last, other.read_bytes())
    told = await trouble(archive)
    assert re.match(rf"WAL file {last.name} holds WAL of another place, 0/\w+, not 0/\w+: ", told[0])


async def test_wal_of_another_cluster_counts_as_none(
    archived_15: Archived, archived_18: Archived, roomy: Path
) -> None:
    archive = archived_15.copied(roomy / "copy")
    last = segments_in(roomy / "copy" / "wal")[-1]
    replaced(last, archived_18.segments()[-1].read_bytes())
    told = await trouble(archive)
    assert told[0].startswith(f"WAL file {last.name} is of another cluster, ")


async def test_damage_inside_the_last_file_ends_the_window_before_it(archived: Archived, roomy: Path) -> None:
    archive = archived.copied(roomy / "copy")
    whole = await window_of(archived.archive)
    last = segments_in(roomy / "copy" / "wal")[-1]
    content = bytearray(last.read_bytes())
    content[60:8192] = bytes(8132)
    replaced(last, bytes(content))
    assert (await window_of(archive)).ends < whole.ends
    (told,) = await trouble(archive)
    assert told.startswith(f"WAL file {last.name} is damaged (")


async def test_without_a_base_backup_nothing_can_be_reached(archived: Archived, roomy: Path) -> None:
    archive = archived.files(archived.wal, roomy / "none")
    assert await archive.window() is None
    assert await trouble(archive) == [
        "there is no base backup to replay WAL from: make one with `warroom backup --base`"
    ]
    with pytest.raises(ArchiveError, match="there is no base backup to replay WAL from: make one with"):
        await archive.base_for(archived.moments[1])


async def test_a_base_backup_of_another_cluster_is_said_to_be_one(
    archived_15: Archived, archived_18: Archived
) -> None:
    archive = FilesOfWal(
        archived_15.server, archived_15.programs, wal=archived_18.wal, bases=archived_18.bases
    )
    told = await trouble(archive)
    assert any(line.startswith("the newest base backup is of another cluster: system ") for line in told)


async def test_what_can_be_restored_is_told_with_its_age(archived: Archived) -> None:
    window = await window_of(archived.archive)
    lines = [line for part in await describe(archived.archive, window.ends + 90 * 1_000_000) for line in part]
    assert re.fullmatch(
        rf"any moment from {UTC} to {UTC} can be restored: \d\d:\d\d long, its end 01:30 ago", lines[0]
    )
    assert re.fullmatch(r"2 base backups, the newest second of \d\d\.\d MB, \d\d:\d\d old", lines[1])
    assert lines[2:] == ["continuous archiving is set up and works"]


async def test_a_server_that_archives_nothing_is_told_what_to_set(
    postgres: PostgresServer, roomy: Path
) -> None:
    programs = Programs({"PATH": os.environ["PATH"]}, tag=roomy)
    server = Server(postgres.dsn, HostShell(programs))
    archive = FilesOfWal(server, programs, wal=roomy / "it's wal", bases=roomy / "bases")
    off = "archive_mode is off, so no WAL is kept: set it to on, and restart the server"
    with pytest.raises(ArchiveError, match=off):
        await archive.reach_now(5)
    lines = [line for part in await describe(archive, 0) for line in part]
    assert lines[:2] == [off, "for continuous archiving, postgresql.conf needs:"]
    settings = dict(line.strip().split(" = ", 1) for line in lines[2:6])
    assert list(settings) == ["wal_level", "archive_mode", "archive_command", "archive_timeout"]
    # PostgreSQL itself reads the lines, quotes and all.
    (postgres.data / "tried.conf").write_text("\n".join(line.strip() for line in lines[2:6]))
    config = f"config_file={postgres.data}/tried.conf"
    told = postgres.run("postgres", "-D", str(postgres.data), "-c", config, "-C", "archive_command")
    assert told.strip() == archive_command(roomy / "it's wal")


async def test_wal_that_cannot_be_replayed_is_told(roomy: Path) -> None:
    minimal = {"wal_level": "minimal", "max_wal_senders": "0"}
    postgres = PostgresServer(18, roomy, minimal).start()
    try:
        programs = Programs({"PATH": os.environ["PATH"]}, tag=roomy)
        server = Server(postgres.dsn, HostShell(programs))
        archive = FilesOfWal(server, programs, wal=roomy / "wal", bases=roomy / "bases")
        told = await trouble(archive)
        with pytest.raises(ArchiveError, match="wal_level is minimal"):
            await archive.reach_now(5)
    finally:
        postgres.stop()
    assert told[0].startswith("wal_level is minimal, so WAL cannot be replayed: set it to replica, and ")


async def test_an_archive_command_that_fails_is_told_with_its_file(archived: Archived) -> None:
    archived.archive_by("false")
    failing = rf"archive_command fails: WAL file \w{{24}} could not be archived at {UTC}"
    try:
        with pytest.raises(ArchiveError, match=failing):
            await archived.archive.reach_now(20)
        assert any(re.match(failing, line) for line in await trouble(archived.archive))
    finally:
        archived.archive_again()
    await archived.archive.reach_now(60)
    assert await trouble(archived.archive) == []


async def test_an_archive_command_that_takes_too_long_is_not_waited_for(archived_18: Archived) -> None:
    archived_18.archive_by("sleep 3; false")
    began = time.monotonic()
    try:
        with pytest.raises(ArchiveError, match=r"was not archived within 1 s: archive_command takes long"):
            await archived_18.archive.reach_now(1)
        assert time.monotonic() - began < 2.5
    finally:
        archived_18.archive_again()
    await archived_18.archive.reach_now(60)


async def test_what_the_server_archives_elsewhere_is_not_believed(archived_18: Archived, roomy: Path) -> None:
    """The server says that it has archived; only the file itself is a proof."""
    archive = archived_18.copied(roomy / "copy")
    with pytest.raises(ArchiveError, match="does not lead there without a gap"):
        await archive.reach_now(20)


def archived_by(folder: Path, source: Path, name: str) -> int:
    """Run the archive_command as a server does; its exit code."""
    command = archive_command(folder).replace("%%", "\0").replace("%p", str(source)).replace("%f", name)
    return subprocess.run(
        ["sh", "-c", command.replace("\0", "%")], check=False, capture_output=True
    ).returncode


def test_the_archive_command_copies_whole_files_and_never_over_another(roomy: Path) -> None:
    folder, source, name = roomy / "100% wal's", roomy / "segment", "000000010000000000000001"
    folder.mkdir()
    source.write_bytes(b"one" * 1000)
    assert archived_by(folder, source, name) == 0
    assert (folder / name).read_bytes() == source.read_bytes()
    assert archived_by(folder, source, name) == 0, "the same again, as after a crash, is a success"
    source.write_bytes(b"two" * 1000)
    assert archived_by(folder, source, name) != 0
    assert (folder / name).read_bytes() == b"one" * 1000
    assert [path.name for path in folder.iterdir()] == [name]


def test_an_archive_command_that_is_cut_off_leaves_no_file_of_that_name(roomy: Path) -> None:
    folder, source, name = roomy / "wal", roomy / "pipe", "000000010000000000000001"
    folder.mkdir()
    os.mkfifo(source)
    command = archive_command(folder).replace("%p", str(source)).replace("%f", name)
    with (
        subprocess.Popen(["sh", "-c", command], start_new_session=True) as copying,
        source.open("wb") as pipe,
    ):
        pipe.write(b"half")
        pipe.flush()
        wait_until(lambda: any(folder.iterdir()), "nothing is copied")
        os.killpg(copying.pid, signal.SIGKILL)
    assert not (folder / name).exists()
    source.unlink()
    source.write_bytes(b"whole")
    assert archived_by(folder, source, name) == 0
    assert (folder / name).read_bytes() == b"whole"


MAKE = """
import asyncio, os, sys
from pathlib import Path
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard

folder = Path(sys.argv[1])
programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
server = Server(lambda: os.environ["DSN"], HostShell(programs))
archive = FilesOfWal(server, programs, wal=folder / "wal", bases=folder / "bases")
asyncio.run(archive.make_base("cut", Heard(), rate=2_000_000))
"""


async def test_a_base_backup_that_was_killed_is_none(archived: Archived, roomy: Path) -> None:
    """Kill -9 of whoever makes it: what is left is called what it is, and removed when asked to."""
    environment = {**os.environ, "DSN": archived.postgres.dsn(), "PYTHONPATH": str(Path(__file__).parents[3])}
    partial = roomy / "bases" / "cut.partial"
    with subprocess.Popen([sys.executable, "-c", MAKE, str(roomy)], env=environment) as making:
        wait_until((partial / "data" / "base").exists, "no base backup begins")
        making.kill()
    end_orphans(roomy)  # as the next engine does: one of pg_basebackup's two processes may go on for seconds
    archive = archived.files(archived.wal, roomy / "bases")
    assert [path.name for path in (roomy / "bases").iterdir()] == ["cut.partial"]
    assert await archive.bases() == ()
    assert await archive.made("cut") is None
    assert f"{partial} is a base backup that was never finished" in (await archive.aside())[0]
    await archive.discard("cut")
    assert list((roomy / "bases").iterdir()) == []
    wait_until(lambda: not senders(archived), "the server goes on sending")


def senders(archived: Archived) -> int:
    """Base backups that the server is sending."""
    return int(archived.ask("SELECT count(*) FROM pg_stat_progress_basebackup"))


async def test_a_base_backup_that_takes_too_long_is_ended(archived: Archived, roomy: Path) -> None:
    archive = archived.files(archived.wal, roomy / "bases")
    with pytest.raises(ProgramError, match="took longer than 1.5 s and was ended"):
        await archive.make_base("slow", Heard(1.5), rate=2_000_000)
    assert await archive.bases() == ()
    wait_until(lambda: not senders(archived), "the server goes on sending")


async def test_discarding_removes_nothing_that_is_complete(archived: Archived) -> None:
    await archived.archive.discard("first")
    assert [base.id for base in await archived.archive.bases()] == ["first", "second"]


async def test_a_folder_that_is_no_base_backup_is_told_and_left_alone(
    archived: Archived, roomy: Path
) -> None:
    (roomy / "bases" / "mine").mkdir(parents=True)
    archive = archived.files(archived.wal, roomy / "bases")
    assert await archive.bases() == ()
    assert (await archive.aside())[0].startswith(f"{roomy}/bases/mine is no base backup of ours: base.json")


async def test_a_cluster_with_tablespaces_is_refused_before_anything_is_copied(
    archived_18: Archived, roomy: Path
) -> None:
    place = archived_18.folder / "space"
    place.mkdir()
    shutil.chown(place, archived_18.postgres.data.stat().st_uid)
    archived_18.ask(f"CREATE TABLESPACE extra LOCATION '{place}'")
    try:
        archive = archived_18.files(archived_18.wal, roomy / "bases")
        with pytest.raises(ArchiveError, match="the cluster has tablespaces of its own"):
            await archive.make_base("b", Heard())
        assert not (roomy / "bases").exists()
        assert any("1 tablespace of its own" in line for line in await trouble(archived_18.archive))
    finally:
        archived_18.ask("DROP TABLESPACE extra")


async def test_a_base_backup_says_how_far_it_is(archived_18: Archived, roomy: Path) -> None:
    heard = Heard()
    archive = archived_18.files(archived_18.wal, roomy / "bases")
    await archive.make_base("b", heard)
    done, total, unit = heard.counted[-2]
    assert (done, unit, heard.words[-1]) == (total, "MB", "verifying the base backup")
    assert total is not None
    assert total > 20


async def test_an_archive_that_cannot_be_read_is_one_line(archived_18: Archived, roomy: Path) -> None:
    archive = archived_18.files(roomy / "nowhere", archived_18.bases)
    with pytest.raises(ArchiveError, match=f"cannot read {roomy}/nowhere: No such file or directory"):
        await archive.window()
