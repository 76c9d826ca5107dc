"""Named tasks of the engine: one of each name at a time, and none that fails in silence."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Tasks:
    """What the engine is doing beside its steps."""

    def __init__(self, failed: Callable[[str], None], ended: Callable[[], None]) -> None:
        """`failed` is told why a task ended badly, `ended` that one has ended well."""
        self._failed = failed
        self._well = ended
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, name: str) -> bool:
        """Whether a task of that name is under way."""
        return name in self._tasks

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` under a name that is not in use."""
        task = asyncio.create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(lambda ended: self._ended(name, ended))

    async def cancel(self) -> None:
        """Cancel all of them, and return when they have ended."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        del self._tasks[name]
        if task.cancelled():
            return
        if error := task.exception():
            log.error("engine.task_failed", task=name, exc_info=error)
            self._failed(f"{name} failed: {error}")
        else:
            self._well()
