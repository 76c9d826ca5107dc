"""A Docker engine for the tests, and servers inside its containers."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from console.targets.docker.engine import Docker
from tests.docker_engine import Engine, engine
from tests.docker_image import POSTGRES, REDIS
from tests.docker_servers import PostgresContainer, RedisContainer


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """An engine with our image, for all tests."""
    folder = Path(tempfile.mkdtemp(prefix="warroom-docker-"))
    try:
        with engine(folder) as found:
            yield found
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def docker(docker_engine: Engine) -> Docker:
    """The engine as the program sees it."""
    return Docker(docker_engine.url)


@pytest.fixture(scope="session")
def idle(docker_engine: Engine) -> Container:
    """A container that does nothing, to run programs in."""
    return docker_engine.run("idle", ("sleep", "infinity"))


@pytest.fixture(scope="session")
def postgres_15_container(docker_engine: Engine) -> PostgresContainer:
    """A PostgreSQL 15 for all tests; make a database of your own in it."""
    return PostgresContainer(docker_engine, 15)


@pytest.fixture(scope="session")
def postgres_18_container(docker_engine: Engine) -> PostgresContainer:
    """A PostgreSQL 18 for all tests; make a database of your own in it."""
    return PostgresContainer(docker_engine, 18)


@pytest.fixture(params=POSTGRES, ids="PostgreSQL {}".format)
def postgres_container(request: pytest.FixtureRequest) -> PostgresContainer:
    """Each PostgreSQL that is tested, one after the other."""
    server: PostgresContainer = request.getfixturevalue(f"postgres_{request.param}_container")
    return server


@pytest.fixture
def redis_7_container(docker_engine: Engine) -> Iterator[RedisContainer]:
    """A Redis 7 with a password and AOF on, its data in a volume; a fresh one for every test."""
    yield from _redis(docker_engine, "7")


@pytest.fixture(params=REDIS, ids="Redis {}".format)
def redis_container(request: pytest.FixtureRequest, docker_engine: Engine) -> Iterator[RedisContainer]:
    """Each Redis that is tested, with a password and AOF on; a fresh one for every test."""
    yield from _redis(docker_engine, request.param)


def _redis(engine: Engine, version: str) -> Iterator[RedisContainer]:
    server = RedisContainer(engine, version)
    yield server
    server.remove()
