"""PostgreSQL's own programs inside the server's container: dumps come out, restores go in."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from docker.models.containers import Container

from console.targets.docker.engine import Docker
from console.targets.docker.reach import reach
from console.targets.docker.shell import ContainerShell
from console.targets.postgres.programs import NoProgramError
from console.targets.postgres.server import Server
from tests.docker_servers import PostgresContainer
from tests.servers import USER

_ROWS = "SELECT count(*), sum(amount), md5(string_agg(note, ',' ORDER BY id)) FROM transfers"
_MAKE = """
    CREATE TABLE transfers AS SELECT id, id * 7 AS amount, md5(id::text) AS note
    FROM generate_series(1, 50000) id
"""


def server(docker: Docker, inside: PostgresContainer, dsn: str, folder: Path) -> Server:
    return Server(lambda: dsn, ContainerShell(docker, inside.name, folder))


async def test_a_dump_comes_out_of_the_container_and_is_loaded_again_through_it(
    docker: Docker, postgres_15_container: PostgresContainer, tmp_path: Path
) -> None:
    live = postgres_15_container.create("dumped", _MAKE)
    copy = postgres_15_container.create("loaded")
    path = tmp_path / "dump"
    with path.open("wb") as file:

        async def sink(piece: bytes) -> None:
            file.write(piece)

        dumping = server(docker, postgres_15_container, live, tmp_path)
        dumped = await dumping.run("pg_dump", ("--format=custom",), limit_s=60, sink=sink)
    assert (dumped.code, dumped.err) == (0, "")

    async def source() -> AsyncIterator[bytes]:
        yield path.read_bytes()

    loading = server(docker, postgres_15_container, copy, tmp_path)
    words = ("--exit-on-error", "--dbname=loaded")
    loaded = await loading.run("pg_restore", words, limit_s=60, source=source())
    assert (loaded.code, loaded.err) == (0, "")
    with psycopg.connect(live) as one, psycopg.connect(copy) as other:
        assert one.execute(_ROWS).fetchone() == other.execute(_ROWS).fetchone()


async def test_a_restore_of_half_a_dump_says_why_it_fails(
    docker: Docker, postgres_15_container: PostgresContainer, tmp_path: Path
) -> None:
    live = postgres_15_container.create("halved", _MAKE)
    copy = postgres_15_container.create("half")
    pieces: list[bytes] = []

    async def sink(piece: bytes) -> None:
        pieces.append(piece)

    await server(docker, postgres_15_container, live, tmp_path).run(
        "pg_dump", ("--format=custom",), limit_s=60, sink=sink
    )
    dump = b"".join(pieces)

    async def source() -> AsyncIterator[bytes]:
        yield dump[: len(dump) // 2]

    loaded = await server(docker, postgres_15_container, copy, tmp_path).run(
        "pg_restore", ("--exit-on-error", "--dbname=half"), limit_s=60, source=source()
    )
    assert loaded.code == 1
    assert "unexpected end of file" in loaded.reason or "could not read" in loaded.reason


async def test_the_password_is_in_no_argument_inside(
    docker: Docker, postgres_15_container: PostgresContainer, tmp_path: Path
) -> None:
    live = postgres_15_container.create("quiet")
    shell = ContainerShell(docker, postgres_15_container.name, tmp_path)
    words = ("--command=SELECT pg_sleep(20)",)
    sleeping = asyncio.create_task(
        server(docker, postgres_15_container, live, tmp_path).run("psql", words, limit_s=60)
    )
    async with asyncio.timeout(10):
        arguments = ""
        while "pg_sleep" not in arguments:
            arguments = (await shell.run(("sh", "-c", "cat /proc/[0-9]*/cmdline"), limit_s=10)).out
    assert postgres_15_container.password not in arguments
    sleeping.cancel()
    await asyncio.wait({sleeping})


async def test_a_dsn_without_a_host_means_the_container(
    docker: Docker, postgres_15_container: PostgresContainer, tmp_path: Path
) -> None:
    dsn = f"user={USER} password={postgres_15_container.password} dbname=postgres"
    inside = Server(
        lambda: dsn,
        ContainerShell(docker, postgres_15_container.name, tmp_path),
        locate=partial(reach, docker, postgres_15_container.name),
    )
    assert (await inside.facts()).major == 15


async def test_a_container_without_the_programs_says_what_to_do(
    docker: Docker, idle: Container, postgres_15_container: PostgresContainer, tmp_path: Path
) -> None:
    dsn = postgres_15_container.dsn()
    inside = Server(lambda: dsn, ContainerShell(docker, str(idle.name), tmp_path), "/opt/nowhere")
    with pytest.raises(NoProgramError, match=rf"on container {idle.name}: /opt/nowhere/pg_dump is not there"):
        await inside.run("pg_dump", ("--version",), limit_s=10)
