"""What the tests of sources share: a client, a web server, and a Prometheus that scrapes it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from console.targets import web
from tests.integration.targets.local_web import LocalWeb
from tests.integration.watch.prometheus_kit import Monitor, show

RULES = [
    {"alert": "LoadHigh", "expr": "load > 5"},
    {"alert": "LoadHighFor", "expr": "load > 5", "for": "1500ms"},
    {"alert": "FailingRatio", "expr": "100 * rate(failed_total[1s]) / rate(tried_total[1s]) > 10"},
    {"alert": "Often", "expr": "load > 100"},
    {"alert": "Often", "expr": "load > 200"},
    {"alert": "Broken", "expr": 'label_replace(parts, "part", "", "", "")'},
]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The client that sources are asked with."""
    async with web.new_client() as made:
        yield made


@pytest.fixture(scope="module")
def page() -> Iterator[LocalWeb]:
    """What is scraped at `/metrics`, and by another job at `/doomed`."""
    with LocalWeb() as server:
        show(server)
        show(server, "/doomed")
        yield server


@pytest.fixture(scope="module")
def monitor(page: LocalWeb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    """A Prometheus for all tests of a module; each shows it series of its own."""
    jobs = {"service": page.url("/metrics"), "doomed": page.url("/doomed")}
    made = Monitor(tmp_path_factory.mktemp("prometheus"), jobs, RULES)
    try:
        made.start()
        yield made
    finally:
        made.stop()
