"""Damage in SQLite's write-ahead file, which SQLite takes for the file's end and passes over in silence."""

import struct
import time
from pathlib import Path

_HEADER = struct.Struct(">8I")  # magic, version, page size, checkpoint, salt, salt, checksum, checksum
_FRAME = struct.Struct(">6I")  # page, pages after commit, salt, salt, checksum, checksum
_LITTLE, _BIG = 0x377F0682, 0x377F0683
_LOOKS = 5
_PAUSE_S = 0.02

Sums = tuple[int, int]


def damage(wal: Path) -> int | None:
    """Offset of the first frame that does not hold though it was written, or None.

    A frame that a living engine is writing just now looks damaged too: only what stays so is told.
    """
    found = _look(wal)
    for _ in range(_LOOKS):
        if found is None:
            return None
        time.sleep(_PAUSE_S)
        before, found = found, _look(wal)
        if found == before:
            return found
    return None


def _look(wal: Path) -> int | None:
    data = wal.read_bytes() if wal.exists() else b""
    if len(data) <= _HEADER.size:
        return None
    magic, _, page, _, *salts, first, second = _HEADER.unpack_from(data)
    order = {_LITTLE: "<", _BIG: ">"}.get(magic)
    if order is None or _sums(data[:24], order, (0, 0)) != (first, second):
        return 0
    size = _FRAME.size + page
    end = _end(data, size, order, (first, second), salts)
    later = (_FRAME.unpack_from(data, offset)[2:4] for offset in range(end, len(data) - size + 1, size))
    # Frames of an earlier round have another pair of salts; ours behind the end were written, and were valid.
    return end if any(a == salts[0] or b == salts[1] for a, b in later) else None


def _end(data: bytes, size: int, order: str, sums: Sums, salts: list[int]) -> int:
    """Offset behind the last frame that holds: each checksum goes on from the one before."""
    offset = _HEADER.size
    while offset + size <= len(data):
        *_, salt_1, salt_2, first, second = _FRAME.unpack_from(data, offset)
        head, page = data[offset : offset + 8], data[offset + _FRAME.size : offset + size]
        sums = _sums(page, order, _sums(head, order, sums))
        if [salt_1, salt_2] != salts or sums != (first, second):
            break
        offset += size
    return offset


def _sums(data: bytes, order: str, sums: Sums) -> Sums:
    """SQLite's checksum of `data` (a multiple of 8 bytes), going on from `sums`."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
