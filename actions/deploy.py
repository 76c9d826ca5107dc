"""Deploy: make the service run the head of the deploy branch, which is the good tree by then."""

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from actions.undo_deploy import UndoDeploy, former_params, write_down
from console.core.format import short
from console.targets.deploy import DeployError, Deployment
from console.targets.git import GitError, is_same


class Deploy(Action):
    """Deploy through the environment's own way."""

    repeatable = True
    serves = "code"
    undo = UndoDeploy

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The release, and the way it is deployed."""
        branch = world.environment.repository.branch
        return Preview(
            words=f"run {inputs.code.target.tag}, as the head of {branch}",
            effects=(world.deployer.effect(inputs.code.target, branch),),
            params={
                "branch": branch,
                "tree": inputs.code.target.tree,
                "version": inputs.code.answers,
                **former_params(inputs.code.running),
            },
        )

    async def probe(self) -> Finding:
        """What runs, once nothing is under way any more."""
        try:
            running = await self.world.deployer.settled()
        except DeployError as error:
            return Finding("cannot tell", str(error))
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

        await write_down(self.world, report)
        wish = Deployment(commit, self.params["version"], self.token, report.left_s)
        await self.world.deployer.deploy(wish, progress)

    async def verify(self) -> Proof:
        """What the target says that runs."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        return Proof(finding.words)
