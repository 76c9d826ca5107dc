"""Bells: Unix datagrams that wake whoever would otherwise look again a second later.

A bell that is not heard costs a second and nothing else, so ringing never waits and never fails.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

from console.core.errors import StatedError
from console.store.private import PRIVATE, Sharing

_NUMBERS = count()


class BellError(StatedError):
    """A bell could not be put up; the message is the one line a user sees."""


class Bell:
    """A socket to be rung; belongs to one event loop."""

    def __init__(self, path: Path, sharing: Sharing = PRIVATE) -> None:
        """Put it up at `path` (at most 107 bytes), in place of a dead one. BellError when that cannot be."""
        self._path = path
        self._heard = 0
        self._rung = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            sharing.make_folder(path.parent)
            if path.is_socket():
                path.unlink()
            self._socket.bind(str(path))
            path.chmod(sharing.door)
        except OSError as error:
            self._socket.close()
            raise BellError(f"{path}: no socket can be made there: {error.strerror or error}") from error

    @classmethod
    def of_reader(cls, bells: Path, sharing: Sharing = PRIVATE) -> "Bell":
        """A bell of this process among those in the folder `bells`, which a Ringer rings together."""
        return cls(bells / f"{os.getpid()}-{next(_NUMBERS)}.sock", sharing)

    async def wait(self, timeout_s: float) -> int | None:
        """The highest number rung since the last wait; None when nobody rang for `timeout_s`.

        However often it was rung, one wait answers for all of it.
        """
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._hear)
        try:
            # Not wait_for: before Python 3.12 that takes a ring in the moment of a cancellation for the end.
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return None
        self._rung.clear()
        return self._heard

    def _hear(self) -> None:
        for number in self._numbers():
            self._heard = max(self._heard, number)
        self._rung.set()

    def _numbers(self) -> Iterator[int]:
        """What lies in the socket; a datagram that is no number of ours counts as a ring all the same."""
        while True:
            try:
                said = self._socket.recv(32)
            except BlockingIOError:
                return
            yield int(said) if said.isdigit() else 0

    def close(self) -> None:
        """Take it down."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
        self._socket.close()
        self._path.unlink(missing_ok=True)


class Ringer:
    """Rings bells; one socket for all of them."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def ring(self, bell: Path, seq: int = 0) -> bool:
        """Ring one bell with the newest event's number; False when nobody is there to hear it.

        A socket that nobody reads any more is removed, if we may. One that is full has rung enough.
        """
        try:
            self._socket.sendto(b"%d" % seq, str(bell))
        except BlockingIOError:
            return True
        except ConnectionRefusedError:
            with suppress(PermissionError):  # another account's: it clears its own away
                if bell.is_socket():
                    bell.unlink(missing_ok=True)
            return False
        except OSError:
            # None there, not a socket, not ours: all mean that nobody hears, which the caller may say.
            return False
        return True

    def ring_all(self, bells: Path, seq: int) -> int:
        """Ring every bell in a folder; returns how many could hear."""
        return sum(self.ring(bell, seq) for bell in bells.glob("*.sock"))

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
