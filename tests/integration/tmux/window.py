"""One tmux server of a test's own: its keys, its buffers, and what its screen shows."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT_S = 60.0
LOOK_S = 0.1
"""tmux has no way to wait for what a screen shows: it is looked at, ten times a second."""


class Tmux:
    """One tmux server of our own, with one window."""

    def __init__(self, tmux: str, socket: Path, window: str = "") -> None:
        """`window` is the one that is looked at and typed into; empty: the one that is in front."""
        self.socket = socket
        self._program = tmux
        self._window = window
        self._tmux = (tmux, "-S", str(socket), "-f", "/dev/null")

    def run(self, *words: str) -> str:
        """A tmux command, and what it printed."""
        return self._run(words, "")

    def _run(self, words: Sequence[str], stdin: str) -> str:
        # Our environment by name: readline, which pytest loads, hides COLUMNS and LINES in the process's own.
        argv, environ = [*self._tmux, *words], dict(os.environ)
        done = subprocess.run(argv, input=stdin, env=environ, capture_output=True, text=True, check=True)
        return done.stdout

    def open(self, columns: int, lines: int, *argv: str) -> None:
        """Start `argv` in a window of that size; the window stays when it has ended."""
        size = ("-x", str(columns), "-y", str(lines))
        self._window = "=first:"
        self.run("new-session", "-d", "-s", "first", *size, *argv, ";", "set-option", "remain-on-exit", "on")

    def beside(self, columns: int, lines: int, *argv: str) -> "Tmux":
        """Start `argv` in a session beside the first one, with a size of its own."""
        size = ("-x", str(columns), "-y", str(lines))
        self.run("new-session", "-d", "-s", "beside", *size, *argv)
        return Tmux(self._program, self.socket, "=beside:")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, or type text."""
        self.run("send-keys", *self._there, *keys)

    @property
    def _there(self) -> tuple[str, ...]:
        return ("-t", self._window) if self._window else ()

    def paste(self, words: str) -> None:
        """Paste words as a terminal does, in brackets where the program in the window asks for them."""
        self._run(("load-buffer", "-"), words)
        self.run("paste-buffer", *self._there, "-p")

    @property
    def screen(self) -> str:
        """What can be seen now."""
        return self.run("capture-pane", *self._there, "-p")

    def focus(self, key: str, words: str) -> None:
        """Press `key`, and wait until `words`, which a button shows, look different: it has the focus."""
        before = self._look_of(words)
        self.press(key)
        limit = time.monotonic() + LIMIT_S
        while self._look_of(words) == before:
            assert time.monotonic() < limit, f"{words!r} looks as before:\n{self.screen}"
            time.sleep(LOOK_S)

    def _look_of(self, words: str) -> str:
        """The colours right before those words."""
        painted = self.run("capture-pane", *self._there, "-e", "-p")
        return painted.partition(words)[0].rpartition("\x1b[")[2]

    def wait_for(self, words: str) -> str:
        """The screen, once it shows `words`."""
        limit = time.monotonic() + LIMIT_S
        while words not in (screen := self.screen):
            assert time.monotonic() < limit, f"no {words!r} within {LIMIT_S} s:\n{screen}"
            time.sleep(LOOK_S)
        return screen
