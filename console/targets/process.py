"""Programs of the system, run as children that end with us: argv only, time-limited, small environment."""

import asyncio
import os
import secrets
import shlex
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from console.core.errors import StatedError
from console.targets.together import surely, together

KEPT_OUTPUT = 1 << 20
"""Bytes of standard output and of standard error that are kept for the caller."""

CHUNK = 1 << 18
"""Bytes of the largest piece that a sink is given."""

TAG = "WARROOM_WORK"
"""Environment variable naming the state folder whose engine started a program, so that orphans are found."""
RUN = "WARROOM_RUN"
"""Environment variable that tells what one run has started, whatever group or session that is in now."""
_HELD_S = 0.25
"""How long the outputs of a group that was killed may stay open before what has left the group is ended."""
_GIVEN_UP_S = 3.0
"""After so long nobody waits any more: something holds them that is not ours to end, or the disk hangs."""


class ProgramError(StatedError):
    """A program could not be run, took too long, or ended badly; the message is one line."""


class Finished(Struct, frozen=True):
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """The last thing it said, in one line."""
        said = [line for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        return said[-1].strip() if said else f"exit code {self.code}, without a word"


class Programs:
    """Runs programs for one engine: they carry its tag, hold its lease, and are killed when it dies.

    Must be used from the main thread, because PR_SET_PDEATHSIG follows the thread that forks.
    """

    def __init__(self, environment: Mapping[str, str], *, tag: Path, lease: int | None = None) -> None:
        self._environment = {**environment, TAG: str(tag)}
        self._pass = () if lease is None else (lease,)

    async def run(
        self,
        argv: Sequence[str],
        *,
        limit_s: float,
        cwd: Path | None = None,
        stdin: bytes | None = None,
        source: AsyncIterator[bytes] | None = None,
        sink: Callable[[bytes], Awaitable[None]] | None = None,
        extra: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run `argv` to its end; `on_line` sees each line of both outputs as it comes.

        Input comes from `stdin`, or piece by piece from `source`. `sink` takes standard output as bytes, in
        pieces of up to CHUNK, and the program waits for it; nothing of that is kept or seen as lines.

        Raises ProgramError when it cannot be started or runs longer than `limit_s` seconds; it is killed
        then, and when the caller is cancelled, with all that it has started.
        """
        given = source if source is not None else None if stdin is None else _once(stdin)
        mark = secrets.token_hex(8)
        process = await self._start(argv, cwd, {**(extra or {}), RUN: mark}, fed=given is not None)
        try:
            async with asyncio.timeout(limit_s):
                out, err, _ = await together(
                    drain(process.stdout, on_line) if sink is None else _pour(process.stdout, sink),
                    drain(process.stderr, on_line),
                    _feed(process.stdin, given),
                )
                code = await process.wait()
        except TimeoutError:
            raise ProgramError(f"`{argv[0]}` took longer than {limit_s:g} s and was ended") from None
        finally:
            await surely(_end(process, mark))
        return Finished(code, out, err)

    async def _start(
        self, argv: Sequence[str], cwd: Path | None, extra: Mapping[str, str], *, fed: bool
    ) -> asyncio.subprocess.Process:
        starting = asyncio.create_task(
            asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL", "--", *argv),
                cwd=cwd,
                env={**self._environment, **extra},
                stdin=asyncio.subprocess.PIPE if fed else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                pass_fds=self._pass,
            )
        )
        try:
            return await asyncio.shield(starting)
        except OSError as error:
            raise ProgramError(f"cannot run `{shlex.join(argv)}`: {error.strerror}") from error
        except asyncio.CancelledError:
            # Cut off in the middle, a start would leave a program behind that nobody knows of.
            await surely(_undo(starting, extra[RUN]))
            raise


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _feed(stream: asyncio.StreamWriter | None, source: AsyncIterator[bytes] | None) -> str:
    """Write everything there is to a stream; returns nothing of it."""
    if stream is None or source is None:
        return ""
    with suppress(BrokenPipeError, ConnectionResetError):  # the exit code says what went wrong
        async for piece in source:
            stream.write(piece)
            await stream.drain()
    stream.close()
    return ""


async def _pour(stream: asyncio.StreamReader | None, sink: Callable[[bytes], Awaitable[None]]) -> str:
    """Hand everything a stream says to `sink`, as it comes; returns nothing of it."""
    assert stream is not None, "both outputs are pipes"  # noqa: S101 - opened as pipes in _start
    while piece := await stream.read(CHUNK):
        await sink(piece)
    return ""


async def drain(stream: asyncio.StreamReader | None, on_line: Callable[[str], None] | None) -> str:
    """Everything a stream says, as text; of more than KEPT_OUTPUT bytes, the last ones."""
    assert stream is not None, "both outputs are pipes"  # noqa: S101 - opened as pipes in _start
    kept = bytearray()
    while line := await _line(stream):
        kept += line
        del kept[: max(0, len(kept) - KEPT_OUTPUT)]
        if on_line:
            on_line(line.decode(errors="replace").rstrip("\r\n"))
    return kept.decode(errors="replace")


async def _line(stream: asyncio.StreamReader) -> bytes:
    """One line, or a piece of one that is too long to be held whole."""
    try:
        return await stream.readline()
    except ValueError:  # longer than the reader's buffer, which it has just emptied
        return b"... (a line too long to keep)\n"


async def _undo(starting: asyncio.Task[asyncio.subprocess.Process], mark: str) -> None:
    """End what is only just being started."""
    with suppress(OSError):
        await _end(await starting, mark)


async def _end(process: asyncio.subprocess.Process, mark: str) -> None:
    """Kill the program with its group, then what has left the group and holds the outputs open."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if await _is_over(process, _HELD_S):
        return
    for pid in marked(RUN, mark):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    if not await _is_over(process, _GIVEN_UP_S):
        # Whoever holds the other ends is not ours to end: asyncio has no public way to let go of ours.
        process._transport.close()  # type: ignore[attr-defined]


async def _is_over(process: asyncio.subprocess.Process, within_s: float) -> bool:
    """Whether it ends, with its outputs, in that time.

    What nobody reads any more keeps its pipe from being seen to end, and the process with it.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await asyncio.gather(_discard(process.stdout), _discard(process.stderr))
            await process.wait()
            return True
    return False


async def _discard(stream: asyncio.StreamReader | None) -> None:
    while stream is not None and await stream.read(CHUNK):
        pass


def orphans(tag: Path) -> list[int]:
    """Process ids of programs that an engine of this state folder started and that still run."""
    return marked(TAG, str(tag))


def marked(name: str, value: str) -> list[int]:
    """Process ids of programs that run with that environment variable."""
    wanted = f"{name}={value}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # gone meanwhile, or not ours to read
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def own_marked(name: str, value: str) -> list[int]:
    """Those of them that this very process started, and what they started in turn."""
    return [pid for pid in marked(name, value) if _starter(pid) == os.getpid()]


def _starter(pid: int) -> int | None:
    """Who started the group of programs that `pid` is in; None when it has just ended."""
    try:
        # Fields after the name, which is in brackets and may hold anything: state, parent, ... (proc(5)).
        return int(Path(f"/proc/{os.getpgid(pid)}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


def end_orphans(tag: Path) -> list[int]:
    """Kill what a dead engine of this state folder left running; returns their process ids."""
    found = orphans(tag)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found
