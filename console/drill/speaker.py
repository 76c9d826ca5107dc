"""Says what the keeper is doing: to its log, to whoever started it, and to whoever is connected."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from console.targets.keeper import Answer, Moment, Progress, Refusal


class Speaker:
    """Every line goes everywhere; nobody has to listen."""

    def __init__(self, log: Path, now: Callable[[], Moment]) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._now = now
        self._starter: int | None = 1
        self._listeners: set[asyncio.Queue[Progress]] = set()

    def say(self, words: str) -> None:
        """One step, in words."""
        progress = Progress(words, self._now().utc_us)
        self._write(progress)
        for listener in self._listeners:
            listener.put_nowait(progress)

    def ready(self) -> None:
        """Tell whoever started the keeper that the world is ready, and leave its standard output alone."""
        self._write(Answer())
        self._leave_starter()

    def failed(self, reason: str) -> None:
        """Tell whoever started the keeper why it ends."""
        self._write(Refusal(reason))
        self._leave_starter()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[Progress]]:
        """All that is said from here on."""
        listener: asyncio.Queue[Progress] = asyncio.Queue()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _write(self, line: Progress | Answer | Refusal) -> None:
        encoded = msgspec.json.encode(line) + b"\n"
        os.write(self._log, encoded)
        if self._starter is not None:
            # Whoever started us may have gone; what was begun goes on without it.
            with suppress(BrokenPipeError):
                os.write(self._starter, encoded)

    def _leave_starter(self) -> None:
        """Give standard output away: its reader sees the end, and our children never held it."""
        if self._starter is not None:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._starter)
            os.close(null)
            self._starter = None
