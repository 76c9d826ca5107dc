"""Deployments by Docker Swarm: services updated to pinned images, all of them or none, and scaled."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct

from console.core.clock import Clock
from console.core.plan import Release
from console.core.swarm_deploy import SwarmDeploy
from console.targets.deploy import SETTLE_S, DeployError, Deployment, Instance, Running
from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import Docker
from console.targets.swarm.fleet import Fleet, Fleets, Images
from console.targets.swarm.ready import Readiness, assigned
from console.targets.swarm.rollout import Aim, Progress, Rollouts
from console.targets.swarm.service import Service, Swarm
from console.targets.swarm.spec import (
    BEFORE,
    REPLICAS,
    WISH,
    digest,
    image_of,
    label_of,
    replicas_of,
    started,
    stopped,
    updated,
)
from console.targets.swarm.way_back import WayBack, replaced
from console.targets.together import together

_FORWARD = 0.7
"""How much of a deployment's time is for the update; the rest is for the way back from it."""


class _Sending(Struct, frozen=True):
    """A service, and what to make of it."""

    service: Service
    spec: dict[str, object] | None
    """None where it has been sent there already."""
    aim: Aim


class SwarmDeployer:
    """Services of a swarm.

    An update changes the image, how updates are done, and three labels of the service: everything else of
    its specification stays as it is. Whatever fails is taken back, so that each service ends whole on one
    image, and all of them before or all of them after the update. Whoever is cancelled in between leaves
    the swarm to finish by itself: `settled` then tells what came of it.
    """

    def __init__(self, docker: Docker, rules: SwarmDeploy, clock: Clock) -> None:
        self._rules = rules
        self._swarm = Swarm(docker)
        images = Images(docker)
        self._fleets = Fleets(self._swarm, images)
        self._rollouts = Rollouts(self._swarm, images, clock)
        self._way_back = WayBack(self._swarm, self._fleets, self._rollouts)
        self._readiness = Readiness(self._swarm, images, rules)
        self._seen: dict[str, str] = {}

    def effect(self, release: Release, _branch: str, images: Mapping[str, str] | None = None) -> str:
        """The update, in a line; DeployError when the images of the release do not fit the services.

        Without `images` those are meant that ran before, which nobody knows yet.
        """
        rules = self._rules
        if images is not None:
            self._assigned(images)
        return (
            f"docker service update {self._names}: the image of {release.tag}, {rules.parallelism} at a time,"
            f" {rules.order}; on failure back to what ran"
        )

    async def ready(self, wish: Deployment, progress: Progress) -> list[str]:
        """What would keep the wish from coming true, a sentence each with what to do; changes nothing.

        Remembers how the services look: `deploy` refuses one that was changed since. DeployError when
        that cannot be found out.
        """
        with _stated():
            progress(f"asking {self._swarm.docker.words}")
            services, lacking = await self._readiness.judge(wish.images)
            self._seen = {service.name: service.digest for service in services}
            return lacking

    async def lacking(self) -> list[str]:
        """What would keep any release from being deployed, as `ready` says it; remembers nothing."""
        with _stated():
            return (await self._readiness.judge(None))[1]

    async def settled(self) -> Running:
        """What each task runs, once no update is under way any more; DeployError when that cannot be told."""
        with _stated():
            await together(*(self._rollouts.settled(name, SETTLE_S) for name in self._services.values()))
            found = await together(*map(self._swarm.service, self._services.values()))
            fleets = await together(*map(self._fleets.of, found))
        images = [fleet.image for fleet in fleets]
        return Running(
            _same(image.commit if image else None for image in images),
            _same(image.version if image else None for image in images),
            "; ".join(fleet.words for fleet in fleets),
            tuple(
                one
                for component, fleet in zip(self._services, fleets, strict=True)
                for one in _instances(component, fleet)
            ),
        )

    async def deploy(self, wish: Deployment, progress: Progress) -> None:
        """Update every service to its image of the wish, and wait until all tasks run it.

        The same wish again only waits. DeployError with the swarm's own words when it fails, after the
        services have been taken back to what they ran before.
        """
        with _stated():
            images = self._assigned(wish.images)
            services = await together(*map(self._swarm.service, images))
            sends = [
                self._send(service, image, wish.token)
                for service, image in zip(services, images.values(), strict=True)
            ]
            sent: list[Aim] = []
            try:
                for send in sends:
                    sent.append(send.aim)
                    await self._write(send, progress)
                limit_s = wish.limit_s * _FORWARD
                await together(*(self._rollouts.updated(aim, progress, limit_s) for aim in sent))
            except (DockerError, DeployError) as error:
                ended = await self._way_back.take(sent, progress, wish.limit_s * (1 - _FORWARD))
                raise DeployError(f"{error}. {ended}") from error

    async def rollback(self, progress: Progress, limit_s: float) -> None:
        """Have the swarm take every service back to its previous specification.

        Right while our update is the last change: the previous specification is then exactly what ran
        before, number of tasks and labels included, and that is verified by its digest. After any other
        change, a stop and start of ours too, DeployError: then deploy the image that ran before instead.
        """
        with _stated():
            services = await together(*map(self._swarm.service, self._services.values()))
            before = {service.name: replaced(service) for service in services}
            self._seen.clear()
            await together(
                *(self._way_back.one(one, before[one.name], progress, limit_s) for one in services)
            )

    def writers_effect(self, *, stop: bool) -> str:
        """The number of tasks, in a line."""
        if stop:
            scaled = " ".join(f"{name}=0" for name in self._services.values())
            return f"docker service scale {scaled}; how many there were is kept in a label"
        return f"docker service scale {self._names}: as many as there were"

    async def stop_writers(self, progress: Progress, limit_s: float) -> None:
        """Scale the services to no task, and wait until none is left; a label remembers how many it had."""
        with _stated():
            services = await together(*map(self._swarm.service, self._services.values()))
            for service in services:
                replicas = replicas_of(service.spec)
                if replicas is None:
                    raise DeployError(
                        f"service {service.name} has one task on each node and cannot be scaled: stop it"
                        " by hand"
                    )
                if replicas:
                    self._seen.pop(service.name, None)
                    await self._swarm.replace(service, stopped(service.spec))
            await together(*(self._rollouts.gone(one.name, progress, limit_s) for one in services))

    async def start_writers(self, progress: Progress, limit_s: float) -> None:
        """Scale the services back to as many tasks as they had, and wait until those run."""
        with _stated():
            services = await together(*map(self._swarm.service, self._services.values()))
            for service in services:
                if label_of(service.spec, REPLICAS) is not None:
                    self._seen.pop(service.name, None)
                    await self._swarm.replace(service, started(service.spec))
                elif replicas_of(service.spec) == 0:
                    raise DeployError(
                        f"service {service.name} has 0 tasks, and not by us: `docker service scale"
                        f" {service.name}=N` with the number that it had"
                    )
            await together(*(self._rollouts.running(one.name, progress, limit_s) for one in services))

    @property
    def _services(self) -> Mapping[str, str]:
        return self._rules.services

    @property
    def _names(self) -> str:
        return " ".join(self._services.values())

    def _assigned(self, images: Mapping[str, str]) -> dict[str, str]:
        found, wrong = assigned(self._services, images)
        if wrong:
            raise DeployError("; ".join(wrong))
        return found

    def _send(self, service: Service, image: str, token: str) -> _Sending:
        """What to make of a service, which may have been sent there already."""
        seen = self._seen.pop(service.name, service.digest)
        if label_of(service.spec, WISH) == token:
            before = label_of(service.spec, BEFORE)
            if before is None or image_of(service.spec) != image:
                raise DeployError(f"{_changed(service)} after this update: plan again")
            return _Sending(service, None, Aim(service.name, image, service.digest, before))
        if seen != service.digest:
            raise DeployError(
                f"{_changed(service)} since it was found ready: see what changed, and plan again"
            )
        spec = updated(service.spec, image, self._rules, token)
        return _Sending(service, spec, Aim(service.name, image, digest(spec), service.digest))

    async def _write(self, sending: _Sending, progress: Progress) -> None:
        if sending.spec is None:
            progress(f"{sending.service.name}: this update is known to the swarm already")
        else:
            await self._swarm.replace(sending.service, sending.spec)


def _changed(service: Service) -> str:
    return f"service {service.name} was changed by somebody else"


def _same(told: Iterable[str | None]) -> str | None:
    """What all of them say; None where they differ."""
    every = set(told)
    return every.pop() if len(every) == 1 else None


def _instances(component: str, fleet: Fleet) -> Iterator[Instance]:
    for one in fleet.members:
        yield Instance(component, one.task.name, one.pin, one.image.pins, one.trouble)


@contextmanager
def _stated() -> Iterator[None]:
    """What goes wrong with the engine is an error of the deployment."""
    try:
        yield
    except DockerError as error:
        raise DeployError(str(error)) from error
