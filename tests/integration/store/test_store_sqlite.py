"""The journal's file: whose it is, who may write it, and what a crash or a full disk leaves of it."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from console.core.protocols import JournalError
from console.store import mounts
from console.store.journal import SqliteReader, SqliteWriter
from console.store.layout import Layout
from console.store.verify import verify
from tests.integration.store.kit import ENV, WRITER, killed_writer, note, run_on_small_disk

OTHER = "production"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "state")


@pytest.fixture
def writer(layout: Layout) -> Iterator[SqliteWriter]:
    writer = SqliteWriter(layout, ENV)
    yield writer
    writer.close()


def test_only_we_can_open_it(layout: Layout) -> None:
    """Files 0600 and the folder 0700, whatever the umask, also what SQLite lays beside them."""
    before = os.umask(0)
    try:
        writer = SqliteWriter(layout, ENV)
        writer.append([note("secret")])
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in layout.state.iterdir()}
    writer.close()
    assert set(modes) == {"journal.db", "journal.db-wal", "journal.db-shm", "journal.reserve"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(layout.state.stat().st_mode) == 0o700


def test_a_folder_that_others_could_read_is_closed(layout: Layout) -> None:
    """A folder made by hand is no way in."""
    layout.state.mkdir(mode=0o755)
    SqliteWriter(layout, ENV).close()
    assert stat.S_IMODE(layout.state.stat().st_mode) == 0o700


def test_a_journal_that_others_could_read_is_closed(layout: Layout, writer: SqliteWriter) -> None:
    """A copy that was put back with the mode of its medium."""
    layout.journal.chmod(0o644)
    SqliteWriter(layout, ENV).close()
    assert stat.S_IMODE(layout.journal.stat().st_mode) == 0o600


def test_it_goes_on_where_it_ended(layout: Layout) -> None:
    """A new engine appends to the same chain."""
    for text in ("one", "two"):
        writer = SqliteWriter(layout, ENV)
        writer.append([note(text)])
        writer.close()
    assert verify(layout.journal).events == 2


def test_what_was_appended_survives_a_kill(layout: Layout) -> None:
    """Every event that was acknowledged before kill -9 is there, holds, and is appended to."""
    assert killed_writer(layout, 30) == [str(number) for number in range(1, 31)]
    with closing(SqliteWriter(layout, ENV)) as writer:
        assert writer.head().seq == 30
        writer.append([note("after")])
    assert (verify(layout.journal).ok, verify(layout.journal).events) == (True, 31)


def test_a_reader_never_works_off_the_write_ahead_file(layout: Layout) -> None:
    """Even when it is alone and the last to close: only the engine's connection writes."""
    killed_writer(layout, 5)
    wal = layout.journal.with_name("journal.db-wal")
    before = layout.journal.read_bytes(), wal.read_bytes()
    with closing(SqliteReader(layout.journal, ENV)) as reader:
        assert reader.head().seq == 5
    assert (layout.journal.read_bytes(), wal.read_bytes()) == before


def test_a_closed_journal_is_one_file(layout: Layout, writer: SqliteWriter, tmp_path: Path) -> None:
    """Once the writer has closed, a copy of the file alone holds every event, also under a reader's eyes."""
    with closing(SqliteReader(layout.journal, ENV)):
        writer.append([note("one"), note("two")])
        writer.close()
        copy = Path(shutil.copy(layout.journal, tmp_path / "copy.db"))
    assert (verify(copy).ok, verify(copy).events) == (True, 2)


def test_a_reader_keeps_nothing_from_the_writer(layout: Layout, writer: SqliteWriter) -> None:
    """Readers see each commit at once and hold no transaction between two reads."""
    with closing(SqliteReader(layout.journal, ENV)) as reader:
        for number in range(1, 4):
            writer.append([note("x")])
            assert reader.head().seq == number
        with closing(sqlite3.connect(layout.journal)) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


@pytest.mark.parametrize("act", ["UPDATE event SET raw = x'00'", "DELETE FROM event"])
def test_events_are_neither_changed_nor_removed(layout: Layout, writer: SqliteWriter, act: str) -> None:
    """The file itself refuses, whatever program asks."""
    writer.append([note("one")])
    with (
        closing(sqlite3.connect(layout.journal)) as database,
        pytest.raises(sqlite3.IntegrityError, match="never"),
    ):
        database.execute(act)


def test_a_second_writer_ends_the_first(layout: Layout, writer: SqliteWriter) -> None:
    """Who finds an event that it did not write has lost the lease: it appends nothing more."""
    writer.append([note("ours")])
    with closing(SqliteWriter(layout, ENV)) as other:
        other.append([note("theirs")])
        with pytest.raises(JournalError, match="another writer has appended event 2, our last is 1"):
            writer.append([note("late")])
        assert [event.seq for event in other.read(0, 10)] == [1, 2]


