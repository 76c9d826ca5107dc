"""Deploy: make the service run the head of the deploy branch, which is the good tree by then."""

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.targets.deploy import DeployError, Deployment


class Deploy(Action):
    """Deploy through the environment's own way."""

    repeatable = True

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The release, and the way it is deployed."""
        branch = world.environment.repository.branch
        return Preview(
            words=f"run {inputs.target.tag}, as the head of {branch}",
            effects=(world.deployer.effect(inputs.target, branch),),
            params={"branch": branch, "tree": inputs.target.tree, "version": inputs.target.tag},
        )

    async def probe(self) -> Finding:
        """What runs, once nothing is under way any more."""
        try:
            running = await self.world.deployer.settled()
        except DeployError as error:
            return Finding("cannot tell", str(error))
        if running.commit is None:
            return Finding("cannot tell", running.words)
        done = self.world.clone.tree_of(running.commit) == self.params["tree"]
        return Finding(
            "done" if done else "not done", f"{running.words}, {'' if done else 'not '}the good tree"
        )

    async def perform(self, report: Report) -> None:
        """Deploy exactly the commit whose tree was proven."""
        clone = self.world.clone
        commit = clone.branch(self.params["branch"])
        if clone.tree_of(commit) != self.params["tree"]:
            raise ActionError(f"{self.params['branch']} is at {commit[:12]}, not the good tree: plan again")

        def progress(words: str) -> None:
            report(words)
            report.line(words)

        wish = Deployment(commit, self.params["version"], self.token, report.left_s)
        await self.world.deployer.deploy(wish, progress)

    async def verify(self) -> Proof:
        """What the target says that runs."""
        finding = await self.probe()
        if finding.found == "not done":
            raise ActionError(finding.words)
        return Proof(finding.words)
