"""A swarm for the tests, and a service in it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker_swarm import SwarmEngine, swarm_engine
from tests.integration.swarm.kit import Site


@pytest.fixture(scope="session")
def swarm() -> Iterator[SwarmEngine]:
    """A swarm for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="warroom-swarm-"))
    try:
        with swarm_engine(folder) as made:
            yield made
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def site(swarm: SwarmEngine) -> Site:
    """The swarm with the images of three releases."""
    return Site(swarm)


@pytest.fixture(autouse=True)
def _no_service_stays(swarm: SwarmEngine) -> Iterator[None]:
    yield
    swarm.clear()
