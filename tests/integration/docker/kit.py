"""What the tests of containers share: what runs inside, and a way to an engine that can be cut."""

import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from console.targets.docker.shell import ContainerShell

PIECE = 1 << 18
PATIENCE_S = 10.0
_LOOK = """
for place in /proc/[0-9]*; do
    [ "$(tr '\\0' ' ' <$place/cmdline)" = "$WORDS " ] && echo ${place#/proc/}
done
"""


async def running(shell: ContainerShell, words: str) -> list[str]:
    """Process ids inside whose command line is exactly those words."""
    told = await shell.run(("sh", "-c", _LOOK), limit_s=10, environment={"WORDS": words})
    return told.out.split()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Return when the condition holds; fails after ten seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


async def noise(size: int, seed: int = 1) -> AsyncIterator[bytes]:
    """So many bytes that cannot be guessed, the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    for at in range(0, size, PIECE):
        yield dice.randbytes(min(PIECE, size - at))


class Taken:
    """A sink that hashes what it is given, slowly if asked to."""

    def __init__(self, wait_s: float = 0.0) -> None:
        self.bytes = 0
        self.digest = hashlib.sha256()
        self._wait_s = wait_s

    async def __call__(self, piece: bytes) -> None:
        await asyncio.sleep(self._wait_s)
        self.bytes += len(piece)
        self.digest.update(piece)


@asynccontextmanager
async def relay(
    folder: Path, target: str, at_most: int = sys.maxsize
) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """A way to the engine's socket `target` through ours: its URL, and what cuts all that goes through it.

    It also breaks off each of the engine's answers after `at_most` bytes.
    """
    writers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(target.removeprefix("unix://"))
        writers.extend((writer, far_writer))
        tasks.append(asyncio.create_task(_copy(reader, far_writer)))
        tasks.append(asyncio.create_task(_copy(far_reader, writer, at_most)))

    def cut() -> None:
        for writer in writers:
            writer.transport.abort()
        writers.clear()

    path = folder / "relay.sock"
    server = await asyncio.start_unix_server(accept, path)
    try:
        yield f"unix://{path}", cut
    finally:
        server.close()
        cut()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int = sys.maxsize) -> None:
    with suppress(OSError):
        while left and (piece := await reader.read(min(left, PIECE))):
            left -= len(piece)
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
