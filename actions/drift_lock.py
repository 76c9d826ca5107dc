"""Drift lock: the deploy branch still builds exactly the good tree, so that the next deployment does too."""

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.core.format import count, short

NAMED = 3
"""How many of the files that moved are named."""


class DriftLock(Action):
    """Look at the branch and at nothing else: until it builds the good tree, the freeze holds."""

    repeatable = True
    serves = "code"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Asks only; to let it go is to skip the step, by name and with a reason."""
        branch, code = world.environment.repository.branch, inputs.code
        return Preview(
            words=f"see that {branch} builds exactly the tree of {code.target.tag}",
            effects=(
                world.clone.command(world.clone.fetch_words()),
                f"compare the tree of {branch} with {short(code.target.tree)}",
            ),
            params={"branch": branch, "tree": code.target.tree, "target": code.target.commit},
        )

    async def probe(self) -> Finding:
        """What it builds now."""
        head, moved = await self._looked()
        branch = self.params["branch"]
        if not moved:
            return Finding("done", f"{branch} at {short(head)}, the good tree")
        return Finding("not done", f"{branch} is at {short(head)}: {self._words(head, moved)}")

    async def perform(self, report: Report) -> None:
        """There is nothing to do but to look, which the proof does."""
        report(f"fetching {self.params['branch']}")

    async def verify(self) -> Proof:
        """The tree of the fetched branch is the target's."""
        head, moved = await self._looked()
        branch = self.params["branch"]
        if moved:
            raise ActionError(
                f"{branch} is at {short(head)}, not the good tree: {self._words(head, moved)}; bring it back,"
                " or let the lock go by name"
            )
        return Proof(f"{branch} at {short(head)} is the good tree", {"commit": head})

    async def _looked(self) -> tuple[str, tuple[str, ...]]:
        """The head of the branch, and the files in which it is not the good tree."""
        clone = self.world.clone
        await clone.fetch(lambda _line: None, limit_s=120)
        head = clone.branch(self.params["branch"])
        if clone.tree_of(head) == self.params["tree"]:
            return head, ()
        return head, clone.changed(self.params["target"], head)

    def _words(self, head: str, moved: tuple[str, ...]) -> str:
        """Which files moved, and by whom last."""
        last = self.world.clone.log(None, head, 1)
        by = f", last by {last[0].author} ({last[0].summary})" if last else ""
        more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
        return f"{count(len(moved), 'file')} moved, {', '.join(moved[:NAMED])}{more}{by}"
