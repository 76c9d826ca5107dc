"""A swarm for tests: an engine that leaves the machine alone, with images of a service that does nothing."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError
from docker.models.services import Service as Shown

from tests import docker_image
from tests.conftest import require_program
from tests.docker_engine import Dockerd, require_dockerd
from tests.servers import wait_until

_NETWORK = "host"
_MANAGER, _WORKER = "10.213.77.1", "10.213.77.2"
_NANO = 1_000_000_000


class SwarmEngine:
    """The one manager of a swarm of its own, which nobody else's services ever run in."""

    def __init__(self, folder: Path) -> None:
        self.own = Dockerd(folder)
        self._archive = folder / "image.tar"

    def start(self) -> "SwarmEngine":
        """Start the engine, and the swarm in it."""
        self.own.start(within=_place("manager", _MANAGER))
        self.client = docker.DockerClient(self.own.url, version="auto", timeout=60)
        self.client.swarm.init(advertise_addr=_MANAGER, listen_addr=_MANAGER)
        docker_image.write(self._archive, servers=False)
        return self

    def stop(self) -> None:
        """Leave the swarm, which ends its services, and end the engine."""
        self.client.swarm.leave(force=True)
        self.client.close()
        self.own.stop()

    @contextmanager
    def neighbour(self) -> Iterator[Dockerd]:
        """Another engine, in no swarm."""
        folder = self.own.folder / "neighbour"
        folder.mkdir()
        other = Dockerd(folder).start(within=_place("worker", _WORKER))
        try:
            yield other
        finally:
            other.stop()
            shutil.rmtree(folder)

    @contextmanager
    def worker(self) -> Iterator[Dockerd]:
        """Another engine, on a machine of its own as far as it can tell, in the same swarm."""
        with self.neighbour() as other, closing(docker.DockerClient(other.url, version="auto")) as client:
            _cable(self.own.pid, other.pid)
            token = self.client.swarm.attrs["JoinTokens"]["Worker"]
            client.swarm.join([_MANAGER], token, listen_addr=_WORKER, advertise_addr=_WORKER)
            wait_until(lambda: self._ready() == 2, "the worker does not join")
            try:
                yield other
            finally:
                self.clear()
                client.swarm.leave(force=True)
                wait_until(lambda: self._ready() == 1, "the worker does not leave")
                (gone,) = (node for node in self.client.nodes.list() if not _is_ready(node.attrs))
                self.client.api.remove_node(gone.id, force=True)

    def _ready(self) -> int:
        return sum(_is_ready(node.attrs) for node in self.client.nodes.list())

    def carry(self, image: str, other: Dockerd) -> None:
        """Bring an image to another machine, as itself."""
        with closing(docker.DockerClient(other.url, version="auto", timeout=60)) as client:
            client.images.load(b"".join(self.client.images.get(image).save()))

    def image(self, version: str, command: Sequence[str], *, labels: Mapping[str, str] | None = None) -> str:
        """Make an image of that version which runs that command; its id."""
        named = {"org.opencontainers.image.version": version, **(labels or {})}
        words = ", ".join(f'"{word}"' for word in command)
        changes = [*docker_image.CHANGES, f"CMD [{words}]", *(f'LABEL "{k}"="{v}"' for k, v in named.items())]
        self.client.api.import_image_from_file(
            str(self._archive), repository="app", tag=version, changes=changes
        )
        return str(self.client.images.get(f"app:{version}").id)

    def service(self, name: str, image: str, replicas: int, **settings: Any) -> Shown:
        """Start a service whose tasks end at once when told to, and wait until all of them run."""
        settings = {"stop_grace_period": _NANO // 10, "networks": [_NETWORK], **settings}
        settings.setdefault("mode", docker.types.ServiceMode("replicated", replicas))
        policy = docker.types.RestartPolicy("any", delay=_NANO // 2)
        made = self.client.services.create(
            image,
            name=name,
            restart_policy=policy,
            **settings,
        )
        wait_until(lambda: self.running(name) == [image] * replicas, f"{name} does not run")
        made.reload()
        return made

    @property
    def machine(self) -> str:
        """What the swarm calls the machine."""
        return str(self.client.info()["Name"])

    def wait_until_updating(self, name: str) -> None:
        """Return when an update of a service is under way."""
        wait_until(lambda: self.shown(name).get("UpdateStatus", {}).get("State") == "updating", "no update")

    def clear(self) -> None:
        """Remove every service."""
        for service in self.client.services.list():
            service.remove()
        for container in self.client.containers.list():
            with suppress(APIError):  # it has ended meanwhile
                container.kill()
        wait_until(lambda: not self.client.containers.list(), "containers of removed services stay")

    def shown(self, name: str) -> dict[str, Any]:
        """What the manager keeps of a service."""
        told: dict[str, Any] = self.client.services.get(name).attrs
        return told

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """Those of a service that have not ended."""
        tasks = self.client.services.get(name).tasks()
        return [task for task in tasks if task["Status"]["State"] == "running"]

    def end(self, task: Mapping[str, Any]) -> None:
        """End a task from outside, and wait until the swarm runs another in its place."""
        count = len(self.tasks(self._of(task)))
        self.client.api.kill(task["Status"]["ContainerStatus"]["ContainerID"])
        wait_until(lambda: self._replaced(task, count), "no other task runs")

    def _replaced(self, task: Mapping[str, Any], count: int) -> bool:
        running = self.tasks(self._of(task))
        return len(running) == count and all(one["ID"] != task["ID"] for one in running)

    def _of(self, task: Mapping[str, Any]) -> str:
        return str(task["ServiceID"])

    def running(self, name: str) -> list[str]:
        """The image that each task of a service which runs was made of, by its specification."""
        return [task["Spec"]["ContainerSpec"]["Image"] for task in self.tasks(name)]


def _place(name: str, address: str) -> tuple[str, ...]:
    """Runs an engine as on a machine of that name: its ports meet nobody else's, its mounts end with it."""
    make = f'hostname {name} && ip link set lo up && ip addr add {address}/32 dev lo && exec "$@"'
    return ("unshare", "--net", "--mount", "--uts", "--", "sh", "-c", make, "dockerd")


def _cable(manager: int, worker: int) -> None:
    """Connect two such places, by the process that lives in each; the cable ends with either."""
    inside = {manager: (_MANAGER, _WORKER), worker: (_WORKER, _MANAGER)}
    ends = {manager: f"wrm{manager}", worker: f"wrw{worker}"}
    _ip("link", "add", ends[manager], "type", "veth", "peer", "name", ends[worker])
    for pid, (own, far) in inside.items():
        _ip("link", "set", ends[pid], "netns", str(pid))
        _ip("link", "set", ends[pid], "up", within=pid)
        _ip("route", "add", far, "dev", ends[pid], "src", own, within=pid)


def _ip(*words: str, within: int | None = None) -> None:
    enter = () if within is None else ("nsenter", "-t", str(within), "-n")
    subprocess.run([*enter, "ip", *words], check=True, timeout=10)


def _is_ready(node: Mapping[str, Any]) -> bool:
    return bool(node["Status"]["State"] == "ready")


@contextmanager
def swarm_engine(folder: Path) -> Iterator[SwarmEngine]:
    """A swarm in that folder; skips or fails the test where we cannot make one."""
    require_dockerd()
    require_program("ip", "iproute2")
    engine = SwarmEngine(folder).start()
    try:
        yield engine
    finally:
        engine.stop()
