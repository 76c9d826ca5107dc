"""The machine that this engine runs on: processors, memory and one disk."""

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path

import psutil
from msgspec import Struct

from console.targets.source import Answered, CannotAskError, SourceError

_WRONG_PATH = (FileNotFoundError, NotADirectoryError, PermissionError)


class _Times(Struct, frozen=True):
    """Seconds of all processors together, since the machine started."""

    idle: float
    total: float


class HostStats:
    """This machine; only the processors' times are remembered from look to look."""

    def __init__(self, disk: Path, *, limit_s: float) -> None:
        """`disk` is a path on the disk that is measured."""
        self._disk = _Disk(disk)
        self._limit_s = limit_s
        self._before: _Times | None = None

    async def look(self) -> Answered:
        """`memory` and `disk`; `cpu` from the second look on.

        A disk that gives no answer takes nothing from the others. CannotAskError when there is no such path.
        """
        known = {"memory": _memory(), **self._processors()}
        try:
            return Answered({**known, "disk": await self._disk.used(self._limit_s)})
        except CannotAskError:
            raise
        except SourceError as error:
            return Answered(known, troubles={"disk": str(error)})

    def _processors(self) -> dict[str, float]:
        now = _times()
        before, self._before = self._before, now
        if before is None or now.total <= before.total:
            return {}
        return {"cpu": 100.0 * (1 - (now.idle - before.idle) / (now.total - before.total))}


def _memory() -> float:
    """Per cent that no program could have now, even if all caches were given up for it."""
    found = psutil.virtual_memory()
    return 100.0 * (1 - found.available / found.total)


def _times() -> _Times:
    times = psutil.cpu_times()._asdict()
    # What guests take is in the times of users, too; who waits for a disk does not use a processor.
    total = sum(times.values()) - times["guest"] - times["guest_nice"]
    return _Times(times["idle"] + times["iowait"], total)


class _Disk:
    """One disk, asked in a thread: a file system on a network may never answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asking: Future[float] | None = None
        """The question that is under way: while one hangs, there is no other."""

    async def used(self, limit_s: float) -> float:
        """Per cent in use, of what an ordinary user may use: what `df` shows."""
        asking = self._asking = self._asking or self._ask()
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.wrap_future(asking)
        except _WRONG_PATH as error:
            raise CannotAskError(f"the disk of {self._path}: {error.strerror}: name another path") from None
        except TimeoutError:
            raise SourceError(f"{self._path}: no answer within {limit_s:g} s") from None
        except OSError as error:
            raise SourceError(f"{self._path}: {error.strerror}") from None
        finally:
            if asking.done():
                self._asking = None

    def _ask(self) -> "Future[float]":
        """Begin to ask."""
        answer: Future[float] = Future()
        answer.set_running_or_notify_cancel()
        # None of the loop's own threads: they are few, and waited for when the engine ends.
        threading.Thread(target=self._measure, args=(answer,), daemon=True).start()
        return answer

    def _measure(self, answer: "Future[float]") -> None:
        try:
            found = psutil.disk_usage(str(self._path))
            if not found.total:
                raise FileNotFoundError(0, "no disk lies under it")
        except OSError as error:
            answer.set_exception(error)
        else:
            answer.set_result(100.0 * found.used / (found.used + found.free))
