"""Revert commits: a commit for each that is undone, newest first; what they come to is known beforehand."""

import msgspec

from actions.action import ActionError, Inputs, Preview, Report, World
from actions.restore_tree import RestoreTree
from console.core.format import short
from console.core.reverting import Reverting, revert_line, reverts_words
from console.targets.reverting import revert


class RevertCommits(RestoreTree):
    """Make them again as the plan has them, and check them out in a worktree of its own."""

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Every commit's id is known: each follows from the one before, the plan's author and time."""
        code, clone, path = inputs.code, world.clone, world.worktree(inputs.code.branch)
        if inputs.reverting is None:
            raise ActionError("this plan undoes no commits: its runbook has a step that does")
        return Preview(
            words=f"make {short(code.restored)} on {code.branch}: the tree of {code.target.tag}, "
            f"by undoing {reverts_words(code.reverts)}",
            effects=(
                *(revert_line(one) for one in code.reverts),
                clone.command(clone.worktree_words(path, code.branch, code.restored)),
            ),
            params={
                "branch": code.branch,
                "reverting": msgspec.json.encode(inputs.reverting).decode(),
                "restored": code.restored,
                "tree": code.target.tree,
                "target": code.target.tag,
                "path": str(path),
            },
        )

    async def _write(self, report: Report) -> str:
        """The same merges again, in our own clone: it may have been made anew since the plan."""
        what = msgspec.json.decode(self.params["reverting"], type=Reverting)
        done = await revert(self.world.clone, what)
        for one in done.reverts:
            report.line(revert_line(one))
        return done.commit
