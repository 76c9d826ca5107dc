"""`warroom watch` with a real socket in systemd's place: what a manager hears, and what the log says."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.config.paths import BUNDLED
from console.core.events import EngineStarted, EngineStopped, Event
from console.core.exits import Exit
from console.core.paging import every_event
from console.store.journal import SqliteReader
from console.store.layout import Layout
from tests.integration.drill.kit import within
from tests.integration.targets.local_web import LocalWeb

SMALL = Path(__file__).parents[2] / "unit" / "strategies" / "small.yaml"
CANARY = "canary-7f3a"
LIMIT_S = 60.0
WATCHDOG_S = 3.0
CHANGES = (
    ("mandatory: health_check_failures > 3", "mandatory: health_check_failures > 1"),
    ("every: 5s, limit: 4s", "every: 1s, limit: 1s"),
)


@pytest.fixture
def web() -> Iterator[LocalWeb]:
    """A service that is well, with a page of metrics that has none."""
    with LocalWeb() as server:
        server.text("/health", b'{"version": "v1.5.0"}')
        server.text("/metrics", b"")
        yield server


class Manager:
    """What systemd is to an engine that it has started: a socket, variables, and signals."""

    def __init__(self, folder: Path, web: LocalWeb) -> None:
        self.folder = folder
        text = SMALL.read_text().replace("http://localhost:8080", web.url(""))
        for old, new in CHANGES:
            assert old in text
            text = text.replace(old, new)
        (folder / "strategy.yaml").write_text(text)
        for name in ("roster.yaml", "revoked_keys"):
            (folder / name).write_bytes((BUNDLED / name).read_bytes())
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(LIMIT_S)
        self.address = str(folder / "notify")
        self.socket.bind(self.address)
        self.heard: list[str] = []

    @property
    def environ(self) -> dict[str, str]:
        """With a secret that shows in the trouble with what it opens: it is part of a name."""
        return {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "XDG_STATE_HOME": str(self.folder),
            "DSN": f"postgresql://app:{CANARY}@{CANARY}.invalid/app",
            "NOTIFY_SOCKET": self.address,
            "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)),
        }

    def argv(self, *words: str) -> list[str]:
        """`warroom` in that folder."""
        strategy = str(self.folder / "strategy.yaml")
        return [sys.executable, "-m", "console", *words, "--strategy", strategy, "--as", "eng-1"]

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """An engine under it, which has said that it is ready."""
        log = self.folder / "log"
        with (
            log.open("w") as told,
            subprocess.Popen(
                self.argv(*words), env=self.environ, cwd="/", stdout=told, stderr=told, text=True
            ) as process,
        ):
            try:
                self.until("READY=1")
                yield process
            finally:
                process.terminate()
                process.wait(LIMIT_S)

    def until(self, line: str) -> None:
        """Wait for a datagram in which a line begins so."""
        while not any(said.startswith(line) for said in self.listen().splitlines()):
            pass

    def listen(self) -> str:
        """The next datagram."""
        said = self.socket.recv(4096).decode()
        self.heard.append(said)
        return said

    def lines(self) -> list[dict[str, Any]]:
        """The log of the last one, an object each."""
        return [msgspec.json.decode(line) for line in (self.folder / "log").read_bytes().splitlines()]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`warroom` to its end."""
        return subprocess.run(
            self.argv(*words),
            env=self.environ,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def journal(self) -> list[Event]:
        """All that the engines have said."""
        layout = Layout(self.folder / "warroom" / "testnet")
        with closing(SqliteReader(layout.journal, "testnet")) as reader:
            return list(every_event(reader))


@pytest.fixture
def manager(tmp_path: Path, web: LocalWeb) -> Iterator[Manager]:
    made = Manager(tmp_path, web)
    with made.socket:
        yield made


def test_a_service_from_its_first_tick_to_its_end(manager: Manager, web: LocalWeb) -> None:
    """Ready, how it stands, still there, an incident, stopping; and a log that a program can read."""
    with manager.started("watch", "--log", "json") as process:
        assert manager.heard[0].startswith("STATUS=4 metrics, worst ")
        assert not any("WATCHDOG" in said for said in manager.heard), "first it is ready"
        manager.until("WATCHDOG=1")
        before = time.monotonic()
        for _ in range(3):
            manager.until("WATCHDOG=1")
        assert time.monotonic() - before < 3 * WATCHDOG_S / 2
        web.text("/health", b"", 503)
        while "health_check_failures" not in manager.listen():
            pass
        incident = manager.heard[-1].rpartition(", ")[2]
        assert incident.startswith("INC-")
        assert incident.endswith(" suspected")
        process.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        assert process.wait(LIMIT_S) == Exit.DONE
    assert manager.heard[-1] == "STOPPING=1\nSTATUS=stopping: SIGTERM"
    assert sum("READY=1" in said for said in manager.heard) == 1
    lines = manager.lines()
    assert {line["event"] for line in lines} >= {"service.ready", "metric.rung", "source.silent"}
    assert lines[-1]["event"] == "service.stopping"
    silent = {line["source"] for line in lines if line["event"] == "source.silent"}
    assert "database" in silent, "the secret was used, and what came of it was told"
    assert CANARY not in (manager.folder / "log").read_text() + "".join(manager.heard)
    bodies = [event.body for event in manager.journal()]
    assert isinstance(bodies[0], EngineStarted)
    assert bodies[0].supervised
    assert bodies[-1] == EngineStopped(reason="SIGTERM")


def test_where_one_runs_no_other_does(manager: Manager) -> None:
    """Whoever started the first; one line in the log's form, and the code of what can be tried again."""
    with manager.started("watch") as process:
        refused = [manager.run("watch", "--log", form) for form in ("plain", "json")]
        for one in refused:
            assert (one.returncode, one.stdout, one.stderr.count("\n")) == (Exit.FAILED, "", 1)
            assert f"an engine runs here already (process {process.pid}, since " in one.stderr
        assert msgspec.json.decode(refused[1].stderr)["event"] == "service.refused"
        assert manager.run("engine").returncode == Exit.FAILED
    assert "service.ready" in (manager.folder / "log").read_text()


def test_what_does_not_get_better_is_refused_with_2(manager: Manager) -> None:
    """So that the unit does not try it again every two seconds."""
    (manager.folder / "roster.yaml").unlink()
    refused = manager.run("watch", "--log", "json")
    assert (refused.returncode, refused.stdout) == (Exit.USAGE, "")
    assert "roster.yaml" in msgspec.json.decode(refused.stderr)["why"]


def test_the_engine_of_a_console_tells_nobody(manager: Manager) -> None:
    """It may have inherited the address from a desktop session that systemd runs, and is not that."""
    with subprocess.Popen(
        manager.argv("engine"), env=manager.environ, cwd="/", stderr=subprocess.PIPE, text=True
    ) as process:
        assert within(LIMIT_S, Layout(manager.folder / "warroom" / "testnet").live.exists)
        process.terminate()
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == Exit.DONE
    assert CANARY not in said
    manager.socket.settimeout(0)
    with pytest.raises(BlockingIOError):
        manager.listen()
