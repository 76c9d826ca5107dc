"""How a cache's server is stopped and started: by the strategy's own commands, or with its container."""

import asyncio
import shlex
from functools import partial
from pathlib import PurePosixPath

from console.core.data import Cache, Restart
from console.core.errors import StatedError
from console.targets.docker.engine import Docker, Facts
from console.targets.redis.place import Service
from console.targets.redis.server import CacheError, CacheServer
from console.targets.shell import Shell, checked

END_S = 60.0
"""Seconds that a server has for ending, once it is told to; one with many keys frees them first."""
_SPARE_S = 20.0
"""What the engine gets beyond that for its answer."""
_LOOK_AGAIN_S = 0.05
_SWARM = "com.docker.swarm.service.id"


class ServiceError(StatedError):
    """The cache's server cannot be stopped or started; it runs as before where it could not be stopped."""


def service_of(server: CacheServer, rules: Cache, here: Shell, docker: Docker | None) -> Service | None:
    """What restarts the server; None where the strategy names no way. `here` runs commands of ours."""
    if rules.restart is not None:
        return Service(
            stop=partial(_command_stops, server, rules.restart, here),
            start=partial(_command_starts, rules.restart, here),
        )
    if rules.container is not None and docker is not None:
        return Service(
            stop=partial(_container_stops, server, docker, rules.container),
            start=partial(_container_starts, docker, rules.container),
        )
    return None


def in_words(rules: Cache) -> tuple[str, str] | None:
    """How it is stopped and started, for a plan; None where the strategy names no way."""
    if rules.restart is not None:
        return shlex.join(rules.restart.stop), shlex.join(rules.restart.start)
    if rules.container is not None:
        return f"docker stop {rules.container}", f"docker start {rules.container}"
    return None


# -- by commands ------------------------------------------------------------------------------------


async def _command_stops(server: CacheServer, restart: Restart, here: Shell) -> None:
    """Run the command and see the server end: an exit code does not prove that, and may come before it."""
    await checked(here, restart.stop, limit_s=END_S, what="stopping the cache")
    try:
        async with asyncio.timeout(END_S):
            while await _answers(server):  # noqa: ASYNC110 - its end is no event of ours
                await asyncio.sleep(_LOOK_AGAIN_S)
    except TimeoutError:
        raise ServiceError(
            f"the {server.place} still answers {END_S:.0f} s after `{shlex.join(restart.stop)}`"
        ) from None


async def _command_starts(restart: Restart, here: Shell) -> None:
    await checked(here, restart.start, limit_s=END_S, what="starting the cache")


async def _answers(server: CacheServer) -> bool:
    try:
        await server.state()
    except CacheError:
        return False
    return True


# -- with its container -----------------------------------------------------------------------------


async def _container_stops(server: CacheServer, docker: Docker, name: str) -> None:
    """Refuses a container whose end would take the server's files with it, or bring another one."""
    facts, folder = await docker.container(name), await server.config("dir")
    if trouble := _lasting(facts, folder):
        raise ServiceError(f"container {name} {trouble}: it is not stopped")
    await docker.call(lambda api: api.stop(name, timeout=round(END_S)), limit_s=END_S + _SPARE_S)


async def _container_starts(docker: Docker, name: str) -> None:
    """The engine takes no offence at one that runs."""
    await docker.call(lambda api: api.start(name))


def _lasting(facts: Facts, folder: str) -> str:
    """Why a container is not the same one, with the same files, when it is started again; empty: it is."""
    if facts["HostConfig"].get("AutoRemove"):
        return "is removed as soon as it is stopped (--rm)"
    if _SWARM in (facts["Config"].get("Labels") or {}):
        return "belongs to a service of a swarm, which starts another one in its place"
    inside = PurePosixPath(folder)
    mounted = [one["Destination"] for one in facts["Mounts"] if one["Type"] == "tmpfs"]
    for place in (*(facts["HostConfig"].get("Tmpfs") or {}), *mounted):
        if inside.is_relative_to(place):
            return f"keeps {folder} in memory (tmpfs {place}), where nothing outlives it"
    return ""
