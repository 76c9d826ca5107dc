"""Point in time recovery: a scratch server that holds the state at one instant, and nothing of it afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from console.core.errors import StatedError
from console.targets.postgres.archive import Archive, Base
from console.targets.postgres.server import Server
from console.targets.process import Programs


class ReplayError(StatedError):
    """The state at the target cannot be had, or is not what was reached; one line with the reachable window."""


class Progress(Protocol):
    """Where a replay says how far it is; an action's Report is one."""

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        """What it is doing, and where it can be counted, how much of it is done."""
        ...


class Replayed(Struct, frozen=True):
    """A scratch server at the target."""

    server: Server
    """The scratch server, promoted, listening on a private socket alone; `.connect(database)` and
    `.run("pg_dump", ...)` work for every database of the original cluster, under the DSN's user."""
    base: Base
    """The base backup that was replayed from."""
    last_commit: int | None
    """Commit time of the last transaction replayed, UTC microseconds, before the target; None without any."""


@asynccontextmanager
async def replay(
    archive: Archive, target: int, folder: Path, *, programs: Programs, limit_s: float, progress: Progress
) -> AsyncIterator[Replayed]:
    """A scratch server with all that was committed before `target` (UTC microseconds), and nothing later.

    It is built below `folder` (or /var/tmp, where the server's user cannot enter `folder`), may take
    `limit_s` seconds until it is at the target, dies with us, and is removed at the end, also when cancelled.
    What a killed engine left below `folder` is swept first. Raises ReplayError, ArchiveError.

        async with replay(archive, at, world.evidence.parent / "scratch", programs=world.programs,
                          limit_s=report.left_s, progress=report) as scratch:
            await load.copy(scratch.server, ...)
    """
    raise NotImplementedError
    yield
