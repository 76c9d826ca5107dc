"""Code that the Compose file mounts from the host: mounted from a checkout of the release instead.

A checkout is read only inside, so that what runs is the release; and it stays while a container may run it.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from console.targets.compose.cli import ComposeError
from console.targets.compose.resolved import Bind, Service
from console.targets.git import Clone, GitError

_OTHERS_ENTER, _OTHERS_READ = 0o755, 0o444


class Served:
    """Checkouts of releases in a folder of ours, and what of them is mounted where."""

    def __init__(self, clone: Clone, folder: Path, project: Path, paths: Iterable[str]) -> None:
        """`paths` are mounted from the folder `project`, and are the same in the repository's tree."""
        self._clone = clone
        self._folder = folder
        self._project = project
        self._paths = tuple(PurePath(os.path.normpath(path)) for path in paths)

    def __bool__(self) -> bool:
        """Whether any code is mounted."""
        return bool(self._paths)

    def inside(self, source: str) -> PurePath | None:
        """The path in the tree of something that is mounted from the host; None where it is no code."""
        for path in self._paths:
            if Path(source).is_relative_to(self._project / path):
                return path / Path(source).relative_to(self._project / path)
        return None

    def commit_of(self, source: str) -> str | None:
        """The commit that something is mounted from; None where it is mounted from no checkout."""
        path = Path(source)
        return path.relative_to(self._folder).parts[0] if path.is_relative_to(self._folder) else None

    async def check_out(self, commit: str) -> Path:
        """A folder that holds exactly that commit; ComposeError when there is none to be had."""
        path = self._folder / commit
        try:
            if not await self._is_exact(path, commit):
                await self._clone.remove_worktree(path)
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                await self._clone.add_detached(path, commit)
            await asyncio.to_thread(_open, path)
        except (GitError, OSError) as error:
            raise ComposeError(f"the release's code cannot be checked out at {path}: {error}") from error
        return path

    async def _is_exact(self, path: Path, commit: str) -> bool:
        if not path.is_dir():
            return False
        try:
            found, _, clean = await self._clone.state_of(path)
        except GitError:
            return False
        return clean and found == commit

    def volumes(self, services: Mapping[str, Service], checkout: Path) -> dict[str, list[str]]:
        """By service, what is mounted from the checkout in the place of the host's; see `lacking`."""
        return {
            name: [f"{checkout / path}:{bind.target}:ro" for path, bind in mounted]
            for name, service in services.items()
            if (mounted := tuple(self._mounted(service)))
        }

    def lacking(self, services: Mapping[str, Service], checkout: Path) -> Iterator[str]:
        """What is mounted and the release does not have, a sentence each."""
        for name, service in services.items():
            for path, bind in self._mounted(service):
                if not (checkout / path).exists():
                    yield f"the release has no {path}, which is mounted into {name} at {bind.target}"

    def _mounted(self, service: Service) -> Iterator[tuple[PurePath, Bind]]:
        for bind in service.binds:
            if (path := self.inside(bind.source)) is not None:
                yield path, bind


def _open(folder: Path) -> None:
    """Let whoever runs inside a container read it, whatever our own files are made with."""
    for at, _, names in os.walk(folder):
        Path(at).chmod(_OTHERS_ENTER)
        for path in (Path(at) / name for name in names):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | _OTHERS_READ)
