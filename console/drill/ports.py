"""Ports for servers that start a moment later."""

import random
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from console.drill.children import EndedError
from console.drill.place import DrillError

LOOPBACK = "127.0.0.1"

_LOWEST = 10_240
_TRIES = 200
_STARTS = 5

T = TypeVar("T")


async def on_free_port(start: Callable[[int], Awaitable[T]]) -> T:
    """Start a server on a free port, and on another one when somebody was faster there."""
    for _ in range(_STARTS - 1):
        try:
            return await start(free_port())
        except EndedError as ended:
            if not ended.port_was_taken:
                raise
    return await start(free_port())


def free_port() -> int:
    """A port where nobody listens now, below those that the kernel hands to outgoing connections.

    So the service can leave its port for a moment, while another release takes over, and find it free.
    """
    for _ in range(_TRIES):
        port = random.randrange(_LOWEST, _first_ephemeral())  # noqa: S311 - nothing secret about it
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise DrillError(f"no free port on {LOOPBACK} after {_TRIES} tries")


def _first_ephemeral() -> int:
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    return max(int(text.split()[0]), _LOWEST + 1_000)
