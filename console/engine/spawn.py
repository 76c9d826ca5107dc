"""Starting an engine as a process of its own, which outlives whoever started it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from console.core.errors import StatedError
from console.store.layout import Layout


class SpawnError(StatedError):
    """No engine could be started."""


@dataclass(frozen=True)
class EngineWanted:
    """Which engine: every file it reads, and the folder it writes."""

    strategy: Path
    roster: Path
    environment: str
    state: Path
    with_pid: int | None = None
    """A process with which the engine ends: the keeper of a drill."""
    through: tuple[str, ...] = ()
    """A program that runs it."""

    @property
    def argv(self) -> list[str]:
        """The command that runs it."""
        ends = [] if self.with_pid is None else ["--with-pid", str(self.with_pid)]
        files = ["--strategy", str(self.strategy), "--roster", str(self.roster)]
        return [
            *self.through,
            sys.executable,
            "-m",
            "console",
            "engine",
            *files,
            "--env",
            self.environment,
            *ends,
        ]


def spawn(wanted: EngineWanted, extra: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start it as a child of ours; what it has to say goes to `engine.log` in its state folder."""
    try:
        wanted.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with Layout(wanted.state).log.open("ab") as log:
            return subprocess.Popen(
                wanted.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env={**os.environ, **(extra or {})},
            )
    except OSError as error:
        raise SpawnError(f"cannot start an engine: {error.strerror} ({wanted.state})") from error


def spawn_detached(wanted: EngineWanted, extra: Mapping[str, str] | None = None) -> None:
    """Start it as nobody's child: a console neither waits for it nor leaves a zombie in its place."""
    launcher = replace(wanted, through=("setsid", "--fork"))
    with spawn(launcher, extra) as launching:
        if launching.wait():
            raise SpawnError(f"cannot start an engine; {Layout(wanted.state).log} says why")
