"""WAL by names and numbers: segments, what their headers say, and the timelines that they lie on.

A position (LSN) is a number of bytes. A segment's number counts segments from position 0, whatever timeline.
"""

import re
import struct
from collections.abc import Mapping

from msgspec import Struct

SEGMENT = re.compile(r"[0-9A-F]{24}")
"""Names of segments; everything else in an archive is something else."""
HISTORY = re.compile(r"([0-9A-F]{8})\.history")
_HEADER = struct.Struct("<HHIQIxxxxQII")
HEADER_BYTES = _HEADER.size
"""How much of a segment holds what is said of it."""
_LONG_HEADER = 0x0002


class Header(Struct, frozen=True):
    """What a segment's first bytes say of it."""

    position: int
    """Where it begins."""
    system_identifier: str
    segment_bytes: int


def header(raw: bytes) -> Header | None:
    """The header that those first bytes hold; None when they hold none."""
    if len(raw) < HEADER_BYTES:
        return None
    _, info, _, position, _, system, segment_bytes, _ = _HEADER.unpack(raw[:HEADER_BYTES])
    return Header(position, str(system), segment_bytes) if info & _LONG_HEADER else None


def position(text: str) -> int:
    """The number that PostgreSQL writes as `2A/3000028`; ValueError when it is none."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def words(lsn: int) -> str:
    """A position as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def name(timeline: int, number: int, segment_bytes: int) -> str:
    """A segment's name, `00000001000000000000002A`."""
    high, low = divmod(number, 0x1_0000_0000 // segment_bytes)
    return f"{timeline:08X}{high:08X}{low:08X}"


def number(segment: str, segment_bytes: int) -> int:
    """The number in a segment's name."""
    return int(segment[8:16], 16) * (0x1_0000_0000 // segment_bytes) + int(segment[16:24], 16)


def timeline(segment: str) -> int:
    """The timeline in a segment's name."""
    return int(segment[:8], 16)


class Line(Struct, frozen=True):
    """The WAL that leads to one timeline: from each ancestor, the part before the next one forked off."""

    begins: tuple[tuple[int, int], ...]
    """Timelines, oldest first, each with the position that it begins at."""

    @property
    def timeline(self) -> int:
        """The one that it leads to."""
        return self.begins[-1][0]

    def name(self, wanted: int, segment_bytes: int) -> str:
        """The name of a segment on this line: of the newest timeline that begins in it or before."""
        there = [old for old, lsn in self.begins if lsn // segment_bytes <= wanted]
        return name(there[-1], wanted, segment_bytes)

    def holds(self, wanted: int, lsn: int) -> bool:
        """Whether WAL of that timeline up to that position is part of it."""
        for index, (old, _) in enumerate(self.begins):
            if old == wanted:
                later = self.begins[index + 1 :]
                return not later or lsn <= later[0][1]
        return False


def newest_line(histories: Mapping[int, str], at_least: int) -> Line:
    """The line to the newest timeline, as `recovery_target_timeline = latest` chooses it.

    `histories` are the contents of history files by timeline, `at_least` a timeline that is known to be.
    """
    newest = max((at_least, *histories))
    begins, begin = [], 0
    for row in histories.get(newest, "").splitlines():
        words_of = row.split("#")[0].split()
        if len(words_of) >= 2:
            begins.append((int(words_of[0]), begin))
            begin = position(words_of[1])
    return Line((*begins, (newest, begin)))
