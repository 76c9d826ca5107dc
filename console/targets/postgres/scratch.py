"""Places for scratch servers: where their user can be, held for as long as we live, and swept afterwards."""

import asyncio
import fcntl
import hashlib
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from msgspec import Struct

from console.core.errors import StatedError
from console.targets.postgres.rights import Rights

PORT = 5432
"""In the name of the socket; nobody else's socket is in that folder."""
_ELSEWHERE = Path("/var/tmp")  # noqa: S108 - what we make in it has a name of its own, and is ours alone
_LONGEST = 107
"""Bytes of the longest path that a socket can have."""
_PATIENCE_S = 5.0
_AGAIN_S = 0.05


class ScratchError(StatedError):
    """There is no place for a scratch server, or it does not go away; one line."""


class Home(Struct, frozen=True):
    """Where one scratch server lives."""

    path: Path
    data: Path
    """Empty, for the server's user alone."""
    socket: Path
    """The folder of its socket, for the server's user alone."""


@asynccontextmanager
async def home(folder: Path, rights: Rights) -> AsyncIterator[Home]:
    """A place for a server below `folder`, or where its user cannot enter that, below /var/tmp.

    When the block ends, so does the server in it, and the place is removed. What others before us have left
    because they were killed is removed first.
    """
    await sweep(folder)
    base, prefix = await _base(folder, rights), prefix_for(folder)
    async with AsyncExitStack() as stack:
        path = await stack.enter_async_context(_held(base, prefix))
        short = len(os.fsencode(path / "socket" / f".s.PGSQL.{PORT}")) <= _LONGEST
        beside = path if short else await stack.enter_async_context(_held(_ELSEWHERE, prefix))
        yield _furnish(path, beside, rights)


async def sweep(folder: Path) -> None:
    """End and remove what was made for `folder` and is held by nobody that lives."""
    prefix = prefix_for(folder)
    try:
        for path in (path for base in (folder, _ELSEWHERE) for path in base.glob(f"{prefix}*")):
            with suppress(FileNotFoundError):  # whoever held it has just removed it
                await _remove(path)
    except OSError as error:
        raise ScratchError(f"what an earlier scratch server left cannot be removed: {error}") from error


def prefix_for(folder: Path) -> str:
    """How the names of all places begin that are made for that folder."""
    return f"warroom-replay-{hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:8]}-"


async def _remove(path: Path) -> None:
    """Remove a place, unless it is in use, or somebody else's."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        await _clear(path)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


async def _base(folder: Path, rights: Rights) -> Path:
    """The folder to make a place in."""
    try:
        folder.mkdir(mode=0o755 if rights.drops else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ScratchError(f"cannot make {folder}: {error.strerror}") from error
    base = await rights.first_reached((folder, _ELSEWHERE))
    if base is None:
        raise ScratchError(f"uid {rights.user} can enter neither {folder} nor {_ELSEWHERE}: chmod o+x one")
    return base


def _furnish(path: Path, beside: Path, rights: Rights) -> Home:
    made = Home(path, path / "data", beside / "socket")
    try:
        for folder in (made.data, made.socket):
            folder.mkdir(mode=0o700)
            rights.give(folder)
    except OSError as error:
        raise ScratchError(f"cannot make {path}: {error.strerror}") from error
    return made


@asynccontextmanager
async def _held(base: Path, prefix: str) -> AsyncIterator[Path]:
    """A folder of our own, locked for as long as we live; whatever runs in it ends before it goes."""
    try:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    except OSError as error:
        raise ScratchError(f"no place for a scratch server in {base}: {error.strerror}") from error
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.chmod(0o711)
        yield path
    finally:
        await _clear(path)
        os.close(lock)


async def _clear(path: Path) -> None:
    """End the server that lives there, and remove the place."""
    await end_server(path / "data")
    limit = time.monotonic() + _PATIENCE_S
    while path.exists():
        try:
            await asyncio.to_thread(shutil.rmtree, path)
        except OSError as error:
            # Processes of a server that was killed go on for a moment, and make files.
            if time.monotonic() > limit:
                raise ScratchError(f"{path} cannot be removed: {error.strerror}; remove it") from error
            await asyncio.sleep(_AGAIN_S)


async def end_server(data: Path) -> None:
    """End the server of that data folder without ado, and wait until it is gone."""
    pid = _server_of(data)
    if pid is None:
        return
    with suppress(ProcessLookupError):  # it has ended by itself meanwhile
        process = os.pidfd_open(pid)
        try:
            # Once we hold it, its number cannot become another's: now look whether it was.
            for number in (signal.SIGQUIT, signal.SIGKILL) if _server_of(data) == pid else ():
                signal.pidfd_send_signal(process, number)
                if await _ends(process):
                    return
        finally:
            os.close(process)


async def _ends(process: int) -> bool:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(process, ended.set)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(process)
    return True


def _server_of(data: Path) -> int | None:
    """Process id of the server that runs on that data folder; None when none does."""
    try:
        pid = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):  # never started, ended, or ended while it wrote the file
        return None
    return pid if os.fsencode(data) in words else None
