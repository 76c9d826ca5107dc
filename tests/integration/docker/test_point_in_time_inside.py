"""The archive of a server inside a container: its base backup comes over TCP, its WAL by a shared folder."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from console.targets.docker.engine import Docker
from console.targets.docker.reach import reach
from console.targets.docker.shell import ContainerShell
from console.targets.postgres.archiving import archive_command
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.replay import replay
from console.targets.postgres.server import Server
from console.targets.process import Programs
from tests.docker_engine import Engine
from tests.docker_image import POSTGRES, UID
from tests.docker_servers import PostgresContainer
from tests.integration.postgres.dumps import Heard
from tests.servers import USER, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads WAL that a container has written")


@pytest.fixture
def wal(roomy: Path) -> Path:
    """A folder that the container and we call the same."""
    folder = roomy / "wal"
    folder.mkdir(mode=0o700)
    os.chown(folder, UID, UID)
    return folder


@pytest.fixture(params=POSTGRES, ids="PostgreSQL {}".format)
def inside(request: pytest.FixtureRequest, docker_engine: Engine, wal: Path) -> Iterator[PostgresContainer]:
    """Each PostgreSQL that is tested, in a container; it archives into that folder."""
    shared = {str(wal): {"bind": str(wal), "mode": "rw"}}
    made = PostgresContainer(docker_engine, request.param, volumes=shared)
    with psycopg.connect(made.dsn(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET archive_mode = on")
        command = sql.Literal(archive_command(wal))
        connection.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(command))
    made.container.restart()
    made.address = docker_engine.address(made.container)
    wait_until(lambda: answers(made), "PostgreSQL does not start again")
    yield made
    docker_engine.remove(made.container)


def answers(inside: PostgresContainer) -> bool:
    try:
        psycopg.connect(inside.dsn(), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


async def test_the_state_at_an_instant_is_replayed_here(
    docker: Docker, inside: PostgresContainer, wal: Path, roomy: Path
) -> None:
    inside.create("live", "CREATE TABLE events (n int)")
    programs = Programs({"PATH": os.environ["PATH"]}, tag=roomy)
    server = Server(
        lambda: make_conninfo(user=USER, password=inside.password, dbname="live"),
        ContainerShell(docker, inside.name, roomy),
        locate=partial(reach, docker, inside.name),
    )
    archive = FilesOfWal(server, programs, wal=wal, bases=roomy / "bases")
    await archive.make_base("base", Heard())
    with psycopg.connect(inside.dsn("live"), autocommit=True) as connection:
        connection.execute("INSERT INTO events VALUES (1)")
        target = (await server.facts()).now
        connection.execute("INSERT INTO events VALUES (2)")
    await archive.reach_now(30)
    async with replay(archive, target, roomy / "scratch", programs=programs, progress=Heard()) as scratch:
        assert await scratch.server.value("SELECT array_agg(n) FROM events") == [1]
        dumped = await scratch.server.run("pg_dump", ("--data-only",), limit_s=30)
        assert dumped.code == 0, dumped.err
