"""Asking an engine: who it is, that many may ask at once, and what is said when there is no answer."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
from docker.models.containers import Container

from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import ContainerError, Docker
from console.targets.docker.reach import reach
from tests.docker_engine import Engine
from tests.integration.docker.kit import relay


async def ping(docker: Docker, limit_s: float = 5.0) -> bool:
    return await docker.call(lambda api: api.ping(), limit_s=limit_s)


async def test_the_engine_is_the_one_that_the_environment_names(docker_engine: Engine) -> None:
    assert await ping(Docker(environment={"DOCKER_HOST": docker_engine.url}))


async def test_many_may_ask_at_once(docker: Docker, idle: Container) -> None:
    """The SDK's clients must not be shared by threads, and are not."""
    told = await asyncio.gather(*(docker.container(str(idle.name)) for _ in range(40)))
    assert {one["Id"] for one in told} == {idle.id}


async def test_an_engine_that_is_not_there_is_one_line_with_what_to_do(tmp_path: Path) -> None:
    docker = Docker(f"unix://{tmp_path}/docker.sock")
    words = f"the Docker engine at unix://{tmp_path}/docker.sock cannot be asked: No such file or directory; "
    for asked in (ping(docker), docker.container("db")):
        with pytest.raises(DockerError) as caught:
            await asked
        assert str(caught.value) == words + "start it, or set DOCKER_HOST"


async def test_an_engine_that_goes_away_is_one_line(docker_engine: Engine, tmp_path: Path) -> None:
    async with relay(tmp_path, docker_engine.url) as (url, _):
        docker = Docker(url)
        assert await ping(docker)
    (tmp_path / "relay.sock").unlink(missing_ok=True)
    with pytest.raises(DockerError, match=rf"^the Docker engine at {url} cannot be asked: \S.*$"):
        await ping(docker)


async def test_an_engine_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        with pytest.raises(DockerError, match=r"silent\.sock: no answer within 1 s$"):
            await ping(Docker(f"unix://{tmp_path}/silent.sock"), limit_s=1)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"DOCKER_HOST": "ssh://eng-1@far"},
            r"forward its socket with `ssh -NL .* HOST`, and set DOCKER_HOST",
        ),
        ({"DOCKER_HOST": "ftp://far"}, r"DOCKER_HOST or the Docker context cannot be used: .*ftp://far"),
        ({"DOCKER_HOST": "tcp://far"}, r"cannot be used: .*port is required"),
        ({"DOCKER_HOST": "tcp://far:2376", "DOCKER_CERT_PATH": "/nowhere"}, r"cannot be used: .*certificate"),
        ({"DOCKER_CONTEXT": "mistyped"}, r"cannot be used: there is no context mistyped"),
    ],
)
async def test_a_place_that_cannot_be_used_is_told_and_no_other_is_asked(
    environment: Mapping[str, str], words: str
) -> None:
    with pytest.raises(DockerError, match=words):
        await ping(Docker(environment=environment))


async def test_a_container_is_reached_at_its_own_address(
    docker: Docker, docker_engine: Engine, idle: Container
) -> None:
    assert await reach(docker, str(idle.name), 5432) == (docker_engine.address(idle), 5432)


async def test_a_published_port_is_reached_where_it_is_published(
    docker: Docker, docker_engine: Engine
) -> None:
    serving = docker_engine.run("published", ("sleep", "infinity"), ports={"5432/tcp": ("127.0.0.1", None)})
    address = await reach(docker, str(serving.name), 5432)
    assert address.host == "127.0.0.1"
    with socket.create_connection(address, 5):
        pass  # the engine listens there
    assert await reach(docker, str(serving.name), 6379) == (docker_engine.address(serving), 6379)
    docker_engine.remove(serving)


async def test_a_container_without_a_network_is_not_reached(docker: Docker, docker_engine: Engine) -> None:
    lonely = docker_engine.run("lonely", ("sleep", "infinity"), network="none")
    with pytest.raises(
        ContainerError, match=f"container {lonely.name} cannot be reached from here: publish its port"
    ):
        await reach(docker, str(lonely.name), 5432)
    docker_engine.remove(lonely)
