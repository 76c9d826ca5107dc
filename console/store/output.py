"""What a step prints: a capped file for each attempt, hashed when closed; its last lines for the screen."""

import os
import re
from collections import deque
from hashlib import sha256
from pathlib import Path

from console.store.private import PRIVATE, Sharing

CAP_BYTES = 4 << 20
TAIL_LINES = 40
LINE_CHARACTERS = 400
"""How much of a line is kept for the screen."""
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


class OutputFile:
    """The output of one attempt. A disk that refuses never stops the step: see `dropped` and `why`."""

    def __init__(
        self,
        folder: Path,
        incident: str,
        step: str,
        attempt: int,
        cap: int = CAP_BYTES,
        sharing: Sharing = PRIVATE,
    ) -> None:
        """Make `<folder>/<incident>/<step>-<attempt>.txt`, or `.2.txt` where an earlier plan had it.

        OSError when it cannot be made.
        """
        self.path, self._handle = _create(folder / _safe(incident), f"{_safe(step)}-{attempt}", sharing)
        self._cap = cap
        self._size = 0
        self._hash = sha256()
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._line = ""
        self.dropped = 0
        """Bytes that were not kept."""
        self.why = ""
        """Why the disk refused some of them; empty when the cap did."""

    def write(self, text: str) -> None:
        """Add text, of any length and cut anywhere."""
        self._follow(text)
        raw = text.encode(errors="backslashreplace")
        room = max(self._cap - self._size, 0) if not self.dropped else 0
        kept = raw if len(raw) <= room else raw[:room].decode(errors="ignore").encode()
        self.dropped += len(raw) - self._put(kept)

    def tail(self) -> tuple[str, ...]:
        """The last lines, oldest first, fit for a screen: cut to a length, and without control characters."""
        lines = (*self._lines, self._line) if self._line else tuple(self._lines)
        return tuple(_shown(line) for line in lines[-TAIL_LINES:])

    def close(self) -> str:
        """Say at the end how much was dropped, sync, let go; returns the SHA-256 of the file, in hex."""
        if self.dropped:
            why = self.why or f"the cap is {self._cap}"
            self._put(f"\n[{self.dropped} more bytes were not kept: {why}]\n".encode())
        try:
            os.fsync(self._handle)
        except OSError as error:
            self.why = str(error.strerror)
        os.close(self._handle)
        return self._hash.hexdigest()

    def _put(self, raw: bytes) -> int:
        """Write what the disk takes; how many bytes that was."""
        written = 0
        try:
            while written < len(raw):
                written += os.write(self._handle, raw[written:])
        except OSError as error:
            self.why = str(error.strerror)
        self._hash.update(raw[:written])
        self._size += written
        return written

    def _follow(self, text: str) -> None:
        """Keep the last lines; of one that never ends, no more than its end."""
        lines = (self._line + text).split("\n")[-TAIL_LINES - 1 :]
        *ended, self._line = (line[-4 * LINE_CHARACTERS :] for line in lines)
        self._lines.extend(ended)


def _create(folder: Path, stem: str, sharing: Sharing) -> tuple[Path, int]:
    """A new file, never one that is there: its path and descriptor."""
    sharing.make_folder(folder)
    path, number = folder / f"{stem}.txt", 1
    while True:
        try:
            return path, sharing.open(path, os.O_WRONLY | os.O_EXCL)
        except FileExistsError:
            number += 1
            path = folder / f"{stem}.{number}.txt"


def _safe(name: str) -> str:
    """A file name for any text; two texts never share one."""
    plain = re.sub(r"[^0-9A-Za-z_-]", "_", name)[:60]
    return plain if plain == name and name else f"{plain}~{sha256(name.encode()).hexdigest()[:8]}"


def _shown(line: str) -> str:
    """What a terminal would show of a line: the last of what carriage returns overwrote, without escapes."""
    last = next((part for part in reversed(line.split("\r")) if part.strip()), "")
    return _ESCAPES.sub("", last)[:LINE_CHARACTERS]
