"""Deployment targets behind one interface: what runs now, how another commit comes to run, who writes."""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.format import short
from console.core.plan import Release
from console.targets.git import is_same
from console.targets.health import Asking
from console.targets.keeper import Keeper, KeeperError


class DeployError(StatedError):
    """The deployment did not happen, or nobody can say whether it did; the message is one line."""


class Instance(Struct, frozen=True):
    """One process of a component, where the target knows each by the image that it was made of."""

    component: str
    name: str
    """As the target calls it: `shop_api_1`."""
    image: str
    """What its image is pinned by to bring it back: its id."""
    pins: tuple[str, ...]
    """Digests that this very image can be pinned by, `sha256:...`: its own id, and those of registries."""
    trouble: str
    """Why it does not do its work, `is exited`; empty while it runs."""


class Running(Struct, frozen=True):
    """What runs, as far as the target can tell."""

    commit: str | None
    """Commit id, perhaps abbreviated; None where the target does not tell."""
    version: str | None
    words: str
    instances: tuple[Instance, ...] = ()
    """Each with its image; none where the target deploys no images."""

    @property
    def images(self) -> dict[str, str]:
        """The image of each component whose instances are all of one: what would bring this back."""
        found: dict[str, set[str]] = {}
        for instance in self.instances:
            found.setdefault(instance.component, set()).add(instance.image)
        return {name: images.pop() for name, images in sorted(found.items()) if len(images) == 1}


class Deployment(Struct, frozen=True):
    """One wish to have a commit run."""

    commit: str
    version: str
    """What the service answers once it runs."""
    token: str
    """Names the wish: the same one twice has one effect."""
    limit_s: float
    images: dict[str, str] = {}
    """The image of each component, pinned; where a release is a tree and no image, none."""


SETTLE_S = 60
"""How long to wait for a deployment under way to end, before saying that nobody knows what runs."""


class Deployer(Protocol):
    """A way to make the service run a commit."""

    def effect(self, release: Release, branch: str, images: Mapping[str, str] | None = None) -> str:
        """The exact request or command, in a line; DeployError when the release cannot be deployed so.

        Without `images` those are meant that ran before, which nobody knows yet.
        """
        ...

    async def ready(self, wish: Deployment, progress: Callable[[str], None]) -> list[str]:
        """What would keep the wish from coming true, a sentence each with what to do; changes nothing.

        DeployError when that cannot be found out.
        """
        ...

    async def settled(self) -> Running:
        """What runs once nothing is under way any more; DeployError when that cannot be told in time."""
        ...

    async def deploy(self, wish: Deployment, progress: Callable[[str], None]) -> None:
        """Make it run; DeployError with the reason when it does not within the wish's limit."""
        ...

    def writers_effect(self, *, stop: bool) -> str:
        """How the service's writers are stopped or started, in a line."""
        ...

    async def stop_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Stop the service's processes, and nothing that they write to; again: no second effect."""
        ...

    async def start_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Start them again, in the release that ran; again: no second effect. A deploy starts them too."""
        ...


class KeeperDeployer:
    """Deployments by the keeper of a drill, which is the parent of the service."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def effect(self, release: Release, branch: str, _images: Mapping[str, str] | None = None) -> str:
        """What the keeper is asked."""
        return f"keeper: run the head of {branch}, tree of {release.tag}"

    async def ready(self, _wish: Deployment, _progress: Callable[[str], None]) -> list[str]:
        """That the keeper answers."""
        await self.settled()
        return []

    async def settled(self) -> Running:
        """What the keeper runs; a deployment under way is awaited first, by its own token."""
        try:
            status = await self._keeper.status()
            under_way = status.deploys[-1] if status.deploys and status.deploys[-1].ended is None else None
            if under_way:
                await self._keeper.deploy(under_way.commit, under_way.token, lambda _words: None, SETTLE_S)
                status = await self._keeper.status()
        except KeeperError as error:
            raise DeployError(f"nobody can say what runs: {error}") from error
        return Running(status.commit, status.version, f"the keeper runs {short(status.commit or 'nothing')}")

    async def deploy(self, wish: Deployment, progress: Callable[[str], None]) -> None:
        """Ask the keeper, and follow what it says."""
        try:
            await self._keeper.deploy(wish.commit, wish.token, progress, wish.limit_s)
        except KeeperError as error:
            raise DeployError(str(error)) from error

    def writers_effect(self, *, stop: bool) -> str:
        """What the keeper is asked."""
        return f"keeper: {'stop' if stop else 'start'} the service; PostgreSQL and Redis go on"

    async def stop_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Ask the keeper, which is the parent of the service."""
        try:
            await self._keeper.stop_writers(progress, limit_s)
        except KeeperError as error:
            raise DeployError(str(error)) from error

    async def start_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Ask the keeper, which starts the release that it has stopped."""
        try:
            await self._keeper.start_writers(progress, limit_s)
        except KeeperError as error:
            raise DeployError(str(error)) from error


async def answered(
    health: Asking, clock: Clock, every_s: float, wish: Deployment, progress: Callable[[str], None]
) -> None:
    """Ask the service itself until it answers the wish's version; DeployError when its time is over.

    Where no version can tell, it answers the wish's commit.
    """
    began = clock.now()
    while True:
        told = await health.ask()
        if told.version == wish.version if wish.version else is_same(told.commit or "-", wish.commit):
            return
        waited = clock.now().seconds_since(began)
        if waited >= wish.limit_s:
            raise DeployError(f"after {waited:.0f} s the service answers {told.version or told.words}")
        awaited = wish.version or short(wish.commit)
        progress(f"the service answers {told.version or told.words}, waiting for {awaited}")
        await clock.sleep(every_s)


class PipelineDeployer:
    """Deployments by a pipeline that the push has started: wait until the service says it has happened."""

    def __init__(self, health: Asking, clock: Clock, every_s: float) -> None:
        self._health = health
        self._clock = clock
        self._every_s = every_s

    def effect(self, release: Release, branch: str, _images: Mapping[str, str] | None = None) -> str:
        """Nothing of our own: the pipeline does it."""
        return f"the pipeline deploys {branch}; wait until the service answers {release.tag}"

    async def ready(self, _wish: Deployment, progress: Callable[[str], None]) -> list[str]:
        """Nothing of a pipeline can be seen from here."""
        progress("what the pipeline needs cannot be seen from here")
        return []

    async def settled(self) -> Running:
        """What the service itself answers now; a pipeline under way cannot be seen from here."""
        health = await self._health.ask()
        return Running(health.commit, health.version, f"the service answers {health.version or health.words}")

    async def deploy(self, wish: Deployment, progress: Callable[[str], None]) -> None:
        """Ask the service until it answers the version."""
        await answered(self._health, self._clock, self._every_s, wish, progress)

    def writers_effect(self, *, stop: bool) -> str:
        """Nothing that we could do."""
        return f"by hand, where the service runs: {'stop' if stop else 'start'} it; then retry the step"

    async def stop_writers(self, _progress: Callable[[str], None], _limit_s: float) -> None:
        """A pipeline only deploys."""
        raise DeployError(
            "a pipeline cannot stop the service: stop its processes where they run, not the database or the"
            " cache, then retry this step, which sees for itself whether anybody still writes"
        )

    async def start_writers(self, _progress: Callable[[str], None], _limit_s: float) -> None:
        """A pipeline only deploys."""
        raise DeployError(
            "a pipeline cannot start the service: start its processes where they run, then retry this step,"
            " which sees for itself whether it answers"
        )
