"""What would keep pinned images from running: looked for in *prepare*, a sentence each with what to do."""

import errno
import shutil
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from docker import APIClient

from console.core.format import size
from console.targets.compose import cli
from console.targets.compose.application import Application
from console.targets.compose.cli import Compose
from console.targets.compose.containers import Contained, containers
from console.targets.compose.mounts import code_mounts
from console.targets.compose.resolved import Port, Service, services_of
from console.targets.deploy import Deployment
from console.targets.docker.engine import Docker, NotThereError

CONFIG_S = 30.0
_UNSET = ("variable is not set", "is not set. Defaulting to a blank string")
"""What Compose says of a variable that its files mention and nobody has told it."""


class Readiness:
    """Looks at one application; changes nothing."""

    def __init__(self, compose: Compose, docker: Docker, application: Application) -> None:
        self._compose = compose
        self._docker = docker
        self._application = application

    async def lacks(self, wish: Deployment, progress: Callable[[str], None]) -> list[str]:
        """All that is not as it must be; ComposeError or DockerError when nobody can look."""
        progress("looking for the images")
        found = [*(await self._images(wish.images))]
        progress("resolving the configuration")
        told = await self._compose.run(cli.CONFIG, limit_s=CONFIG_S)
        services = services_of(told.out)
        found += _unset(told.err)
        found += self._services(services)
        ours = self._application.services.values()
        found += code_mounts(services, ours, self._application.kept, self._application.served)
        found += await self._code(services, wish.commit)
        progress("looking at what the application depends on, at its ports, and at the disk")
        there = await containers(self._docker, self._compose.project.name)
        found += _unwell(there, self._depends(services))
        found += await self._ports(services, there)
        found += await self._disk()
        return found

    async def _images(self, images: Mapping[str, str]) -> list[str]:
        """Each is on the engine, and is the very one that is on record."""
        lacking = []
        for component, image in sorted(images.items()):
            try:
                told = await self._docker.call(partial(APIClient.inspect_image, image=image))
            except NotThereError:
                lacking.append(
                    f"the image of {component}, {image}, is not on {self._docker.words}:"
                    " load or pull it there, nothing is pulled at the switch"
                )
                continue
            digests = {told["Id"], *(one.rpartition("@")[2] for one in told.get("RepoDigests") or ())}
            if image.rpartition("@")[2] not in digests:
                lacking.append(f"the image of {component} is {told['Id']}, not {image} as on record")
        return lacking

    def _services(self, services: Mapping[str, Service]) -> Iterator[str]:
        for component, service in self._application.services.items():
            if service not in services:
                yield f"the Compose files have no service {service} for {component}: mend `deploy.services`"

    async def _code(self, services: Mapping[str, Service], commit: str) -> list[str]:
        """The release has what is mounted from it; without a commit nobody has said which release."""
        served = self._application.served
        if not served or not commit:
            return []
        machine = self._docker.endpoint.machine
        if machine is not None:
            return [f"code is mounted from {machine}, and nothing can be checked out there: mend the file"]
        return list(served.lacking(services, await served.check_out(commit)))

    def _depends(self, services: Mapping[str, Service]) -> Collection[str]:
        """What the application's services need, directly or not, and what the strategy names."""
        ours = set(self._application.services.values())
        open_, seen = [*ours, *self._application.depends], set(self._application.depends)
        while open_:
            name = open_.pop()
            for needed in services[name].depends if name in services else ():
                if needed not in seen | ours:
                    seen.add(needed)
                    open_.append(needed)
        return sorted(seen)

    async def _ports(self, services: Mapping[str, Service], there: Collection[Contained]) -> list[str]:
        """Ports that somebody else holds."""
        ours = set(self._application.services.values())
        own = {port for one in there if one.service in ours for port in one.ports}
        wanted = {
            (name, port)
            for name in sorted(ours & services.keys())
            for port in services[name].ports
            if (port.number, port.protocol) not in own
        }
        lacking = []
        for name, port in sorted(wanted, key=lambda one: (one[0], one[1].number)):
            holder = await self._holder(port)
            if holder:
                lacking.append(f"port {port.number}, which {name} publishes, is held by {holder}: free it")
        return lacking

    async def _holder(self, port: Port) -> str:
        """Who holds a port on the engine's machine, in words; empty when nobody does, as far as we see."""
        listed = await self._docker.call(APIClient.containers)
        for one in listed:
            held = {(bound.get("PublicPort"), bound.get("Type")) for bound in one.get("Ports") or ()}
            if (port.number, port.protocol) in held:
                return f"container {one['Names'][0].removeprefix('/')}"
        if self._docker.endpoint.machine is None and _is_bound(port):
            return "another program on this machine"
        return ""

    async def _disk(self) -> list[str]:
        """Room where the engine keeps its data, where that is this machine's disk."""
        told = await self._docker.call(APIClient.info)
        root = Path(told["DockerRootDir"])
        if self._docker.endpoint.machine is not None or not root.exists():
            return []
        free = shutil.disk_usage(root).free
        if free >= self._application.room:
            return []
        return [f"{size(free)} are free at {root}, and {size(self._application.room)} must be: make room"]


def _unset(said: str) -> Iterator[str]:
    """Variables that Compose takes as empty: a container would be made with less than the one that runs."""
    for line in said.splitlines():
        if any(words in line for words in _UNSET):
            yield f"Compose says: {line.strip()}; tell it in `deploy.environment` or in the env file"


def _unwell(there: Collection[Contained], depends: Collection[str]) -> Iterator[str]:
    """What the application needs and does not run, or is not healthy."""
    for service in depends:
        mine = [one for one in there if one.service == service]
        if not mine:
            yield f"{service}, which the application needs, has no container: start it"
        for one in mine:
            if one.trouble:
                yield f"{one.name}, which the application needs, {one.trouble}: start it"
            elif one.health not in (None, "healthy"):
                yield f"{one.name}, which the application needs, is {one.health}: see its log"


def _is_bound(port: Port) -> bool:
    """Whether somebody holds the port here; the address is the one that Docker would bind."""
    kind = socket.SOCK_DGRAM if port.protocol == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in port.host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.host, port.number))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
