"""What the containers were before anything was stopped: facts, Compose's files and logs, into one folder."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
from docker import APIClient
from msgspec import Struct

from console.core.errors import StatedError
from console.core.redaction import Redactor
from console.targets.docker import compose
from console.targets.docker.engine import Docker, Facts, NotThereError
from console.targets.docker.facts import PROJECT, ContainerFacts, container_facts, name_of
from console.targets.docker.logs import save_log
from console.targets.docker.masking import secrets_of

CONTAINERS = "containers.json"
COMPOSE = "compose"
LOGS = "logs"
LOG_S = 60.0
_AT_ONCE = 4
"""Containers whose logs are read side by side."""


class InventoryError(StatedError):
    """The inventory cannot be written; one line."""


class Inventory(Struct, frozen=True, kw_only=True):
    """Everything that was found."""

    schema: Literal["warroom.inventory/1"] = "warroom.inventory/1"
    engine: str
    masked: bool
    """Whether what may be a secret was left out."""
    logs_since: int
    """UTC microseconds."""
    containers: tuple[ContainerFacts, ...]
    """By name."""
    compose: dict[str, str]
    """Configuration files of Compose: the copy, relative to the folder, and where it was."""
    missing: tuple[str, ...]
    """What could not be had, a sentence each."""


async def take(
    docker: Docker,
    folder: Path,
    *,
    since: int,
    project: str | None = None,
    log_s: float = LOG_S,
    whole: bool = False,
    known: Iterable[str] = (),
) -> Inventory:
    """Write what the containers are, and their logs `since` (UTC microseconds), into a folder that exists.

    All containers, or those of one Compose project, running or not. `log_s` bounds the reading of each
    log. Unless it is to be `whole`, for whoever encrypts it: in Compose's files every value is masked that
    may be a secret, in logs every value that a container is given as one, or that is `known` to be.
    What cannot be had is named in `missing`; DockerError when the engine cannot be asked at all,
    InventoryError when the folder cannot be written to.
    """
    told = await _containers(docker, project)
    mask = None if whole else _mask(told, known)
    try:
        for name in (LOGS, COMPOSE):
            (folder / name).mkdir(mode=0o700)
        files, missing = _compose(docker, told, folder / COMPOSE, mask)
        containers, troubles = await _Logs(docker, folder / LOGS, since, log_s, mask).all(told)
        inventory = Inventory(
            engine=docker.endpoint.url,
            masked=mask is not None,
            logs_since=since,
            containers=containers,
            compose=files,
            missing=(*missing, *troubles),
        )
        (folder / CONTAINERS).write_bytes(msgspec.json.format(msgspec.json.encode(inventory)) + b"\n")
    except OSError as error:
        raise InventoryError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return inventory


def _mask(told: Sequence[Facts], known: Iterable[str]) -> Redactor:
    mask = Redactor()
    for secret in (*secrets_of(told), *known):
        mask.register(secret)
    return mask


async def _containers(docker: Docker, project: str | None) -> list[Facts]:
    """What the engine says of each, by name; one that is removed while we ask is none any more."""
    labels = [f"{PROJECT}={project}"] if project else []
    listed = await docker.call(lambda api: api.containers(all=True, filters={"label": labels}))
    told = []
    for one in listed:
        with suppress(NotThereError):
            told.append(await docker.call(partial(APIClient.inspect_container, container=one["Id"])))
    return sorted(told, key=name_of)


def _compose(
    docker: Docker, told: Sequence[Facts], folder: Path, mask: Redactor | None
) -> tuple[dict[str, str], list[str]]:
    """Copy the files that labels name: where each was, and why some could not be had."""
    paths, machine = compose.files_of(told), docker.endpoint.machine
    if machine:
        return {}, [f"{path} lies on {machine}" for path in paths]
    copied, missing = {}, []
    for number, path in enumerate(paths, 1):
        try:
            copy = compose.copy(path, folder / f"{number}-{path.name}", mask)
        except compose.NoFileError as error:
            missing.append(str(error))
        else:
            copied[f"{folder.name}/{copy.name}"] = str(path)
    return copied, missing


class _Logs:
    """The logs of all containers, saved side by side, with the facts about each."""

    def __init__(
        self, docker: Docker, folder: Path, since: int, limit_s: float, mask: Redactor | None
    ) -> None:
        self._docker = docker
        self._folder = folder
        self._since = since
        self._limit_s = limit_s
        self._mask = mask
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._missing: list[str] = []

    async def all(self, told: Sequence[Facts]) -> tuple[tuple[ContainerFacts, ...], list[str]]:
        """Facts about all of them; in words, which logs are not whole."""
        saving = [asyncio.create_task(self._one(container)) for container in told]
        try:
            return tuple(await asyncio.gather(*saving)), self._missing
        finally:  # nobody writes into a folder that has been given up
            for task in saving:
                task.cancel()
            await asyncio.gather(*saving, return_exceptions=True)

    async def _one(self, told: Facts) -> ContainerFacts:
        name = name_of(told)
        async with self._gate:
            digests = await _digests(self._docker, told["Image"])
            path = self._folder / f"{name}.log"
            log, trouble = await save_log(
                self._docker, told, path, since=self._since, limit_s=self._limit_s, mask=self._mask
            )
        if trouble:
            self._missing.append(f"the log of {name} {trouble}")
        return container_facts(told, digests, log)


async def _digests(docker: Docker, image: str) -> tuple[str, ...]:
    """Where an image can be had again; nowhere when it was built here, or is gone."""
    try:
        told = await docker.call(partial(APIClient.inspect_image, image=image))
    except NotThereError:
        return ()
    return tuple(told.get("RepoDigests") or ())
