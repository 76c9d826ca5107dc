"""What `pgbackrest info --output=json` says, as far as it is read."""

from msgspec import Struct, field

from console.targets.postgres import wal
from console.targets.postgres.reach import Base


class Span(Struct, frozen=True):
    """Names of segments, or positions."""

    start: str
    stop: str


class Times(Struct, frozen=True):
    """Whole seconds since 1970."""

    start: int
    stop: int


class Size(Struct, frozen=True):
    """Bytes of the cluster."""

    size: int


class Of(Struct, frozen=True):
    """Which of the stanza's clusters something belongs to."""

    id: int


class Backup(Struct, frozen=True):
    """A backup of one cluster."""

    label: str
    archive: Span
    lsn: Span
    timestamp: Times
    database: Of
    info: Size
    error: bool | None = None
    annotation: dict[str, str] = {}


class Database(Struct, frozen=True):
    """A cluster that the stanza has been used for."""

    id: int
    version: str
    system: int = field(name="system-id")


class ArchiveId(Struct, frozen=True):
    """Where the WAL of a cluster is."""

    id: str
    database: Of


class Status(Struct, frozen=True):
    """What it thinks of itself."""

    code: int
    message: str


class Stanza(Struct, frozen=True):
    """What `info` tells of a stanza."""

    status: Status
    archive: list[ArchiveId] = []
    backup: list[Backup] = []
    db: list[Database] = []

    @property
    def database(self) -> Database:
        """The cluster that it is used for now; the others are what was in its place before."""
        return self.db[-1]

    @property
    def of_now(self) -> list[Backup]:
        """Backups of that cluster, oldest first."""
        return [backup for backup in self.backup if backup.database.id == self.database.id] if self.db else []

    @property
    def place(self) -> str | None:
        """Where the WAL of that cluster is, below the stanza's `archive`; None while it has none."""
        ids = [archive.id for archive in self.archive if self.db and archive.database.id == self.database.id]
        return ids[-1] if ids else None


def base_of(backup: Backup, database: Database, segment_bytes: int) -> Base:
    """A backup as a base backup to replay from."""
    return Base(
        id=backup.label,
        began=backup.timestamp.start * 1_000_000,
        # It tells whole seconds, and the moment must not lie before the real one.
        ends=(backup.timestamp.stop + 1) * 1_000_000,
        timeline=wal.timeline(backup.archive.stop),
        start_lsn=wal.position(backup.lsn.start),
        end_lsn=wal.position(backup.lsn.stop),
        wal_from=wal.position(backup.lsn.start),
        system_identifier=str(database.system),
        version=database.version,
        bytes=backup.info.size,
        segment_bytes=segment_bytes,
        verified="pgBackRest compares every file's checksum when it restores",
    )
