"""Deploy: make the service run the head of the deploy branch, which is the good tree by then."""

from collections.abc import Mapping

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.core.format import short
from console.targets.deploy import DeployError, Deployment, Instance
from console.targets.git import GitError, is_same

_IMAGE = "image."
"""Begins the params that say the image of a component."""


def frozen_images(images: Mapping[str, str]) -> dict[str, str]:
    """The images of a plan, as params of a step."""
    return {f"{_IMAGE}{component}": image for component, image in images.items()}


def images_of(params: Mapping[str, str]) -> dict[str, str]:
    """The images that a step's params have frozen."""
    return {name.removeprefix(_IMAGE): image for name, image in params.items() if name.startswith(_IMAGE)}


class Deploy(Action):
    """Deploy through the environment's own way."""

    repeatable = True
    serves = "code"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The release with its images, where it has some, and the way it is deployed."""
        branch, code = world.environment.repository.branch, inputs.code
        return Preview(
            words=f"run {code.target.tag}, as the head of {branch}",
            effects=(
                world.deployer.effect(code.target, branch, code.images),
                *(f"{component}: {image}" for component, image in code.images.items()),
            ),
            params={
                "branch": branch,
                "tree": code.target.tree,
                "version": code.answers,
                **frozen_images(code.images),
            },
        )

    async def probe(self) -> Finding:
        """What runs, once nothing is under way any more."""
        try:
            running = await self.world.deployer.settled()
        except DeployError as error:
            return Finding("cannot tell", str(error))
        if running.instances:
            finding = _by_images(images_of(self.params), running.instances)
            if finding.found != "done" or running.commit is None:
                return finding
        if running.commit is not None:
            return await self._by_commit(running.commit, running.words)
        if running.version is None or not self.params["version"]:
            return Finding("cannot tell", running.words)
        done = running.version == self.params["version"]
        return Finding(
            "done" if done else "not done", f"{running.words}, {'' if done else 'not '}the good version"
        )

    async def _by_commit(self, told: str, words: str) -> Finding:
        """Judged by the tree of the commit that runs; where it is told, its version proves nothing."""
        try:
            done = await self._tree_of(told) == self.params["tree"]
        except GitError as error:
            return Finding("cannot tell", f"{words}: {error}")
        return Finding("done" if done else "not done", f"{words}, {'' if done else 'not '}the good tree")

    async def _tree_of(self, told: str) -> str:
        clone = self.world.clone
        head = clone.branch(self.params["branch"])
        commit = head if is_same(told, head) else told
        try:
            return clone.tree_of(commit)
        except GitError:  # somebody else's, and newer than our last fetch
            await clone.fetch(lambda _line: None, limit_s=120)
            return clone.tree_of(commit)

    async def perform(self, report: Report) -> None:
        """Deploy exactly the commit whose tree was proven."""
        clone = self.world.clone
        commit = clone.branch(self.params["branch"])
        if clone.tree_of(commit) != self.params["tree"]:
            raise ActionError(f"{self.params['branch']} is at {short(commit)}, not the good tree: plan again")

        def progress(words: str) -> None:
            report(words)
            report.line(words)

        wish = Deployment(commit, self.params["version"], self.token, report.left_s, images_of(self.params))
        await self.world.deployer.deploy(wish, progress)

    async def verify(self) -> Proof:
        """What the target says that runs."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        return Proof(finding.words)


def _by_images(pinned: Mapping[str, str], instances: tuple[Instance, ...]) -> Finding:
    """Judged by the image of every instance: a release that runs on some of them does not run."""
    wanted = [one for one in instances if one.component in pinned]
    wrong = [
        f"{one.name} {one.trouble or f'runs {one.image}'}"
        for one in wanted
        if one.trouble or pinned[one.component].rpartition("@")[2] not in one.pins
    ]
    wrong += [f"nothing of {name} runs" for name in pinned if all(one.component != name for one in wanted)]
    if not pinned or wrong:
        told = f": {'; '.join(wrong)}" if wrong else ", and the plan names no image"
        right = len(wanted) - sum(not line.startswith("nothing of ") for line in wrong)
        return Finding("not done", f"{right} of {len(wanted)} run the pinned image{told}")
    return Finding("done", f"all {len(wanted)} run the pinned image")
