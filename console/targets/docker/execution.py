"""One program inside a container: created, listened to and fed through one connection, asked how it ended."""

import asyncio
import shlex
from asyncio import StreamReader
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker, Facts, NotThereError
from console.targets.docker.frames import STDERR, STDOUT, Frames, only
from console.targets.docker.line import CutError, Line
from console.targets.process import Finished, ProgramError, drain
from console.targets.shell import Sink

_SETTLE_S = 5.0
"""Seconds that a program may live on when both of its outputs have ended."""
LOOK_AGAIN_S = 0.02
_NOT_STARTED = {126, 127}
"""Codes of a program that is not there or is none; where it was never a process, they are the engine's."""


class Execution:
    """One run of one program; used once."""

    def __init__(self, docker: Docker, container: str, argv: Sequence[str], given: Sequence[str]) -> None:
        """`given` is added to the container's environment, as `NAME=value`."""
        self._docker = docker
        self._container = container
        self._argv = list(argv)
        self._given = list(given)
        self._id = ""

    async def run(
        self, source: AsyncIterator[bytes] | None, sink: Sink | None, on_line: Callable[[str], None] | None
    ) -> Finished:
        """Run it to its end (see Shell.run).

        Raises ProgramError when it cannot be started, DockerError when engine or container fail.
        """
        self._id = await self._create(fed=source is not None)
        start = self._docker.upgrade(f"/exec/{self._id}/start", {"Detach": False, "Tty": False})
        async with start as line:
            feeding = asyncio.create_task(_feed(line, source))
            hearing = asyncio.create_task(self._hear(line, sink, on_line))
            try:
                # The end of all output ends the feeding; an error of the source does not wait for output.
                await asyncio.wait({feeding, hearing}, return_when=asyncio.FIRST_COMPLETED)
                if feeding.done():
                    feeding.result()
                out, err = await hearing
            finally:
                feeding.cancel()
                hearing.cancel()
                await asyncio.gather(feeding, hearing, return_exceptions=True)
        return Finished(await self._code(), out, err)

    @property
    def begun(self) -> bool:
        """Whether the engine knows of it, so that it may run."""
        return bool(self._id)

    async def over(self) -> bool:
        """Whether it ran and runs no more; False before it was seen to run."""
        return _ended(await self._facts())

    async def _create(self, *, fed: bool) -> str:
        name, argv, given = self._container, self._argv, self._given
        try:
            made = await self._docker.call(
                lambda api: api.exec_create(name, argv, stdin=fed, environment=given)
            )
        except DockerError:
            await self._docker.container(name)  # has better words when it is the container that is missing
            raise
        return str(made["Id"])

    async def _hear(
        self, line: Line, sink: Sink | None, on_line: Callable[[str], None] | None
    ) -> tuple[str, str]:
        """Both outputs to their end; what went to the sink is not in them."""
        out, err, frames = StreamReader(), StreamReader(), Frames()
        keeping = asyncio.gather(drain(out, on_line), drain(err, on_line))
        try:
            while data := await line.read():
                pieces = frames.split(data)
                err.feed_data(only(STDERR, pieces))
                said = only(STDOUT, pieces)
                if sink is None:
                    out.feed_data(said)
                elif said:
                    await sink(said)
        finally:
            out.feed_eof()
            err.feed_eof()
            kept = await keeping
        if not frames.whole:
            raise CutError
        return kept[0], kept[1]

    async def _code(self) -> int:
        """Its exit code; the engine learns of an end a moment after the outputs have ended."""
        try:
            async with asyncio.timeout(_SETTLE_S):
                facts = await self._end()
        except TimeoutError:
            what = f"`{self._argv[0]}` in container {self._container}"
            raise ProgramError(f"{what} ended its outputs, or was cut off, and does not end") from None
        code = int(facts["ExitCode"])
        if code in _NOT_STARTED and not facts["Pid"]:
            where = f"container {self._container}"
            raise ProgramError(f"cannot run `{shlex.join(self._argv)}` in {where}: no such program there")
        return code

    async def _end(self) -> Facts:
        """What the engine says of it once it has ended; there is no question that waits for that."""
        while True:
            facts = await self._facts()
            if _ended(facts):
                return facts
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _facts(self) -> Facts:
        try:
            return await self._docker.call(lambda api: api.exec_inspect(self._id))
        except NotThereError:
            await self._docker.container(self._container)
            raise


async def _feed(line: Line, source: AsyncIterator[bytes] | None) -> None:
    """All of the source, as fast as it is taken, then the end of it."""
    if source is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # the exit code says what went wrong
        async for piece in source:
            await line.write(piece)
    await line.end()


def _ended(facts: Facts) -> bool:
    return not facts["Running"] and facts["ExitCode"] is not None
