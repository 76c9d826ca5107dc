"""Samples in their files: appended by the engine, followed by consoles, cut off by crashes."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.metrics import Reading, Row, Rung
from console.store.samples import SampleReader, SampleWriter, pack
from tests.integration.store.kit import NOON_US, at, run_on_small_disk

HOUR = 3600.0


def row(seconds: float, value: float = 1.0) -> Row:
    return Row(at(seconds), (Reading("errors", value, 10, at(seconds), Rung.OK),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "samples"


@pytest.fixture
def writer(folder: Path) -> Iterator[SampleWriter]:
    writer = SampleWriter(folder)
    yield writer
    writer.close()


def test_a_reader_returns_each_row_once(folder: Path, writer: SampleWriter) -> None:
    """Nothing before there is anything, then what is new, then nothing again."""
    reader = SampleReader(folder)
    assert reader.new() == []
    writer.append(row(1))
    writer.append(row(2))
    assert reader.new() == [row(1), row(2)]
    assert reader.new() == []
    writer.append(row(3))
    assert reader.new() == [row(3)]


def test_a_file_an_hour_and_the_reader_keeps_up(folder: Path, writer: SampleWriter) -> None:
    """Across the hour, also when a reader slept through several."""
    reader = SampleReader(folder)
    rows = [row(seconds) for seconds in (HOUR - 1, HOUR, HOUR + 1, 3 * HOUR)]
    writer.append(rows[0])
    assert reader.new() == rows[:1]
    for later in rows[1:]:
        writer.append(later)
    assert reader.new() == rows[1:]
    assert sorted(path.name for path in folder.iterdir()) == [
        "20251009T09.rows",
        "20251009T10.rows",
        "20251009T12.rows",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_since_gives_the_rows_from_a_moment_on(folder: Path, writer: SampleWriter) -> None:
    """And `new` goes on behind them."""
    for seconds in (1, HOUR - 5, HOUR + 1):
        writer.append(row(seconds))
    reader = SampleReader(folder)
    assert reader.since(at(HOUR - 5)) == [row(HOUR - 5), row(HOUR + 1)]
    assert reader.new() == []
    writer.append(row(HOUR + 2))
    assert reader.new() == [row(HOUR + 2)]


def test_a_clock_set_back_loses_no_row(folder: Path, writer: SampleWriter) -> None:
    """They go to the newest file, where every reader looks; also after a restart."""
    reader = SampleReader(folder)
    writer.append(row(HOUR + 1))
    assert len(reader.new()) == 1
    writer.append(row(HOUR - 1))
    writer.close()
    again = SampleWriter(folder)
    again.append(row(HOUR - 2))
    again.close()
    assert reader.new() == [row(HOUR - 1), row(HOUR - 2)]
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("torn", [1, 4, 5, -1])
def test_a_torn_row_is_waited_before_then_cut_off(folder: Path, writer: SampleWriter, torn: int) -> None:
    """A reader that is there already, one that comes later, and the next writer agree on what is whole."""
    reader = SampleReader(folder)
    writer.append(row(1))
    with next(folder.iterdir()).open("ab") as file:
        file.write(pack(row(2))[:torn])
    assert reader.new() == [row(1)]
    assert reader.new() == []
    again = SampleWriter(folder)
    again.append(row(3))
    again.close()
    assert reader.new() == [row(3)]
    assert SampleReader(folder).new() == [row(1), row(3)]


def test_what_was_torn_never_comes_back(folder: Path, writer: SampleWriter) -> None:
    """It is cut off before a row is put there: what stood behind that row's end could look like another."""
    writer.append(row(1))
    new, ghost = pack(row(3)), pack(row(99))
    torn = (5000).to_bytes(4, "little") + bytes(len(new) - 4) + ghost
    with next(folder.iterdir()).open("ab") as file:
        file.write(torn)
    again = SampleWriter(folder)
    again.append(row(3))
    again.close()
    assert SampleReader(folder).new() == [row(1), row(3)]


def test_a_row_is_seen_when_its_last_byte_is_there(folder: Path) -> None:
    """Not before, and not in pieces."""
    folder.mkdir()
    reader, raw = SampleReader(folder), pack(row(1))
    with (folder / "20251009T09.rows").open("ab", buffering=0) as file:
        for byte in raw[:-1]:
            file.write(bytes([byte]))
            assert reader.new() == []
        file.write(raw[-1:])
    assert reader.new() == [row(1)]


def test_a_full_disk_drops_rows_and_says_so(tmp_path: Path) -> None:
    """It never raises into the engine, tears no row that was whole, and goes on when there is room."""
    script = f"""
import sys
from pathlib import Path
from console.core.clock import Stamp
from console.core.metrics import Row
from console.store.samples import SampleReader, SampleWriter
folder = Path(sys.argv[1]); (folder / "s").mkdir()
row = lambda n: Row(Stamp({NOON_US} + n, "boot", n), ())
writer, reader, taken = SampleWriter(folder / "s"), SampleReader(folder / "s"), 0
with (folder / "ballast").open("wb", buffering=0) as ballast:
    try:
        while ballast.write(bytes(4096)): pass
    except OSError: pass
for n in range(1000):
    writer.append(row(n))
print(len(reader.new()) + writer.dropped, 0 < writer.dropped, writer.why.replace(str(folder), ""))
(folder / "ballast").unlink()
before = writer.dropped
writer.append(row(7777))
print([r.at.boot_us for r in reader.new()], writer.dropped - before)
print([r.at.boot_us for r in SampleReader(folder / "s").new()][-1])
"""
    told = run_on_small_disk(tmp_path, script, size="1m").splitlines()
    assert told == ["1000 True /s: No space left on device", "[7777] 0", "7777"]


def test_a_folder_that_cannot_be_made_drops_rows(tmp_path: Path) -> None:
    """Whatever the disk's reason, the engine goes on."""
    (tmp_path / "file").touch()
    writer = SampleWriter(tmp_path / "file" / "samples")
    writer.append(row(1))
    assert writer.dropped == 1
    assert "Not a directory" in writer.why
