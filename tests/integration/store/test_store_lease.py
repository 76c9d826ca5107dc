"""The lease: one engine at a time, through kill -9, and none beside the work that a dead one left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.store.lease import Lease, LeaseError, holder
from tests.integration.store.kit import HandClock, at

ENGINE = """
import subprocess, sys
from pathlib import Path
from console.store.clock import SystemClock
from console.store.lease import Lease
lease = Lease(Path(sys.argv[1]), SystemClock())
lease.acquire()
lease.mark(7)
child = ""
if sys.argv[2:]:
    child = subprocess.Popen(["sleep", "60"], pass_fds=[lease.fileno()]).pid
print("held", child, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "engine.lock"


@contextmanager
def engine(path: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """An engine's process that holds the lease, and the id of the child that it started, if it was to."""
    argv = [sys.executable, "-c", ENGINE, str(path), *more]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        word, _, child = process.stdout.readline().strip().partition(" ")
        assert word == "held"
        try:
            yield process, child
        finally:
            process.kill()


def test_one_at_a_time(path: Path) -> None:
    """The second is told who has it and since when; after a release it is free."""
    first, second = Lease(path, HandClock()), Lease(path, HandClock())
    first.acquire()
    words = rf"an engine runs here already \(process {os.getpid()}, since 2025-10-09 09:00:00Z\): use it"
    with pytest.raises(LeaseError, match=words):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_the_file_says_who_and_under_which_epoch(path: Path) -> None:
    """For whoever is refused, and only for us to read."""
    assert holder(path) is None
    lease = Lease(path, HandClock())
    lease.acquire()
    held = holder(path)
    assert held is not None
    assert (held.pid, held.since, held.epoch) == (os.getpid(), at(), None)
    lease.mark(12)
    held = holder(path)
    assert held is not None
    assert held.epoch == 12
    assert path.stat().st_mode & 0o777 == 0o600
    lease.release()


def test_a_killed_engine_leaves_it_free(path: Path) -> None:
    """Nobody has to clean up after kill -9."""
    with engine(path) as (process, _):
        with pytest.raises(LeaseError, match=f"process {process.pid}, since 20"):
            Lease(path, HandClock()).acquire()
        process.kill()
        process.wait()
        lease = Lease(path, HandClock())
        lease.acquire()
        lease.release()


def test_the_work_of_a_dead_engine_keeps_it(path: Path) -> None:
    """No second engine starts beside an orphan; the line names it; once it has ended the lease is free."""
    with engine(path, "with a child") as (process, child):
        process.kill()
        process.wait()
        try:
            words = (
                rf"\(process {process.pid}, since .*Z\) is dead, but work .* goes on \(processes {child}\)"
            )
            with pytest.raises(LeaseError, match=words):
                Lease(path, HandClock()).acquire()
        finally:
            os.kill(int(child), signal.SIGKILL)
        lease = Lease(path, HandClock())
        lease.acquire(wait_s=5)
        lease.release()


def test_a_zombie_is_dead(path: Path) -> None:
    """An engine that nobody has waited for holds nothing, though its number is still taken."""
    with engine(path, "with a child") as (process, child):
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        try:
            with pytest.raises(LeaseError, match="is dead, but work that it started goes on"):
                Lease(path, HandClock()).acquire()
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_an_engine_that_ends_does_not_take_it_from_its_work(path: Path) -> None:
    """Releasing lets go of our handle; the child still has the lock."""
    lease, other = Lease(path, HandClock()), Lease(path, HandClock())
    lease.acquire()
    with subprocess.Popen(["sleep", "60"], pass_fds=[lease.fileno()]) as child:
        lease.release()
        try:
            with pytest.raises(LeaseError):
                other.acquire()
        finally:
            child.kill()
    other.acquire()
    other.release()


def test_children_that_do_no_work_do_not_hold_it(path: Path) -> None:
    """Only what was given the descriptor by name inherits it."""
    lease, other = Lease(path, HandClock()), Lease(path, HandClock())
    lease.acquire()
    with subprocess.Popen(["sleep", "60"]) as child:
        lease.release()
        try:
            other.acquire()
        finally:
            child.kill()
    other.release()


def test_waiting_ends_when_it_is_free(path: Path) -> None:
    """Or when the time is over, and not before."""
    with engine(path) as (process, _):
        began = time.monotonic()
        with pytest.raises(LeaseError):
            Lease(path, HandClock()).acquire(wait_s=0.1)
        assert time.monotonic() - began >= 0.1
        assert process.stdin is not None
        process.stdin.close()
        lease = Lease(path, HandClock())
        lease.acquire(wait_s=5)
        lease.release()


def test_a_lease_whose_file_was_removed_is_lost(path: Path) -> None:
    """Another engine could have made a new one: before each effect it is asked, and refuses."""
    lease = Lease(path, HandClock())
    with pytest.raises(LeaseError, match="the lease is not held"):
        lease.check()
    lease.acquire()
    lease.check()
    path.unlink()
    with pytest.raises(LeaseError, match="the lease is lost: the lock file was removed"):
        lease.check()
    path.touch()
    with pytest.raises(LeaseError, match="the lease is lost"):
        lease.check()
    lease.release()


def test_a_place_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(LeaseError, match="cannot be opened: "):
        Lease(tmp_path / "file" / "engine.lock", HandClock()).acquire()
