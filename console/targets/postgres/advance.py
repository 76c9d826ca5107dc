"""How far a dump is: the tables that pg_dump has begun, and of those at hand, what the server has sent."""

import re

from msgspec import Struct

from console.targets.postgres.server import Connection
from console.targets.progress import Progress

_BEGUN = re.compile(r"dumping contents of table \"(.+)\"")
_MB = 1_000_000
_TABLES = """
    SELECT table_.oid::bigint, nspname || '.' || relname, coalesce(pg_table_size(table_.oid), 0),
           greatest(reltuples, 0)::bigint
    FROM pg_class table_ JOIN pg_namespace space ON space.oid = relnamespace
    WHERE relkind = 'r' AND relpersistence <> 't' AND nspname <> 'information_schema' AND nspname !~ '^pg_'
"""
_AT_HAND = """
    SELECT relid::bigint, bytes_processed, tuples_processed
    FROM pg_stat_progress_copy JOIN pg_stat_activity USING (pid)
    WHERE application_name = %s
"""


class _Table(Struct, frozen=True, array_like=True):
    oid: int
    name: str
    bytes: int
    rows: int
    """As of the last analyze; 0 also where there was none."""

    def read(self, sent: int, rows: int) -> int:
        """About how many of its bytes were read when so many bytes and rows of it were sent."""
        share = self.bytes * rows // self.rows if self.rows else sent
        return min(share, self.bytes)


class Advance:
    """Hears the lines of a verbose pg_dump and looks at the backends that serve it."""

    def __init__(self, application: str, progress: Progress) -> None:
        """`application` is what those backends are called in `pg_stat_activity`."""
        self._application = application
        self._progress = progress
        self._tables: dict[int, _Table] = {}
        self._begun: set[str] = set()
        self._newest = "the schema"
        self._hashed = 0
        self.read = 0
        """Bytes of tables that the dump has read, as the tables lie on the server's disk; about."""

    async def begin(self, connection: Connection) -> None:
        """Ask how large the tables are."""
        rows = await (await connection.execute(_TABLES)).fetchall()
        self._tables = {row[0]: _Table(*row) for row in rows}

    def heard(self, line: str) -> None:
        """A line that pg_dump says."""
        if table := _BEGUN.search(line):
            self._newest = f"table {table[1]}"
            self._begun.add(table[1])

    def hashed(self, rows: int) -> None:
        """So many rows more were counted and hashed beside the dump."""
        self._hashed += rows

    async def look(self, connection: Connection) -> int:
        """Ask what is at hand, and tell; how many bytes more were read since the last look."""
        rows = await (await connection.execute(_AT_HAND, (self._application[:63],))).fetchall()
        at_hand = {oid: self._tables[oid].read(sent, rows) for oid, sent, rows in rows if oid in self._tables}
        whole = sum(
            table.bytes
            for table in self._tables.values()
            if table.name in self._begun and table.oid not in at_hand
        )
        before, self.read = self.read, max(self.read, whole + sum(at_hand.values()))
        self._tell()
        return self.read - before

    def _tell(self) -> None:
        rows = sum(table.rows for table in self._tables.values())
        self._progress(
            f"dumping {self._newest}; {self._hashed:,} of about {max(rows, self._hashed):,} rows hashed",
            done=round(self.read / _MB, 1),
            total=round(sum(table.bytes for table in self._tables.values()) / _MB, 1),
            unit="MB",
        )
