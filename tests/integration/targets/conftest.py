"""A web server and a client for it, shared by the tests of sources."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from console.targets import web
from tests.integration.targets.local_web import LocalWeb


@pytest.fixture(scope="module")
def running() -> Iterator[LocalWeb]:
    """One server a module, because ending one takes a fifth of a second."""
    with LocalWeb() as server:
        yield server


@pytest.fixture
def server(running: LocalWeb) -> LocalWeb:
    """It, listening and without any answer."""
    running.start()
    running.answers.clear()
    running.seen.clear()
    return running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The client that sources are asked with."""
    async with web.new_client() as made:
        yield made
