"""The archive of a cluster: base backups and WAL, and the moments that they reach."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from console.core.backups import Window
from console.targets.postgres import archiving
from console.targets.postgres.programs import Programs as PostgresPrograms
from console.targets.postgres.reach import ArchiveError, Base, Kept, Reach, Run, moment, reach
from console.targets.postgres.rights import Rights
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.progress import Progress
from console.targets.shell import HostShell

MAKE_ONE = "make one with `warroom backup --base`"
_COMMITTED = re.compile(r"desc: (?:COMMIT|ABORT)(?:_PREPARED)? (?:\d+: )?(\d{4}-\d\d-\d\d [\d:.]+) UTC")
_DAMAGE = ("error in WAL record", "could not find a valid record")
"""What pg_waldump says when it is the WAL that is at fault."""
_DUMP_S = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Looked(Struct, frozen=True):
    """What a segment holds, as far as it can be read."""

    last_commit: int | None
    """The latest time of a commit or abort in it, UTC microseconds."""
    trouble: str = ""


class Archive(ABC):
    """Base backups and WAL of one cluster; what raises, raises ArchiveError (reach.py) with one line."""

    holds_tablespaces: ClassVar[bool] = True
    """Whether its base backups can hold tablespaces besides those that every cluster has."""

    def __init__(self, server: Server, programs: Programs, folder: str | None = None) -> None:
        """`folder` holds PostgreSQL's programs on this machine, where the strategy names it."""
        self.server = server
        self.programs = programs
        self.here = HostShell(programs)
        """Whatever reads or writes the archive runs on this machine, wherever the server runs."""
        self.postgres = PostgresPrograms(self.here, folder)
        self._looked: dict[str, Looked] = {}

    @property
    @abstractmethod
    def words(self) -> str:
        """Where its WAL is, as messages call it."""

    @property
    @abstractmethod
    def command(self) -> str:
        """The `archive_command` of a server that archives here."""

    @abstractmethod
    async def bases(self) -> tuple[Base, ...]:
        """Complete base backups, oldest first."""

    @abstractmethod
    async def aside(self) -> list[str]:
        """What lies among the base backups and is none that could be used, a sentence each."""

    @abstractmethod
    async def kept(self, bases: Sequence[Base]) -> Kept:
        """The WAL that is there from the oldest of those bases on."""

    @abstractmethod
    def segment(self, name: str) -> AbstractAsyncContextManager[Path]:
        """A file of that name with the segment's content, for as long as the context lasts.

        ArchiveError when the archive finds it damaged.
        """

    @abstractmethod
    def effects(self, base_id: str) -> tuple[str, ...]:
        """What `make_base` does, a line each."""

    @abstractmethod
    async def make_base(self, base_id: str, progress: Progress, *, rate: int | None = None) -> Base:
        """Make a base backup, reading `rate` bytes a second at most, and verify it: before, it is none."""

    @abstractmethod
    async def made(self, base_id: str) -> Base | None:
        """The base backup that `make_base` made under that id."""

    @abstractmethod
    async def discard(self, base_id: str) -> None:
        """Remove what a `make_base` that was cut off has left; nothing that is complete."""

    @abstractmethod
    def rights(self) -> Rights:
        """Who reads the archive for a scratch server, and runs that server."""

    @abstractmethod
    async def lay_out(self, base: Base, data: Path, target: int, rights: Rights, progress: Progress) -> str:
        """Fill `data`, an empty folder of that user's, with the base backup, and see that it is whole there.

        Returns the `restore_command` of a server with that data. `target` is what it is laid out for.
        """

    async def reach(self) -> Reach:
        """What bases and WAL reach together, by their names."""
        bases = await self.bases()
        return reach(bases, await self.kept(bases))

    async def windows(self) -> tuple[Window, ...]:
        """All stretches of moments that can be gone back to, oldest first."""
        return tuple(window for _, window in await self._windows(await self.reach()))

    async def window(self) -> Window | None:
        """The newest stretch: from the end of a base backup to the last commit archived without a gap.

        It ends at a commit, because recovery knows by a later commit alone that a moment has been passed.
        """
        windows = await self.windows()
        return windows[-1] if windows else None

    async def base_for(self, target: int) -> Base:
        """The newest base backup that ends at or before `target` and leads to it.

        ArchiveError, with what can be reached, when the target cannot.
        """
        found = await self.reach()
        reached = await self._windows(found)
        for run, window in reached:
            if window.begins <= target <= window.ends:
                return [base for base in run.bases if base.ends <= target][-1]
        raise ArchiveError(_out_of_reach(target, found, [window for _, window in reached]))

    async def reach_now(self, limit_s: float) -> int:
        """Have the server archive its WAL up to now, and see that it is there; the window's end then.

        ArchiveError when that is not so within `limit_s` seconds.
        """
        switched = await archiving.switch(self.server)
        await archiving.until_archived(self.server, switched, limit_s)
        window = await self.window()
        if window is None or window.ends < switched.now:
            raise ArchiveError(
                f"the server has archived {switched.segment}, but {self.words} does not lead there without a "
                "gap: `warroom check` says what is wrong"
            )
        return window.ends

    async def look(self, name: str, major: int) -> Looked:
        """What a segment holds; a whole one is looked at once, because it never changes."""
        if name not in self._looked:
            looked = await self._dump(name, major)
            if looked.trouble:
                return looked
            self._looked[name] = looked
        return self._looked[name]

    async def _windows(self, found: Reach) -> list[tuple[Run, Window]]:
        windows = []
        for run in found.runs:
            begins, ends = run.bases[0].ends, await self._last_commit(run)
            if ends is not None and ends >= begins:
                windows.append((run, Window(begins, ends)))
        return windows

    async def _last_commit(self, run: Run) -> int | None:
        for name in reversed(run.segments):
            looked = await self.look(name, run.bases[-1].major)
            if looked.last_commit is not None:
                return looked.last_commit
        return None

    async def _dump(self, name: str, major: int) -> Looked:
        program = await self.postgres.find("pg_waldump", major)
        try:
            async with self.segment(name) as path:
                finished = await self.here.run(
                    (program, "--rmgr=Transaction", str(path)),
                    limit_s=_DUMP_S,
                    environment={"TZ": "UTC", "LC_ALL": "C"},
                )
        except ArchiveError as error:
            return Looked(None, str(error))
        times = [_utc(text) for text in _COMMITTED.findall(finished.out)]
        damaged = any(words in finished.err for words in _DAMAGE)
        if finished.code and not damaged:
            raise ArchiveError(f"WAL file {name} of {self.words} cannot be read: {finished.reason}")
        return Looked(max(times, default=None), finished.reason if damaged else "")


def _utc(text: str) -> int:
    """The microseconds in `2026-11-23 09:26:29.247189`."""
    return (datetime.fromisoformat(f"{text}+00:00") - _EPOCH) // timedelta(microseconds=1)


def in_words(windows: Sequence[Window]) -> str:
    """What can be reached."""
    if not windows:
        return "no moment can be reached"
    return "reachable is " + ", and ".join(
        f"{moment(window.begins)} to {moment(window.ends)}" for window in windows
    )


def _out_of_reach(target: int, found: Reach, windows: Sequence[Window]) -> str:
    """Why no base backup leads to the target."""
    if not found.runs:
        return f"there is no base backup to replay WAL from: {MAKE_ONE}"
    if not windows:
        why = "nothing that was committed after the base backup is in the archive"
    elif target < windows[0].begins:
        why = "that is before the end of the oldest base backup"
    elif target > windows[-1].ends:
        why = "that is beyond the archived WAL"
    else:
        why = "that is in a gap between them"
    lacks = f"; WAL file {found.missing[0]} is not there whole" if found.missing else ""
    return f"{moment(target)} cannot be restored: {why} ({in_words(windows)}{lacks})"
