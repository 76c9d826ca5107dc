"""Servers that many tests share; each makes databases, or a server, of its own in them."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import PostgresServer, RedisServer


@pytest.fixture
def roomy() -> Iterator[Path]:
    """A folder that a server's user can enter, whoever runs the tests."""
    with tempfile.TemporaryDirectory(prefix="warroom-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _cluster(major: int) -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="warroom-test-"))
    folder.chmod(0o755)
    server: PostgresServer | None = None
    try:
        server = PostgresServer(major, folder).start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[PostgresServer]:
    """A PostgreSQL 15 for all tests."""
    yield from _cluster(15)


@pytest.fixture(scope="session")
def postgres_18() -> Iterator[PostgresServer]:
    """A PostgreSQL 18 for all tests."""
    yield from _cluster(18)


@pytest.fixture(params=[15, 18], ids=["PostgreSQL 15", "PostgreSQL 18"])
def postgres(request: pytest.FixtureRequest) -> PostgresServer:
    """Each PostgreSQL that is tested, one after the other."""
    server: PostgresServer = request.getfixturevalue(f"postgres_{request.param}")
    return server


@pytest.fixture(params=["6.2", "7"], ids=["Redis 6.2", "Redis 7"])
def redis_server(request: pytest.FixtureRequest, roomy: Path) -> Iterator[RedisServer]:
    """Each Redis that is tested, with a password and AOF on; a fresh one for every test."""
    server = RedisServer(request.param, roomy).start()
    yield server
    server.stop()


@pytest.fixture
def redis_7(roomy: Path) -> Iterator[RedisServer]:
    """A Redis 7 alone, with a password and AOF on."""
    server = RedisServer("7", roomy).start()
    yield server
    server.stop()
