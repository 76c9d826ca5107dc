"""Let one commit pass: start the frozen workflow for exactly the commit of the rollback, and for no other."""

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from actions.freeze import LOOK_S, RESERVE_S, ci_of, standing, telling
from console.core.format import short
from console.core.strategy import Environment
from console.targets.ci import Ci
from console.targets.github.answers import CiError
from console.targets.github.limits import Box, Limit, Reserving
from console.targets.github.quiet import Quieting
from console.targets.github.workflow import Known, Run


class PassCommit(Action):
    """Enable, start for the branch that holds our commit, disable again, and end every other run.

    A push that comes while the workflow is disabled starts nothing, ours neither; and one that comes in the
    moment when it is enabled may start somebody else's run, which is cancelled.
    """

    repeatable = True
    serves = "code"
    by_hand = "when the branch is back, have the workflow deploy it: cancel the run that was started first"

    @classmethod
    def belongs(cls, environment: Environment) -> bool:
        """Where the workflow that is frozen is what deploys."""
        return environment.ci is not None and environment.deploy.kind == "pipeline"

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Signed as the gate asks: the commit is named in the plan."""
        ci, branch = ci_of(world), world.environment.repository.branch
        code = inputs.code
        enable, disable = ci.workflow.lines("enable", "disable")
        return Preview(
            words=f"let {short(code.restored)}, the tree of {code.target.tag}, through {ci.workflow.words}; "
            "every other run is cancelled",
            effects=(enable, ci.workflow.start_line(branch), disable),
            params={"branch": branch, "tree": code.target.tree},
        )

    async def probe(self) -> Finding:
        """Closed again, with a run of the commit at the head of the branch."""
        ci, box = ci_of(self.world), Box(self.world.clock, LOOK_S)
        known = await ci.workflow.find(box)
        run = _started(await ci.workflow.of_commit(known, await self._commit(), box))
        closed = not (ci.freeze and known.runs_on_push)
        began = f"{run.words} has been started" if run else "no run of our commit"
        return Finding("done" if run and closed else "not done", f"{began}; the workflow is {known.state}")

    async def perform(self, report: Report) -> None:
        """Once for each commit: where it has been started already, it is not again."""
        ci, limit, tell = ci_of(self.world), Reserving(report, RESERVE_S), telling(report)
        commit = await self._commit()
        try:
            known = await ci.workflow.find(limit)
            if ci.freeze is not None and _started(await ci.workflow.of_commit(known, commit, limit)) is None:
                tell(f"starting {ci.workflow.words} for {short(commit)}")
                await self._opened(ci, known, commit, limit)
            elif ci.freeze is not None and known.runs_on_push:  # an attempt before us ended in the middle
                await ci.workflow.disable(known, limit)
            tell(f"waiting until nothing runs but {short(commit)}")
            await self._begun(ci, known, commit, limit)
            others = Quieting(ci.workflow, known, ci.settings, self.world.clock, tell)
            await others.until_none_runs(limit, spare=lambda run: run.head_sha == commit)
        except CiError as error:
            raise ActionError(f"{error}; {(await standing(self.world)).words}") from error

    async def _opened(self, ci: Ci, known: Known, commit: str, limit: Limit) -> None:
        """Start it; whatever happens it is disabled again, as it was frozen."""
        await ci.workflow.enable(known, limit)
        try:
            await ci.workflow.start(known, self.params["branch"], limit)
            await self._begun(ci, known, commit, limit)
        finally:
            await ci.workflow.disable(known, Box(self.world.clock, RESERVE_S))

    async def _begun(self, ci: Ci, known: Known, commit: str, limit: Limit) -> Run:
        """The run of our commit, once GitHub tells of it."""
        while True:
            run = _started(await ci.workflow.of_commit(known, commit, limit))
            if run is not None:
                return run
            if limit.left_s <= ci.settings.every:
                raise CiError(f"GitHub tells of no run of {short(commit)}")
            await self.world.clock.sleep(ci.settings.every)

    async def _commit(self) -> str:
        """What the branch holds by now: our commit, or ours on top of others', in any case the good tree."""
        clone, branch = self.world.clone, self.params["branch"]
        await clone.fetch(lambda _line: None, limit_s=120)
        head = clone.branch(branch)
        if clone.tree_of(head) != self.params["tree"]:
            raise ActionError(f"{branch} is at {short(head)}, not the good tree: plan again")
        return head

    async def verify(self) -> Proof:
        """Ours was started, the workflow is closed, and nothing else runs; asked anew."""
        ci, box = ci_of(self.world), Box(self.world.clock, LOOK_S)
        commit, known = await self._commit(), await ci.workflow.find(box)
        run = _started(await ci.workflow.of_commit(known, commit, box))
        others = [one for one in await ci.workflow.under_way(known, box) if one.head_sha != commit]
        if run is None:
            raise ActionError(f"GitHub tells of no run of {short(commit)}")
        if others or (ci.freeze and known.runs_on_push):
            raise ActionError(
                f"{(await standing(self.world)).words}: more than {short(commit)} may be deployed"
            )
        return Proof(f"{run.words} was started, nothing else runs", {"run": str(run.id), "url": run.html_url})


def _started(runs: list[Run]) -> Run | None:
    """The newest run of the commit that goes on, or went well; a failed or cancelled one deploys nothing."""
    return next((run for run in runs if not run.ended or run.conclusion == "success"), None)
