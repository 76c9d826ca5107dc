"""Integrate: bring the restored tree into the branch that is deployed, by fast-forward or by cherry-pick."""

import shlex
from pathlib import Path

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.targets.git import GitError, Update, argv


class Integrate(Action):
    """Move the deploy branch forward to a commit whose tree is the good one; never by force.

    Fast-forward when the branch is where the plan found it. When somebody pushed meanwhile, the commit is
    picked onto their head, and goes in only if the result is still exactly the good tree: otherwise their
    work would be deployed unseen, and the plan must be made again.
    """

    repeatable = True

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The fast-forward, exactly; and in words, what happens when the branch has moved."""
        branch = world.environment.repository.branch
        update = Update(f"refs/heads/{branch}", inputs.restored, inputs.running.commit)
        return Preview(
            words=f"move {branch} from {inputs.running.commit[:12]} forward to {inputs.restored[:12]}; "
            "if it has moved, by cherry-pick, and only if the result is still exactly the good tree",
            effects=(shlex.join(argv(*world.clone.push_words([update]))),),
            params={
                "branch": branch,
                "from": inputs.running.commit,
                "restored": inputs.restored,
                "tree": inputs.target.tree,
                "author": inputs.author,
                "path": str(world.worktrees / inputs.branch.replace("/", "-")),
            },
        )

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.params['branch']}"

    async def probe(self) -> Finding:
        """What the remote's branch builds now: the good tree, the old commit, or something else."""
        clone, branch = self.world.clone, self.params["branch"]
        found = await clone.on_remote(self._ref)
        if found == self.params["from"]:
            return Finding("not done", f"{branch} is still at {found[:12]}")
        if found == self.params["restored"]:
            return Finding("done", f"{branch} is at {found[:12]}")
        if found is None:
            return Finding("cannot tell", f"the remote has no {branch} any more")
        await clone.fetch(lambda _line: None, limit_s=120)
        same = clone.tree_of(found) == self.params["tree"]
        return Finding(
            "done" if same else "not done",
            f"{branch} is at {found[:12]}, {'' if same else 'not '}the good tree",
        )

    async def perform(self, report: Report) -> None:
        """Fast-forward with a lease on the old id, or pick onto what the branch is now."""
        found = await self.world.clone.on_remote(self._ref)
        if found == self.params["from"]:
            report(f"fast-forwarding {self.params['branch']}")
            await self._push(self.params["restored"], found, report)
        elif found != self.params["restored"]:
            report(f"{self.params['branch']} has moved: picking onto {(found or 'nothing')[:12]}")
            await self._push(await self._picked(found, report), found, report)

    async def _picked(self, onto: str | None, report: Report) -> str:
        clone, branch = self.world.clone, self.params["branch"]
        if onto is None:
            raise ActionError(f"the remote has no {branch} any more: plan again")
        await clone.fetch(report.line, limit_s=120)
        moved = clone.log(self.params["from"], onto, 3)
        who = ", ".join(f"{commit.author} ({commit.summary})" for commit in moved)
        path, restored = Path(self.params["path"]), self.params["restored"]
        try:
            picked = await clone.cherry_pick(path, onto, restored, self.params["author"])
        except GitError as error:
            raise ActionError(
                f"{branch} has moved, by {who}, and our commit conflicts: plan again ({error})"
            ) from error
        if clone.tree_of(picked) != self.params["tree"]:
            raise ActionError(f"{branch} has moved, by {who}: with that it is not the good tree, plan again")
        return picked

    async def _push(self, commit: str, expected: str, report: Report) -> None:
        await self.world.clone.push([Update(self._ref, commit, expected)], report.line, limit_s=120)

    async def verify(self) -> Proof:
        """The remote's branch must build exactly the good tree."""
        clone, branch = self.world.clone, self.params["branch"]
        await clone.fetch(lambda _line: None, limit_s=120)
        head = clone.branch(branch)
        tree = clone.tree_of(head)
        if tree != self.params["tree"]:
            raise ActionError(f"{branch} is at {head[:12]}, which is not the good tree")
        return Proof(f"{branch} at {head[:12]}, the good tree", {"commit": head, "tree": tree})
