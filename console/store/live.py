"""The file of what an engine is doing this second: replaced whole at each tick, and never synced."""

import os
from pathlib import Path

from console.core import live
from console.core.live import Live
from console.store.private import PRIVATE, Sharing


class LiveFile:
    """Written by the engine alone, read by anybody."""

    def __init__(self, path: Path, sharing: Sharing = PRIVATE) -> None:
        self._path = path
        self._sharing = sharing
        self.trouble = ""
        """Why the last write failed; empty when it did not."""

    def write(self, now: Live) -> None:
        """Replace the file. A disk that refuses never stops the engine, but shows in `trouble`."""
        raw = live.encode(now)
        try:
            try:
                self._replace(raw)
            except OSError:
                # A full disk has no room for a second file, but it has the first one's: the heart must not
                # seem to stand still because of it.
                self._overwrite(raw)
        except OSError as error:
            self.trouble = f"{self._path}: {error.strerror}"
        else:
            self.trouble = ""

    def _replace(self, raw: bytes) -> None:
        unborn = self._path.with_name(f"{self._path.name}.new")
        with open(unborn, "wb", opener=self._sharing.open) as file:
            file.write(raw)
        unborn.replace(self._path)

    def _overwrite(self, raw: bytes) -> None:
        with self._path.open("r+b", buffering=0) as file:
            file.write(raw.ljust(os.fstat(file.fileno()).st_size))

    def read(self) -> Live | None:
        """What the engine said last; None where it has said nothing, or what is there cannot be read."""
        try:
            return live.decode(self._path.read_bytes())
        except (OSError, ValueError):
            # A power failure may leave an empty or half file: the next tick, a second later, is whole.
            return None
