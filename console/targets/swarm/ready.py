"""What a swarm has to say before the gate: a sentence for each thing that is in an update's way."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from docker import APIClient

from console.core.naming import listed
from console.core.swarm_deploy import SwarmDeploy
from console.targets.docker.endpoint import DockerError
from console.targets.docker.engine import NotThereError
from console.targets.swarm.fleet import Images
from console.targets.swarm.room import Node, nodes, room_for_one_more
from console.targets.swarm.service import Service, Swarm
from console.targets.swarm.spec import is_pinned


def assigned(services: Mapping[str, str], images: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Each service's image of a release, and what of the release does not fit the services.

    `services` are by component, and so are `images`.
    """
    found, wrong = {}, []
    for component, service in services.items():
        image = images.get(component)
        if image is None:
            wrong.append(f"the release has no image of {component}: record the one that was deployed, pinned")
        elif not is_pinned(image):
            wrong.append(
                f"{image} may be another image tomorrow: record it pinned, `NAME@sha256:...` or `sha256:...`"
            )
        else:
            found[service] = image
    wrong += [
        f"the release has an image of {component}, and the strategy no service of it: name that"
        for component in images
        if component not in services
    ]
    return found, wrong


class Readiness:
    """Asks whether services could be updated; changes nothing."""

    def __init__(self, swarm: Swarm, images: Images, rules: SwarmDeploy) -> None:
        self._swarm = swarm
        self._images = images
        self._rules = rules

    async def judge(self, images: Mapping[str, str] | None) -> tuple[list[Service], list[str]]:
        """The services as they are now, and what is in the way; DockerError when that cannot be found out.

        Without `images`, what is in the way of any release.
        """
        if outside := await self._outside():
            return [], [outside]
        wanted, told = ({}, []) if images is None else assigned(self._rules.services, images)
        every, found = await nodes(self._swarm.docker), []
        for name in self._rules.services.values():
            try:
                found.append(await self._swarm.service(name))
            except NotThereError as error:
                told.append(str(error))
        for service in found:
            told += _in_the_way(service, self._rules)
            told += await room_for_one_more(self._swarm.docker, service, self._rules, every)
            if service.name in wanted:
                told += await self._image(service, wanted[service.name], every)
        return found, told

    async def _outside(self) -> str:
        """Why the engine can tell and change nothing of a swarm; empty when it can."""
        words = self._swarm.docker.words
        swarm = (await self._swarm.docker.call(lambda api: api.info()))["Swarm"]
        if swarm["LocalNodeState"] != "active":
            return f"{words} is in no swarm ({swarm['LocalNodeState']}): name a manager in `deploy.docker`"
        if not swarm["ControlAvailable"]:
            return f"{words} is a worker, which may change nothing: name a manager in `deploy.docker`"
        return ""

    async def _image(self, service: Service, image: str, every: Sequence[Node]) -> list[str]:
        """Whether each machine that may be given a task has the image, or can pull it.

        A manager cannot look into other machines: one has the image if a task of the service has had a
        container of it there.
        """
        having = {
            task.node for task in await self._swarm.tasks(service) if task.image == image and task.container
        }
        if await self._images.here(image) is not None:
            having.add(await self._swarm.node())
        lacking = listed(node.name for node in every if node.takes_tasks and node.id not in having)
        if not lacking:
            return []
        if "@" not in image:
            words = (
                f"{image} of service {service.name} was not seen on {lacking} and cannot be pulled by its id:"
                " load it there, or record it by a registry's digest"
            )
            return [words]
        try:
            await self._swarm.docker.call(partial(APIClient.inspect_distribution, image=image))
        except DockerError as error:
            return [f"{image} of service {service.name} is not on {lacking} and cannot be pulled: {error}"]
        return []


def _in_the_way(service: Service, rules: SwarmDeploy) -> Iterator[str]:
    """What of the service itself is."""
    if service.under_way:
        yield f"service {service.name} is being changed ({service.words}): wait until that has ended"
    if not {"Replicated", "Global"} & set(service.spec["Mode"]):
        yield f"service {service.name} runs jobs, which are never updated: name another in `deploy.services`"
    ports = (service.spec.get("EndpointSpec") or {}).get("Ports") or ()
    held = [str(port["PublishedPort"]) for port in ports if port.get("PublishMode") == "host"]
    if rules.order == "start-first" and held:
        yield (
            f"service {service.name} publishes port {', '.join(held)} on its machines themselves: the old"
            " task holds it when a new one starts, use `order: stop-first`"
        )
