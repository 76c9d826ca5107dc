"""Restore tree: one forward commit whose tree is exactly the good release's.

It works across merges and conflicts, and needs no force.
"""

from pathlib import Path
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from console.core.format import short
from console.targets.git import GitError

SLOT = "good-tree"


class RestoreTree(Action):
    """Make that commit on a rollback branch, in a worktree of its own."""

    repeatable = True
    serves = "code"
    fills: ClassVar = {SLOT: "the commit to deploy is exactly the good tree"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The commit's id is known beforehand: its tree, parent, author, time and message are frozen."""
        code = inputs.code
        path, clone = world.worktree(code.branch), world.clone
        return Preview(
            words=f"make {short(code.restored)} on {code.branch}: the tree of {code.target.tag}, "
            f"on top of {code.running.tag}",
            effects=(
                clone.command(clone.commit_words(keep=True)),
                clone.command(clone.worktree_words(path, inputs.code.branch, inputs.code.restored)),
            ),
            params={
                "branch": inputs.code.branch,
                "commit": inputs.commit,
                "restored": inputs.code.restored,
                "tree": inputs.code.target.tree,
                "target": inputs.code.target.tag,
                "path": str(path),
            },
        )

    @property
    def _path(self) -> Path:
        return Path(self.params["path"])

    async def probe(self) -> Finding:
        """Done when the worktree is there and is exactly the good tree."""
        if not self._path.exists():
            return Finding("not done", "there is no worktree yet")
        try:
            commit, tree, clean = await self.world.clone.state_of(self._path)
        except GitError as error:
            return Finding("not done", f"the worktree is half made: {error}")
        if (commit, tree, clean) == (self.params["restored"], self.params["tree"], True):
            return Finding("done", f"the worktree is at {short(commit)}, tree of {self.params['target']}")
        return Finding(
            "not done", f"the worktree is at {short(commit)}, {'clean' if clean else 'half written'}"
        )

    async def perform(self, report: Report) -> None:
        """Write the commit object, then check it out beside everything else."""
        clone = self.world.clone
        report(f"writing commit {short(self.params['restored'])}")
        written = await self._write(report)
        if written != self.params["restored"]:
            raise ActionError(
                f"git made {short(written)} where the plan says {short(self.params['restored'])}"
            )
        report(f"checking out {self.params['branch']}")
        await clone.remove_worktree(self._path)
        await clone.add_worktree(self._path, self.params["branch"], written)

    async def _write(self, report: Report) -> str:  # noqa: ARG002 - there is nothing to say of one commit
        """Full id of the commit to check out, which is in the clone then."""
        return await self.world.clone.write_commit(self.params["commit"].encode(), keep=True)

    async def verify(self) -> Proof:
        """The worktree itself must be the good tree, file by file."""
        commit, tree, clean = await self.world.clone.state_of(self._path)
        if (commit, tree) != (self.params["restored"], self.params["tree"]) or not clean:
            raise ActionError(f"{self._path} is not exactly the tree of {self.params['target']}")
        words = f"{short(commit)} = tree of {self.params['target']}"
        return Proof(
            words, {"commit": commit, "tree": tree, "path": str(self._path)}, (Slot(SLOT, words, tree),)
        )
