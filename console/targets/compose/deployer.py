"""Deployments by Docker Compose: the application's services alone, of images that are pinned and there."""

import re
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from docker import APIClient

from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.format import count
from console.core.plan import Release
from console.targets.compose import cli, override
from console.targets.compose.application import Application
from console.targets.compose.cli import Compose, ComposeError
from console.targets.compose.containers import Contained, containers, instances, served_commits
from console.targets.compose.readiness import CONFIG_S, Readiness
from console.targets.compose.resolved import services_of
from console.targets.deploy import DeployError, Deployment, Running
from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker, NotThereError

_PINNED = re.compile(r"(?:[^\s@]+@)?sha256:[0-9a-f]{64}")
_LAST_LINES = 5
"""Lines of a log that are looked at for why a container has exited."""
_STEADY_S = 1.0
"""A container that exits at once has done so by then; whether it works is proven by its health."""
_POLL_S = 0.2


class ComposeDeployer:
    """Replaces, stops and starts the application's containers. What they depend on goes on, with all volumes.

    There is no `down` here, and the deployment's own script is never called: it stops the database that the
    release needs, throws away the logs that the report needs, and builds at the moment of the switch.
    """

    def __init__(
        self, compose: Compose, docker: Docker, application: Application, clock: Clock, folder: Path
    ) -> None:
        """Overrides are kept in `folder`."""
        self._compose = compose
        self._docker = docker
        self._application = application
        self._clock = clock
        self._folder = folder
        self._readiness = Readiness(compose, docker, application)

    @property
    def _services(self) -> list[str]:
        return sorted(self._application.services.values())

    # -- what a plan says ---------------------------------------------------------------------------

    def effect(self, release: Release, _branch: str, images: Mapping[str, str] | None = None) -> str:
        """The command line; refused where a component has no image that is pinned."""
        if images is None:
            line = self._compose.line(cli.up(dict.fromkeys(self._services, 1)))
            return f"{shlex.join(line)}, of the images that ran before"
        self._see_pinned(release, images)
        path = override.path_of(self._folder, self._by_service(images))
        return shlex.join(self._compose.line(cli.up(dict.fromkeys(self._services, 1)), path))

    def _see_pinned(self, release: Release, images: Mapping[str, str]) -> None:
        for component in self._application.services:
            image = images.get(component)
            if image is None:
                raise DeployError(
                    f"{release.tag} has no image of {component} on record, and none is built at the switch:"
                    f" record it, `warroom release record {release.tag} --image {component}=sha256:...`"
                )
            if not _PINNED.fullmatch(image):
                raise DeployError(
                    f"the image of {component} in {release.tag}, {image}, can be moved: record it by digest"
                    " (`repository@sha256:...`) or by image id (`sha256:...`)"
                )

    def writers_effect(self, *, stop: bool) -> str:
        """The command line."""
        words = cli.stop(self._services) if stop else cli.start(self._services)
        return shlex.join(self._compose.line(words))

    def _by_service(self, images: Mapping[str, str]) -> dict[str, str]:
        of = self._application.services
        return {of[component]: image for component, image in images.items() if component in of}

    # -- what there is ------------------------------------------------------------------------------

    async def settled(self) -> Running:
        """The image of every container. A program of ours has ended with whoever started it."""
        try:
            found = await self._containers()
            served = self._application.served
            each = await instances(self._docker, found, self._application.services, served)
        except DockerError as error:
            raise DeployError(f"nobody can say what runs: {error}") from error
        told = [f"{one.name} {one.trouble or f'runs {one.image[:19]}'}" for one in each]
        words = "; ".join(told) or "no container of the application is there"
        commits = served_commits(found, served)
        return Running(commits.pop() if len(commits) == 1 else None, None, words, each)

    async def _containers(self) -> list[Contained]:
        """Those of the application."""
        found = await containers(self._docker, self._compose.project.name)
        return [one for one in found if one.service in self._services]

    async def ready(self, wish: Deployment, progress: Callable[[str], None]) -> list[str]:
        """What would keep those images from running."""
        try:
            return await self._readiness.lacks(wish, progress)
        except (ComposeError, DockerError) as error:
            raise DeployError(str(error)) from error

    # -- what is done -------------------------------------------------------------------------------

    async def deploy(self, wish: Deployment, progress: Callable[[str], None]) -> None:
        """Have each service run its image, as many containers of it as there were."""
        began = self._clock.now()
        images = self._by_service(wish.images)
        if not images:  # without a name, `up` means every service there is
            raise DeployError("no image is named for any component: nothing was changed")
        try:
            await self._see_images(images)
            program, volumes = await self._compose.program(), await self._volumes(wish.commit)
            path = override.write(self._folder, program, images, volumes)
            counts = self._counts(await self._containers(), images)
            progress(f"replacing {', '.join(images)}")
            await self._compose.run(cli.up(counts), path, limit_s=wish.limit_s, on_line=progress)
            left_s = wish.limit_s - self._clock.now().seconds_since(began)
            await self._steady(images, left_s, progress)
        except (ComposeError, DockerError) as error:
            raise DeployError(str(error)) from error

    @staticmethod
    def _counts(found: list[Contained], images: Mapping[str, str]) -> dict[str, int]:
        """How many containers each service has: as many are made again, and one where there is none."""
        numbers = {name: {one.number for one in found if one.service == name} for name in sorted(images)}
        return {name: max(1, len(those)) for name, those in numbers.items()}

    async def _volumes(self, commit: str) -> dict[str, list[str]]:
        """What is mounted from a checkout of the commit, by service; nothing where no code is mounted."""
        served = self._application.served
        if not served:
            return {}
        told = await self._compose.run(cli.CONFIG, limit_s=CONFIG_S)
        services, checkout = services_of(told.out), await served.check_out(commit)
        if lacking := list(served.lacking(services, checkout)):
            raise ComposeError(f"{'; '.join(lacking)}: nothing was changed")
        return served.volumes(services, checkout)

    async def _see_images(self, images: Mapping[str, str]) -> None:
        """Version 1 would go and pull what is not there."""
        for service, image in images.items():
            try:
                await self._docker.call(partial(APIClient.inspect_image, image=image))
            except NotThereError:
                raise DeployError(
                    f"the image of {service}, {image}, is not on {self._docker.words}: nothing was changed;"
                    " load or pull it there, then retry"
                ) from None

    async def _steady(
        self, images: Mapping[str, str], left_s: float, progress: Callable[[str], None]
    ) -> None:
        """See every new container run for a moment; DeployError with its last words when one does not."""
        began, since = self._clock.now(), None
        while True:
            found = [one for one in await self._containers() if one.service in images]
            for one in found:
                if one.restarts or one.state in {"exited", "dead", "restarting"}:
                    raise DeployError(await self._last_words(one))
            now = self._clock.now()
            up = bool(found) and all(one.state == "running" for one in found)
            since = (since or now) if up else None
            if since is not None and now.seconds_since(since) >= _STEADY_S:
                return
            if now.seconds_since(began) >= left_s:
                told = ", ".join(f"{one.name} {one.trouble or 'runs'}" for one in found)
                raise DeployError(f"the containers do not run steadily in time: {told or 'there are none'}")
            progress(f"{count(len(found), 'container')}, seeing that they stay")
            await self._clock.sleep(_POLL_S)

    async def _last_words(self, one: Contained) -> str:
        """How a container ended, with the last line of its log."""
        log = bytes(await self._docker.call(lambda api: api.logs(one.id, stream=False, tail=_LAST_LINES)))
        lines = log.decode(errors="replace").strip().splitlines()
        trouble = one.trouble or f"was started again after exit code {one.exit_code}"
        return f"{one.name} {trouble} at once: {lines[-1].strip() if lines else 'it said nothing'}"

    async def stop_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Stop the application's containers; they stay, with their logs."""
        progress(f"stopping {', '.join(self._services)}")
        await self._run(cli.stop(self._services), progress, limit_s)

    async def start_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Start the containers that were stopped, of the images that they were made of."""
        progress(f"starting {', '.join(self._services)}")
        await self._run(cli.start(self._services), progress, limit_s)

    async def _run(self, words: tuple[str, ...], progress: Callable[[str], None], limit_s: float) -> None:
        try:
            await self._compose.run(words, limit_s=limit_s, on_line=progress)
        except StatedError as error:
            raise DeployError(str(error)) from error
