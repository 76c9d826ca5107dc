"""The archive that a world begins with: WAL kept from now on, and a base backup to reach any moment from."""

import time
from collections.abc import Callable
from pathlib import Path

from console.core.errors import StatedError
from console.drill.place import DrillError
from console.drill.postgres import archive_from_now
from console.drill.world import ArchiveAt, PostgresAt
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell

BASE = "before-the-drill"
"""Name of the base backup."""
_LIMIT_S = 600.0


class _Said:
    """Progress in the keeper's words."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._until = time.monotonic() + _LIMIT_S

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        """What it is doing, and how far it is."""
        counted = f", {done:.0f} of {total:.0f} {unit}" if done is not None and total else ""
        self._say(f"base backup: {words}{counted}")

    @property
    def left_s(self) -> float:
        """Until the time is up."""
        return max(0.0, self._until - time.monotonic())


async def begin_archive(
    at: PostgresAt, archive: ArchiveAt, programs: Programs, say: Callable[[str], None]
) -> int:
    """Archive from now on, and make a base backup; when that ended, UTC microseconds. Raises DrillError."""
    server = Server(lambda: at.admin, HostShell(programs), at.bin)
    files = FilesOfWal(server, programs, at.bin, wal=Path(archive.wal), bases=Path(archive.bases))
    try:
        await archive_from_now(at, files.command)
        return (await files.make_base(BASE, _Said(say))).ends
    except StatedError as error:
        raise DrillError(f"no base backup: {error}") from error
