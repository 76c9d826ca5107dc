"""A Compose project for tests: an application of two components, what it needs, and images of it."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from docker.models.containers import Container

from console.store.clock import SystemClock
from console.targets.compose.application import Application
from console.targets.compose.cli import PLUGIN, STANDALONE, Compose, Project, engine_variables
from console.targets.compose.deployer import ComposeDeployer
from console.targets.compose.served import Served
from console.targets.deploy import Deployment
from console.targets.docker.engine import Docker
from console.targets.git import Clone
from tests.docker_engine import Engine
from tests.integration.actions.kit import Recorded

SLEEPS = 'CMD ["sleep", "infinity"]'
EXITS = 'CMD ["sh", "-c", "echo no such setting: GAS_CAP >&2; exit 3"]'
TOLD = "told to stop"
LINGERS = f'CMD ["sh", "-c", "trap \\"echo {TOLD}\\" USR1; while :; do sleep 1; done"]'
"""Goes on for as long as it is let when it is told to stop by that signal."""


def ways() -> list[tuple[str, ...]]:
    """How Compose can be called on this machine."""
    return [words for words in (PLUGIN, STANDALONE) if _answers(words)]


def _answers(words: tuple[str, ...]) -> bool:
    if shutil.which(words[0]) is None:
        return False
    return subprocess.run((*words, "version", "--short"), capture_output=True, check=False).returncode == 0


@contextmanager
def image(engine: Engine, version: str, command: str = SLEEPS) -> Iterator[str]:
    """The id of an image of our application that this engine has and no registry."""
    container = engine.client.containers.create(engine.image, ["true"], labels=engine.labels)
    made = container.commit(changes=f"LABEL version={version}\n{command}")
    container.remove()
    try:
        yield str(made.id)
    finally:
        engine.client.images.remove(made.id, force=True)


class Shop:
    """The project in a folder, run by one way of Compose."""

    def __init__(self, engine: Engine, folder: Path, way: tuple[str, ...], bad: str) -> None:
        """`bad` is the image that its file names."""
        self.engine = engine
        self.folder = folder
        self.name = engine.name("shop")
        self.docker = Docker(engine.url)
        self.programs = Recorded(folder)
        self.way = way
        self.clone = Clone(folder / "clone.git", str(folder / "remote.git"), self.programs)
        (folder / ".env").write_text("COLOUR=red\n")
        api: dict[str, Any] = {
            "image": bad,
            "stop_signal": "SIGKILL",
            "depends_on": ["db"],
            "environment": {"COLOUR": "${COLOUR}"},
        }
        database = {"image": engine.image, "command": ["sleep", "infinity"], "stop_signal": "SIGKILL"}
        self.services: dict[str, dict[str, Any]] = {
            "api": api,
            "worker": {"image": bad, "stop_signal": "SIGKILL"},
            "db": {**database, "volumes": ["data:/data"]},
        }
        self.write()

    def write(self) -> None:
        """Write the Compose file as `services` is now."""
        network = {"default": {"external": True, "name": self.engine.network}}
        volumes = {"data": {"labels": self.engine.labels}}
        labelled = {
            name: {**service, "labels": self.engine.labels} for name, service in self.services.items()
        }
        told = {"version": "3.8", "services": labelled, "networks": network, "volumes": volumes}
        (self.folder / "compose.yml").write_bytes(msgspec.json.encode(told))

    def up(self, *words: str) -> None:
        """As somebody started all of it, before we came."""
        argv = (*self.way, "-p", self.name, "-f", "compose.yml", "up", "-d", *words)
        variables = {**self._path, **engine_variables(self.engine.url)}
        subprocess.run(argv, cwd=self.folder, env=variables, check=True, capture_output=True)

    @property
    def _path(self) -> dict[str, str]:
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder)}

    def deployer(self, url: str | None = None, code: Sequence[str] = (), **changes: Any) -> ComposeDeployer:
        """The deployer, at the engine or at another address; with what the strategy may say otherwise."""
        docker = Docker(url or self.engine.url)
        project = Project(self.name, self.folder, (self.folder / "compose.yml",))
        compose = Compose(self.programs, project, lambda: engine_variables(docker.endpoint.url), (self.way,))
        told = {
            "services": {"api": "api", "worker": "worker"},
            "depends": (),
            "kept": (),
            "served": Served(self.clone, self.folder / "served", self.folder, code),
            "room": 1,
            **changes,
        }
        return ComposeDeployer(compose, docker, Application(**told), SystemClock(), self.folder / "overrides")

    def container(self, service: str) -> Container:
        """The one container of a service."""
        (found,) = self.containers(service)
        return found

    def containers(self, service: str) -> list[Container]:
        """Those of a service, running or not."""
        labels = [f"com.docker.compose.project={self.name}", f"com.docker.compose.service={service}"]
        found: list[Container] = self.engine.client.containers.list(all=True, filters={"label": labels})
        return found

    def began(self, service: str) -> tuple[str, str]:
        """Which container of a service it is, and since when it runs."""
        container = self.container(service)
        return str(container.id), str(container.attrs["State"]["StartedAt"])

    def read(self, path: str) -> str:
        """A file inside the container of `api`."""
        output: bytes = self.container("api").exec_run(["cat", path]).output
        return output.decode()

    def is_told_to_stop(self) -> bool:
        """Whether a container of `api` that lingers has been told."""
        return any(TOLD.encode() in container.logs() for container in self.containers("api"))

    def close(self) -> None:
        """Remove all of it."""
        for service in self.services:
            for container in self.containers(service):
                self.engine.remove(container)
        for volume in self.engine.client.volumes.list(filters={"name": f"{self.name}_data"}):
            volume.remove(force=True)


def wish(images: Mapping[str, str], limit_s: float = 60.0) -> Deployment:
    """A wish for those images."""
    return Deployment("c" * 40, "v1.5.0", "INC-7QK2-12345678-deploy-1", limit_s, dict(images))
