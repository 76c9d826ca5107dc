"""Undo deploy: what ran before runs again, by the commit or the images that were written down then."""

from collections.abc import Mapping

from actions.action import ActionError, Finding, Proof, Report, Undo, World
from actions.images import frozen_images, images_of
from console.core.format import short
from console.core.plan import Release, WayBack
from console.targets.deploy import DeployError, Deployment, Running
from console.targets.git import is_same


def former_params(running: Release) -> dict[str, str]:
    """What runs by the plan, as params of a deploy: for where the target cannot say it itself."""
    return {"former": running.commit, "former_version": running.tag}


def ran_before(running: Running) -> dict[str, str]:
    """What runs, as facts to be written down before it is replaced."""
    named = {"commit": running.commit, "version": running.version}
    return frozen_images(running.images) | {name: value for name, value in named.items() if value is not None}


async def write_down(world: World, report: Report) -> None:
    """Commit what runs now; where nobody can say it, the plan's word counts, and the deploy goes on."""
    try:
        running = await world.deployer.settled()
    except DeployError as error:
        report.line(f"what runs before the deploy cannot be told, the plan's release counts: {error}")
        return
    report.found(ran_before(running))


class UndoDeploy(Undo):
    """Deploy what ran before, through the environment's own way."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:
        """By its former commit or images; a pipeline deploys what its branch holds, and nothing else."""
        version = params["former_version"]
        if world.environment.deploy.kind == "pipeline":
            return WayBack(
                f"when {params['branch']} is back at the tree of {version}, have the pipeline deploy it"
            )
        former = Release(version, params["former"], "")
        return WayBack(
            f"run again what runs before it, {version} by the plan",
            (world.deployer.effect(former, params["former"]),),
        )

    @property
    def _commit(self) -> str:
        return self.before.get("commit", self.params["former"])

    @property
    def _version(self) -> str:
        return self.before.get("version", self.params["former_version"])

    @property
    def _images(self) -> dict[str, str]:
        return images_of(self.before)

    async def probe(self) -> Finding:
        """What runs, once nothing is under way any more."""
        try:
            running = await self.world.deployer.settled()
        except DeployError as error:
            return Finding("cannot tell", str(error))
        done = self._is_former(running)
        return Finding("done" if done else "not done", f"{running.words}, {'' if done else 'not '}the former")

    def _is_former(self, running: Running) -> bool:
        if self._images:
            return _holds(running.images, self._images)
        if running.commit is not None:
            return is_same(running.commit, self._commit)
        return running.version == self._version

    async def perform(self, report: Report) -> None:
        """Deploy exactly that."""

        def progress(words: str) -> None:
            report(words)
            report.line(words)

        wish = Deployment(self._commit, self._version, self.token, report.left_s, self._images)
        await self.world.deployer.deploy(wish, progress)

    async def verify(self) -> Proof:
        """What the target says that runs, and what the service itself answers."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        health = await self.world.health.ask()
        answers = f"the service answers {health.version or 'no version'}, {health.words}"
        facts = {"commit": self._commit, "version": health.version or ""}
        return Proof(f"{self._version} at {short(self._commit)} runs again; {answers}", facts)


def _holds(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether every component that ran before has its image of then."""
    return all(found.get(component) == image for component, image in wanted.items())
