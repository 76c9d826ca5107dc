"""A Docker engine for tests: the one that runs here, or one of our own that leaves the machine as it was."""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException
from docker.models.containers import Container

from tests import docker_image
from tests.conftest import require
from tests.servers import wait_until

LABEL = "warroom.test"
"""What everything of ours carries in an engine that may have other things in it."""


class Dockerd:
    """An engine in a folder: its own socket, no rules in the firewall, no network but what is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str, within: Sequence[str] = ()) -> "Dockerd":
        """Start it, with more words for its command line; it ends with the thread that started it.

        `within`: what runs it, and becomes it.
        """
        settings = self.folder / "daemon.json"
        settings.write_text("{}")
        options = {
            "host": self.url,
            "data-root": self.folder / "data",
            "exec-root": self.folder / "exec",
            "pidfile": self.folder / "pid",
            "config-file": settings,
            "bridge": "none",
            "iptables": "false",
            "ip-forward": "false",
            "shutdown-timeout": "3",
        }
        words = [f"--{option}={value}" for option, value in options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *within, "dockerd", *words, *more],
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, f"dockerd does not start: {self.folder / 'log'}")
        return self

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None
            # A container in the machine's own network leaves a mount of it behind.
            for left in (self.folder / "exec" / "netns").glob("*"):
                subprocess.run(("umount", str(left)), capture_output=True, check=False)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        return answers(self.url)


class Engine:
    """An engine with our image and a network of our own."""

    def __init__(self, url: str, folder: Path, *, servers: bool = True) -> None:
        """`servers`: whether PostgreSQL and Redis are in the image, which takes some seconds to make."""
        self.url = url
        self.client = docker.DockerClient(url, version="auto", timeout=60)
        self._token = secrets.token_hex(4)
        self.network = f"warroom-test-{self._token}"
        """Its containers reach each other by name."""
        self.image = f"warroom-test:{self._token}"
        docker_image.write(folder / "image.tar", servers=servers)
        self._import(folder / "image.tar")
        bridge = {"com.docker.network.bridge.name": f"wr{self._token}"}
        self._network = self.client.networks.create(self.network, options=bridge, labels=self.labels)

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self._token}

    def _import(self, archive: Path) -> None:
        name, _, tag = self.image.partition(":")
        self.client.api.import_image_from_file(
            str(archive), repository=name, tag=tag, changes=docker_image.CHANGES
        )
        archive.unlink()

    def name(self, word: str) -> str:
        """A name for a container that nobody else has."""
        return f"warroom-test-{word}-{secrets.token_hex(4)}"

    def run(self, word: str, command: Sequence[str], **settings: Any) -> Container:
        """Start a container of our image; settings as the SDK's `run` takes them."""
        settings = {"name": self.name(word), "network": self.network, "init": False, **settings}
        settings["labels"] = {**settings.get("labels", {}), **self.labels}
        return self.client.containers.run(self.image, list(command), detach=True, **settings)

    def address(self, container: Container) -> str:
        """Its address in our network, which this machine reaches."""
        container.reload()
        address: str = container.attrs["NetworkSettings"]["Networks"][self.network]["IPAddress"]
        return address

    def remove(self, container: Container) -> None:
        """End it at once, with its unnamed volumes."""
        container.remove(force=True, v=True)

    def close(self) -> None:
        """Remove all that is ours."""
        ours: Mapping[str, str] = {"label": f"{LABEL}={self._token}"}
        for container in self.client.containers.list(all=True, filters=dict(ours)):
            self.remove(container)
        for volume in self.client.volumes.list(filters=dict(ours)):
            volume.remove(force=True)
        self._network.remove()
        self.client.images.remove(self.image, force=True)
        self.client.close()


def answers(url: str) -> bool:
    """Whether an engine is there."""
    socket_path = url.removeprefix("unix://")
    with socket.socket(socket.AF_UNIX) as probe:  # the SDK would leave its own open when nobody is there
        if socket_path != url and probe.connect_ex(socket_path):
            return False
    try:
        client = docker.DockerClient(url, version="auto", timeout=5)
    except (DockerException, requests.RequestException):
        return False
    client.close()
    return True


def require_dockerd() -> None:
    """Skip or fail the test where we cannot start an engine."""
    possible = os.geteuid() == 0 and shutil.which("dockerd") is not None
    require("needs a Docker engine: start one, or run as root with docker.io installed", found=possible)


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """The engine that runs here, else one of our own in that folder; skips or fails the test without."""
    url = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    own: Dockerd | None = None
    if not answers(url):
        require_dockerd()
        own = Dockerd(folder).start()
        url = own.url
    try:
        made = Engine(url, folder)
        try:
            yield made
        finally:
            made.close()
    finally:
        if own is not None:
            own.stop()
