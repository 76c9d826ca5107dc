"""The record of deploys: each token has one effect, whoever asks how often."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from console.drill.place import DrillError, one_line
from console.targets.keeper import Deployed, DeployRecord, Moment


class Deploys:
    """One deploy at a time. A line is on disk before its effect begins, and another when it has ended."""

    def __init__(self, path: Path, now: Callable[[], Moment]) -> None:
        self._path = path
        self._now = now
        self._records: dict[str, DeployRecord] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def records(self) -> tuple[DeployRecord, ...]:
        """All of them, oldest first."""
        return tuple(self._records.values())

    async def once(self, commit: str, token: str, effect: Callable[[], Awaitable[str]]) -> Deployed:
        """Have the effect, unless this token had it: then its outcome is awaited, or told again.

        `effect` returns how it went, in one line. DrillError with the recorded line when it failed.
        """
        repeated = token in self._records
        if not repeated:
            self._begin(commit, token, effect)
        elif self._records[token].commit != commit:
            was = self._records[token].commit
            raise DrillError(f"token {token} was used to deploy {was[:12]}: use another for {commit[:12]}")
        await asyncio.wait({self._tasks[token]})
        record = self._records[token]
        if not record.ok:
            raise DrillError(record.words)
        return Deployed(record=record, repeated=repeated)

    async def abandon(self) -> None:
        """End what is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _begin(self, commit: str, token: str, effect: Callable[[], Awaitable[str]]) -> None:
        for other in self._records.values():
            if other.ended is None:
                raise DrillError(f"a deploy of {other.commit[:12]} is under way (token {other.token}): wait")
        at = self._now().utc_us
        self._write(DeployRecord(token=token, commit=commit, requested=at, began=at))
        self._tasks[token] = asyncio.create_task(self._carry_out(token, effect))

    async def _carry_out(self, token: str, effect: Callable[[], Awaitable[str]]) -> None:
        ok, words = False, "it failed in a way that nobody foresaw; keeper.log says more"
        try:
            words = await effect()
            ok = True
        except (DrillError, OSError) as error:
            words = one_line(error)
        except asyncio.CancelledError:
            words = "the drill was stopped while it was under way"
            raise
        finally:
            ended = self._now().utc_us
            self._write(replace(self._records[token], ended=ended, ok=ok, words=words))

    def _write(self, record: DeployRecord) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(record) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._records[record.token] = record
