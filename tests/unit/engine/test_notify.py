"""What goes through $NOTIFY_SOCKET: real datagrams, by path and in the abstract namespace."""

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.exits import Exit
from console.engine.notify import Notifier, NotifyError, watchdog_s


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    """A socket to be bound."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(2)
        yield made


def test_by_path(manager: socket.socket, tmp_path: Path) -> None:
    """One datagram, a line for each field; foreign text cannot add a line of its own."""
    manager.bind(str(tmp_path / "notify"))
    notifier = Notifier(str(tmp_path / "notify"))
    assert notifier.send(READY="1", STATUS="two\nMAINPID=1")
    assert manager.recv(4096) == b"READY=1\nSTATUS=two\\nMAINPID=1"


def test_in_the_abstract_namespace(manager: socket.socket) -> None:
    """As systemd names it in containers: `@` stands for the zero byte."""
    name = f"warroom-{secrets.token_hex(8)}"
    manager.bind(f"\0{name}")
    assert Notifier(f"@{name}").send(WATCHDOG="1")
    assert manager.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", [None, ""])
def test_nobody_waits(address: str | None) -> None:
    """Started by hand: nothing is sent, and nothing is wrong."""
    assert Notifier(address).send(READY="1")


@pytest.mark.parametrize("address", ["vsock:2:1234", "notify", "relative/notify"])
def test_another_kind_of_address_is_refused(address: str) -> None:
    """In words: whoever set it waits for a READY=1 that would never come."""
    with pytest.raises(NotifyError, match="NOTIFY_SOCKET: .* is no Unix socket") as raised:
        Notifier(address)
    assert raised.value.exit == Exit.USAGE


def test_a_manager_that_does_not_read_holds_up_nobody(manager: socket.socket, tmp_path: Path) -> None:
    """Its queue is full: said once, and again when it has read and is full anew."""
    manager.bind(str(tmp_path / "notify"))
    notifier = Notifier(str(tmp_path / "notify"))
    while notifier.send(WATCHDOG="1"):
        pass
    manager.recv(4096)
    assert notifier.send(WATCHDOG="1")


def test_a_manager_that_has_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The engine goes on, and its log says so once."""
    notifier = Notifier(str(tmp_path / "nobody"))
    assert [notifier.send(READY="1") for _ in range(3)] == [False] * 3
    assert capsys.readouterr().out.count("service.manager_not_told") == 1


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_whose_process_is_meant(environ: dict[str, str], told: float | None) -> None:
    """A child of a watched process inherits its environment, and is not watched."""
    assert watchdog_s(environ, os.getpid()) == told


@pytest.mark.parametrize("value", ["soon", "0", "-5", "1e6"])
def test_a_time_that_is_none_is_refused(value: str) -> None:
    """The manager would kill an engine that took it for no watchdog."""
    with pytest.raises(NotifyError, match="is no number of microseconds"):
        watchdog_s({"WATCHDOG_USEC": value}, os.getpid())
