"""Quiet: every run of a workflow cancelled, by force where that does not help, until none runs any more."""

from collections.abc import Callable

from console.core.ci import GithubCi
from console.core.clock import Clock, Stamp
from console.core.format import count
from console.targets.github.answers import CiError, ConflictError
from console.targets.github.limits import Limit
from console.targets.github.workflow import Known, Run, Workflow

LOOKS = 2
"""So often in a row nothing must be seen to run: a run can begin right before the workflow is disabled."""


class Quieting:
    """One attempt to have nothing of a workflow run."""

    def __init__(
        self, workflow: Workflow, known: Known, ci: GithubCi, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._workflow = workflow
        self._known = known
        self._ci = ci
        self._clock = clock
        self._say = say
        self._asked: dict[int, Stamp] = {}
        """When each run was last told to end."""
        self.met: dict[int, Run] = {}
        """Every run that was told to end, as it was then."""

    async def until_none_runs(self, limit: Limit, spare: Callable[[Run], bool] = lambda _: False) -> None:
        """Cancel what runs, but for what is spared, until two looks in a row find nothing; or CiError."""
        looks = 0
        while True:
            runs = [run for run in await self._workflow.under_way(self._known, limit) if not spare(run)]
            looks = looks + 1 if not runs else 0
            if looks == LOOKS:
                return
            for run in runs:
                await self._press(run, limit)
            if limit.left_s <= self._ci.every:
                still = "; ".join(run.words for run in runs) or "nothing, but that was seen once only"
                raise CiError(f"there is no time to wait for what runs: {still}")
            if runs:
                self._say(f"{count(len(runs), 'run')} to end: {runs[0].words}, {runs[0].status}")
            await self._clock.sleep(self._ci.every)

    async def _press(self, run: Run, limit: Limit) -> None:
        """Cancel it; by force once that has been too long ago, and again after as long."""
        since = self._asked.get(run.id)
        now = self._clock.now()
        if since is not None and now.seconds_since(since) < self._ci.cancel_after:
            return
        self._asked[run.id], self.met[run.id] = now, run
        try:
            if since is None:
                self._say(f"cancelling {run.words}, {run.status}")
                await self._workflow.cancel(run, limit)
            else:
                self._say(f"ending by force {run.words}, {run.status}")
                await self._workflow.force_cancel(run, limit)
        except ConflictError as error:
            self._say(str(error))  # it has just ended, or will be ended by force: the next look says
