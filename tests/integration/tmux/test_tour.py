"""The two-minute tour of the README, with the keys it names, in a real terminal multiplexer."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require_program

LIMIT_S = 60.0
LOOK_S = 0.1
"""tmux has no way to wait for what a screen shows: it is looked at, ten times a second."""


class Tmux:
    """One tmux server of our own, with one window."""

    def __init__(self, tmux: str, socket: Path) -> None:
        self._tmux = (tmux, "-S", str(socket), "-f", "/dev/null")

    def run(self, *words: str) -> str:
        """A tmux command, and what it printed."""
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True).stdout

    def open(self, columns: int, lines: int, *argv: str) -> None:
        """Start `argv` in a window of that size; the window stays when it has ended."""
        size = ("-x", str(columns), "-y", str(lines))
        self.run("new-session", "-d", *size, *argv, ";", "set-option", "remain-on-exit", "on")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, or type text."""
        self.run("send-keys", *keys)

    @property
    def screen(self) -> str:
        """What can be seen now."""
        return self.run("capture-pane", "-p")

    def wait_for(self, words: str) -> str:
        """The screen, once it shows `words`."""
        limit = time.monotonic() + LIMIT_S
        while words not in (screen := self.screen):
            assert time.monotonic() < limit, f"no {words!r} within {LIMIT_S} s:\n{screen}"
            time.sleep(LOOK_S)
        return screen


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    """A tmux of our own, ended with everything in it."""
    program = require_program("tmux", "tmux")
    server = Tmux(program, tmp_path_factory.mktemp("t") / "s")
    yield server
    server.run("kill-server")


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
def test_a_newcomer_who_presses_what_next_says_gets_the_service_back(
    tmux: Tmux, tmp_path: Path, columns: int, lines: int
) -> None:
    """n, Enter, n, the name, n, Enter: and the score says recovered."""
    try:
        tmux.open(columns, lines, sys.executable, "-m", "console", "drill", "--dir", str(tmp_path))
        tmux.wait_for("NEXT nothing to do")
        screen = tmux.wait_for("NEXT declare the incident")
        assert "ROLL BACK" in screen
        tmux.press("n")
        tmux.wait_for("Declare an incident")
        tmux.press("Enter")
        screen = tmux.wait_for("NEXT go: say yes to the plan")
        assert "v1.5.3" in screen
        tmux.press("n")
        tmux.wait_for("Type the environment's name")
        tmux.press("testnet", "Enter")
        screen = tmux.wait_for("NEXT close the incident")
        assert "v1.5.0 well since" in screen
        tmux.press("n")
        tmux.wait_for("Close the incident")
        tmux.press("Enter")
        tmux.wait_for("NEXT done: recovered")
        tmux.press("q")
        tmux.wait_for("Leave this console")
        tmux.press("Enter")
        screen = tmux.wait_for("journal:")
        assert "the service answers v1.5.0" in screen
        assert "0 lost" in screen
    finally:
        stop = [sys.executable, "-m", "console", "drill", "--stop", "--dir", str(tmp_path)]
        subprocess.run(stop, capture_output=True, check=True)