def test_another_environments_journal_is_refused(layout: Layout, writer: SqliteWriter) -> None:
    """Nobody rolls back production by the journal of testnet."""
    writer.append([note("one")])
    with pytest.raises(JournalError, match="the journal of 'testnet', not of 'production'"):
        SqliteReader(layout.journal, OTHER)
    with pytest.raises(JournalError, match="the journal of 'testnet', not of 'production'"):
        SqliteWriter(layout, OTHER)


def test_what_is_no_journal_is_refused(layout: Layout) -> None:
    """Another program's database, a text file, and nothing at all, each with what to do."""
    layout.state.mkdir()
    with pytest.raises(JournalError, match="cannot be opened"):
        SqliteReader(layout.journal, ENV)
    with closing(sqlite3.connect(layout.journal)) as other:
        other.execute("CREATE TABLE event (seq, raw, hash)")
    with pytest.raises(JournalError, match="not a journal, though an SQLite file"):
        SqliteReader(layout.journal, ENV)
    layout.journal.write_text("a text, and a long one " * 100)
    with pytest.raises(JournalError, match="not a journal, or damaged at its very beginning"):
        SqliteReader(layout.journal, ENV)
    with pytest.raises(JournalError, match="not a journal, or damaged at its very beginning"):
        SqliteWriter(layout, ENV)


def test_a_newer_format_is_refused(layout: Layout, writer: SqliteWriter) -> None:
    """A table of a later version is not guessed at."""
    with closing(sqlite3.connect(layout.journal)) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(JournalError, match="a journal of format 2, not 1"):
        SqliteReader(layout.journal, ENV)


def test_a_write_ahead_file_without_its_journal_is_refused(layout: Layout) -> None:
    """SQLite would work its pages into the new file: two journals mixed."""
    killed_writer(layout, 3)
    layout.journal.unlink()
    with pytest.raises(JournalError, match="its journal is gone"):
        SqliteWriter(layout, ENV)


def test_a_start_that_was_cut_short_is_done_anew(layout: Layout) -> None:
    """The leftovers of a journal that was never finished stand in nobody's way."""
    layout.state.mkdir()
    for name in ("journal.db.new", "journal.db.new-wal"):
        layout.state.joinpath(name).write_bytes(b"half")
    with closing(SqliteWriter(layout, ENV)) as writer:
        assert writer.append([note("one")])[0].seq == 1
    assert not list(layout.state.glob("*.new*"))


def test_network_file_systems_are_refused(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    """By writer and reader, with the kind of file system in the line."""
    layout.state.mkdir()
    told = layout.state / "mountinfo"
    told.write_text(f"30 1 0:50 / {layout.state} rw,relatime shared:1 - nfs4 host:/export rw\n")
    monkeypatch.setattr(mounts, "MOUNTINFO", told)
    with pytest.raises(JournalError, match=r"network file system \(nfs4\): use a local disk"):
        SqliteWriter(layout, ENV)
    with pytest.raises(JournalError, match=r"network file system \(nfs4\): use a local disk"):
        SqliteReader(layout.journal, ENV)
    assert not layout.journal.exists()


def test_a_full_disk_can_still_be_journalled(tmp_path: Path) -> None:
    """The reserve is given up for one append more; then one line; and all is well once there is room."""
    script = """
from console.core.protocols import JournalError
from console.store.verify import verify
folder = Path(sys.argv[1]); layout = Layout(folder / "state")
writer = SqliteWriter(layout, ENV)
writer.append([note("before")])
print("reserve", layout.reserve.stat().st_blocks * 512, writer.short_of_space)
def fill(name):
    with (folder / name).open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)): pass
        except OSError: pass
fill("ballast")
print("appended", writer.append([note("the disk is full " + "x" * 9000)])[0].seq, writer.short_of_space)
fill("more")
try:
    for _ in range(999): writer.append([note("y" * 9000)])
except JournalError as error:
    print("refused", str(error).replace(str(folder), ""))
head = writer.head().seq
(folder / "more").unlink()
os.truncate(folder / "ballast", (folder / "ballast").stat().st_size - (2 << 20))
print("little room", writer.append([note("again")])[0].seq == (head := head + 1), writer.short_of_space)
(folder / "ballast").unlink()
print("goes on", writer.append([note("again")])[0].seq == head + 1, writer.short_of_space)
writer.close()
print(verify(layout.journal).ok, verify(layout.journal).events == head + 1)
"""
    told = run_on_small_disk(tmp_path, WRITER + script, size="12m").splitlines()
    refusal = (
        "refused /state/journal.db: the disk is full, nothing of this was written: "
        "free some space there (database or disk is full)"
    )
    assert told == [
        f"reserve {1 << 20} False",
        "appended 2 True",
        refusal,
        "little room True True",
        "goes on True False",
        "True True",
    ]
