"""A cache inside a container is restored: it pulls from this machine, or is restarted with its container."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from actions.restore_cache import RestoreCache
from console.core.data import Cache
from console.targets.docker.engine import Docker
from console.targets.docker.shell import ContainerShell
from console.targets.redis.server import CacheServer
from console.targets.redis.service import ServiceError, service_of
from tests.docker_engine import Engine
from tests.docker_servers import RedisContainer
from tests.integration.data.caches import asked, backed_up, environment_of, kept, spoil, step
from tests.integration.data.trials import Heard, Trial
from tests.integration.redis.kit import assert_same, contents, fill, hasten
from tests.servers import wait_until


async def spoiled(container: RedisContainer, docker: Docker, folder: Path, **rules: Any) -> tuple[Trial, Any]:
    """An environment whose cache in that container was saved and went wrong, and what it held before."""
    hasten(container)
    fill(container, 400)
    shell = ContainerShell(docker, container.name, folder)
    named = {"container": container.name, **rules}
    trial = environment_of(lambda: container.url, folder, shell, docker, **named)
    good = contents(container)
    await backed_up(trial)
    spoil(container)
    return trial, good


async def test_it_is_restarted_with_the_snapshot_where_it_does_not_reach_us(
    redis_container: RedisContainer, docker: Docker, tmp_path: Path
) -> None:
    """The file goes into the container by a stream; the container stays the same one."""
    trial, good = await spoiled(redis_container, docker, tmp_path)
    action = step(trial, asked(trial))
    name = redis_container.name
    effects = RestoreCache.preview(asked(trial), trial.world).effects
    assert f"`docker stop {name}`, the snapshot among its files, `docker start {name}`" in effects[-1]
    await action.perform(Heard())
    assert_same(contents(redis_container), good)
    proof = await action.verify()
    assert (proof.facts["way"], proof.facts["discarded"], len(kept(trial))) == ("file", "201", 1)
    redis_container.container.restart()
    wait_until(lambda: _answers(redis_container), "it does not start")
    assert_same(contents(redis_container), good)


def _answers(container: RedisContainer) -> bool:
    with container.client() as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


async def test_it_is_restored_live_where_it_reaches_us(
    redis_container: RedisContainer, docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    """By the address that the strategy names, which is the gateway's here."""
    network = docker_engine.client.networks.get(docker_engine.network)
    gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
    trial, good = await spoiled(redis_container, docker, tmp_path, scratch_address=gateway)
    action = step(trial, asked(trial))
    await action.perform(Heard())
    assert_same(contents(redis_container), good)
    assert (await action.verify()).facts["way"] == "live"


async def test_a_container_that_does_not_outlive_its_end_is_not_stopped(
    docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    """It would take its files with it."""
    container = RedisContainer(docker_engine, "7", auto_remove=True)
    try:
        trial, _ = await spoiled(container, docker, tmp_path)
        with pytest.raises(ServiceError, match=r"is removed as soon as it is stopped \(--rm\): it is not"):
            await step(trial, asked(trial)).perform(Heard())
        with container.client() as client:
            assert client.dbsize() == 200
    finally:
        container.remove()


@pytest.fixture
def in_memory(docker_engine: Engine) -> Iterator[Any]:
    """A container whose Redis keeps its files in memory."""
    words = ("redis-server", "--dir", "/mem", "--protected-mode", "no")  # on all addresses then
    container = docker_engine.run("redis", words, tmpfs={"/mem": ""})
    yield container
    docker_engine.remove(container)


async def test_a_container_that_keeps_its_files_in_memory_is_not_stopped(
    in_memory: Any, docker: Docker, docker_engine: Engine, tmp_path: Path
) -> None:
    url = f"redis://{docker_engine.address(in_memory)}:6379/0"
    shell = ContainerShell(docker, in_memory.name, tmp_path)
    server = CacheServer(lambda: url, shell)
    await server.started(10)
    service = service_of(
        server, Cache.model_validate({"url": "env:X", "container": in_memory.name}), shell, docker
    )
    assert service is not None
    with pytest.raises(ServiceError, match=r"keeps /mem in memory \(tmpfs /mem\)"):
        await service.stop()
    assert (await server.state()).role == "master"
