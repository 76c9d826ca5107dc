"""Long-running children of the keeper: they carry the drill's mark and end when the keeper does."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from console.drill.place import VARIABLE, DrillError, Place
from console.targets.keeper import Part

_PASSED_ON = ("PATH", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH")

_GIT = {
    "core.hooksPath": "/dev/null",
    "protocol.ext.allow": "never",
    "gc.auto": "0",
    "advice.detachedHead": "false",
}

_PATIENCE_S = 2.0
"""How long a child that was asked to end is waited for before it is killed."""


class EndedError(DrillError):
    """A child ended where it should have started."""

    def __init__(self, name: str, said: Sequence[str]) -> None:
        super().__init__(f"{name} did not start: {' | '.join(said[-3:]) or 'it ended without a word'}")
        self.port_was_taken = any("address already in use" in line.lower() for line in said)


def environment(place: Place) -> dict[str, str]:
    """What every child of the keeper sees: the drill's mark, and nothing of the user's own settings."""
    settings = {"GIT_CONFIG_COUNT": str(len(_GIT))}
    for number, (key, value) in enumerate(_GIT.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **settings,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(place.root),
        "LC_ALL": "C",
        VARIABLE: str(place.root),
    }


def python(module: str, *words: str) -> tuple[str, ...]:
    """The command line that runs a module with the interpreter of the drill."""
    return (sys.executable, "-m", module, *words)


class Child:
    """A process that runs until it is told to end; what it says is appended to its log."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, end: signal.Signals, log: Path, log_start: int
    ) -> None:
        self.name = name
        self.process = process
        self.port: int | None = None
        """Where it listens, once it has been seen to."""
        self.expected_to_run = False
        """Whether its end would be news."""
        self._end = end
        self._log = log
        self._log_start = log_start

    @property
    def pid(self) -> int | None:
        """Its process id, None when it has ended."""
        return self.process.pid if self.process.returncode is None else None

    def said(self) -> list[str]:
        """The lines that it has written into its log."""
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            lines = file.read().decode(errors="replace").splitlines()
        return [line.strip() for line in lines if line.strip()]

    async def until_ready(self, lacks: Callable[[], Awaitable[str]], limit_s: float) -> None:
        """Wait until it lacks nothing any more ("" from `lacks`); from then on it is expected to run.

        Raises EndedError with its last words when it ends first, DrillError after `limit_s` seconds.
        """
        lacking = ""
        try:
            async with asyncio.timeout(limit_s):
                while lacking := await lacks():
                    if self.pid is None:
                        raise EndedError(self.name, self.said())
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise DrillError(f"{self.name} is not ready after {limit_s:g} s: {lacking}") from None
        self.expected_to_run = True

    async def stop(self) -> None:
        """Ask it to end, and kill it when it has not within a bounded time."""
        self.expected_to_run = False
        with suppress(ProcessLookupError):
            self.process.send_signal(self._end)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class Children:
    """All of them, by name. Start them from the thread that lives as long as the keeper does.

    The kernel ends a child when the *thread* that started it ends, hence the main thread.
    """

    def __init__(self, place: Place, say: Callable[[str], None]) -> None:
        self._environment = environment(place)
        self._logs = place.logs
        self._say = say
        self._children: dict[str, Child] = {}
        self._watches: set[asyncio.Task[None]] = set()

    async def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        end: str = "TERM",
        extra: Mapping[str, str] | None = None,
    ) -> Child:
        """Start one; `end` names the signal that ends it, sent by us or, when we die, by the kernel."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as file:
            log_start = file.tell()
            process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", end, "--", *argv),
                cwd=cwd,
                env={**self._environment, **(extra or {})},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        child = Child(name, process, signal.Signals[f"SIG{end}"], log, log_start)
        self._children[name] = child
        watch = asyncio.create_task(self._watch(child))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return child

    async def stop(self, *names: str) -> None:
        """End these, side by side, as far as they run."""
        running = [self._children[name] for name in names if name in self._children]
        await asyncio.gather(*(child.stop() for child in running if child.pid))

    def parts(self) -> dict[str, Part]:
        """What was started, and what of it still runs."""
        return {
            name: Part(child.pid, child.port if child.pid else None) for name, child in self._children.items()
        }

    async def _watch(self, child: Child) -> None:
        code = await child.process.wait()
        if child.expected_to_run:
            self._say(f"{child.name} has ended by itself (exit code {code}); its log is {child.name}.log")
