"""Docker Compose's command lines: the plugin of version 2, or the program of version 1, whichever is there.

Both take the same words for all that is done here; what differs is how they are called, and that version 2
can be told never to pull (https://docs.docker.com/reference/cli/docker/compose/up/).
"""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from console.core.errors import StatedError
from console.targets.process import Finished, ProgramError, Programs

PLUGIN = ("docker", "compose")
STANDALONE = ("docker-compose",)
WAYS = (PLUGIN, STANDALONE)
"""How Compose may be called, the better one first."""
_LOOK_S = 20.0
_VERSION = re.compile(r"v?(\d+)\.\d+")
_PLUGINS = (
    "~/.docker/cli-plugins",
    *(f"/usr/{place}/docker/cli-plugins" for place in ("local/lib", "local/libexec", "lib", "libexec")),
)
"""Folders in which `docker` looks for its plugins."""
_MOST_TOLD = 3
"""Lines of what Compose said that an error repeats."""


class ComposeError(StatedError):
    """Compose is not there, or refused; one line."""


class Program(Struct, frozen=True):
    """Compose as it can be called here."""

    words: tuple[str, ...]
    version: str

    @property
    def major(self) -> int:
        """1 or 2, or what comes after."""
        found = _VERSION.match(self.version)
        return int(found[1]) if found else 0

    @property
    def never_pulls(self) -> dict[str, str]:
        """What a service's entry says so that nothing is pulled; version 1 knows no such word."""
        return {"pull_policy": "never"} if self.major >= 2 else {}


async def find(programs: Programs, ways: Sequence[tuple[str, ...]] = WAYS) -> Program:
    """The first way that answers; ComposeError with what to do where none does."""
    for words in ways:
        try:
            told = await programs.run((*words, "version", "--short"), limit_s=_LOOK_S)
        except ProgramError:
            continue  # not installed
        if told.code == 0 and _VERSION.match(told.out.strip()):
            return Program(words, told.out.strip())
    called = " nor ".join(f"`{' '.join(words)}`" for words in ways)
    raise ComposeError(f"neither {called} answers: install Docker Compose where this engine runs")


def likely(ways: Sequence[tuple[str, ...]] = WAYS) -> tuple[str, ...]:
    """The way that `find` will find, by what is installed: for a plan, which asks nobody."""
    for words in ways:
        plugged = any((Path(folder).expanduser() / STANDALONE[0]).exists() for folder in _PLUGINS)
        if plugged if words == PLUGIN else shutil.which(words[0]):
            return words
    return ways[0]


class Project(Struct, frozen=True):
    """A project as every command line names it."""

    name: str
    folder: Path
    files: tuple[Path, ...]
    env_file: Path | None = None

    def words(self, *more: Path) -> tuple[str, ...]:
        """Which project it is, of its files and `more`."""
        env_file = () if self.env_file is None else ("--env-file", str(self.env_file))
        files = (word for path in (*self.files, *more) for word in ("-f", str(path)))
        return ("-p", self.name, "--project-directory", str(self.folder), *env_file, *files)


def up(services: Mapping[str, int]) -> tuple[str, ...]:
    """Replace what has another image or configuration, so many of each service; nothing that they need."""
    scales = (word for service, count in services.items() for word in ("--scale", f"{service}={count}"))
    return ("up", "-d", "--no-build", "--no-deps", *scales, *services)


def stop(services: Sequence[str]) -> tuple[str, ...]:
    """Stop their containers, which stay."""
    return ("stop", *services)


def start(services: Sequence[str]) -> tuple[str, ...]:
    """Start the containers that there are, as they are."""
    return ("start", *services)


CONFIG = ("config",)
"""Print the configuration, resolved."""


class Compose:
    """Compose for one project: each call a program of its own, which ends with us."""

    def __init__(
        self,
        programs: Programs,
        project: Project,
        environment: Callable[[], Mapping[str, str]],
        ways: Sequence[tuple[str, ...]] = WAYS,
    ) -> None:
        """`environment` is asked at each call: where the engine is, and what the files mention."""
        self.project = project
        self._programs = programs
        self._environment = environment
        self._ways = ways
        self._program: Program | None = None

    async def program(self) -> Program:
        """How Compose is called here; looked for once."""
        if self._program is None:
            self._program = await find(self._programs, self._ways)
        return self._program

    def line(self, words: Sequence[str], *more: Path) -> tuple[str, ...]:
        """A command line as a plan shows it."""
        called = self._program.words if self._program else likely(self._ways)
        return (*called, *self.project.words(*more), *words)

    async def run(
        self,
        words: Sequence[str],
        *more: Path,
        limit_s: float,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run it to its end; ComposeError with what it said when it fails or takes too long."""
        program = await self.program()
        argv = (*program.words, *self.project.words(*more), *words)
        try:
            finished = await self._programs.run(
                argv, limit_s=limit_s, cwd=self.project.folder, extra=self._environment(), on_line=on_line
            )
        except ProgramError as error:
            raise ComposeError(str(error)) from error
        if finished.code:
            raise ComposeError(f"`{' '.join(program.words)} {words[0]}` failed: {_said(finished)}")
        return finished


def _said(finished: Finished) -> str:
    """The end of what it said, in one line: its reason is often in more than the last one."""
    lines = [line.strip() for line in (finished.err or finished.out).splitlines() if line.strip()]
    return " ".join(lines[-_MOST_TOLD:]) or f"exit code {finished.code}, without a word"


def engine_variables(url: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What makes Compose ask the engine that we ask."""
    passed = ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG")
    return {"DOCKER_HOST": url, **{name: environ[name] for name in passed if name in environ}}
