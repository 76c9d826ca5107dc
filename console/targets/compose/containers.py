"""The containers of a Compose project, each with its image and whether it does its work."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

from docker import APIClient
from msgspec import Struct

from console.core.format import short
from console.targets.compose.served import Served
from console.targets.deploy import Instance
from console.targets.docker.engine import Docker, Facts, NotThereError
from console.targets.docker.facts import PROJECT, SERVICE, name_of

_ONE_OFF = "com.docker.compose.oneoff"
"""Marks what `run` has started beside a service."""
_NUMBER = "com.docker.compose.container-number"


class Contained(Struct, frozen=True):
    """One container of a service."""

    service: str
    name: str
    id: str
    image: str
    """Id of its image."""
    state: str
    """`running`, `exited`, ..."""
    health: str | None
    """None where nobody checks it."""
    exit_code: int
    restarts: int
    """How often the engine has started it again by itself."""
    number: str
    """Which one of its service it is; one that is just being replaced has the same as the new one."""
    binds: tuple[str, ...]
    """Paths of the host that are mounted into it."""
    ports: tuple[tuple[int, str], ...]
    """Numbers that it holds on the engine's machine, with the protocol."""

    @property
    def trouble(self) -> str:
        """Why it does not do its work; empty while it runs."""
        if self.state == "restarting":
            return f"is started again and again, after exit code {self.exit_code}"
        if self.state == "exited":
            return f"has exited with code {self.exit_code}"
        return "" if self.state == "running" else f"is {self.state}"


async def containers(docker: Docker, project: str) -> list[Contained]:
    """Those of the project's services, running or not, by name."""
    labels = [f"{PROJECT}={project}", f"{_ONE_OFF}=False"]
    listed = await docker.call(lambda api: api.containers(all=True, filters={"label": labels}))
    found = []
    for one in listed:
        with suppress(NotThereError):  # removed while we ask
            found.append(await docker.call(partial(APIClient.inspect_container, container=one["Id"])))
    return sorted(map(_contained, found), key=lambda one: one.name)


def _contained(told: Facts) -> Contained:
    state = told["State"]
    bound = (told.get("NetworkSettings") or {}).get("Ports") or {}
    return Contained(
        service=told["Config"]["Labels"].get(SERVICE, ""),
        name=name_of(told),
        id=told["Id"],
        image=told["Image"],
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        exit_code=state["ExitCode"],
        restarts=told["RestartCount"],
        number=told["Config"]["Labels"].get(_NUMBER, ""),
        binds=tuple(mount["Source"] for mount in told["Mounts"] if mount["Type"] == "bind"),
        ports=tuple(
            (int(binding["HostPort"]), port.partition("/")[2])
            for port, bindings in bound.items()
            for binding in bindings or ()
        ),
    )


async def instances(
    docker: Docker, found: Iterable[Contained], components: Mapping[str, str], served: Served
) -> tuple[Instance, ...]:
    """Those of the application, by the component that each service is.

    One whose code is mounted from no release is in trouble: its image says nothing of what it runs.
    """
    of_service = {service: component for component, service in components.items()}
    ours = [one for one in found if one.service in of_service]
    mixed = len(served_commits(ours, served)) > 1
    pins = {image: await pins_of(docker, image) for image in {one.image for one in ours}}
    return tuple(
        Instance(
            of_service[one.service],
            one.name,
            one.image,
            pins[one.image],
            one.trouble or _of_no_release(one, served, mixed=mixed),
        )
        for one in ours
    )


def served_commits(found: Iterable[Contained], served: Served) -> set[str]:
    """The commits that code is mounted from; none where none is."""
    return {commit for one in found for source in one.binds if (commit := served.commit_of(source))}


def _of_no_release(one: Contained, served: Served, *, mixed: bool) -> str:
    """Why the code that is mounted into one is that of no release, or not of one with the others."""
    for source in one.binds:
        if served.inside(source) is not None:
            return f"runs the code that lies at {source}, of no known release"
        if mixed and (commit := served.commit_of(source)):
            return f"runs the code of {short(commit)}, and others that of another commit"
    return ""


async def pins_of(docker: Docker, image: str) -> tuple[str, ...]:
    """The digests that an image on this engine can be pinned by; its id alone where it is gone."""
    try:
        told = await docker.call(partial(APIClient.inspect_image, image=image))
    except NotThereError:
        return (image,)
    return (told["Id"], *(digest.rpartition("@")[2] for digest in told.get("RepoDigests") or ()))
