"""Tidy: take the rollback's worktree away; its branch and its commit stay."""

import shlex
from pathlib import Path

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World


class Tidy(Action):
    """Remove our own worktree."""

    repeatable = True
    serves = "code"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Removes one folder, which is ours."""
        paths = {
            "path": str(world.worktree(inputs.code.branch)),
            "picking": str(world.picking(inputs.code.branch)),
        }
        return Preview(
            words=f"remove the worktree of {inputs.code.branch}; the branch stays",
            effects=(shlex.join(("rm", "-rf", *paths.values())), world.clone.command(("worktree", "prune"))),
            params=paths,
        )

    @property
    def _there(self) -> list[Path]:
        """The worktree, and one for picking that an engine left when it was killed."""
        return [path for path in map(Path, self.params.values()) if path.exists()]

    async def probe(self) -> Finding:
        """Done when nothing of it is there."""
        there = self._there
        return Finding(
            "not done" if there else "done", f"the worktree is {'still there' if there else 'gone'}"
        )

    async def perform(self, report: Report) -> None:
        """Remove it."""
        report("removing the worktree")
        for path in self._there:
            await self.world.clone.remove_worktree(path)

    async def verify(self) -> Proof:
        """It must be gone."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(f"{self.params['path']} is still there")
        return Proof("worktree removed")
