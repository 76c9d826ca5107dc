"""Integrate: bring the restored tree into the branch that is deployed, by fast-forward or by cherry-pick."""

from pathlib import Path

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.core.format import short
from console.targets.git import GitError, Update


class Integrate(Action):
    """Move the deploy branch forward to a commit whose tree is the good one; never by force.

    Fast-forward when the branch is where the plan found it. When somebody pushed meanwhile, the commit is
    picked onto their head, and goes in only if the result is still exactly the good tree: otherwise their
    work would be deployed unseen, and the plan must be made again.
    """

    repeatable = True
    serves = "code"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The fast-forward, exactly; and in words, what happens when the branch has moved."""
        branch = world.environment.repository.branch
        code = inputs.code
        update = Update(f"refs/heads/{branch}", code.restored, code.running.commit)
        return Preview(
            words=f"move {branch} from {short(code.running.commit)} forward to {short(code.restored)}; "
            "if it has moved, by cherry-pick, and only if the result is still exactly the good tree",
            effects=(world.clone.command(world.clone.push_words([update])),),
            params={
                "branch": branch,
                "from": inputs.code.running.commit,
                "restored": inputs.code.restored,
                "tree": inputs.code.target.tree,
                "author": inputs.author,
                "path": str(world.picking(inputs.code.branch)),
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
            return Finding("not done", f"{branch} is still at {short(found)}")
        if found == self.params["restored"]:
            return Finding("done", f"{branch} is at {short(found)}")
        if found is None:
            return Finding("cannot tell", f"the remote has no {branch} any more")
        await clone.fetch(lambda _line: None, limit_s=120)
        same = clone.tree_of(found) == self.params["tree"]
        return Finding(
            "done" if same else "not done",
            f"{branch} is at {short(found)}, {'' if same else 'not '}the good tree",
        )

    async def perform(self, report: Report) -> None:
        """Fast-forward with a lease on the old id, or pick onto what the branch is now."""
        clone, branch = self.world.clone, self.params["branch"]
        if await clone.on_remote(self._ref) == self.params["from"]:
            report(f"fast-forwarding {branch}")
            await self._push(self.params["restored"], self.params["from"], report)
            return
        await clone.fetch(report.line, limit_s=120)
        head = clone.branch(branch)
        if clone.tree_of(head) == self.params["tree"]:
            report(f"{branch} is at {short(head)}, the good tree already")
            return
        report(f"{branch} has moved: picking onto {short(head)}")
        await self._push(await self._picked(head), head, report)

    async def _picked(self, onto: str) -> str:
        """Our commits on top of theirs, if that is still exactly the good tree."""
        clone = self.world.clone
        path, author = Path(self.params["path"]), self.params["author"]
        ours = f"{self.params['from']}..{self.params['restored']}"
        try:
            picked = await clone.cherry_pick(path, onto, ours, author)
        except GitError as error:
            raise ActionError(
                f"{self._moved(onto)}: our commit does not go on top of that, plan again ({error})"
            ) from error
        if clone.tree_of(picked) != self.params["tree"]:
            raise ActionError(f"{self._moved(onto)}: with that it is not the good tree, plan again")
        return picked

    def _moved(self, onto: str) -> str:
        """Who moved the branch, and by which commits; nobody's, where it was taken back."""
        moved = self.world.clone.log(self.params["from"], onto, 3)
        who = ", ".join(f"{commit.author} ({commit.summary})" for commit in moved)
        return f"{self.params['branch']} has moved to {short(onto)}" + (f", by {who}" if who else "")

    async def _push(self, commit: str, expected: str, report: Report) -> None:
        await self.world.clone.push([Update(self._ref, commit, expected)], report.line, limit_s=120)

    async def verify(self) -> Proof:
        """The remote's branch must build exactly the good tree."""
        clone, branch = self.world.clone, self.params["branch"]
        await clone.fetch(lambda _line: None, limit_s=120)
        head = clone.branch(branch)
        tree = clone.tree_of(head)
        if tree != self.params["tree"]:
            raise ActionError(f"{branch} is at {short(head)}, which is not the good tree")
        return Proof(f"{branch} at {short(head)}, the good tree", {"commit": head, "tree": tree})
