"""One keeper in a folder at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.drill.place import DrillError

_LOOKED_AT_S = 0.2
"""Somebody who only looks whether the lock is held has it too, for microseconds: not a reason to give up."""


class HeldError(DrillError):
    """A keeper runs in the folder; the message says which."""


def take(lock: Path) -> int:
    """Take the folder's lock and write our process id into it; HeldError when somebody else has it.

    It is ours until the descriptor that is returned is closed, or we end, however we end; no child
    inherits it.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOOKED_AT_S
    while not _locked(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise HeldError(f"{lock.parent} is in use by the keeper with process id {_pid(lock)}")
        time.sleep(0.01)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def hold(lock: Path) -> Iterator[None]:
    """Have the folder's lock for a while."""
    descriptor = take(lock)
    try:
        yield
    finally:
        os.close(descriptor)


def holder(lock: Path) -> int | None:
    """Process id of the keeper that runs in the folder now, None when there is none."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise DrillError(f"the drill in {lock.parent} is somebody else's: name another folder") from None
    except BlockingIOError:
        return _pid(lock)
    return None


def _pid(lock: Path) -> int | None:
    text = lock.read_text(encoding="ascii")
    return int(text) if text.isdigit() else None
