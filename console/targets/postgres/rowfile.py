"""Rows written down at one moment and compared at another: of each its key, and the hash of its content.

A file of rows has a part for each table, sorted by name. A part begins with a line that names the table, in
JSON; then comes a line for each row, as COPY prints it: its key as a JSON array of texts, a tab, its hash
(content.row_hash). The lines are in the order of their bytes. A table without a key goes by its content:
there the hash is the key. The last line of the file counts the rows, so that one that was cut off is none.

Both sides of a comparison come in that order, so neither is ever held, whatever its size.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec
from msgspec import Struct
from psycopg import sql

from console.core.errors import StatedError
from console.targets.postgres.content import row_hash
from console.targets.postgres.server import Connection

PARTIAL = ".partial"
MODE = 0o600
"""The keys of users are nobody else's to read."""
_TOLD_EVERY = 10_000
"""Rows after which whoever waits hears how many there were."""

What = Literal["only recorded", "only present", "changed"]
OnDifference = Callable[[What, bytes], None]
"""Hears of each row that differs: how, and its key as COPY prints it."""
OnRows = Callable[[int], None]
"""Hears how many rows more have been read."""


class RowsError(StatedError):
    """The rows could not be read; the message is one line, without the connection's secrets."""


class KeyedTable(Struct, frozen=True, tag="table"):
    """A table as it is written down, which is also the line that its part of a file begins with."""

    schema: str
    name: str
    key: tuple[str, ...]
    """The columns that tell its rows apart; none where they are told by their content."""
    columns: tuple[str, ...]
    """Those that the hash is made of, in this order."""
    whole: bool = True
    """Whether the rows of its partitions are its own; never those of tables that inherit from it."""

    @property
    def qualified(self) -> str:
        """`public.users`."""
        return f"{self.schema}.{self.name}"

    @property
    def source(self) -> sql.Composable:
        """What its rows are selected from."""
        return sql.SQL("" if self.whole else "ONLY ") + sql.Identifier(self.schema, self.name)

    def key_of(self, alias: str) -> sql.Composable:
        """SQL of a row's key, as text."""
        if not self.key:
            return sql.SQL("{}::text").format(self.hash_of(alias))
        texts = sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(alias, name)) for name in self.key
        )
        return sql.SQL("array_to_json(ARRAY[{}])::text").format(texts)

    def hash_of(self, alias: str) -> sql.Composable:
        """SQL of a row's hash."""
        return row_hash(self.columns, alias)


class _End(Struct, frozen=True, tag="end"):
    """The last line of a file of rows."""

    rows: int


_head: msgspec.json.Decoder[KeyedTable | _End] = msgspec.json.Decoder(KeyedTable | _End)


class Compared(Struct, frozen=True):
    """Rows now, against those that were written down."""

    before: int = 0
    after: int = 0
    missing: int = 0
    """Keys that were there and are not any more."""
    new: int = 0
    """Keys that are there now and were not."""
    changed: int = 0
    """Keys that are there with another content."""

    def __add__(self, other: "Compared") -> "Compared":
        """Both together."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Compared(*(one + two for one, two in pairs))


# -- a database's rows, in order ----------------------------------------------------------------------


async def in_order(connection: Connection, table: KeyedTable) -> AsyncGenerator[bytes, None]:
    """A line for each row of the table, as the connection's transaction sees it (which must be `pinned`)."""
    select = sql.SQL(
        "SELECT key, hash FROM (SELECT {key} AS key, {hash} AS hash FROM {table} AS t) AS line"
        ' ORDER BY key COLLATE "C", hash'
    )
    # In the server's own encoding, so that the order of the bytes is the order that it sorts in.
    copy = sql.SQL("COPY ({}) TO STDOUT (ENCODING {})").format(
        select.format(key=table.key_of("t"), hash=table.hash_of("t"), table=table.source),
        sql.Literal(connection.info.parameter_status("server_encoding")),
    )
    async with connection.cursor() as cursor, cursor.copy(copy) as stream:
        async for line in stream:
            yield bytes(line)


