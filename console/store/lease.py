"""The lease of an environment: one engine at a time, and none beside the work that a dead one left.

It is a flock on the lock file. Children that do work inherit the descriptor, and with it the lock: it is
gone when the last of them is. Closing lets go of it, unlocking would take it away from the children too.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.clock import Clock, Stamp
from console.core.errors import StatedError
from console.store.private import PRIVATE, Sharing

_POLL_S = 0.02
"""How often a lock that is waited for is tried; the kernel has no wait with a limit for it."""
_PROC = Path("/proc")


class LeaseError(StatedError):
    """The lease is not ours; the message is the one line a user sees."""


class Holder(Struct, frozen=True):
    """What the lock file says of the engine that holds it."""

    pid: int
    since: Stamp
    epoch: int | None
    """None until the engine has read the journal, which numbers epochs."""


class Lease:
    """The lock of one environment, held by this process from `acquire` to `release`."""

    def __init__(self, path: Path, clock: Clock, sharing: Sharing = PRIVATE) -> None:
        self._path = path
        self._sharing = sharing
        self._clock = clock
        self._held: tuple[int, Stamp] | None = None
        """Descriptor of the lock file, and since when it is locked."""

    def acquire(self, wait_s: float = 0.0) -> None:
        """Take the lease, waiting up to `wait_s`; LeaseError says who holds it."""
        limit = time.monotonic() + wait_s
        while (handle := self._try()) is None:
            if time.monotonic() >= limit:
                raise LeaseError(_refusal(self._path))
            time.sleep(_POLL_S)
        os.set_inheritable(handle, True)  # noqa: FBT003 (its only parameter)
        self._held = handle, self._clock.now()
        self.mark(None)

    def _try(self) -> int | None:
        """The locked file's descriptor; None while somebody else holds it."""
        try:
            self._sharing.make_folder(self._path.parent)
            handle = PRIVATE.open(self._path, os.O_RDWR)  # no console looks into it
        except OSError as error:
            raise LeaseError(f"{self._path}: cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        if _same_file(handle, self._path):
            return handle
        os.close(handle)  # it was removed between opening and locking
        return None

    def mark(self, epoch: int | None) -> None:
        """Say in the file who holds it, and under which epoch, for whoever is refused."""
        handle, since = self._ours()
        raw = msgspec.json.encode(Holder(os.getpid(), since, epoch))
        os.pwrite(handle, raw, 0)
        os.ftruncate(handle, len(raw))

    def check(self) -> None:
        """LeaseError when the lease is not ours any more: asked before every effect."""
        handle, _ = self._ours()
        if not _same_file(handle, self._path):
            raise LeaseError(f"{self._path}: the lease is lost: the lock file was removed; end this engine")

    def fileno(self) -> int:
        """The descriptor, for children that do work to inherit (`pass_fds`); LeaseError before `acquire`."""
        return self._ours()[0]

    def _ours(self) -> tuple[int, Stamp]:
        if self._held is None:
            raise LeaseError(f"{self._path}: the lease is not held: acquire it first")
        return self._held

    def release(self) -> None:
        """Let go; children that inherited the lease keep it until they end."""
        if self._held is not None:
            os.close(self._held[0])
            self._held = None


def holder(path: Path) -> Holder | None:
    """The engine named in a lock file, which may be gone; None when the file names none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Holder)
    except (OSError, ValueError):
        return None  # none yet, or a new holder is writing itself in just now


def _refusal(path: Path) -> str:
    """Who holds the lock that could not be had, and what to do."""
    named, pids = holder(path), sorted(_lockers(path))
    if named is None:
        return f"{path}: an engine is starting here already: wait for it"
    since = datetime.fromtimestamp(named.since.utc_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if named.pid in pids or (not pids and (_PROC / str(named.pid)).exists()):
        return f"{path}: an engine runs here already (process {named.pid}, since {since}): use it, or end it"
    orphans = " ".join(str(pid) for pid in pids) or "not visible from here"
    return (
        f"{path}: the engine that ran here (process {named.pid}, since {since}) is dead, but work that it "
        f"started goes on (processes {orphans}): wait for it, or end it"
    )


def _lockers(path: Path) -> Iterator[int]:
    """Processes that hold the lock on `path`, as far as we may look at them."""
    for folder in _PROC.glob("[0-9]*/fd"):
        try:
            locked = any(_locks(descriptor, path) for descriptor in folder.iterdir())
        except OSError:
            continue  # ended meanwhile, or another account's
        if locked:
            yield int(folder.parent.name)


def _locks(descriptor: Path, path: Path) -> bool:
    if not descriptor.is_symlink() or not descriptor.exists() or not descriptor.samefile(path):
        return False
    info = descriptor.parent.parent / "fdinfo" / descriptor.name
    return "FLOCK" in info.read_text()


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
