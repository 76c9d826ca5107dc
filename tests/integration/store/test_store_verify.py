"""`verify`: names the first event that does not hold, whatever was done to the file, and never raises."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.core import events as ev
from console.core.events import Draft
from console.store.journal import SqliteWriter
from console.store.layout import Layout
from console.store.verify import verify
from tests.integration.store.kit import DRAFTS, ENV, WRITER, at, killed_writer, note


def journal(folder: Path, drafts: Sequence[Draft]) -> Path:
    """A journal at rest with those events."""
    layout = Layout(folder)
    with closing(SqliteWriter(layout, ENV)) as writer:
        writer.append(drafts)
    return layout.journal


def notes(count: int, length: int = 10) -> list[Draft]:
    return [note("x" * length, number) for number in range(count)]


def tamper(path: Path, *acts: tuple[str, tuple[object, ...]]) -> None:
    """Change the file as somebody would who knows SQLite."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TRIGGER IF EXISTS event_stays")
        database.execute("DROP TRIGGER IF EXISTS event_kept")
        for act, values in acts:
            database.execute(act, values)


def flip(path: Path, offset: int, mask: int = 0x01) -> None:
    """Change one byte of a file."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ mask]))


def outside(*argv: str | Path) -> bytes:
    """What a program of its own prints: reading the file in this process would drop the writer's locks."""
    return subprocess.run(argv, check=True, capture_output=True).stdout


def heads(path: Path) -> dict[int, str]:
    with closing(sqlite3.connect(path)) as database:
        return {seq: hash_.hex() for seq, hash_ in database.execute("SELECT seq, hash FROM event")}


