"""Tidy: take the rollback's worktree away; its branch and its commit stay."""

import shlex
from pathlib import Path

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.targets.git import argv


class Tidy(Action):
    """Remove our own worktree."""

    repeatable = True

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Removes one folder, which is ours."""
        path = str(world.worktrees / inputs.branch.replace("/", "-"))
        return Preview(
            words=f"remove the worktree of {inputs.branch}; the branch stays",
            effects=(f"rm -r {shlex.quote(path)}", shlex.join(argv("worktree", "prune"))),
            params={"path": path},
        )

    async def probe(self) -> Finding:
        """Done when the folder is gone."""
        there = Path(self.params["path"]).exists()
        return Finding(
            "not done" if there else "done", f"the worktree is {'still there' if there else 'gone'}"
        )

    async def perform(self, report: Report) -> None:
        """Remove it."""
        report("removing the worktree")
        await self.world.clone.remove_worktree(Path(self.params["path"]))

    async def verify(self) -> Proof:
        """It must be gone."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(f"{self.params['path']} is still there")
        return Proof("worktree removed")
