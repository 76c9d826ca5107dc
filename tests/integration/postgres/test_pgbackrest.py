"""pgBackRest behind the same interface: what it reaches, what it lacks, and the state at an instant."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.targets.postgres.archive_words import describe, trouble
from console.targets.postgres.pgbackrest import PgBackRestArchive
from console.targets.postgres.reach import ArchiveError
from console.targets.postgres.replay import Replayed, ReplayError, replay
from console.targets.postgres.server import Server
from console.targets.shell import HostShell
from tests.conftest import require_program
from tests.integration.postgres.dumps import Heard
from tests.integration.postgres.stanzas import STANZA, Kept
from tests.servers import PostgresServer

UTC = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC"


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """One for all tests here."""
    require_program("pgbackrest", "pgbackrest")
    folder = Path(tempfile.mkdtemp(prefix="warroom-test-"))
    made: Kept | None = None
    try:
        made = Kept(folder)
        yield asyncio.run(made.fill())
    finally:
        if made is not None:
            made.postgres.stop()
        shutil.rmtree(folder)


async def events_at(kept: Kept, target: int, folder: Path) -> tuple[list[int], Replayed]:
    """The events at that moment, and how they were come by."""
    async with (
        replay(kept.archive, target, folder, programs=kept.programs, progress=Heard()) as scratch,
        scratch.server.connect() as connection,
    ):
        rows = await connection.execute("SELECT n FROM events ORDER BY n")
        return [row[0] for row in await rows.fetchall()], scratch


async def test_it_reaches_from_its_backups_end_to_the_last_commit(kept: Kept) -> None:
    window, (base,) = await kept.archive.window(), await kept.archive.bases()
    facts = await kept.server.facts()
    assert window is not None
    assert window.begins == base.ends < kept.moments[1]
    assert kept.moments[3] <= window.ends <= kept.now()
    assert (base.system_identifier, base.major) == (facts.system_identifier, 15)
    assert await trouble(kept.archive) == []
    lines = [line for part in await describe(kept.archive, kept.now()) for line in part]
    assert re.match(rf"any moment from {UTC} to {UTC} can be restored: ", lines[0])
    assert lines[1].startswith(f"1 base backup, the newest {base.id} of ")


@pytest.mark.parametrize("after", [1, 2])
async def test_the_state_between_two_commits_is_exactly_that(kept: Kept, roomy: Path, after: int) -> None:
    """Tablespaces too, and those of the live cluster are not touched."""
    target = kept.moments[after]
    before = sorted(str(path) for path in (kept.folder / "space").rglob("*"))
    found, scratch = await events_at(kept, target, roomy / "scratch")
    assert found == list(range(1, after + 1))
    assert scratch.last_commit is not None
    assert scratch.last_commit < target <= scratch.stopped_before
    assert sorted(str(path) for path in (kept.folder / "space").rglob("*")) == before
    assert list((roomy / "scratch").iterdir()) == []


async def test_a_target_outside_is_refused_with_the_window_in_it(kept: Kept) -> None:
    window = await kept.archive.window()
    assert window is not None
    with pytest.raises(ArchiveError, match=rf"before the end of the oldest base backup \(reachable is {UTC}"):
        await kept.archive.base_for(window.begins - 1)
    with pytest.raises(ArchiveError, match=rf"beyond the archived WAL \(reachable is {UTC} to {UTC}\)"):
        await kept.archive.base_for(window.ends + 1)


async def test_a_base_backup_is_found_by_the_id_that_it_was_made_under(kept: Kept) -> None:
    (base,) = await kept.archive.bases()
    assert await kept.archive.made("first") == base
    assert await kept.archive.made("another") is None


async def test_a_missing_file_ends_the_window_and_is_told(kept: Kept) -> None:
    whole = await kept.archive.window()
    found = await kept.archive.reach()
    gap = kept.segment(found.runs[0].segments[-2])
    away = kept.folder / "away"
    gap.rename(away)
    try:
        window = await kept.archive.window()
        told = await trouble(kept.archive)
        with pytest.raises(
            ArchiveError, match=f"beyond the archived WAL .*WAL file {gap.name[:24]} is not there"
        ):
            await kept.archive.base_for(kept.moments[3])
    finally:
        away.rename(gap)
    assert whole is not None
    assert window is not None
    assert window.begins == whole.begins < window.ends < whole.ends
    assert told[0].startswith(f"WAL file {gap.name[:24]} is missing from stanza {STANZA} of pgBackRest: ")


async def test_a_truncated_file_is_told_when_it_is_the_last(kept: Kept) -> None:
    whole, found = await kept.archive.window(), await kept.archive.reach()
    last = kept.segment(found.runs[0].segments[-1])
    content = last.read_bytes()
    last.write_bytes(content[: len(content) // 2])
    archive = PgBackRestArchive(kept.server, kept.programs, stanza=STANZA, config=kept.config)
    try:
        window, told = await archive.window(), await trouble(archive)
    finally:
        last.write_bytes(content)
    assert whole is not None
    assert window is not None
    assert window.ends < whole.ends
    assert told[0].startswith(f"WAL file {last.name[:24]} is damaged (")


async def test_a_truncated_file_in_the_middle_is_a_refusal_and_no_older_state(
    kept: Kept, roomy: Path
) -> None:
    """pgBackRest does not list a file's true size: replaying shows it."""
    found = await kept.archive.reach()
    middle = kept.segment(found.runs[0].segments[-2])
    content = middle.read_bytes()
    middle.write_bytes(content[: len(content) // 2])
    try:
        with pytest.raises(ReplayError, match="could not be replayed up to|gave up"):
            await events_at(kept, kept.moments[3], roomy / "scratch")
    finally:
        middle.write_bytes(content)
    assert list((roomy / "scratch").iterdir()) == []


async def test_a_stanza_that_is_not_there_is_one_line(kept: Kept) -> None:
    archive = PgBackRestArchive(kept.server, kept.programs, stanza="nope", config=kept.config)
    lines = [line for part in await describe(archive, kept.now()) for line in part]
    assert lines[0] == "stanza nope of pgBackRest: missing stanza path"
    assert lines[1].startswith("there is no base backup to replay WAL from: ")


async def test_a_configuration_that_is_not_there_is_one_line(kept: Kept, roomy: Path) -> None:
    archive = PgBackRestArchive(kept.server, kept.programs, stanza=STANZA, config=roomy / "none.conf")
    with pytest.raises(ArchiveError, match=f"cannot read .*{roomy}/none.conf"):
        await archive.window()


async def test_a_server_is_told_to_archive_by_pgbackrest(postgres_15: PostgresServer, kept: Kept) -> None:
    server = Server(postgres_15.dsn, HostShell(kept.programs))
    archive = PgBackRestArchive(server, kept.programs, stanza=STANZA, config=kept.config)
    lines = [line for part in await describe(archive, 0) for line in part]
    words = f"pgbackrest --config={kept.config} --stanza={STANZA} archive-push %p"
    assert f"    archive_command = '{words}'" in lines


async def test_a_damaged_backup_is_not_taken_for_one(kept: Kept) -> None:
    """pgBackRest ends with exit code 0 when it finds files damaged: its words are read."""
    await kept.archive.make_base("damaged", Heard())
    base = await kept.archive.made("damaged")
    assert base is not None
    bundle = max(
        (kept.folder / "repo" / "backup" / STANZA / base.id).rglob("bundle/*"), key=lambda p: p.stat().st_size
    )
    content = bundle.read_bytes()
    bundle.write_bytes(content[:-2000] + bytes(2000))
    try:
        with pytest.raises(ArchiveError, match="not valid: "):
            await kept.archive.make_base("next", Heard())
        assert await kept.archive.made("next") is None
    finally:
        bundle.write_bytes(content)
