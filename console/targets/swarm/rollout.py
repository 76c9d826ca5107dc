"""Followed to its end: an update until all tasks run the image, a stop until none runs; or why not."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from console.core.clock import Clock
from console.targets.deploy import DeployError
from console.targets.docker.endpoint import DockerError
from console.targets.swarm.fleet import Images, trouble, wanted
from console.targets.swarm.service import Service, Swarm, Task

Progress = Callable[[str], None]

_LOOK_S = 0.5


class RolloutError(DeployError):
    """A service did not come to where it was sent; the message says why, in the engine's own words."""


class Aim(Struct, frozen=True):
    """Where a service is sent."""

    service: str
    image: str
    """That all its tasks shall run."""
    digest: str
    """Of the specification that sends it there."""
    instead: str
    """Of the one that it goes back to if that fails."""
    is_back: bool = False
    """Whether this is the way back itself: then the swarm need not have watched the tasks to its end."""


class _Look(Struct, frozen=True):
    """How far a service has come."""

    done: bool
    words: str
    trouble: str = ""


_Judge = Callable[[Service, Sequence[Task]], _Look]


class Rollouts:
    """Follows services by looking again and again.

    A manager that does not answer in between is asked again until the time is over: the swarm goes on
    without us.
    """

    def __init__(self, swarm: Swarm, images: Images, clock: Clock) -> None:
        self._swarm = swarm
        self._images = images
        self._clock = clock

    async def updated(self, aim: Aim, progress: Progress, limit_s: float) -> None:
        """Wait until all tasks run the aim's image; RolloutError when the swarm gives up or time is over."""
        called = (await self._images.of(aim.image)).words
        # What a machine ran when it was lost is called running until it is back: nobody waits for that.
        lost = await self._swarm.lost()

        def judge(service: Service, tasks: Sequence[Task]) -> _Look:
            why = trouble(tasks, aim.image)
            if service.digest != aim.digest or service.stopped:
                raise RolloutError(_given_up(service, aim, why))
            shall = wanted(service, tasks)
            there = sum(task.runs and task.image == aim.image for task in tasks)
            alive = [task for task in tasks if not task.is_over and task.node not in lost]
            left = sum(not task.is_due for task in alive)
            ending = f", {left} yet to end" if left else ""
            alone = not left and all(task.image == aim.image for task in alive)
            done = there == shall and alone and (aim.is_back or not service.under_way)
            return _Look(done, f"{service.name}: {there} of {shall} on {called}{ending}", why)

        await self._until(aim.service, judge, progress, limit_s)

    async def settled(self, service: str, limit_s: float) -> None:
        """Wait until no update of a service is under way; RolloutError when one still is by then."""

        def judge(found: Service, tasks: Sequence[Task]) -> _Look:
            return _Look(not found.under_way, f"{found.name}: {found.words}", trouble(tasks))

        await self._until(service, judge, lambda _words: None, limit_s)

    async def gone(self, service: str, progress: Progress, limit_s: float) -> None:
        """Wait until no task of it runs any more, on any machine."""

        def judge(found: Service, tasks: Sequence[Task]) -> _Look:
            left = [task for task in tasks if not task.is_over]
            where = f", {left[0].name} on node {left[0].node} among them" if left else ""
            return _Look(not left, f"{found.name}: {len(left)} left{where}")

        await self._until(service, judge, progress, limit_s)

    async def running(self, service: str, progress: Progress, limit_s: float) -> None:
        """Wait until as many tasks run as shall."""

        def judge(found: Service, tasks: Sequence[Task]) -> _Look:
            shall, there = wanted(found, tasks), sum(task.runs for task in tasks)
            return _Look(there == shall, f"{found.name}: {there} of {shall} run", trouble(tasks))

        await self._until(service, judge, progress, limit_s)

    async def _until(self, name: str, judge: _Judge, progress: Progress, limit_s: float) -> None:
        began, said = self._clock.now(), ""
        while not (look := await self._look(name, judge)).done:
            if look.words != said:
                said = look.words
                progress(said)
            if self._clock.now().seconds_since(began) >= limit_s:
                raise RolloutError("; ".join(filter(None, (f"after {limit_s:.0f} s {said}", look.trouble))))
            await self._clock.sleep(_LOOK_S)

    async def _look(self, name: str, judge: _Judge) -> _Look:
        try:
            service = await self._swarm.service(name)
            tasks = await self._swarm.tasks(service)
        except DockerError as error:
            return _Look(done=False, words=str(error))
        return judge(service, tasks)


def _given_up(service: Service, aim: Aim, why: str) -> str:
    """Why a service does not go where it was sent."""
    if service.digest not in (aim.digest, aim.instead):
        return f"service {service.name} was changed by somebody else meanwhile"
    # By then its words are about the way back, which went well.
    over = "update rolled back" if service.state == "rollback_completed" else service.words
    said = over or "the swarm has not taken the update"
    return "; ".join(filter(None, (f"{service.name}: {said}", why)))
