"""What base backups and WAL reach together: which segments follow a base without a gap."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from console.core.errors import StatedError
from console.targets.postgres import wal


class ArchiveError(StatedError):
    """The archive cannot be read or written, or does not reach a moment; one line that says what to do."""


class Base(Struct, frozen=True, kw_only=True):
    """A base backup; times are UTC microseconds, positions are in WAL."""

    id: str
    began: int
    ends: int
    """From this moment on, WAL leads from it to any other."""
    timeline: int
    start_lsn: int
    end_lsn: int
    wal_from: int
    """The archive must hold all WAL from this position on: what comes before it lies in the base itself."""
    system_identifier: str
    version: str
    """The server's, `15.18`."""
    bytes: int
    segment_bytes: int
    """Of a WAL segment."""
    verified: str
    """How it is known to be whole, in words."""

    @property
    def major(self) -> int:
        """The server's major version."""
        return int(self.version.partition(".")[0])


class Kept(Struct, frozen=True):
    """The WAL that an archive really holds."""

    whole: frozenset[str]
    """Names of segments that are complete and where they belong."""
    broken: Mapping[str, str]
    """Names of the others, each with what is wrong."""
    histories: Mapping[int, str]
    """Contents of history files by timeline."""


class Run(Struct, frozen=True):
    """Base backups with the WAL that follows the oldest of them without a gap."""

    bases: tuple[Base, ...]
    """Oldest first; at least one."""
    segments: tuple[str, ...]
    """Names, oldest first, from the first one that the oldest base needs."""
    line: wal.Line


class Reach(Struct, frozen=True):
    """All runs, oldest first, and what keeps them from being one."""

    runs: tuple[Run, ...]
    missing: tuple[str, ...]
    """Segments that the archive does not hold whole, though it has a base before and a segment after them."""
    broken: Mapping[str, str]
    """Segments that it holds, but not whole, each with what is wrong."""


def reach(bases: Sequence[Base], kept: Kept) -> Reach:
    """What those bases (oldest first) and that WAL reach; of several clusters' bases, the newest's count."""
    if not bases:
        return Reach((), (), {})
    newest = bases[-1]
    size = newest.segment_bytes
    line = wal.newest_line(kept.histories, newest.timeline)
    firsts = {
        base.id: base.wal_from // size
        for base in bases
        if base.system_identifier == newest.system_identifier and line.holds(base.timeline, base.end_lsn)
    }
    there = _numbers(line, kept.whole, size)
    ends = max((*there, min(firsts.values(), default=0) - 1)) + 1
    absent = [number for number in range(min(firsts.values(), default=ends), ends) if number not in there]
    runs: dict[int, list[Base]] = {}
    for base in bases:
        if base.id in firsts:
            runs.setdefault(_end(firsts[base.id], absent, ends), []).append(base)
    return Reach(
        tuple(
            Run(tuple(of), _names(line, range(firsts[of[0].id], end), size), line)
            for end, of in sorted(runs.items())
        ),
        _names(line, absent, size),
        kept.broken,
    )


def _end(first: int, absent: Sequence[int], ends: int) -> int:
    """The number of the first segment that does not follow any more."""
    return next((number for number in absent if number >= first), max(first, ends))


def _numbers(line: wal.Line, segments: Iterable[str], size: int) -> set[int]:
    """Numbers of those segments that lie on the line."""
    numbered = ((wal.number(segment, size), segment) for segment in segments)
    return {number for number, segment in numbered if line.name(number, size) == segment}


def _names(line: wal.Line, numbers: Iterable[int], size: int) -> tuple[str, ...]:
    return tuple(line.name(number, size) for number in numbers)


def moment(utc_us: int) -> str:
    """`2026-11-23 10:15:00.250000 UTC`: to the microsecond, because recovery stops to the microsecond."""
    seconds, rest = divmod(utc_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:06} UTC"
