"""Root's rights, given away: PostgreSQL's server programs do not run as root, so somebody else runs them."""

import asyncio
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from console.core.errors import StatedError
from console.targets.process import Programs

NOBODY = 65534
"""Who runs servers for root; owns nothing else."""
_LIMIT_S = 30.0


class RightsError(StatedError):
    """The user that server programs run as cannot use a place or a program; one line."""


class Rights:
    """Who runs server programs: ourselves, or where that is root, a user without rights."""

    def __init__(self, programs: Programs, user: int = NOBODY, group: int | None = None) -> None:
        """`user` and `group` (the same number by default) count for root alone; neither can be root."""
        self._programs = programs
        self.drops = os.geteuid() == 0
        """Whether somebody else runs them."""
        self.user = (user or NOBODY) if self.drops else os.geteuid()
        self.group = ((user if group is None else group) or NOBODY) if self.drops else os.getegid()

    @property
    def words(self) -> tuple[str, ...]:
        """Words in front of a command that give our rights away; none where there are none to give."""
        if not self.drops:
            return ()
        # The death signal again, because a change of user clears it.
        return (
            *("setpriv", f"--reuid={self.user}", f"--regid={self.group}", "--clear-groups"),
            *("--pdeathsig", "INT", "--"),
        )

    async def reaches(self, path: Path) -> bool:
        """Whether that user can enter the folder, or run the file."""
        return await self._may("-x", path)

    async def reads(self, path: Path) -> bool:
        """Whether that user can read the file, or list the folder."""
        return await self._may("-r", path)

    async def _may(self, what: str, path: Path) -> bool:
        finished = await self._programs.run((*self.words, "test", what, str(path)), limit_s=_LIMIT_S)
        return finished.code == 0

    async def first_reached(self, folders: Iterable[Path]) -> Path | None:
        """The first of the folders that the user can enter; None when there is none."""
        for folder in folders:
            if await self.reaches(folder):
                return folder
        return None

    def give(self, *paths: Path) -> None:
        """Make that user their owner, of each path alone."""
        if self.drops:
            for path in paths:
                os.chown(path, self.user, self.group, follow_symlinks=False)

    async def usable(self, found: Path, home: Path) -> Path:
        """The folder of server programs for that user: `found` itself, or a copy of its package in `home`."""
        if not self.drops or await self.reaches(found / "postgres"):
            return found
        package = found.parent.parent
        for source in (package / "pginstall", package.with_name(f"{package.name}.libs")):
            target = home / "programs" / source.relative_to(package.parent)
            await asyncio.to_thread(self._copy, source, target)
        return home / "programs" / found.relative_to(package.parent)

    def _copy(self, source: Path, target: Path) -> None:
        """Copy programs or libraries so that everybody can use them."""
        if not source.is_dir():
            raise RightsError(
                f"uid {self.user} cannot run PostgreSQL's programs, and {source} is not there to copy"
            )
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"), symlinks=True)
        for path in (target, *target.rglob("*")):
            if not path.is_symlink():
                runs = path.is_dir() or os.access(path, os.X_OK)
                path.chmod(path.stat().st_mode | (0o555 if runs else 0o444))
