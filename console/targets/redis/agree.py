"""Whether a snapshot and the record of its server are of the same server, moment and keys."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from console.targets.redis.check import NotProvenError, SnapshotFacts
from console.targets.redis.record import Record

_MICRO = 1_000_000


def agrees(snapshot: Path, told: SnapshotFacts, record: Record) -> None:
    """Refuse the snapshot of another server, or of another moment, than the record's."""
    if (told.version, told.replication_id) != (record.version, record.replication_id):
        raise NotProvenError(
            f"{snapshot} is of another server (Redis {told.version}, history {told.replication_id[:8]}) than "
            f"its record (Redis {record.version}, history {record.replication_id[:8]})"
        )
    began, ended = record.before.at // _MICRO, record.after.at // _MICRO
    if not began - 1 <= told.at <= ended:  # the clock that stamps the snapshot may be a tick behind
        raise NotProvenError(
            f"{snapshot} was taken at {moment(told.at)}, and its record between {moment(began)} and "
            f"{moment(ended)}: it is another one"
        )


def counted(keys: Mapping[str, int], told: SnapshotFacts, record: Record) -> None:
    """Refuse other counts than what was written while it was saved can explain, a key for each change."""
    if sum(keys.values()) != told.keys:
        raise NotProvenError(f"{sum(keys.values()):,} keys were loaded of the {told.keys:,} in the snapshot")
    changes = record.changes
    for database in {**keys, **record.before.keys, **record.after.keys}:
        found = keys.get(database, 0)
        before, after = (census.keys.get(database, 0) for census in (record.before, record.after))
        if not min(before, after) - changes <= found <= max(before, after) + changes:
            raise NotProvenError(
                f"the snapshot has {found:,} keys in database {database}; the server counted {before:,} "
                f"before and {after:,} after it, with {changes:,} changes between: take another backup"
            )


def moment(seconds: int) -> str:
    """A time since 1970 in words."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
