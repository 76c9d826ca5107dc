"""What the drill's tests share: worlds, users without rights, and looking at what runs."""

import asyncio
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from msgspec import Struct

import console
from console.drill.place import VARIABLE
from console.drill.world import World, start_keeper

ORDINARY = 12345
"""A user id with no rights of its own."""


class User(Struct, frozen=True):
    """Somebody who can run the drill: what to put before a command, the interpreter, a home."""

    before: tuple[str, ...]
    python: str
    home: Path
    environment: dict[str, str]

    def keeper(self, folder: Path, **extra: str) -> "subprocess.Popen[bytes]":
        """A keeper started by this user, with its progress on standard output."""
        return subprocess.Popen(
            [*self.before, self.python, "-m", "console.drill.keeper", str(folder)],
            env={**self.environment, **extra},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def myself(home: Path) -> User:
    """Whoever runs the tests."""
    return User((), sys.executable, home, {"PATH": os.environ["PATH"], "HOME": str(home)})


def unheard(_words: str) -> None:
    """Progress that the test does not look at."""


def build(folder: Path) -> World:
    """A world in that folder, ready."""

    async def started() -> World:
        return await (await start_keeper(folder)).ready()

    return asyncio.run(started())


def of_drill(folder: Path) -> list[str]:
    """Names of the processes that belong to the drill in that folder."""
    return [
        process.info["name"]
        for process in psutil.process_iter(["name", "environ", "status"])
        if (process.info["environ"] or {}).get(VARIABLE) == str(folder.resolve())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def runs(number: int) -> bool:
    """Whether that process does; one that waits for its parent to notice its end does not."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it holds before the time is up."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Opener:
    """Copies what a user cannot read to where it can."""

    def __init__(self, before: tuple[str, ...], copies: Path) -> None:
        self._before = before
        self._copies = copies

    def folder(self, path: Path) -> Path:
        """The folder, or a copy of it."""
        return path if self._readable(path) else self._copied(path, ".git", ".venv")

    def interpreter(self) -> tuple[Path, Path]:
        """The interpreter outside any virtual environment, and where its libraries are."""
        name = Path(sys.executable).resolve().name
        base = Path(sys.base_prefix)
        if not self._readable(base / "bin" / name):
            base = self._copied(base, "site-packages", "test", "config-*", "share", "include")
        return base / "bin" / name, base / "lib"

    def _readable(self, path: Path) -> bool:
        """Asked of a program that has become that user already."""
        return subprocess.run([*self._before, "test", "-r", path], cwd="/", check=False).returncode == 0

    def _copied(self, path: Path, *without: str) -> Path:
        target = self._copies / path.name
        return Path(shutil.copytree(path, target, symlinks=True, ignore=shutil.ignore_patterns(*without)))


def without_rights(home: Path) -> User:
    """A user with no rights, or whoever runs the tests if that is one already; `home` must be enterable."""
    if os.geteuid() != 0:
        return myself(home)
    before = ("setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--")
    opener = Opener(before, home / "open")
    python, libraries = opener.interpreter()
    modules = (Path(console.__file__).parent.parent, Path(sysconfig.get_paths()["purelib"]))
    own = home / "own"
    own.mkdir(mode=0o700)
    os.chown(own, ORDINARY, ORDINARY)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(own),
        "XDG_RUNTIME_DIR": str(own),
        "PYTHONPATH": ":".join(str(opener.folder(path)) for path in modules),
        "LD_LIBRARY_PATH": str(libraries),
    }
    return User(before, str(python), own, environment)
