"""Integrate: bring the good tree into the branch that is deployed, by push or pull request."""

from pathlib import Path

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Undo, World
from actions.merging import merge, open_one, title_of
from console.core.format import short
from console.core.plan import CodeChange, WayBack
from console.core.reverting import revert_line
from console.targets.git import GitError, ProtectedError, Update, commit_bytes


class UndoIntegrate(Undo):
    """Move the branch forward once more, to a commit whose tree is the one before; never by force."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:
        """The commit is made then, on top of what the branch is then: its id is not known before."""
        branch, clone = params["branch"], world.clone
        if params["way"] != "push":
            return WayBack("revert the pull request, and have that merged too")
        update = Update(f"refs/heads/{branch}", "NEW", "HEAD")
        return WayBack(
            f"move {branch} forward to a new commit with the tree that it has before, "
            f"{short(params['from'])} by the plan; only if nobody has pushed onto ours",
            (clone.command(clone.commit_words(keep=True)), clone.command(clone.push_words([update]))),
        )

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.params['branch']}"

    @property
    def _before(self) -> str:
        """What the branch was; the step writes that down before it moves it."""
        return self.before["head"]

    async def probe(self) -> Finding:
        """What the remote's branch builds now: the tree of before, the good one, or something else."""
        clone, branch = self.world.clone, self.params["branch"]
        if not self.before:
            return Finding("done", f"{branch} was not moved by this step")
        await clone.fetch(lambda _line: None, limit_s=120)
        head = clone.branch(branch)
        tree = clone.tree_of(head)
        if tree == clone.tree_of(self._before):
            return Finding("done", f"{branch} at {short(head)} builds what it built at {short(self._before)}")
        ours = tree == self.params["tree"]
        words = f"{branch} is at {short(head)}, {'' if ours else 'not '}the tree of the rollback"
        return Finding("not done" if ours else "cannot tell", words)

    async def perform(self, report: Report) -> None:
        """Commit that tree on top of the head, and push it with a lease on that head."""
        finding = await self.probe()
        if finding.found == "cannot tell":
            raise ActionError(
                f"{finding.words}: somebody has pushed onto it. Revert by hand what they agree to"
            )
        clone, author = self.world.clone, self.params["author"]
        head = clone.branch(self.params["branch"])
        tree, now = clone.tree_of(self._before), self.world.clock.now()
        commit = await clone.write_commit(
            commit_bytes(tree, head, author, now, self.params["undo"]), keep=True
        )
        report(f"moving {self.params['branch']} to {short(commit)}")
        await clone.push([Update(self._ref, commit, head)], report.line, limit_s=120)

    async def verify(self) -> Proof:
        """The remote's branch must build exactly the tree of before."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        return Proof(finding.words)


class Integrate(Action):
    """Move the deploy branch forward to a commit whose tree is the good one; never by force.

    Fast-forward when the branch is where the plan found it. When somebody pushed meanwhile, the commit is
    picked onto their head, and goes in only if the result is still exactly the good tree: otherwise their
    work would be deployed unseen, and the plan must be made again. Where the branch's rules let nobody push,
    or the strategy says so, it is a pull request that has to be merged.
    """

    repeatable = True
    serves = "code"
    undo = UndoIntegrate

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The fast-forward, exactly; and in words, what happens when the branch has moved."""
        branch = world.environment.repository.branch
        code = inputs.code
        way = world.environment.repository.integrate
        title = title_of(world, code.target.tag, inputs.incident)
        told = {"head": code.branch, "title": title, "body": _body(code)}
        words, effects = _by_pull_request(code, branch, told, world)
        if way == "push":
            update = Update(f"refs/heads/{branch}", code.restored, code.running.commit)
            words = (
                f"move {branch} from {short(code.running.commit)} forward to {short(code.restored)}; "
                "if it has moved, by cherry-pick, and only if the result is still exactly the good tree"
                f"{f'; if that is refused, {words}' if world.pulls else ''}"
            )
            effects = (world.clone.command(world.clone.push_words([update])), *effects)
        return Preview(
            words=words,
            effects=effects,
            params={
                "way": way,
                **told,
                "branch": branch,
                "from": inputs.code.running.commit,
                "restored": inputs.code.restored,
                "tree": inputs.code.target.tree,
                "author": inputs.author,
                "path": str(world.picking(inputs.code.branch)),
                "undo": f"Take back the rollback of {world.name} ({inputs.incident})",
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
            pull = await open_one(self.world, self.params) if self.world.pulls else None
            asked = f", and {pull.words} is open" if pull else ""
            return Finding("not done", f"{branch} is still at {short(found)}{asked}")
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
        """Push; or where that is not to be, or not allowed, see a pull request merged."""
        if self.params["way"] == "push":
            try:
                await self._pushed(report)
            except ProtectedError as error:
                if self.world.pulls is None:
                    raise ActionError(
                        f"{self.params['branch']} is protected ({error}): name `pull_request` in"
                        " `repository`, or have the rollback branch merged by hand, and retry"
                    ) from error
                report(f"{self.params['branch']} is protected: by pull request")
                report.line(str(error))
            else:
                return
        if (await self.probe()).found == "done":
            report(f"{self.params['branch']} is the good tree already")
            return
        report.found({"head": self.params["from"]})
        await merge(self.world, self.params, report)

    async def _pushed(self, report: Report) -> None:
        """Fast-forward with a lease on the old id, or pick onto what the branch is now."""
        clone, branch = self.world.clone, self.params["branch"]
        if await clone.on_remote(self._ref) == self.params["from"]:
            report.found({"head": self.params["from"]})
            report(f"fast-forwarding {branch}")
            await self._push(self.params["restored"], self.params["from"], report)
            return
        await clone.fetch(report.line, limit_s=120)
        head = clone.branch(branch)
        if clone.tree_of(head) == self.params["tree"]:
            report(f"{branch} is at {short(head)}, the good tree already")
            return
        report(f"{branch} has moved: picking onto {short(head)}")
        picked = await self._picked(head)
        report.found({"head": head})
        await self._push(picked, head, report)

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


def _by_pull_request(
    code: CodeChange, branch: str, told: dict[str, str], world: World
) -> tuple[str, tuple[str, ...]]:
    """What is done where nobody may push, in words and requests; no request where that is not to be."""
    if world.pulls is None:
        return "", ()
    merges = "somebody merges it" if world.pulls.settings.merged_by == "people" else "it may be merged"
    words = f"open a pull request of {code.branch} to {branch}, and wait until {merges}"
    return words, world.pulls.lines(told["head"], branch, told["title"], told["body"], code.restored)


def _body(code: CodeChange) -> str:
    """What reviewers read: which tree it is, and by which commits."""
    first = f"Exactly the tree of {code.target.tag}, {code.target.tree}."
    return "\n".join((first, *(f"- {revert_line(one)}" for one in code.reverts)))
