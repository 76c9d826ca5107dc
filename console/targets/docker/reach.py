"""Where a server inside a container is reached from here."""

from ipaddress import ip_address
from typing import Any, NamedTuple

from console.targets.docker.engine import ContainerError, Docker, Facts

LOOPBACK = "127.0.0.1"


class Address(NamedTuple):
    """A host name or address, and a TCP port."""

    host: str
    port: int


async def reach(docker: Docker, container: str, port: int) -> Address:
    """Where a port of a running container is reached: as it is published, else at its own address.

    ContainerError when it is not there, does not run, or lets nobody in from here.
    """
    facts = await docker.container(container)
    machine = docker.endpoint.machine
    settings = facts["NetworkSettings"]
    for binding in (settings.get("Ports") or {}).get(f"{port}/tcp") or ():
        if (host := _published(binding["HostIp"], machine)) is not None:
            return Address(host, int(binding["HostPort"]))
    if facts["HostConfig"]["NetworkMode"] == "host":
        return Address(machine or LOOPBACK, port)
    own = _own(settings)
    if machine is None and own:
        return Address(own[0], port)
    where = machine or "this machine"
    raise ContainerError(
        f"container {container} cannot be reached from {'here' if machine is None else 'outside ' + where}:"
        f" publish its port {port}, or name a host in the DSN"
    )


def _published(bound: str, machine: str | None) -> str | None:
    """The host under which we reach a port that is bound to that address; None when we do not."""
    address = ip_address(bound or "0.0.0.0")  # noqa: S104 - the engine's word for all addresses
    if address.is_unspecified:
        return machine or LOOPBACK
    return None if machine and address.is_loopback else str(address)


def _own(settings: dict[str, Any]) -> list[str]:
    """The container's addresses in its networks."""
    networks: list[Facts] = list((settings.get("Networks") or {}).values())
    return [str(network["IPAddress"]) for network in networks if network.get("IPAddress")]
