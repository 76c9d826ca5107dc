"""A Redis for tests that need one version alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import RedisServer


@pytest.fixture
def redis_7(roomy: Path) -> Iterator[RedisServer]:
    """A Redis 7 with a password and AOF on."""
    server = RedisServer("7", roomy).start()
    yield server
    server.stop()