@given(drafts=st.lists(DRAFTS, max_size=8))
@settings(max_examples=20, deadline=None)
def test_what_was_appended_holds(drafts: list[Draft]) -> None:
    """Any events: all hold, and the head is the journal's."""
    with TemporaryDirectory() as name:
        path = journal(Path(name), drafts)
        verdict = verify(path, ENV)
        assert verdict.ok, verdict.words
        assert verdict.events == len(drafts)
        assert verdict.head == heads(path).get(len(drafts), "00" * 32)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_one_byte_changed_in_an_event_names_it(data: st.DataObject) -> None:
    """Wherever in its bytes or its hash."""
    with TemporaryDirectory() as name:
        path = journal(Path(name), data.draw(st.lists(DRAFTS, min_size=1, max_size=6)))
        seq = data.draw(st.integers(1, len(heads(path))))
        column = data.draw(st.sampled_from(["raw", "hash"]))
        with closing(sqlite3.connect(path)) as database:
            (stored,) = database.execute(f"SELECT {column} FROM event WHERE seq = {seq}").fetchone()  # noqa: S608
        changed = bytearray(stored)
        changed[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
        tamper(path, (f"UPDATE event SET {column} = ? WHERE seq = ?", (bytes(changed), seq)))  # noqa: S608
        verdict = verify(path)
    assert (verdict.ok, verdict.first_bad, verdict.events) == (False, seq, seq - 1)
    assert verdict.words.startswith(f"event {seq} does not hold: ")


def test_any_byte_of_the_file_changed_is_told_or_without_effect(tmp_path: Path) -> None:
    """`ok` is only ever said when all events are the ones that were written."""
    path = journal(tmp_path, notes(40, 200))
    whole, told = heads(path), 0
    copy = tmp_path / "copy.db"
    for offset in range(0, path.stat().st_size, 37):
        shutil.copy(path, copy)
        flip(copy, offset, 1 << offset % 8)
        verdict = verify(copy, ENV)
        assert "\n" not in verdict.words
        told += not verdict.ok
        if verdict.ok:
            assert heads(copy) == whole, f"byte {offset} went unnoticed"
    assert told > 100


def test_any_byte_of_the_write_ahead_file_changed_is_told(tmp_path: Path) -> None:
    """SQLite takes such a frame for the end, and forgets in silence what comes after it; we do not."""
    layout = Layout(tmp_path / "state")
    killed_writer(layout, 6)
    intact = verify(layout.journal)
    assert (intact.ok, intact.events) == (True, 6)
    size = (tmp_path / "state/journal.db-wal").stat().st_size
    last = size - (24 + 4096)
    for offset in (*range(0, size, 409), last + 8, last + 12, last + 16):
        copy = tmp_path / "copy"
        shutil.copytree(layout.state, copy, ignore=shutil.ignore_patterns("*-shm"))
        flip(copy / "journal.db-wal", offset)
        verdict = verify(copy / "journal.db")
        shutil.rmtree(copy)
        assert not verdict.ok, f"byte {offset}"
        assert verdict.first_bad == verdict.events + 1
        assert f"event {verdict.first_bad} does not hold: journal.db-wal is damaged at byte" in verdict.words


def test_a_living_journal_is_verified_without_being_touched(tmp_path: Path) -> None:
    """An engine may write meanwhile; its locks and files stay as they are."""
    layout = Layout(tmp_path / "state")
    with closing(SqliteWriter(layout, ENV)) as writer:
        writer.append(notes(5))
        before = outside("cat", layout.journal)
        assert verify(layout.journal).events == 5
        assert outside("cat", layout.journal) == before
        # Another process that closes believes to be the last, and clears up, if our locks were dropped.
        opening = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version')"
        outside(sys.executable, "-c", opening, layout.journal)
        assert layout.journal.with_name("journal.db-wal").stat().st_size > 0
        writer.append(notes(1))
        assert verify(layout.journal).events == 6


def test_a_journal_being_written_holds_at_every_moment(tmp_path: Path) -> None:
    """No look at it, however unlucky its moment, says that something is wrong."""
    layout = Layout(tmp_path / "state")
    script = WRITER + (
        "writer = SqliteWriter(Layout(Path(sys.argv[1])), ENV)\n"
        "for _ in range(300): writer.append([note('x' * 9000)])\n"
        "writer.close()\n"
    )
    argv = [sys.executable, "-c", script, str(layout.state)]
    seen = []
    with subprocess.Popen(argv) as engine:
        while engine.poll() is None:
            if layout.journal.exists():
                verdict = verify(layout.journal)
                assert verdict.ok, verdict.words
                seen.append(verdict.events)
    assert seen == sorted(seen)
    assert verify(layout.journal).events == 300


def test_an_engine_that_starts_meanwhile_is_not_missed(tmp_path: Path) -> None:
    """A journal at rest when the look at it began may be written before it ends."""
    path = journal(tmp_path, notes(3))

    class AtTheThird(dict[int, str]):
        """Published heads; while the third event is judged for the first time, an engine appends."""

        def get(self, key: int, default: str | None = None) -> str | None:  # type: ignore[override]
            if key == 3 and 3 not in self:
                self[3] = heads(path)[3]
                journal(tmp_path, notes(1))
            return super().get(key, default)

    known = AtTheThird({1: heads(path)[1]})
    assert verify(path, heads=known).events == 4


def test_an_event_that_sqlite_was_made_to_overlook_is_told(tmp_path: Path) -> None:
    """One cell less on the last page: what can be read holds, but SQLite's own check sees the hole."""
    path = journal(tmp_path, notes(3))
    cells = 4096 + 4
    assert path.read_bytes()[4096] == 0x0D, "page 2 is the leaf with the events"
    assert path.read_bytes()[cells] == 3
    flip(path, cells, 3 ^ 2)
    verdict = verify(path)
    assert (verdict.ok, verdict.events, verdict.first_bad) == (False, 2, None)
    assert "events 1 to 2 hold, but the file is damaged and may have held more" in verdict.words


def test_a_journal_at_rest_is_left_alone(tmp_path: Path) -> None:
    """Nothing is laid beside it, and its bytes stay."""
    path = journal(tmp_path, notes(3))
    before = path.read_bytes(), sorted(tmp_path.iterdir())
    assert verify(path).ok
    assert (path.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_a_removed_event_is_a_gap(tmp_path: Path) -> None:
    """The number that is missing is named, not the one after it."""
    path = journal(tmp_path, notes(9))
    tamper(path, ("DELETE FROM event WHERE seq = 4", ()))
    verdict = verify(path)
    assert verdict.first_bad == 4
    assert "it is missing: event 5 comes next" in verdict.words


def test_exchanged_events_are_named(tmp_path: Path) -> None:
    """Bytes that are right in another place are wrong in this one."""
    path = journal(tmp_path, notes(5))
    swap = "UPDATE event SET raw = (SELECT raw FROM event WHERE seq = 2) WHERE seq = 4"
    tamper(path, (swap, ()))
    assert verify(path).first_bad == 4


def test_a_cut_tail_is_found_by_a_published_head(tmp_path: Path) -> None:
    """Without one it cannot be seen: what is left is whole."""
    path = journal(tmp_path, notes(6))
    published = heads(path)
    tamper(path, ("DELETE FROM event WHERE seq > 4", ()))
    assert verify(path).ok
    verdict = verify(path, heads={6: published[6]})
    assert (verdict.ok, verdict.first_bad, verdict.events) == (False, 5, 4)
    assert "ends with event 4, but event 6 was published" in verdict.words


def test_a_journal_written_anew_is_found_by_a_published_head(tmp_path: Path) -> None:
    """A chain that holds by itself, but is not the one that people signed."""
    published = heads(journal(tmp_path / "a", notes(6)))
    path = journal(tmp_path / "b", [*notes(2), note("something else", 2), *notes(6)[3:]])
    assert verify(path).ok
    assert verify(path, heads={2: published[2].upper()}).ok
    verdict = verify(path, heads={4: published[4], 2: published[2]})
    assert verdict.first_bad == 4
    assert "not the event that was published" in verdict.words


def chained(path: Path, *raws: bytes) -> None:
    """Append bytes with hashes that fit, as a program of somebody else's could."""
    with closing(sqlite3.connect(path)) as database, database:
        seq, previous = database.execute("SELECT seq, hash FROM event ORDER BY seq DESC").fetchone()
        for raw in raws:
            seq, previous = seq + 1, hashlib.sha256(previous + raw).digest()
            database.execute("INSERT INTO event VALUES (?, ?, ?)", (seq, raw, previous))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "cannot be decoded"),
        (b"\xff{}", "cannot be decoded"),
        (b"[" * 100_000, "cannot be decoded"),
        (ev.encode(note("x"), ENV, 3)[:-1], "cannot be decoded"),
        (ev.encode(note("x"), ENV, 2), "its bytes are those of event 2"),
        (ev.encode(note("x"), "production", 3), "it is of environment 'production', not 'testnet'"),
    ],
)
def test_bytes_that_are_no_event_of_ours_are_named(tmp_path: Path, raw: bytes, words: str) -> None:
    """Also where the hash fits."""
    path = journal(tmp_path, notes(2))
    chained(path, raw, ev.encode(note("after"), ENV, 4))
    verdict = verify(path)
    assert verdict.first_bad == 3
    assert words in verdict.words