async def write(
    connection: Connection, tables: Sequence[KeyedTable], path: Path, on_rows: OnRows | None = None
) -> dict[str, int]:
    """Write the rows of `tables` to `path`, as the connection's transaction sees them; how many of each.

    The file is there whole or not at all. The transaction must be `pinned`, and one that sees one moment.
    OSError when it cannot be written.
    """
    partial = path.with_name(path.name + PARTIAL)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    counts = dict.fromkeys((table.qualified for table in tables), 0)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE), "wb") as file:
        for table in sorted(tables, key=lambda table: table.qualified):
            file.write(msgspec.json.encode(table) + b"\n")
            async with aclosing(in_order(connection, table)) as lines:
                counts[table.qualified] = await _poured(lines, file, on_rows)
        file.write(msgspec.json.encode(_End(sum(counts.values()))) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return counts


async def _poured(lines: AsyncIterator[bytes], file: BinaryIO, on_rows: OnRows | None) -> int:
    rows = 0
    async for line in lines:
        file.write(line)
        rows += 1
        if on_rows and rows % _TOLD_EVERY == 0:
            on_rows(_TOLD_EVERY)
    return rows


# -- a file of rows -----------------------------------------------------------------------------------


class Recorded:
    """A file of rows, read once from its beginning to its end."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._rows = 0
        self._next = b""

    def parts(self) -> Iterator[tuple[KeyedTable, Iterator[bytes]]]:
        """Each table with its lines; RowsError when the file is not as it was written."""
        with _reading(self._path):
            self._next = self._file.readline()
            while isinstance(head := self._decoded(self._next), KeyedTable):
                lines = self._lines()
                yield head, lines
                for _ in lines:  # whatever nobody wanted to see
                    pass
            if head.rows != self._rows or self._file.read(1):
                raise self._unlike(f"it has {self._rows} rows and counts {head.rows}")

    def _lines(self) -> Iterator[bytes]:
        with _reading(self._path):
            for line in self._file:
                if line.startswith(b"{"):
                    self._next = line
                    return
                self._rows += 1
                yield line
            self._next = b""

    def _decoded(self, line: bytes) -> KeyedTable | _End:
        try:
            return _head.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unlike(str(error)) from None

    def _unlike(self, why: str) -> RowsError:
        return RowsError(f"{self._path} is not as it was written: {why}")


@contextmanager
def recorded(path: Path) -> Iterator[Recorded]:
    """The file of rows at `path`; RowsError when it cannot be read."""
    with _reading(path):
        file = path.open("rb")
    with file:
        yield Recorded(path, file)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RowsError(f"cannot read {path}: {error.strerror}") from error


def counted(path: Path) -> int:
    """How many rows a file holds that is as it was written; RowsError for any other."""
    with recorded(path) as file:
        return sum(sum(1 for _ in lines) for _, lines in file.parts())


# -- the two side by side -----------------------------------------------------------------------------


async def merged(
    old: Iterator[bytes],
    present: AsyncIterator[bytes],
    on_difference: OnDifference | None = None,
    on_rows: OnRows | None = None,
) -> Compared:
    """Compare two lists of lines that are in order; a key that is there several times counts so often."""
    merge = _Merge(old, on_difference)
    async for line in present:
        merge.take(line)
        if on_rows and merge.after % _TOLD_EVERY == 0:
            on_rows(_TOLD_EVERY)
    return merge.ended()


class _Merge:
    """How far two lists have been gone through."""

    def __init__(self, old: Iterator[bytes], on_difference: OnDifference | None) -> None:
        self._old = old
        self._line = next(old, b"")
        self._on_difference = on_difference
        self.after = 0
        self._seen: dict[What, int] = {"only recorded": 0, "only present": 0, "changed": 0}

    def take(self, line: bytes) -> None:
        """The next line of those present."""
        self.after += 1
        if line == self._line:  # nearly always
            self._line = next(self._old, b"")
            return
        key = _key(line)
        while self._line and (old := _key(self._line)) < key:
            self._skip(old)
        if self._line and _key(self._line) == key:
            if line != self._line:
                self._tell("changed", key)
            self._line = next(self._old, b"")
        else:
            self._tell("only present", key)

    def ended(self) -> Compared:
        """There are no more lines present."""
        while self._line:
            self._skip(_key(self._line))
        missing, new, changed = self._seen.values()
        return Compared(self.after - new + missing, self.after, missing, new, changed)

    def _skip(self, key: bytes) -> None:
        self._tell("only recorded", key)
        self._line = next(self._old, b"")

    def _tell(self, what: What, key: bytes) -> None:
        self._seen[what] += 1
        if self._on_difference:
            self._on_difference(what, key)


def _key(line: bytes) -> bytes:
    key, tab, _ = line.partition(b"\t")
    if not tab:
        raise RowsError("the file of rows is not as it was written: it has a line that is no row")
    return key
