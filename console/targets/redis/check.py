"""Whether a file is a whole snapshot of a Redis, by Redis' own program, and what it says of itself."""

import re
from pathlib import Path

from msgspec import Struct

from console.core.errors import StatedError
from console.targets.process import Finished, Programs
from console.targets.redis.programs import RedisProgram
from console.targets.redis.record import Record

_PROGRAM = "redis-check-rdb"
_HEAD = b"REDIS"
_ERROR = re.compile(r"RDB ERROR DETECTED ---\s+\[offset (\d+)\] (.+)")
_FIELD = re.compile(r"AUX FIELD (\S+) = '(.*)'")
_END = re.compile(r"\[offset (\d+)\] .*RDB looks OK")
_KEYS = re.compile(r"\[info\] (\d+) keys read")
_UNCHECKED = "checksum disabled"
_TOO_NEW = "Can't handle RDB format"
_CRC = "CRC error"


class NotProvenError(StatedError):
    """A saved cache is not what it should be; one sentence that says how it differs, and what to do."""


class SnapshotFacts(Struct, frozen=True):
    """What a whole snapshot says of itself."""

    version: str
    """Of the server that wrote it."""
    replication_id: str
    """Of that server's history; empty where it does not say."""
    at: int
    """When it was written, by that server's clock, seconds since 1970."""
    keys: int
    """With those that have expired since."""
    checksummed: bool
    """Whether its checksum was compared; a server can be told to write none."""


async def check(
    program: RedisProgram, snapshot: Path, record: Record, own: Path, programs: Programs, limit_s: float
) -> SnapshotFacts:
    """What the snapshot says of itself, once it is seen to be whole; NotProvenError when it is not.

    `own` is a folder of ours, where the program gets the name that it goes by.
    """
    _measured(snapshot, record)
    checker = own / _PROGRAM
    checker.symlink_to(Path(program.path).resolve())
    finished = await programs.run((str(checker), str(snapshot.resolve())), limit_s=limit_s, cwd=own)
    end, keys = _END.search(finished.out), _KEYS.search(finished.out)
    if finished.code or end is None or keys is None:
        raise _damaged(snapshot, finished)
    if int(end[1]) != record.bytes:
        raise NotProvenError(f"{snapshot} has {record.bytes - int(end[1]):,} bytes behind its end: {_AGAIN}")
    fields = dict(_FIELD.findall(finished.out))
    return SnapshotFacts(
        version=fields.get("redis-ver", ""),
        replication_id=fields.get("repl-id", ""),
        at=int(fields.get("ctime", 0)),
        keys=int(keys[1]),
        checksummed=_UNCHECKED not in finished.out,
    )


_AGAIN = "take another backup"


def _measured(snapshot: Path, record: Record) -> None:
    """Refuse what is no snapshot at first sight."""
    try:
        size = snapshot.stat().st_size
        with snapshot.open("rb") as file:
            head = file.read(len(_HEAD))
    except OSError as error:
        raise NotProvenError(f"cannot read {snapshot}: {error.strerror}") from error
    if size == 0:
        raise NotProvenError(f"{snapshot} is empty: {_AGAIN}")
    if head != _HEAD:
        raise NotProvenError(f"{snapshot} is no snapshot of a Redis (still sealed, or another file)")
    if size < record.bytes:
        raise NotProvenError(
            f"{snapshot} is truncated: {size:,} of {record.bytes:,} bytes are there; {_AGAIN}"
        )
    if size > record.bytes:
        raise NotProvenError(
            f"{snapshot} has grown from {record.bytes:,} to {size:,} bytes since it was saved"
        )


def _damaged(snapshot: Path, finished: Finished) -> NotProvenError:
    found = _ERROR.search(finished.out)
    where, what = found.groups() if found else ("", finished.reason)
    if _CRC in what:
        return NotProvenError(
            f"{snapshot} is damaged: its content does not have its checksum (CRC64); {_AGAIN}"
        )
    if _TOO_NEW in what:
        return NotProvenError(f"{snapshot} was written by a newer Redis than its record says: {what}")
    place = f" at byte {where}" if where else ""
    return NotProvenError(f"{snapshot} is damaged{place}: {_PROGRAM} says: {what}; {_AGAIN}")
