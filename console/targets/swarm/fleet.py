"""Which image each task of a service really runs, and how that is said: `4 of 6 on v1.5.0`."""

from collections.abc import Iterable, Sequence
from functools import partial

from docker import APIClient
from msgspec import Struct

from console.core.format import short
from console.targets.docker.engine import Docker, Facts, NotThereError
from console.targets.swarm.service import Service, Swarm, Task
from console.targets.swarm.spec import digest_of, is_pinned, replicas_of

_VERSION = "org.opencontainers.image.version"
_COMMIT = "org.opencontainers.image.revision"
"""Labels of an image, as the Open Container Initiative names them."""
_NAMED = 4
"""How many tasks are named."""


class Image(Struct, frozen=True):
    """An image, as far as the engine that we ask knows it."""

    id: str
    """Its id; the reference itself where the engine does not have it."""
    pins: tuple[str, ...]
    """Digests that this very image can be pinned by: its own id, and those of registries."""
    version: str | None = None
    """As its label says, and the commit too; None where it has no such label, or is not known."""
    commit: str | None = None

    @property
    def words(self) -> str:
        """As people call it."""
        return self.version or f"image {short(self.id.rpartition('sha256:')[2])}"


class Member(Struct, frozen=True):
    """A task that shall run, and its image."""

    task: Task
    image: Image
    trouble: str
    """Why it does not run, in the engine's words; empty while it does."""

    @property
    def pin(self) -> str:
        """What would bring this very image back, on any machine of the swarm where that can be said."""
        image = self.task.image
        return image if digest_of(image) in self.image.pins else self.image.id


class Fleet(Struct, frozen=True):
    """The tasks of a service that shall run, each with its image."""

    service: str
    wanted: int
    """How many there shall be."""
    members: tuple[Member, ...]

    @property
    def image(self) -> Image | None:
        """The one that all of them run; None where they differ, or are too few, or are none."""
        running = self._running
        images = {one.image.id: one.image for one in running}
        return images.popitem()[1] if len(images) == 1 and len(running) == self.wanted else None

    @property
    def words(self) -> str:
        """Such as `web: 4 of 6 on v1.5.0, 2 of 6 on v1.5.3 (web.5, web.6)`."""
        if not self.wanted:
            return f"{self.service}: stopped, 0 tasks wanted"
        lots: dict[str, list[Member]] = {}
        for one in self._running:
            lots.setdefault(one.image.id, []).append(one)
        by_size = sorted(lots.values(), key=len, reverse=True)
        told = [f"{len(lot)} of {self.wanted} on {lot[0].image.words}" for lot in by_size]
        if len(told) > 1:
            told[-1] += f" ({_names(one.task for one in by_size[-1])})"
        trouble = next((f"; {one.task.name} {one.trouble}" for one in self.members if one.trouble), "")
        return f"{self.service}: {', '.join(told) or f'0 of {self.wanted} run'}{trouble}"

    @property
    def _running(self) -> list[Member]:
        return [one for one in self.members if not one.trouble]


class Images:
    """What one engine knows of images; an image does not change, so that each is asked for once."""

    def __init__(self, docker: Docker) -> None:
        self._docker = docker
        self._known: dict[str, Image] = {}

    async def here(self, reference: str) -> Image | None:
        """The image that a reference means here; None where the engine has none of that name."""
        if reference in self._known:
            return self._known[reference]
        try:
            told: Facts = await self._docker.call(partial(APIClient.inspect_image, image=reference))
        except NotThereError:
            return None
        labels = told["Config"].get("Labels") or {}
        pins = (told["Id"], *map(digest_of, told.get("RepoDigests") or ()))
        image = Image(told["Id"], pins, labels.get(_VERSION), labels.get(_COMMIT))
        if is_pinned(reference):
            self._known[reference] = image
        return image

    async def of(self, reference: str) -> Image:
        """The same; one that only says its name, where it is not here."""
        return await self.here(reference) or Image(reference, (digest_of(reference),))


class Fleets:
    """Looks at the tasks of services."""

    def __init__(self, swarm: Swarm, images: Images) -> None:
        self._swarm = swarm
        self._images = images

    async def of(self, service: Service) -> Fleet:
        """The service's tasks now.

        Of tasks on the engine that we ask, the image is the container's own; of others, what the
        specification says, which is exact where it is pinned.
        """
        tasks, here = await self._swarm.tasks(service), await self._swarm.node()
        members = [
            Member(task, await self._image(task, here), "" if task.runs else _why(task, tasks))
            for task in tasks
            if task.is_due
        ]
        return Fleet(service.name, wanted(service, tasks), tuple(members))

    async def _image(self, task: Task, here: str) -> Image:
        if task.runs and task.node == here:
            try:
                told: Facts = await self._swarm.docker.call(lambda api: api.inspect_container(task.container))
            except NotThereError:
                return await self._images.of(task.image)  # it has ended since
            return await self._images.of(told["Image"])
        return await self._images.of(task.image)


def wanted(service: Service, tasks: Sequence[Task]) -> int:
    """How many tasks shall run; of a service with one on each node, as many as the manager has made."""
    replicas = replicas_of(service.spec)
    return sum(task.wanted == "running" for task in tasks) if replicas is None else replicas


def trouble(tasks: Sequence[Task], image: str | None = None) -> str:
    """What went wrong last, in the engine's words, in tasks of that image, or of any; empty if nothing."""
    told = [task for task in tasks if task.words and image in (None, task.image)]
    if not told:
        return ""
    last = max(told, key=lambda task: task.at)
    return f"{last.name} {last.state}: {' '.join(last.words.split())}"


def _why(task: Task, tasks: Sequence[Task]) -> str:
    """Why one does not run: what became of those before it."""
    before = trouble([other for other in tasks if other.name == task.name])
    return f"is {task.state}" + (f" ({before})" if before else "")


def _names(tasks: Iterable[Task]) -> str:
    names = [task.name for task in tasks]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
