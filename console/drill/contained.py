"""The drill's service under Compose: a release as an image, made here; a process that keeps its container.

The image is the release's tree and nothing else. What it needs of the machine, programs and Python, is
mounted read only, so that no image is pulled and none takes longer than its tree.
"""

import asyncio
import hashlib
import io
import os
import signal
import sys
import tarfile
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from docker import APIClient
from msgspec import Struct

from console.drill.children import environment, python
from console.drill.place import DrillError, Place, one_line, write_atomically
from console.store.clock import SystemClock
from console.targets.compose.application import Application
from console.targets.compose.cli import Compose, Project, engine_variables, find
from console.targets.compose.deployer import ComposeDeployer
from console.targets.compose.served import Served
from console.targets.deploy import DeployError, Deployment
from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker, NotThereError
from console.targets.docker.facts import PROJECT
from console.targets.git import Clone
from console.targets.process import Programs

SERVICE = "service"
"""Its component, and its service in Compose's file."""
FILE = "compose.yml"
_TREE = "srv/release"
_GIT_S = 30.0
_START_S = 30.0
_IMPORT_S = 60.0
_MERGED = ("bin", "lib", "lib64")
"""Links to what /usr has, on most machines."""
_GRACE = "2s"
"""As long as a process of the drill has to end."""
_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TZ")


class ContainedAt(Struct, frozen=True):
    """The project that the service is in."""

    docker: str
    """Address of the engine."""
    folder: str
    project: str
    mounts: tuple[str, ...]
    """Paths of the machine that the container sees, none of them a release."""

    @classmethod
    def of(cls, place: Place, docker: str) -> "ContainedAt":
        """That of the drill in this folder."""
        mark = hashlib.sha256(os.fsencode(place.root)).hexdigest()[:12]
        mounts = (*_machine(), str(place.secrets))
        return cls(docker, str(place.compose), f"warroom-drill-{mark}", mounts)

    def rules(self) -> dict[str, Any]:
        """As the strategy says it."""
        return {
            "kind": "compose",
            "files": [FILE],
            "project": self.project,
            "folder": self.folder,
            "services": {SERVICE: SERVICE},
            "mounts": dict.fromkeys(self.mounts, "kept"),
            "docker": self.docker,
            "room": "100MB",
        }


def _machine() -> Iterator[str]:
    """What a program of this machine needs to run: the system's own, and our Python's."""
    yield "/usr"
    yield from (f"/{name}" for name in _MERGED if Path("/", name).is_dir() and not _is_link(name))
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix)):
        if not Path(prefix).is_relative_to("/usr"):
            yield prefix


def _is_link(name: str) -> bool:
    return Path("/", name).is_symlink()


async def ready(programs: Programs) -> str:
    """The address of an engine that answers, with a Compose for it; StatedError says what is missing."""
    docker = Docker()
    await docker.call(lambda api: api.ping())
    await find(programs)
    return docker.endpoint.url


class Images:
    """The image of each commit of this drill, made once: what is on record is what runs."""

    def __init__(self, place: Place, docker: Docker, programs: Programs) -> None:
        self._place = place
        self._docker = docker
        self._programs = programs
        self._path = place.compose / "images.json"

    async def of(self, commit: str) -> str:
        """The id of the image of a commit; DrillError when it cannot be made."""
        known = self._known()
        if commit not in known:
            known[commit] = await self._make(commit)
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self._path, msgspec.json.encode(known))
        return known[commit]

    def _known(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}

    async def forget(self) -> None:
        """Remove all of them from the engine; DockerError when it cannot be asked."""
        for image in self._known().values():
            with suppress(NotThereError):
                await self._docker.call(partial(APIClient.remove_image, image=image, force=True))

    async def _make(self, commit: str) -> str:
        with tempfile.TemporaryDirectory(dir=self._place.root) as folder:
            tree = Path(folder)
            for words in (
                ("init", "--quiet", "--template="),
                ("fetch", "--quiet", "--depth=1", str(self._place.remote), commit),
                ("checkout", "--quiet", "--detach", "FETCH_HEAD"),
            ):
                done = await self._programs.run(("git", "-C", folder, *words), limit_s=_GIT_S)
                if done.code:
                    raise DrillError(f"no image of {commit[:12]} could be made: {done.reason}")
            archive = await asyncio.to_thread(_packed, tree)
        told = await self._docker.call(
            lambda api: api.import_image_from_data(archive, changes=[f"WORKDIR /{_TREE}"]), limit_s=_IMPORT_S
        )
        return str(msgspec.json.decode(told)["status"])


