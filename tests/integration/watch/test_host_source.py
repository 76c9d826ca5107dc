"""This machine as a source: against what the kernel and `df` say, and a disk that does not answer."""

import asyncio
import ctypes
import math
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from console.core.measures import NOTHING
from console.core.watched import Host, Stat
from console.engine.watchers.readings import ReadingsWatcher
from console.targets.source import CannotAskError
from console.targets.watch.host import HostStats
from tests.conftest import require
from tests.integration.targets.test_sampler import HandClock
from tests.integration.watch.kit import LIMIT_S, made, ordinary_user, refused
from tests.servers import wait_until


def host(disk: Path | str = "/", limit_s: float = LIMIT_S) -> HostStats:
    return HostStats(Path(disk), limit_s=limit_s)


def processors() -> tuple[int, int]:
    """Idle and all ticks, by the kernel's own table: guests are in the times of users."""
    user, nice, system, idle, waits, irq, soft, steal = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return idle + waits, user + nice + system + idle + waits + irq + soft + steal


async def test_the_first_look_has_no_cpu() -> None:
    stats = host()
    assert (await stats.look()).numbers.keys() == {"memory", "disk"}
    await asyncio.sleep(0.1)
    assert (await stats.look()).numbers.keys() == {"memory", "disk", "cpu"}


async def test_two_looks_in_one_tick_have_no_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has passed of which there could be a share."""
    times = psutil.cpu_times()
    monkeypatch.setattr(psutil, "cpu_times", lambda: times)
    stats = host()
    await stats.look()
    assert "cpu" not in (await stats.look()).numbers


async def test_cpu_is_what_the_kernel_counts_between_two_looks() -> None:
    """At rest, and with a process that does nothing but count."""
    stats = host()
    for argv in (["sleep", "60"], ["sh", "-c", "while :; do :; done"]):
        with subprocess.Popen(argv) as busy:
            await stats.look()
            idle, total = processors()
            await asyncio.sleep(0.5)
            found = (await stats.look()).numbers["cpu"]
            idle_now, total_now = processors()
            busy.kill()
        assert found == pytest.approx(100 * (1 - (idle_now - idle) / (total_now - total)), abs=5)


async def test_memory_is_what_is_not_available() -> None:
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    assert (await host().look()).numbers["memory"] == pytest.approx(100 * (1 - available / total), abs=2)


@pytest.fixture
def small_disk(roomy: Path) -> Iterator[Path]:
    """A disk of 16 MiB of which root keeps a part for itself."""
    require("needs root, to mount a disk", found=os.geteuid() == 0)
    image, place = roomy / "image", roomy / "disk"
    image.write_bytes(b"")
    os.truncate(image, 16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "25", str(image)], check=True)
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-o", "loop", str(image), str(place)], check=False, capture_output=True
    )
    require("needs loop devices, to mount a disk", found=mounted.returncode == 0)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def df(path: Path) -> int:
    """What `df` says, which rounds up."""
    told = subprocess.run(["df", "--output=pcent", str(path)], check=True, capture_output=True, text=True)
    return int(told.stdout.split()[-1].rstrip("%"))


async def test_the_disk_is_what_df_says() -> None:
    for path in (Path("/"), Path("/dev"), Path(__file__)):
        assert math.ceil((await host(path).look()).numbers["disk"] - 1e-9) == pytest.approx(df(path), abs=1)


async def test_a_disk_is_full_when_an_ordinary_user_can_write_no_more(small_disk: Path) -> None:
    """What root keeps for itself is not free."""
    assert (await host(small_disk).look()).numbers["disk"] < 10
    left = os.statvfs(small_disk)
    (small_disk / "half").write_bytes(bytes(left.f_bavail * left.f_frsize // 2))
    assert math.ceil((await host(small_disk).look()).numbers["disk"]) == df(small_disk)
    left = os.statvfs(small_disk)
    (small_disk / "rest").write_bytes(bytes(left.f_bavail * left.f_frsize))
    os.sync()
    assert (await host(small_disk).look()).numbers["disk"] > 99


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/no/such/place", "No such file or directory"),
        ("/etc/passwd/in", "Not a directory"),
        ("/proc", "no disk"),
    ],
)
async def test_a_path_that_is_none_is_no_fault_of_the_machine(path: str, why: str) -> None:
    error = await refused(host(path))
    assert type(error) is CannotAskError
    assert f"the disk of {path}: {why}" in str(error)


async def test_a_path_that_we_may_not_enter_is_no_fault_of_the_machine(roomy: Path) -> None:
    (roomy / "closed" / "in").mkdir(parents=True)
    (roomy / "closed").chmod(0)
    with ordinary_user():
        error = await refused(host(roomy / "closed" / "in"))
    (roomy / "closed").chmod(0o700)
    assert type(error) is CannotAskError
    assert "Permission denied" in str(error)


@pytest.fixture
def dead_disk(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A file system that takes every question and answers none, as that of a server that is gone."""
    require("needs root and FUSE", found=os.geteuid() == 0 and Path("/dev/fuse").exists())
    system = ctypes.CDLL(None, use_errno=True)
    device = os.open("/dev/fuse", os.O_RDWR)
    place = tmp_path / "dead"
    place.mkdir()
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    done = system.mount(b"dead", str(place).encode(), b"fuse", 0, options)
    require("needs to be able to mount FUSE", found=done == 0)
    yield place, device
    system.umount2(str(place).encode(), 2)


async def test_a_disk_that_does_not_answer_takes_nothing_else_with_it(dead_disk: tuple[Path, int]) -> None:
    """The look ends in time, processors and memory are known, one thread alone waits, and it gets over it."""
    place, device = dead_disk
    source = Host(kind="host", disk=str(place), every="1s", limit="200ms")  # type: ignore[arg-type]
    watcher = ReadingsWatcher(source, host(place, 0.2), HandClock())
    memory, disk = (watcher.reader(Stat(kind="stat", source="host", stat=s)) for s in ("memory", "disk"))
    threads = threading.active_count()
    for _ in range(5):
        await watcher.ask()
        assert watcher.trouble == f"`disk`: {place}: no answer within 0.2 s"
        assert memory().value is not None
        assert disk() == NOTHING
    assert threading.active_count() == threads + 1
    os.close(device)  # whoever waits is told that nobody is there
    wait_until(lambda: threading.active_count() == threads, "the thread does not end")
    for _ in range(2):
        await watcher.ask()
        assert watcher.trouble.startswith(f"`disk`: {place}: ")
        assert "no answer" not in watcher.trouble


async def test_the_engine_makes_it_of_a_strategy(tmp_path: Path) -> None:
    """A path is relative to the strategy, as all of its paths are."""
    (tmp_path / "here").mkdir()
    disk = Stat(kind="stat", source="host", stat="disk")
    for path, known in (("/", True), ("here", True), ("there", False)):
        described = {"kind": "host", "disk": path, "every": "1s", "limit": "1s"}
        async with made(described, disk, tmp_path) as watcher:
            await watcher.ask()
            assert (watcher.reader(disk)() != NOTHING) == known
