"""Push branch: put the rollback branch on the remote, where it must not exist yet."""

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Undo, World
from console.core.format import short
from console.core.plan import WayBack
from console.targets.git import Update


class UndoPushBranch(Undo):
    """Take the branch off the remote again, if it still is what we have pushed."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:
        """One ref, deleted; the lease says that it holds our commit."""
        removal = _removal(params["branch"], params["restored"])
        return WayBack(
            f"delete {params['branch']} on the remote",
            (world.clone.command(world.clone.push_words([removal])),),
        )

    async def probe(self) -> Finding:
        """What the remote itself has for the branch."""
        found = await self.world.clone.on_remote(f"refs/heads/{self.params['branch']}")
        if found is None:
            return Finding("done", f"the remote has no {self.params['branch']}")
        ours = found == self.params["restored"]
        words = f"the remote has {self.params['branch']} at {short(found)}{'' if ours else ', not ours'}"
        return Finding("not done" if ours else "cannot tell", words)

    async def perform(self, report: Report) -> None:
        """Delete it; what somebody else has put there stays."""
        found = await self.probe()
        if found.found == "cannot tell":
            raise ActionError(f"{found.words}: left as it is, delete it by hand when nobody needs it")
        report(f"deleting {self.params['branch']}")
        removal = _removal(self.params["branch"], self.params["restored"])
        await self.world.clone.push([removal], report.line, limit_s=120)

    async def verify(self) -> Proof:
        """The remote must say so itself."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        return Proof(finding.words)


class PushBranch(Action):
    """Publish the rollback branch: nothing builds it, and it shows everybody what is about to happen."""

    repeatable = True
    serves = "code"
    undo = UndoPushBranch

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """One ref, created; the lease says that it does not exist."""
        update = _update(inputs.code.branch, inputs.code.restored)
        return Preview(
            words=f"push {inputs.code.branch} to the remote",
            effects=(world.clone.command(world.clone.push_words([update])),),
            params={"branch": inputs.code.branch, "restored": inputs.code.restored},
        )

    async def probe(self) -> Finding:
        """What the remote itself has for the branch."""
        found = await self.world.clone.on_remote(f"refs/heads/{self.params['branch']}")
        if found is None:
            return Finding("not done", f"the remote has no {self.params['branch']}")
        if found == self.params["restored"]:
            return Finding("done", f"the remote has {self.params['branch']} at {short(found)}")
        return Finding(
            "cannot tell", f"the remote has {self.params['branch']} at {short(found)}, which is not ours"
        )

    async def perform(self, report: Report) -> None:
        """Push it, with the lease."""
        report(f"pushing {self.params['branch']}")
        update = _update(self.params["branch"], self.params["restored"])
        await self.world.clone.push([update], report.line, limit_s=120)

    async def verify(self) -> Proof:
        """The remote must say so itself."""
        finding = await self.probe()
        if finding.found != "done":
            raise ActionError(finding.words)
        return Proof(
            f"on the remote at {short(self.params['restored'])}", {"commit": self.params["restored"]}
        )


def _removal(branch: str, commit: str) -> Update:
    return Update(ref=f"refs/heads/{branch}", commit="", expected=commit)


def _update(branch: str, commit: str) -> Update:
    return Update(ref=f"refs/heads/{branch}", commit=commit, expected=None)
