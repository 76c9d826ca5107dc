"""What a service manager gets to know: ready, how it stands, and that ticks go on."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.events import IncidentSuspected, RungChanged
from console.core.metrics import Row, Rung
from console.core.rules import Standing
from console.engine.notify import Notifier
from console.engine.sampling import Tick
from console.engine.service import Service, status_line
from tests.unit.core.kit import INCIDENT, Story, at
from tests.unit.engine.kit import HandClock

WATCHDOG_S = 30.0
Manager = socket.socket


def tick(*changes: RungChanged, **rungs: Rung) -> Tick:
    """One at which the metrics stand there."""
    standings = {name: Standing(rung, at(0)) for name, rung in rungs.items()}
    return Tick(Row(at(0), ()), standings, changes, (), None, {})


def fallen(metric: str, after: Rung) -> RungChanged:
    return RungChanged(metric, metric, Rung.OK, after, 7.0, 40, "%", f"{metric} > 5%")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """Where the manager listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.settimeout(0)
        made.bind(str(tmp_path / "notify"))
        yield made


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def service(manager: Manager, clock: HandClock) -> Service:
    """It, at a tick a second, with a watchdog, and without an incident."""
    notifier = Notifier(manager.getsockname())
    return Service(notifier, clock, tick_s=1.0, watchdog_s=WATCHDOG_S, incident=lambda: None)


def told(manager: Manager) -> list[str]:
    """All that has come."""
    heard = []
    try:
        while True:
            heard.append(manager.recv(4096).decode())
    except BlockingIOError:
        return heard


def test_ready_with_the_first_tick_and_never_again(service: Service, manager: Manager) -> None:
    """Not before: a service that is ready looks."""
    assert told(manager) == []
    service.ticked(tick(errors=Rung.OK), {})
    assert told(manager) == ["STATUS=1 metric, worst ok, no incident", "READY=1"]
    service.ticked(tick(errors=Rung.OK), {})
    assert told(manager) == []
    service.ticked(tick(errors=Rung.MANDATORY), {})
    assert told(manager) == ["STATUS=1 metric, worst mandatory (errors), no incident"]


def test_what_was_not_taken_is_said_again(service: Service, manager: Manager, tmp_path: Path) -> None:
    """A READY=1 that is lost would have the manager end a good engine."""
    (tmp_path / "notify").rename(tmp_path / "away")
    service.ticked(tick(errors=Rung.OK), {})
    (tmp_path / "away").rename(tmp_path / "notify")
    service.ticked(tick(errors=Rung.OK), {})
    assert told(manager) == ["STATUS=1 metric, worst ok, no incident", "READY=1"]


async def test_the_watchdog_hears_of_us_for_as_long_as_ticks_go_on(
    service: Service, manager: Manager, clock: HandClock
) -> None:
    """More than twice within its time; then no more, and it does what it is for."""
    keeping = asyncio.create_task(service.keep())
    await asyncio.sleep(0)
    assert told(manager) == [], "nobody has looked yet"
    for _ in range(6):  # each pass of the loop moves the clock by a third of the watchdog's time
        service.ticked(tick(), {})
        await asyncio.sleep(0)
    assert told(manager).count("WATCHDOG=1") == 6
    assert clock.seconds < 6 * WATCHDOG_S / 2
    for _ in range(6):
        await asyncio.sleep(0)
    assert told(manager) == []
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_without_a_watchdog_nothing_is_kept_up(manager: Manager, clock: HandClock) -> None:
    """It ends by itself, at once."""
    notifier = Notifier(manager.getsockname())
    service = Service(notifier, clock, tick_s=1.0, watchdog_s=None, incident=lambda: None)
    service.ticked(tick(), {})
    await asyncio.wait_for(service.keep(), 1)
    assert "WATCHDOG=1" not in told(manager)


def test_the_end_is_said(service: Service, manager: Manager) -> None:
    service.stopping("SIGTERM")
    assert told(manager) == ["STOPPING=1\nSTATUS=stopping: SIGTERM"]


def test_the_log_tells_changes_once(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """Each change of rung with its rule, and where trouble begins and ends, not each word of it."""
    service.ticked(tick(fallen("errors", Rung.MANDATORY), errors=Rung.MANDATORY), {"database": "gone"})
    service.ticked(tick(errors=Rung.MANDATORY), {"database": "gone, still"})
    service.ticked(tick(errors=Rung.MANDATORY), {})
    said = capsys.readouterr().out
    assert [said.count(word) for word in ("metric.rung", "errors > 5%", "source.silent")] == [1, 1, 1]
    assert [said.count(word) for word in ("source.answers", "still", "service.ready")] == [1, 0, 1]


@pytest.mark.parametrize(
    ("rungs", "words"),
    [
        ({}, "0 metrics, worst no source, no incident"),
        ({"a": Rung.OK, "b": Rung.RECOVERED}, "2 metrics, worst ok, no incident"),
        ({"a": Rung.OK, "b": Rung.STALE}, "2 metrics, worst stale (b), no incident"),
        ({"a": Rung.STALE, "b": Rung.WARN}, "2 metrics, worst warn (b), no incident"),
        ({"a": Rung.AUTOMATIC, "b": Rung.MANDATORY}, "2 metrics, worst automatic (a), no incident"),
        (dict.fromkeys("abcde", Rung.WARN), "5 metrics, worst warn (a, b, c and 2 more), no incident"),
    ],
)
def test_the_status_names_the_worst(rungs: dict[str, Rung], words: str) -> None:
    """What is not known is no trouble, but it is not fine either."""
    assert status_line(tick(**rungs).standings, None) == words


def test_every_rung_has_its_place() -> None:
    """A rung that had none would end the engine."""
    for rung in Rung:
        assert f"worst {rung}" in status_line(tick(a=rung).standings, None)


def test_the_status_names_the_open_incident() -> None:
    """And how far it is."""
    story = Story()
    story.say(IncidentSuspected(triggers=("errors > 5%",), onset=at(0), samples_from=at(0)))
    assert status_line({}, story.incident).endswith(f", {INCIDENT} suspected")
