"""What Prometheus recorded before the engine looked: asked once, and kept beside the samples."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from console.core.course import Piece
from console.core.metrics import Rung
from console.core.strategy import Environment
from console.core.watched import Prometheus
from console.engine.recollection import STEP_S, Recollector, pieces
from console.store.clock import SystemClock
from console.store.course import read_course
from console.store.recollection import NAME, Recollection
from console.targets.watch.prometheus import Point, PrometheusServer
from tests.integration.store.kit import at
from tests.integration.targets.local_web import LocalWeb
from tests.integration.targets.test_sampler import no_secret
from tests.integration.watch.prometheus_kit import Monitor, show
from tests.servers import LOOPBACK, free_port
from tests.ui import place


def environment(url: str, **questions: str) -> Environment:
    """An environment whose metrics are questions to that server."""
    source = {"kind": "prometheus", "url": url, "every": "1s", "limit": "5s"}
    metrics: dict[str, Any] = {
        name: {
            "title": name[:12],
            "unit": "count",
            "measure": {"kind": "query", "source": "prom", "query": question},
            "rungs": {},
        }
        for name, question in questions.items()
    }
    return place.environment(sources={"prom": source}, metrics=metrics)


async def recollected(folder: Path, made: Environment, client: httpx.AsyncClient) -> Recollection:
    """What one engine's start leaves in the folder."""

    def server(source: Prometheus) -> PrometheusServer:
        return PrometheusServer(source, (), no_secret, client)

    await Recollector(made, server, SystemClock(), Recollection(folder)).keep()
    return Recollection(folder)


async def test_a_real_prometheus_tells_of_the_time_before(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb, tmp_path: Path
) -> None:
    """And a question with a mistake leaves the others as they are."""
    show(page, recalled=7)
    await monitor.shows("recalled", 7)
    made = environment(monitor.url, broken="sum(", good="vector(7)", twice="vector(7) * 2")
    kept = await recollected(tmp_path, made, client)
    now = SystemClock().now()
    assert kept.of("broken") == ()
    for name, value in (("good", 7.0), ("twice", 14.0)):
        told = kept.of(name)
        assert {(one.low, one.high, one.told) for one in told} == {(value, value, True)}
        assert 3.9 * 3600 < now.seconds_since(told[0].since) < 4.1 * 3600
        assert read_course(tmp_path, name, now.before(3600), now, 1.0)[-1].low == value


async def test_a_server_that_does_not_answer_stops_nobody(client: httpx.AsyncClient, tmp_path: Path) -> None:
    """There is nothing to draw then, and what an engine before this one had been told is out of date."""
    Recollection(tmp_path).write({"one": (Piece(at(0), at(0), 1.0, 1.0, Rung.NO_SOURCE, told=True),)})
    made = environment(f"http://{LOOPBACK}:{free_port()}", one="up", two="up")
    kept = await recollected(tmp_path, made, client)
    assert kept.of("one") == ()


def test_each_point_holds_until_the_next_and_not_across_a_hole() -> None:
    points = [Point(300.0, 1.0), Point(270.0, 2.0), Point(120.0, 3.0)]
    found = list(pieces(points, at(300), STEP_S))
    assert [(one.since, one.until, one.low) for one in found] == [
        (at(0), at(30), 1.0),
        (at(30), at(30), 2.0),
        (at(180), at(180), 3.0),
    ]
    assert list(pieces([], at(0), STEP_S)) == []


@pytest.mark.parametrize("torn", [b"", b"\x81", b"\xff" * 20])
def test_a_torn_file_tells_nothing(tmp_path: Path, torn: bytes) -> None:
    """The next engine asks again."""
    (tmp_path / NAME).write_bytes(torn)
    assert Recollection(tmp_path).of("one") == ()
    assert Recollection(tmp_path / "nowhere").of("one") == ()


async def test_a_disk_that_refuses_stops_nobody(client: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    await recollected(tmp_path / "file", environment(f"http://{LOOPBACK}:{free_port()}"), client)
    assert (tmp_path / "file").is_file()
