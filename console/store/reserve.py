"""A file that takes up room so that it can be given up when the disk is full."""

import os
from pathlib import Path

from console.store.private import PRIVATE

SIZE = 1 << 20
"""Bytes; enough for hundreds of events."""
ROOM = 4 * SIZE
"""Free bytes from which the reserve is made again: less, and it would take what was just freed."""


class Reserve:
    """One such file; `held` says whether it is there to be given up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held = path.is_file() and path.stat().st_size == SIZE

    def release(self) -> bool:
        """Give the room back; False when there was none to give."""
        if not self.held:
            return False
        self._path.unlink(missing_ok=True)
        self.held = False
        return True

    def restore(self) -> None:
        """Take the room where it is missing and the disk has plenty; a disk that refuses is asked again."""
        if self.held:
            return
        free = os.statvfs(self._path.parent)
        if free.f_bavail * free.f_frsize < ROOM:
            return
        try:
            self._fill()
        except OSError:
            # Another writer was faster; that the disk is filling up is told by `held`.
            self._path.unlink(missing_ok=True)
        else:
            self.held = True

    def _fill(self) -> None:
        handle = PRIVATE.open(self._path, os.O_WRONLY)
        try:
            os.posix_fallocate(handle, 0, SIZE)
        finally:
            os.close(handle)
