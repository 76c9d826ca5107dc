"""A container as a place to run programs in: bytes in and out, and nothing left running behind us."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from console.core.errors import StatedError
from console.targets.docker.engine import Docker
from console.targets.docker.execution import LOOK_AGAIN_S, Execution
from console.targets.process import TAG, Finished, ProgramError
from console.targets.shell import Sink

RUN = "WARROOM_RUN"
"""Environment variable that tells one run of a program, and all that it started, from every other."""
ENGINE = f"WARROOM_ENGINE={secrets.token_hex(8)}"
"""What every program of this very process carries: what has the tag and not this was left behind."""

_END_S = 10.0
"""Seconds within which what was killed inside must be seen to have ended."""
_WANTED = "WARROOM_WANTED"
_SPARED = "WARROOM_SPARED"
_KILL = f"""
command -v grep >/dev/null && command -v tr >/dev/null || exit 1
for entry in $(grep -lsF -e "${_WANTED}" /proc/[0-9]*/environ); do
    lines=$(tr '\\0' '\\n' 2>/dev/null <"$entry")
    printf '%s\\n' "$lines" | grep -qxF -e "${_WANTED}" || continue
    printf '%s\\n' "$lines" | grep -qxF -e "${_SPARED}" && continue
    process=${{entry#/proc/}} process=${{process%/environ}}
    kill -9 "$process" 2>/dev/null && echo "$process"
done
exit 0
"""
"""Kills every process whose environment holds exactly the one line and not the other, and prints its id.

This shell's own holds neither: there they are the values of other variables. What it cannot read is not ours.
"""


class ContainerShell:
    """One container. A program in it does not end with its connection: it is looked for and killed.

    The container must have `sh`, `grep` and `tr` for that, as those of PostgreSQL and Redis do.
    """

    def __init__(self, docker: Docker, container: str, tag: Path) -> None:
        """`tag` is what every program carries as console.targets.process.TAG."""
        self._docker = docker
        self._container = container
        self._tag = f"{TAG}={tag}"

    @property
    def words(self) -> str:
        """As errors call it."""
        return f"container {self._container}"

    @property
    def is_here(self) -> bool:
        """Paths and addresses are the container's."""
        return False

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
        """Run a program inside (see Shell), as the container's own user, in its environment and ours.

        Raises DockerError when engine or container are not there. What was started is seen to have
        ended before this raises, or the message says that it was not.
        """
        run = f"{RUN}={secrets.token_hex(8)}"
        given = [f"{name}={value}" for name, value in (environment or {}).items()]
        work = Execution(self._docker, self._container, argv, [*given, self._tag, ENGINE, run])
        try:
            async with asyncio.timeout(limit_s):
                return await work.run(source, sink, on_line)
        except TimeoutError:
            how = await self._end(work, run) or "was ended"
            raise ProgramError(
                f"`{argv[0]}` took longer than {limit_s:g} s in {self.words} and {how}"
            ) from None
        except BaseException as error:
            if trouble := await self._end(work, run):
                error.add_note(f"`{argv[0]}` in {self.words} {trouble}")
            raise

    async def end_orphans(self) -> list[int]:
        """Kill what an engine before us left running inside; process ids as the container sees them.

        Raises DockerError when engine or container are not there, ProgramError when the container does
        not answer.
        """
        try:
            async with asyncio.timeout(_END_S):
                return await self._kill(self._tag, spared=ENGINE)
        except TimeoutError:
            raise ProgramError(
                f"{self.words} does not answer: no program ran in it for {_END_S:g} s"
            ) from None

    async def _end(self, work: Execution, run: str) -> str:
        """Kill a run with all that it started; empty when that was seen to work, else how it failed."""
        if not work.begun:
            return ""
        try:
            async with asyncio.timeout(_END_S):
                while True:  # until a sweep after its end finds nothing: it may have started more meanwhile
                    over = await work.over()
                    if not await self._kill(run) and over:
                        return ""
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            return f"was not seen to end within {_END_S:g} s"
        except StatedError as error:
            return f"could not be ended: {error}"

    async def _kill(self, line: str, *, spared: str = "none is spared") -> list[int]:
        """Kill every process inside that has this line in its environment, and not the other; their ids."""
        given = (f"{_WANTED}={line}", f"{_SPARED}={spared}")
        sweep = Execution(self._docker, self._container, ("sh", "-c", _KILL), given)
        with suppress(ProgramError):  # there is no sh either
            finished = await sweep.run(None, None, None)
            if not finished.code:
                return [int(word) for word in finished.out.split()]
        raise ProgramError(f"{self.words} lacks sh, grep or tr, without which nothing in it can be found")
