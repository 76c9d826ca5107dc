"""Fetch: bring the remote's history here, and see that the branch is still where the plan found it."""

from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from console.core.format import short

SLOT = "branch-unmoved"


class Fetch(Action):
    """Fetch the deploy branch and list what is newest on it."""

    repeatable = True
    again = True
    serves = "code"
    fills: ClassVar = {SLOT: "the deploy branch is where the plan found it"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the remote; changes only our own clone."""
        repository, running = world.environment.repository, inputs.code.running
        return Preview(
            words=f"fetch {repository.branch} and see that it is still at {short(running.commit)}",
            effects=(world.clone.command(world.clone.fetch_words()),),
            params={
                "branch": repository.branch,
                "commit": inputs.code.running.commit,
                "recent": str(repository.recent),
            },
        )

    async def probe(self) -> Finding:
        """Nothing that lasts is done, so a repeat is always right."""
        return Finding("not done", "a fetch leaves nothing that could be half done")

    async def perform(self, report: Report) -> None:
        """Fetch, then list the newest commits."""
        clone = self.world.clone
        report(f"fetching from {clone.remote}")
        await clone.fetch(report.line, limit_s=120)
        for commit in clone.log(None, clone.branch(self.params["branch"]), int(self.params["recent"])):
            report.line(f"{short(commit.id)} {' '.join(commit.tags):8} {commit.author:10} {commit.summary}")

    async def verify(self) -> Proof:
        """The remote's branch must still be what the plan was made on."""
        branch, wanted = self.params["branch"], self.params["commit"]
        found = await self.world.clone.on_remote(f"refs/heads/{branch}")
        if found is None:
            raise ActionError(f"the remote has no {branch} any more: plan again")
        if found != wanted:
            raise ActionError(f"{branch} moved from {short(wanted)} to {short(found)}: plan again")
        words = f"{branch} still at {short(found)}"
        return Proof(words, {"branch": branch, "commit": found}, (Slot(SLOT, words, found),))