def _packed(tree: Path) -> bytes:
    """The file system of an image as a tar: the tree, and places for what is mounted."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in _MERGED:
            if _is_link(name):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
                tar.addfile(link)
        tar.add(tree, _TREE, filter=_of_root)
    return packed.getvalue()


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    return entry


async def record(place: Place, docker: str, programs: Programs, commits: Mapping[str, str]) -> None:
    """Put the image of each release on record, as its pipeline would have."""
    images = Images(place, Docker(docker), programs)
    known = place.releases.read_text(encoding="utf-8")
    for commit in commits.values():
        line = f"    commit: {commit}\n"
        known = known.replace(line, f"{line}    images: {{{SERVICE}: {await images.of(commit)}}}\n")
    place.releases.write_text(known, encoding="utf-8")


async def forget(place: Place, docker: str, programs: Programs) -> str:
    """Remove the images of a drill that has ended; empty, or why they are still there."""
    try:
        await Images(place, Docker(docker), programs).forget()
    except DockerError as error:
        return f"its images are still there: {error}"
    return ""


# -- the process that keeps the container -------------------------------------------------------------


def keeping(docker: str, port: int, commit: str) -> tuple[str, ...]:
    """The command line of a process that has the service run in a container for as long as it runs."""
    return python("console.drill.contained", docker, str(port), commit)


def _file(at: ContainedAt, image: str, port: int) -> bytes:
    """What Compose is told of the service; variables that ours need are passed on to it."""
    passed = ("WALLETCONNECT_", "WARROOM_DRILL", "PYTHONDONTWRITEBYTECODE", *_VARIABLES)
    told = {name: value for name, value in os.environ.items() if name.startswith(passed)}
    service = {
        "image": image,
        "command": [sys.executable, "-m", "walletconnect", "--port", str(port)],
        "network_mode": "host",
        "stop_grace_period": _GRACE,
        "environment": {name: value.replace("$", "$$") for name, value in told.items()},
        "volumes": [f"{path}:{path}:ro" for path in at.mounts],
        "tmpfs": ["/tmp"],  # noqa: S108 - the container's own
    }
    return msgspec.json.encode({"version": "3.8", "services": {SERVICE: service}})


async def _keep(place: Place, docker_url: str, port: int, commit: str) -> None:
    """Deploy it, and take it away when told to end. Whoever deploys another release meanwhile may."""
    at, docker = ContainedAt.of(place, docker_url), Docker(docker_url)
    programs = Programs(environment(place), tag=place.compose)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    image = await Images(place, docker, programs).of(commit)
    folder = Path(at.folder)
    write_atomically(folder / FILE, _file(at, image, port))
    try:
        wish = Deployment(commit, "", "", _START_S, {SERVICE: image})
        await _deployer(at, docker, programs, place).deploy(wish, _say)
        await stop.wait()
    finally:
        await docker.call(lambda api: _remove(api, at.project))


def _deployer(at: ContainedAt, docker: Docker, programs: Programs, place: Place) -> ComposeDeployer:
    folder = Path(at.folder)
    project = Project(at.project, folder, (folder / FILE,))
    served = Served(Clone(place.clone, str(place.remote), programs), folder / "served", folder, ())
    application = Application({SERVICE: SERVICE}, (), tuple(map(Path, at.mounts)), served, 0)
    compose = Compose(programs, project, lambda: engine_variables(at.docker))
    return ComposeDeployer(compose, docker, application, SystemClock(), folder / "overrides")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _remove(api: APIClient, project: str) -> None:
    for one in api.containers(all=True, filters={"label": f"{PROJECT}={project}"}):
        api.remove_container(one["Id"], force=True)


def main() -> None:
    """Keep the service of the drill that our environment names in a container."""
    parser = ArgumentParser(prog="console.drill.contained")
    parser.add_argument("docker")
    parser.add_argument("port", type=int)
    parser.add_argument("commit")
    told = parser.parse_args()
    place = Place(Path(os.environ["WARROOM_DRILL"]))
    try:
        asyncio.run(_keep(place, told.docker, told.port, told.commit))
    except (DrillError, DeployError) as error:
        sys.exit(one_line(error))


if __name__ == "__main__":
    main()
