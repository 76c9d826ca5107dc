"""A headless drill from its beginning to its end, and what its journal holds then."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from console.core.events import Body, PlanFrozen
from console.core.plan import Plan, thaw
from console.drill.result import DrillResult
from tests.faults.world import events

LIMIT_S = 180
_Kind = TypeVar("_Kind", bound=Body)


class Played(msgspec.Struct, frozen=True):
    """A drill that is over."""

    folder: Path
    said: str
    result: DrillResult
    bodies: tuple[Body, ...]

    def of(self, kind: type[_Kind]) -> Sequence[_Kind]:
        """The events of a kind."""
        return [body for body in self.bodies if isinstance(body, kind)]

    def at(self, wanted: Body) -> int:
        """Where in the journal an event stands."""
        return self.bodies.index(wanted)

    @property
    def plans(self) -> list[Plan]:
        """Every plan that was frozen."""
        return [thaw(bytes(body.plan)) for body in self.of(PlanFrozen)]


def play(folder: Path, scenario: str) -> Played:
    """One drill, headless, to its end."""
    argv = [sys.executable, "-m", "console", "drill", "--scenario", scenario, "--headless", "--json"]
    done = subprocess.run(
        [*argv, "--dir", str(folder)], capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert done.stdout, done.stderr
    assert done.returncode == 0, done.stdout
    result = msgspec.json.decode(done.stdout, type=DrillResult)
    return Played(
        folder, done.stderr, result, tuple(event.body for event in events(folder, result.environment))
    )
