"""The terminal that a team shares: one tmux session of an environment, on a socket of its own.

libtmux makes it; whoever joins is tmux itself in place of the process that asked for it.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join

from msgspec import Struct

from console.core.errors import StatedError

_SHARED: dict[str, str | int] = {
    "status": "on",
    "status-interval": 1,
    "status-left-length": 80,
    "status-right-length": 20,
    "status-right": " %H:%M:%S ",
    "status-style": "reverse",
    "history-limit": 20_000,
    # The largest client decides: somebody who looks on from a telephone makes nobody's screen small.
    "window-size": "largest",
    "aggressive-resize": "off",
}
"""Options of the session."""
_SERVER: dict[str, str | int] = {
    "default-terminal": "tmux-256color",
    # Escape means escape: tmux would wait half a second whether more follows.
    "escape-time": 0,
    "focus-events": "on",
    # Programs may copy to the clipboard of the terminal (OSC 52).
    "set-clipboard": "on",
}
"""Options of the whole server; the socket has no other session."""
_TRUE_COLOUR = ",*:Tc"


class TmuxError(StatedError):
    """There is no tmux, or it did not do what it was asked."""


class Window(Struct, frozen=True):
    """A window of the session, and what runs in it."""

    name: str
    argv: Sequence[str]
    """Empty: a shell."""


class SharedTerminal:
    """The session of one environment, whether it is there or not."""

    def __init__(self, name: str, socket: Path, program: str | None = None) -> None:
        """`name` is the session's. TmuxError when there is no tmux, or no libtmux."""
        found = program or shutil.which("tmux")
        if found is None:
            raise TmuxError("there is no tmux on this machine: apt install tmux")
        try:
            from libtmux import Server
        except ImportError:
            raise TmuxError("libtmux is not installed: pip install 'warroom[tmux]'") from None
        self.name = name
        self._program = found
        self._socket = socket
        self._server = Server(socket_path=socket, tmux_bin=found, config_file=os.devnull)

    @property
    def is_there(self) -> bool:
        """Whether somebody has made it."""
        return self._server.is_alive() and self._server.has_session(self.name)

    def make(self, windows: Sequence[Window], status: Sequence[str], environ: Mapping[str, str]) -> None:
        """Make it, with the first window in front.

        `status` is a command whose last line stands in the status line; `environ` is set in every window.
        """
        from libtmux.exc import LibTmuxException

        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._make(windows, status, environ)
        except LibTmuxException as error:
            raise TmuxError(f"tmux did not make the session: {error}") from error

    def _make(self, windows: Sequence[Window], status: Sequence[str], environ: Mapping[str, str]) -> None:
        first, *others = windows
        session = self._server.new_session(
            self.name,
            window_name=first.name,
            window_command=join(first.argv) or None,
            environment=dict(environ),
            x=200,
            y=50,
        )
        for option, value in _SERVER.items():
            self._server.set_option(option, value)
        self._server.set_option("terminal-overrides", _TRUE_COLOUR, append=True)
        for option, value in _SHARED.items():
            session.set_option(option, value)
        session.set_option("status-left", f" #({join(status)}) ")
        for window in others:
            session.new_window(window.name, attach=False, window_shell=join(window.argv) or None)

    def attach(self, *, read_only: bool) -> list[str]:
        """The command that joins it.

        Read only, keys do nothing and the size counts for nothing (before tmux 3.2 it counts).
        """
        eyes = ["-r"] if read_only else []
        return [self._program, "-S", str(self._socket), "attach-session", *eyes, "-t", f"={self.name}"]
