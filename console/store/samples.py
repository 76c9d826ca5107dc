"""The metrics' rows, one a tick, in a file an hour: apart from the journal, so that neither harms the other.

A row is its length (four bytes, little-endian) and its bytes in MessagePack. What follows the last whole row
was torn by a crash: readers wait before it, the next writer cuts it off. Nothing is synced: the last rows
before a power failure are not worth the wait.
"""

import os
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from console.core.clock import Stamp
from console.core.metrics import Row
from console.store.private import PRIVATE, Sharing

SUFFIX = ".rows"
_LENGTH = struct.Struct("<I")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Row).decode
_decode_at = msgspec.msgpack.Decoder(tuple[Stamp, msgspec.Raw]).decode


def pack(row: Row) -> bytes:
    """A row as it stands in a file."""
    raw = _encode(row)
    return _LENGTH.pack(len(raw)) + raw


def unpack(data: bytes) -> Iterator[tuple[Row, int]]:
    """The whole rows at the beginning of `data`, each with the offset behind it."""
    offset = 0
    while offset + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += _LENGTH.size
        if offset + length > len(data):
            return
        try:
            row = _decode(data[offset : offset + length])
        except (ValueError, RecursionError):
            return  # a power failure can leave the length and not the bytes
        offset += length
        yield row, offset


def raw_rows(file: BinaryIO, offset: int) -> Iterator[bytes]:
    """The rows from `offset` on, one at a time, up to the last whole one; a row is not decoded yet."""
    file.seek(offset)
    size = os.fstat(file.fileno()).st_size
    while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        offset += _LENGTH.size + length
        if offset > size:  # torn, or no length: nothing is read, however long it says to be
            return
        yield file.read(length)


def offset_since(file: BinaryIO, stamp: Stamp) -> int:
    """Where the first row at `stamp` or after it begins; behind the last whole row where there is none.

    Only the lengths of the rows are read, and the stamps of a dozen.
    """
    *starts, end = _offsets(file)
    index = bisect_left(starts, True, key=lambda start: _is_since(file, start, stamp))  # noqa: FBT003
    return starts[index] if index < len(starts) else end


def _offsets(file: BinaryIO) -> Iterator[int]:
    """Where each whole row begins, and behind the last."""
    size, offset = os.fstat(file.fileno()).st_size, file.seek(0)
    while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
        behind = offset + _LENGTH.size + _LENGTH.unpack(head)[0]
        if behind > size:  # torn; or no length, of which nobody should read so many bytes
            break
        yield offset
        offset = file.seek(behind)
    yield offset


def _is_since(file: BinaryIO, start: int, stamp: Stamp) -> bool:
    file.seek(start)
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    try:
        at, _ = _decode_at(file.read(length))
    except (ValueError, RecursionError):
        return True  # what is no row is at the end of its file
    return at.seconds_since(stamp) >= 0


def hour(stamp: Stamp) -> str:
    """Name of the file for rows of that time; names sort by time."""
    return datetime.fromtimestamp(stamp.utc_us // 1_000_000, UTC).strftime("%Y%m%dT%H") + SUFFIX


def files(folder: Path, first: str = "") -> list[Path]:
    """Files of rows from the one named `first` on, in order."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.name >= first)


class SampleWriter:
    """Appends; never raises on a full or failing disk, but counts what was lost."""

    def __init__(
        self, folder: Path, sharing: Sharing = PRIVATE, retention: Callable[[Stamp], None] | None = None
    ) -> None:
        """`retention` is called with the time whenever a file is begun, to remove what is too old."""
        self._folder = folder
        self._sharing = sharing
        self._retention = retention
        self._name = ""
        self._handle: int | None = None
        self._end = 0
        self.dropped = 0
        """Rows that the disk refused."""
        self.why = ""
        """Why it refused the last of them."""

    def append(self, row: Row) -> None:
        """Add a row to the file of its hour; never to an older one than before, wherever the clock goes."""
        try:
            self._write(pack(row), self._file(row.at))
        except OSError as error:
            self.dropped += 1
            self.why = f"{self._folder}: {error.strerror}"

    def _file(self, at: Stamp) -> int:
        """Descriptor of the file for rows of that time, with `_end` behind its last whole row."""
        if self._handle is not None and hour(at) <= self._name:
            return self._handle
        self.close()
        self._sharing.make_folder(self._folder)
        newest = files(self._folder, hour(at))
        path = newest[-1] if newest else self._folder / hour(at)
        handle = self._sharing.open(path, os.O_RDWR)
        self._handle, self._name = handle, path.name
        self._end = max((end for _, end in unpack(path.read_bytes())), default=0)
        if self._retention is not None:
            self._retention(at)
        return handle

    def _write(self, data: bytes, handle: int) -> None:
        """Put all of `data` behind the last whole row; what was torn there is cut off first."""
        if os.fstat(handle).st_size != self._end:
            os.ftruncate(handle, self._end)
        written = 0
        while written < len(data):
            written += os.pwrite(handle, data[written:], self._end + written)
        self._end += written

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class SampleReader:
    """Follows the rows from file to file; `new` goes on where the last call ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = ""
        self._offset = 0

    def since(self, stamp: Stamp) -> list[Row]:
        """The rows at `stamp` and after it; `new` goes on behind them."""
        self._name = hour(stamp)
        try:
            with (self._folder / self._name).open("rb") as file:
                self._offset = offset_since(file, stamp)
        except FileNotFoundError:  # nobody looked in that hour
            self._offset = 0
        return [row for row in self.new() if row.at.seconds_since(stamp) >= 0]

    def new(self) -> list[Row]:
        """The rows that this reader has not seen yet, oldest first; none while there are none."""
        rows = []
        for path in files(self._folder, self._name):
            offset = self._offset if path.name == self._name else 0
            try:
                with path.open("rb") as file:
                    file.seek(offset)
                    data = file.read()
            except FileNotFoundError:  # too old to be kept, and removed this moment
                continue
            whole = list(unpack(data))
            rows += [row for row, _ in whole]
            self._name, self._offset = path.name, offset + (whole[-1][1] if whole else 0)
        return rows
