"""The machines of a swarm, and whether one has room for a task more: start-first needs that."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from docker import APIClient
from msgspec import Struct

from console.core.format import size
from console.core.swarm_deploy import SwarmDeploy
from console.targets.docker.engine import Docker, Facts
from console.targets.swarm.service import Service

_CPU, _MEMORY = "NanoCPUs", "MemoryBytes"
_BILLION = 1e9


class Node(Struct, frozen=True):
    """A machine of the swarm."""

    id: str
    name: str
    takes_tasks: bool
    """Whether it is up, and neither paused nor drained."""
    has: dict[str, int]
    """Processors, in billionths, and bytes of memory, as the API names them."""


async def nodes(docker: Docker) -> list[Node]:
    """All of them."""
    told: list[Facts] = await docker.call(lambda api: api.nodes())
    return [
        Node(
            id=one["ID"],
            name=one["Description"]["Hostname"],
            takes_tasks=one["Status"]["State"] == "ready" and one["Spec"]["Availability"] == "active",
            has=_amounts(one["Description"].get("Resources")),
        )
        for one in told
    ]


async def room_for_one_more(
    docker: Docker, service: Service, rules: SwarmDeploy, every: Sequence[Node]
) -> list[str]:
    """A sentence when a new task could not start beside the old ones; none where it can, or need not.

    The manager places tasks by what they reserve, not by what they use.
    """
    needed = _reserved(service.spec["TaskTemplate"])
    if rules.order != "start-first" or not any(needed.values()):
        return []
    tasks: list[Facts] = await docker.call(partial(APIClient.tasks, filters={"desired-state": "running"}))
    if any(_fits(needed, node, tasks) for node in every if node.takes_tasks):
        return []
    words = (
        f"no machine has room for one more task of service {service.name}, which reserves"
        f" {' and '.join(_words(needed))}: use `order: stop-first`, or make room"
    )
    return [words]


def _fits(needed: Mapping[str, int], node: Node, tasks: Sequence[Facts]) -> bool:
    taken = [_reserved(task["Spec"]) for task in tasks if task.get("NodeID") == node.id]
    return all(
        node.has[kind] - sum(one[kind] for one in taken) >= amount
        for kind, amount in needed.items()
        if amount
    )


def _reserved(template: Mapping[str, Any]) -> dict[str, int]:
    return _amounts((template.get("Resources") or {}).get("Reservations"))


def _amounts(told: Mapping[str, Any] | None) -> dict[str, int]:
    return {kind: int((told or {}).get(kind, 0)) for kind in (_CPU, _MEMORY)}


def _words(needed: Mapping[str, int]) -> Iterator[str]:
    if needed[_CPU]:
        yield f"{needed[_CPU] / _BILLION:g} processors"
    if needed[_MEMORY]:
        yield size(needed[_MEMORY])
