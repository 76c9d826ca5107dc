"""A terminal with a person at it: a program in a pseudo-terminal, keys typed, its drawing thrown away."""

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import AsyncIterator, Sequence


class Terminal:
    """A running program that believes to be looked at."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def drain(self) -> None:
        """Throw away what was drawn, so that the program never waits for us."""
        with contextlib.suppress(OSError):  # EIO: the program has ended
            os.read(self._master, 1 << 16)


@contextlib.asynccontextmanager
async def terminal(argv: Sequence[str], columns: int, lines: int) -> AsyncIterator[Terminal]:
    """`argv` in a pseudo-terminal of that size; killed at the end if it still runs."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        argv, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    seen = Terminal(process, master)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, seen.drain)
    try:
        yield seen
    finally:
        loop.remove_reader(master)
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
