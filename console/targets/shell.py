"""Where a server's own programs run: on this machine, or inside the container that the server runs in."""

import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from console.targets.process import Finished, ProgramError, Programs

Sink = Callable[[bytes], Awaitable[None]]
"""Takes a piece of output; the program waits while it does not return."""


class Shell(Protocol):
    """A place to run programs in, with bytes in and out and no terminal."""

    @property
    def words(self) -> str:
        """Where it is: `this machine`, `container passportx-db`."""
        ...

    @property
    def is_here(self) -> bool:
        """Whether paths and addresses mean there what they mean to us."""
        ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        limit_s: float,
        environment: Mapping[str, str] | None = None,
        source: AsyncIterator[bytes] | None = None,
        sink: Sink | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run `argv` to its end. `source` feeds its input; `sink` takes its output instead of keeping it.

        `on_line` sees each line of what is kept. Raises ProgramError when it cannot be started or
        runs longer than `limit_s` seconds; it is ended then, and when the caller is cancelled. Another
        StatedError says that the place itself is not there.
        """
        ...

    async def end_orphans(self) -> list[int]:
        """End what an engine before this one left running there, and nothing of ours; their process ids.

        A StatedError says that this could not be seen to.
        """
        ...


class HostShell:
    """This machine."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    @property
    def words(self) -> str:
        """As errors call it."""
        return "this machine"

    @property
    def is_here(self) -> bool:
        """Paths and addresses are ours."""
        return True

    async def run(
        self,
        argv: Sequence[str],
        *,
        limit_s: float,
        environment: Mapping[str, str] | None = None,
        source: AsyncIterator[bytes] | None = None,
        sink: Sink | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run a child that ends with us (see Shell)."""
        return await self._programs.run(
            argv, limit_s=limit_s, extra=environment, source=source, sink=sink, on_line=on_line
        )

    async def end_orphans(self) -> list[int]:
        """There are none: children end with us, and the lease is not had before the last of them has."""
        return []


async def checked(shell: Shell, argv: Sequence[str], *, limit_s: float, what: str) -> str:
    """What a short program prints; ProgramError says that `what` failed, and why, unless it ends with 0."""
    finished = await shell.run(argv, limit_s=limit_s)
    if finished.code:
        raise ProgramError(f"{what} on {shell.words} failed: `{shlex.join(argv)}`: {finished.reason}")
    return finished.out
