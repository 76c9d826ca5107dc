"""A server as its administrator sees it: what it says of itself, its own programs, and what goes wrong."""

import os
import socket
from pathlib import Path

import pytest

from console.targets.postgres.programs import NoProgramError
from console.targets.postgres.server import Server, ServerError
from console.targets.process import Programs
from console.targets.shell import HostShell
from tests.servers import PostgresServer


def shell(folder: Path) -> HostShell:
    return HostShell(Programs({"PATH": os.environ["PATH"]}, tag=folder))


async def test_facts_and_programs_are_those_of_the_servers_own_version(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    dsn = postgres.create("facts", "CREATE TABLE t (i int)")
    server = Server(lambda: dsn, shell(tmp_path))
    facts = await server.facts()
    assert (facts.major, facts.database) == (postgres.major, "facts")
    assert facts.bytes > 1_000_000
    finished = await server.run("pg_dump", ("--version",), limit_s=10)
    assert f"(PostgreSQL) {postgres.major}." in finished.out


async def test_programs_reach_the_server_without_a_word_of_it_in_their_arguments(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    dsn = postgres.create("reached", "CREATE TABLE marker (i int)")
    server = Server(lambda: dsn, shell(tmp_path))
    pieces: list[bytes] = []

    async def sink(piece: bytes) -> None:
        pieces.append(piece)

    finished = await server.run("pg_dump", ("--schema-only",), limit_s=30, sink=sink)
    assert finished.code == 0, finished.err
    assert b"CREATE TABLE public.marker" in b"".join(pieces)


async def test_a_program_of_another_version_is_refused_with_what_to_install(
    postgres_18: PostgresServer, postgres_15: PostgresServer, tmp_path: Path
) -> None:
    server = Server(postgres_18.dsn, shell(tmp_path), str(postgres_15.programs))
    with pytest.raises(
        NoProgramError, match=r"no pg_dump of PostgreSQL 18 on this machine: .* of version 15"
    ):
        await server.run("pg_dump", ("--version",), limit_s=10)


async def test_what_the_server_refuses_is_one_line_without_the_password(
    postgres_18: PostgresServer, tmp_path: Path
) -> None:
    server = Server(lambda: postgres_18.dsn("nowhere"), shell(tmp_path))
    with pytest.raises(ServerError) as caught:
        await server.facts()
    assert 'database "nowhere" does not exist' in str(caught.value)
    assert postgres_18.password not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_server_that_accepts_and_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        server = Server(lambda: f"postgresql://u@127.0.0.1:{port}/d", shell(tmp_path), limit_s=2)
        with pytest.raises(ServerError, match=rf"database d on 127\.0\.0\.1:{port}"):
            await server.facts()
