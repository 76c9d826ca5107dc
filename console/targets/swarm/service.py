"""What a swarm's manager keeps of services and their tasks, and how a service is given a specification."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import requests
from docker import APIClient
from docker.errors import create_api_error_from_http_exception
from msgspec import Struct

from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker, Facts, NotThereError
from console.targets.swarm.spec import digest

_OUTDATED = "update out of sequence"
"""How a manager refuses a specification that was made of an older one than it has."""
_UNDER_WAY = {"updating", "rollback_started"}
_STOPPED = {"paused", "rollback_paused"}
_ENDED = {"complete", "shutdown", "failed", "rejected", "remove", "orphaned"}
_DUE = {"running", "ready"}


class ChangedError(DockerError):
    """Somebody has changed the service since it was read: nothing of ours was written."""


class Service(Struct, frozen=True):
    """A service as it was at one look."""

    id: str
    name: str
    index: int
    """The version of what the manager keeps of it; a write says which one it was made of."""
    spec: Facts
    previous: Facts | None
    """The specification before the last write; None where there was none, or the swarm itself went back."""
    state: str
    """Of the last update, as the API names it; empty where none was needed since the last write."""
    words: str
    """The manager's own, about that state."""

    @property
    def digest(self) -> str:
        """Of its specification."""
        return digest(self.spec)

    @property
    def under_way(self) -> bool:
        """Whether tasks are being replaced."""
        return self.state in _UNDER_WAY

    @property
    def stopped(self) -> bool:
        """Whether an update, or the way back from one, has stopped in the middle."""
        return self.state in _STOPPED


class Task(Struct, frozen=True):
    """One task of a service: an attempt at one of its replicas."""

    id: str
    name: str
    """`web.3`, as `docker service ps` has it; of a service with one on each node, `web` and the node's id."""
    node: str
    wanted: str
    """The state that the manager wants it in."""
    state: str
    words: str
    """What went wrong, in the engine's words; empty while nothing has."""
    image: str
    """As the specification says it."""
    container: str
    at: str
    """When the state was entered, as the API writes it."""

    @property
    def runs(self) -> bool:
        """Started, by its health check too where it has one, and not on its way out."""
        return self.state == self.wanted == "running"

    @property
    def is_due(self) -> bool:
        """Whether it shall run, now or when the wait before another attempt is over."""
        return self.wanted in _DUE and not self.is_over

    @property
    def is_over(self) -> bool:
        """Nothing of it runs, or ever will."""
        return self.state in _ENDED


class Swarm:
    """A swarm, asked through one of its managers."""

    def __init__(self, docker: Docker) -> None:
        self.docker = docker
        self._node: str | None = None

    async def service(self, name: str) -> Service:
        """A service by its name; DockerError when there is none, or nobody who could tell."""
        try:
            told: Facts = await self.docker.call(partial(APIClient.inspect_service, service=name))
        except NotThereError:
            raise NotThereError(
                f"the swarm of {self.docker.words} has no service {name}: `docker service ls` has them"
            ) from None
        update = told.get("UpdateStatus") or {}
        return Service(
            id=told["ID"],
            name=told["Spec"]["Name"],
            index=told["Version"]["Index"],
            spec=told["Spec"],
            previous=told.get("PreviousSpec"),
            state=update.get("State", ""),
            words=update.get("Message", ""),
        )

    async def tasks(self, service: Service) -> list[Task]:
        """Those that the manager remembers of it, ended ones among them, by name and the newest last."""
        told: list[Facts] = await self.docker.call(partial(APIClient.tasks, filters={"service": service.id}))
        found = (_task(service.name, one) for one in told)
        return sorted(found, key=lambda task: (len(task.name), task.name, task.at))

    async def node(self) -> str:
        """The id of the machine that we ask; empty where that is in no swarm."""
        if self._node is None:
            told: Facts = await self.docker.call(lambda api: api.info())
            self._node = str(told["Swarm"]["NodeID"])
        return self._node

    async def lost(self) -> set[str]:
        """The ids of machines that do not answer their manager."""
        told: list[Facts] = await self.docker.call(lambda api: api.nodes())
        return {one["ID"] for one in told if one["Status"]["State"] != "ready"}

    async def replace(self, service: Service, spec: Facts) -> None:
        """Give it another specification, unless it was changed since it was read: then ChangedError.

        No registry is asked: the engine stopped resolving images with version 1.30 of its API. The
        registry's login that is kept with the service stays, since none is sent.
        """
        await self._write(service, spec, {})

    async def roll_back(self, service: Service) -> None:
        """Have the swarm go back to the service's previous specification, by its own rules for that."""
        await self._write(service, service.spec, {"rollback": "previous"})

    async def _write(self, service: Service, spec: Facts, how: Mapping[str, str]) -> None:
        try:
            await self.docker.call(lambda api: _post(api, service, spec, how))
        except DockerError as error:
            if _OUTDATED not in str(error):
                raise
            raise ChangedError(f"service {service.name} was changed by somebody else just now") from None


def _post(api: APIClient, service: Service, spec: Facts, how: Mapping[str, str]) -> None:
    """As the API has it: the SDK's own way rebuilds the specification, and loses what it does not know."""
    answer = api.post(
        f"{api.base_url}/v{api.api_version}/services/{service.id}/update",
        params={"version": str(service.index), **how},
        json=spec,
        timeout=api.timeout,
    )
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        create_api_error_from_http_exception(error)


def _task(service: str, told: Mapping[str, Any]) -> Task:
    status = told["Status"]
    place = told.get("Slot") or told.get("NodeID", "")
    return Task(
        id=told["ID"],
        name=f"{service}.{place}",
        node=told.get("NodeID", ""),
        wanted=told["DesiredState"],
        state=status["State"],
        words=status.get("Err", ""),
        image=told["Spec"]["ContainerSpec"]["Image"],
        container=(status.get("ContainerStatus") or {}).get("ContainerID", ""),
        at=status["Timestamp"],
    )
