"""The way back from an update: the swarm's own rollback, where that leads to what ran before ours."""

from collections.abc import Sequence

from console.targets.deploy import DeployError
from console.targets.docker.endpoint import DockerError
from console.targets.swarm.fleet import Fleets
from console.targets.swarm.rollout import Aim, Progress, RolloutError, Rollouts
from console.targets.swarm.service import Service, Swarm
from console.targets.swarm.spec import BEFORE, digest, image_of, label_of
from console.targets.together import together


class WayBack:
    """Takes services back to the specification that an update of ours has replaced."""

    def __init__(self, swarm: Swarm, fleets: Fleets, rollouts: Rollouts) -> None:
        self._swarm = swarm
        self._fleets = fleets
        self._rollouts = rollouts

    async def take(self, aims: Sequence[Aim], progress: Progress, limit_s: float) -> str:
        """Take back what was sent somewhere; how each service stands then, in words."""
        return "; ".join(await together(*(self._told(aim, progress, limit_s) for aim in aims)))

    async def _told(self, aim: Aim, progress: Progress, limit_s: float) -> str:
        try:
            service = await self._swarm.service(aim.service)
            if service.digest not in (aim.digest, aim.instead):
                return f"{aim.service} is left as somebody else has changed it"
            await self.one(service, aim.instead, progress, limit_s)
            return f"back as before, {(await self._fleets.of(await self._swarm.service(aim.service))).words}"
        except (DockerError, RolloutError) as error:
            return f"{aim.service} is not back: {error}"

    async def one(self, service: Service, before: str, progress: Progress, limit_s: float) -> None:
        """Take a service back to the specification with that digest, and wait until all its tasks are of it.

        Where the swarm goes back already, that is followed. It does so at the pace that this specification
        itself has for it (`rollback_config` of a stack), not at the strategy's. RolloutError when what it
        would go back to is another, or it does not arrive.
        """
        spec = service.spec
        if service.digest != before:
            if service.previous is None or digest(service.previous) != before:
                raise RolloutError(
                    f"service {service.name} was changed since: what the swarm would go back to is not what"
                    " ran before our update"
                )
            progress(f"{service.name}: going back to what ran before")
            await self._swarm.roll_back(service)
            spec = service.previous
        back = Aim(service.name, image_of(spec), before, service.digest, is_back=True)
        await self._rollouts.updated(back, progress, limit_s)


def replaced(service: Service) -> str:
    """The digest of what our last update of a service has replaced; DeployError where it was none of ours."""
    before = label_of(service.spec, BEFORE)
    if before is None:
        raise DeployError(
            f"service {service.name} was not updated by Warroom last: what the swarm would go back to is"
            " not known to be good"
        )
    return before
