"""Prove health: several good answers in a row of every instance, each of the right version. Fails closed."""

from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from console.core.clock import Stamp
from console.core.format import count, short
from console.core.instances import BEHIND
from console.targets.fleet import wrong_with
from console.targets.git import GitError, is_same
from console.targets.health import Health

SLOT = "healthy"


class ProveHealth(Action):
    """Ask the health endpoint until it was good often enough in a row, or too often not.

    Where the plan names several instances all are asked at the same time, and a try is good only if all are.
    """

    repeatable = True
    fills: ClassVar = {SLOT: "healthy, in the right version"}
    _first: Stamp | None = None
    _last: Health | None = None
    _behind = ""
    """Which instances run something else, at the last try; empty where none does."""

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Asks only."""
        check, service = world.environment.health, world.environment.service
        version = inputs.change.answers if inputs.change else ""
        every = f", on each of {count(len(service.instances), 'instance')}" if service.instances else ""
        of = f" of version {version}" if version else ""
        return Preview(
            words=f"{check.in_a_row} good answers in a row{of}{every}, "
            f"{check.tries} tries, {check.every:g} s apart",
            effects=tuple(f"GET {url}" for url in service.instances.values()) or (f"GET {service.health}",),
            params={
                "version": version,
                "branch": world.environment.repository.branch if inputs.change else "",
                "instances": " ".join(service.instances),
            },
        )

    async def probe(self) -> Finding:
        """One answer now; proof takes several, so this never says done."""
        health = await self.world.health.ask()
        version = health.version or ("" if health.each else "no version")
        return Finding("not done", ", ".join(filter(None, (f"the service answers: {health.words}", version))))

    async def perform(self, report: Report) -> None:
        """Ask, in the strategy's own rhythm."""
        check = self.world.environment.health
        in_a_row, wrong = 0, ""
        for tried in range(1, check.tries + 1):
            if tried > 1:
                await self.world.clock.sleep(check.every)
            if report.stopping:
                raise ActionError(f"stopped on request after {tried - 1} tries")
            asked = self.world.clock.now()
            health = await self.world.health.ask()
            wrong = self._wrong(health)
            report.line(f"{tried}: {wrong or 'good'}")
            if wrong:
                in_a_row = 0
            else:
                in_a_row += 1
                self._first = asked if in_a_row == 1 else self._first
                self._last = health
            report(wrong or f"try {tried}: good", done=in_a_row, total=check.in_a_row, unit="good in a row")
            if in_a_row == check.in_a_row:
                return
        raise ActionError(
            f"not healthy in {check.tries} tries; the last answer: {wrong or 'good, too late'}",
            {BEHIND: self._behind} if self._behind else {},
        )

    def _wrong(self, health: Health) -> str:
        """What is not as it must be, empty where all is: on every instance that the plan names.

        Without a branch the release stays as it is, whichever that is.
        """
        version, named = self.params["version"], self.params["instances"].split()
        also = self._other_commit if self.params["branch"] else lambda _: ""
        wrong = wrong_with(health, version, named=named, also=also)
        told = {one.version for one in health.each.values()}
        self._behind = wrong if wrong and told - {version, None} else ""
        return wrong

    def _other_commit(self, health: Health) -> str:
        """Whether it is another commit than the branch holds, where it tells one."""
        if not self.params["version"] and health.commit is None:
            return "it does not say which commit runs, and no version can tell"
        wanted = self.world.clone.branch(self.params["branch"])
        if health.commit is None or self._is_tree_of(health.commit, wanted):
            return ""
        return f"runs commit {short(health.commit)}, not {short(wanted)}"

    def _is_tree_of(self, told: str, wanted: str) -> bool:
        """Whether it is that commit, or one of the same tree: an image was built from the release's own."""
        clone = self.world.clone
        try:
            return is_same(told, wanted) or clone.tree_of(told) == clone.tree_of(wanted)
        except GitError:
            return False

    async def verify(self) -> Proof:
        """The first of the good answers is when the service was back."""
        if self._first is None or self._last is None:
            raise ActionError("health was not asked to the end: retry")
        check, version, each = self.world.environment.health, self._last.version or "", self._last.each
        everywhere = f" on all {count(len(each), 'instance')}" if each else ""
        words = f"{check.in_a_row} good in a row, {version}{everywhere}"
        facts = {
            "version": version,
            "commit": self._last.commit or "",
            "first_good_utc_us": str(self._first.utc_us),
            "first_good_boot_us": str(self._first.boot_us),
        }
        return Proof(words, facts, (Slot(SLOT, words, self._last.commit or version),))
