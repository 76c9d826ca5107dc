"""What systemd is told through $NOTIFY_SOCKET: one datagram of `NAME=value` lines (sd_notify(3))."""

import socket
from collections.abc import Mapping

import structlog

from console.core.errors import StatedError
from console.core.exits import Exit
from console.core.format import plain

SOCKET, WATCHDOG, WATCHDOG_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"

log = structlog.get_logger()


class NotifyError(StatedError):
    """What the service manager has left in the environment cannot be used."""

    exit = Exit.USAGE


class Notifier:
    """Tells whoever listens at an address; nobody where there is none."""

    def __init__(self, address: str | None) -> None:
        """`address` is a path, or a name in Linux' abstract namespace that begins with `@`.

        Raises NotifyError for any other.
        """
        if address and address[0] not in "/@":
            raise NotifyError(f"{SOCKET}: {plain(address)} is no Unix socket: no other kind is spoken to")
        self._address = f"\0{address[1:]}" if address and address[0] == "@" else address
        self._failing = False

    def send(self, **fields: str) -> bool:
        """Send the fields in one datagram; whether it was taken. One that was not is logged, and is no error.

        Never waits: a service manager that does not read holds up no engine.
        """
        if not self._address:
            return True
        said = "\n".join(f"{name}={plain(value)}" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)  # noqa: FBT003 (its only parameter)
                sender.sendto(said.encode(), self._address)
        except OSError as error:
            if not self._failing:
                log.warning("service.manager_not_told", why=error.strerror)
            self._failing = True
            return False
        self._failing = False
        return True


def watchdog_s(environ: Mapping[str, str], pid: int) -> float | None:
    """Within how many seconds process `pid` must be heard again; None where nobody waits for that.

    Raises NotifyError where the environment says something that is no time.
    """
    told, meant = environ.get(WATCHDOG), environ.get(WATCHDOG_PID)
    if not told or (meant and meant != str(pid)):
        return None
    if not told.isdecimal() or int(told) == 0:
        raise NotifyError(f"{WATCHDOG}: {plain(told)} is no number of microseconds")
    return int(told) / 1e6
