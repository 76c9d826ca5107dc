"""A container as it was, out of what the engine says of it: no value of its environment, no argument."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from console.targets.docker.engine import Facts
from console.targets.docker.logs import Log

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mount(Struct, frozen=True):
    """A volume or a folder inside a container."""

    kind: str
    """`volume`, `bind` or `tmpfs`."""
    source: str
    """A volume's name, or a folder of the engine's machine."""
    target: str
    writable: bool


class ContainerFacts(Struct, frozen=True, kw_only=True):
    """One container."""

    name: str
    id: str
    project: str | None
    """Of Compose."""
    service: str | None
    image: str
    """As it was asked for, `passportx:v1.5.3`."""
    image_id: str
    digests: tuple[str, ...]
    """Where the very image can be had again; none for one that never left its machine."""
    state: str
    """`running`, `exited`, ..."""
    health: str | None
    """`healthy`, `unhealthy`, `starting`; None for one without a check."""
    restarts: int
    started: int | None
    """UTC microseconds; None for one that never was."""
    ports: tuple[str, ...]
    """`127.0.0.1:8080->80/tcp`, or `80/tcp` for one that is not published."""
    mounts: tuple[Mount, ...]
    variables: tuple[str, ...]
    """Names of its environment."""
    log: Log | None


def container_facts(told: Facts, digests: tuple[str, ...], log: Log | None) -> ContainerFacts:
    """The facts in an engine's answer about a container."""
    config, state = told["Config"], told["State"]
    labels = config.get("Labels") or {}
    return ContainerFacts(
        name=name_of(told),
        id=told["Id"],
        project=labels.get(PROJECT),
        service=labels.get(SERVICE),
        image=config["Image"],
        image_id=told["Image"],
        digests=digests,
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        restarts=told["RestartCount"],
        started=_micros(state["StartedAt"]),
        ports=tuple(_ports(told["NetworkSettings"].get("Ports") or {})),
        mounts=tuple(map(_mount, told["Mounts"])),
        variables=tuple(sorted(item.partition("=")[0] for item in config.get("Env") or ())),
        log=log,
    )


def name_of(told: Facts) -> str:
    """A container's name; the engine's has a slash in front."""
    return str(told["Name"]).removeprefix("/")


def _mount(told: dict[str, Any]) -> Mount:
    return Mount(told["Type"], told.get("Name") or told["Source"], told["Destination"], told["RW"])


def _ports(told: dict[str, Any]) -> Iterator[str]:
    for port, bindings in sorted(told.items()):
        if not bindings:
            yield port
        for binding in bindings or ():
            yield f"{binding['HostIp']}:{binding['HostPort']}->{port}"


def _micros(told: str) -> int | None:
    """UTC microseconds of the engine's time; its zero is the year 1."""
    moment = datetime.fromisoformat(told)
    return (moment - _EPOCH) // timedelta(microseconds=1) if moment > _EPOCH else None