def test_the_environment_can_be_asked_for(tmp_path: Path) -> None:
    """A whole journal of another environment is none of ours."""
    verdict = verify(journal(tmp_path, notes(2)), "production")
    assert verdict.first_bad == 1
    assert "of environment 'testnet', not 'production'" in verdict.words


def test_values_of_another_type_are_named(tmp_path: Path) -> None:
    """Text where bytes belong is not taken for them."""
    path = journal(tmp_path, notes(3))
    tamper(path, ("UPDATE event SET raw = CAST(raw AS TEXT) WHERE seq = 2", ()))
    assert (verify(path).first_bad, "not stored as bytes" in verify(path).words) == (2, True)


def test_time_that_runs_backwards_is_noted_only(tmp_path: Path) -> None:
    """Within one boot; the boot clock starts anew with the next."""
    reboot = Draft(ev.NoteAdded("up"), at().__class__(at().utc_us, "another boot", 5))
    verdict = verify(journal(tmp_path, [note("a", 9), note("b", 7.5), reboot]))
    assert verdict.ok
    assert verdict.notes == ("event 2 is 1.500 s older than the one before",)


def test_a_garbage_page_names_the_first_event_lost(tmp_path: Path) -> None:
    """And says what is still readable on both sides of it."""
    path = journal(tmp_path, notes(400, 300))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xa5" * 4096)
    verdict = verify(path)
    assert not verdict.ok
    assert verdict.first_bad is not None
    assert 100 < verdict.first_bad < 300
    assert "database disk image is malformed" in verdict.words
    assert f"events 1 to {verdict.first_bad - 1} hold" in verdict.words
    assert "to 400 behind the damage can still be read" in verdict.words


@pytest.mark.parametrize("kept", [0, 50, 100, 4096, 5000, 40960])
def test_a_truncated_file_is_told(tmp_path: Path, kept: int) -> None:
    """However little is left of it."""
    path = journal(tmp_path, notes(400, 300))
    os.truncate(path, kept)
    verdict = verify(path)
    assert not verdict.ok
    assert verdict.events < 400
    assert "\n" not in verdict.words


def test_what_is_no_journal_is_told(tmp_path: Path) -> None:
    """A missing file, a folder, a text file, another program's database: one line each, no number."""
    text, other = tmp_path / "text", tmp_path / "other.db"
    text.write_text("hello " * 1000)
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE t (x)")
    for path, words in [
        (tmp_path / "none", "there is no journal"),
        (tmp_path, "there is no journal"),
        (text, "not a journal, or damaged at its very beginning"),
        (other, "not a journal, though an SQLite file"),
    ]:
        verdict = verify(path)
        assert (verdict.ok, verdict.first_bad, verdict.events) == (False, None, 0)
        assert verdict.words.startswith(f"{path}: {words}")


def test_an_empty_journal_holds(tmp_path: Path) -> None:
    """An engine that has only just been installed is no damage."""
    verdict = verify(journal(tmp_path, []))
    assert (verdict.ok, verdict.events, verdict.words) == (True, 0, f"the journal is empty; head {'00' * 32}")
