"""A container's log since a moment, into a file that cannot grow without end: the newest part of it stays."""

import asyncio
import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Self

from msgspec import Struct

from console.core.redaction import RedactedStream, Redactor
from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker, Facts
from console.targets.docker.frames import Frames

LARGEST = 64 << 20
"""Bytes that are kept of a log."""
_PIECE = 1 << 20


class Log(Struct, frozen=True):
    """A log as it was saved, each line with its time in front."""

    path: str
    """Name of the file among the logs."""
    bytes: int
    cut: bool
    """Whether older lines were left out because there were too many."""


async def save_log(
    docker: Docker,
    told: Facts,
    path: Path,
    *,
    since: int,
    limit_s: float,
    largest: int = LARGEST,
    mask: Redactor | None = None,
) -> tuple[Log, str]:
    """Write the log of the container that `told` is about, `since` (UTC microseconds), into a new file.

    Both outputs in the order in which they came, without what `mask` knows. The second is empty, or why it
    does not reach the end. OSError when the file cannot be written.
    """
    trouble = ""
    with _Tail(path, largest, mask.stream() if mask else None) as tail:
        try:
            async with asyncio.timeout(limit_s):
                await _pour(docker, told, since, tail)
        except TimeoutError:
            trouble = f"was not read to its end within {limit_s:g} s"
        except DockerError as error:
            trouble = f"cannot be read: {error}"
        await _thread(tail.finish)
    return Log(path.name, tail.bytes, tail.is_cut), trouble


async def _pour(docker: Docker, told: Facts, since: int, tail: "_Tail") -> None:
    seconds, micros = divmod(since, 1_000_000)
    query = f"stdout=1&stderr=1&timestamps=1&since={seconds}.{micros:06}"
    frames = None if told["Config"]["Tty"] else Frames()
    held = bytearray()
    async with aclosing(docker.read(f"/containers/{told['Id']}/logs?{query}")) as answer:
        async for data in answer:
            held += data if frames is None else b"".join(piece for _, piece in frames.split(data))
            if len(held) >= _PIECE:
                await _thread(tail.add, bytes(held))
                held.clear()
    await _thread(tail.add, bytes(held))


async def _thread(work: Callable[..., None], *given: object) -> None:
    """Do it in a thread, and see it done even when we are cancelled: the file is closed after that."""
    doing = asyncio.create_task(asyncio.to_thread(work, *given))
    try:
        await asyncio.shield(doing)
    finally:
        await asyncio.wait({doing})


class _Tail:
    """A file that keeps the last `largest` bytes of what is added, from the beginning of a line."""

    def __init__(self, path: Path, largest: int, filtered: RedactedStream | None) -> None:
        self.bytes = 0
        self.is_cut = False
        self._path = path
        self._largest = largest
        self._filtered = filtered

    def __enter__(self) -> Self:
        self._file = self._path.open("x+b")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, data: bytes) -> None:
        """Append; twice the bytes that are kept may lie there for a while."""
        self._write(self._filtered.feed(data) if self._filtered else data)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()
        self.bytes += len(data)
        if self.bytes > 2 * self._largest:
            self._shift()

    def finish(self) -> None:
        """Write what was held back, and cut what is too much."""
        if self._filtered:
            self._write(self._filtered.finish())
        if self.bytes > self._largest:
            self._shift()

    def _shift(self) -> None:
        """Move the last lines to the beginning; a piece is written where all was read already."""
        file = self._file.fileno()
        at = self.bytes - self._largest
        at += os.pread(file, _PIECE, at).find(b"\n") + 1
        to = 0
        while piece := os.pread(file, _PIECE, at):
            to += os.pwrite(file, piece, to)
            at += len(piece)
        self._file.truncate(to)
        self._file.seek(to)
        self.bytes, self.is_cut = to, True
