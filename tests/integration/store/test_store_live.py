"""Heartbeat and progress in their file, and the system's clock."""

from pathlib import Path

import pytest

from console.core.live import Live, Progress
from console.store.clock import SystemClock
from console.store.live import LiveFile
from tests.integration.store.kit import at, run_on_small_disk

LIVE = Live(4711, 3, at(5), steps={"deploy": Progress("pulling", at(1), 3, 9, "layers", ("a", "b"))})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """The newest, whole, by another handle; nothing before the first."""
    file, reader = LiveFile(tmp_path / "live.json"), LiveFile(tmp_path / "live.json")
    assert reader.read() is None
    file.write(LIVE)
    assert reader.read() == LIVE
    file.write(Live(4711, 3, at(6)))
    assert reader.read() == Live(4711, 3, at(6))
    assert (tmp_path / "live.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["live.json"]


@pytest.mark.parametrize("left", [b"", b'{"pid": 1, "ep', b"\x00" * 300, b"\xff\xfe", b"[]"])
def test_half_a_file_is_none(tmp_path: Path, left: bytes) -> None:
    """What a power failure leaves is no reason for a traceback."""
    (tmp_path / "live.json").write_bytes(left)
    assert LiveFile(tmp_path / "live.json").read() is None


def test_a_disk_that_refuses_shows_and_does_not_raise(tmp_path: Path) -> None:
    """The engine lives on; what was the trouble is forgotten once it is over."""
    file = LiveFile(tmp_path / "none" / "live.json")
    file.write(LIVE)
    assert "No such file or directory" in file.trouble
    (tmp_path / "none").mkdir()
    file.write(LIVE)
    assert (file.trouble, file.read()) == ("", LIVE)


def test_the_heart_beats_on_a_full_disk(tmp_path: Path) -> None:
    """A console must not take a full disk for a dead engine."""
    script = """
import sys
from pathlib import Path
from console.core.clock import Stamp
from console.core.live import Live
from console.store.live import LiveFile
folder = Path(sys.argv[1])
file = LiveFile(folder / "live.json")
file.write(Live(1, 1, Stamp(1, "boot", 1), gate="a long reason " * 9))
with (folder / "ballast").open("wb", buffering=0) as ballast:
    try:
        while ballast.write(bytes(4096)): pass
    except OSError: pass
file.write(Live(1, 1, Stamp(2, "boot", 2)))
print(file.read().beat.boot_us, repr(file.trouble), sorted(p.name for p in folder.iterdir()))
"""
    told = run_on_small_disk(tmp_path, script, size="1m").strip()
    assert told == "2 '' ['ballast', 'live.json', 'live.json.new']"


async def test_the_systems_clock_moves_forward() -> None:
    """In both of its times, within one boot, by about what was slept."""
    clock = SystemClock()
    first = clock.now()
    await clock.sleep(0.02)
    then = clock.now()
    assert then.boot_id == first.boot_id
    assert len(first.boot_id) == 36
    assert 0.02 <= then.seconds_since(first) < 5
    assert then.utc_us > first.utc_us > 1_700_000_000_000_000
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(then.boot_us / 1e6 - uptime_s) < 5
