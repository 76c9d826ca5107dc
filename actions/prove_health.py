"""Prove health: several good answers in a row, each of the right version. Fails closed."""

from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from console.core.clock import Stamp
from console.core.format import short
from console.targets.git import is_same
from console.targets.health import Health

SLOT = "healthy"


class ProveHealth(Action):
    """Ask the health endpoint until it was good often enough in a row, or too often not."""

    repeatable = True
    fills: ClassVar = {SLOT: "healthy, in the right version"}
    _first: Stamp | None = None
    _last: Health | None = None

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Asks only."""
        check, service = world.environment.health, world.environment.service
        version = inputs.change.answers if inputs.change else ""
        return Preview(
            words=f"{check.in_a_row} good answers in a row{f' of version {version}' if version else ''}, "
            f"{check.tries} tries, {check.every:g} s apart",
            effects=(f"GET {service.health}",),
            params={
                "version": version,
                "branch": world.environment.repository.branch if inputs.change else "",
            },
        )

    async def probe(self) -> Finding:
        """One answer now; proof takes several, so this never says done."""
        health = await self.world.health.ask()
        return Finding("not done", f"the service answers: {health.words}, {health.version or 'no version'}")

    async def perform(self, report: Report) -> None:
        """Ask, in the strategy's own rhythm."""
        check = self.world.environment.health
        in_a_row, wrong = 0, None
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
        raise ActionError(f"not healthy in {check.tries} tries; the last answer: {wrong or 'good, too late'}")

    def _wrong(self, health: Health) -> str | None:
        """What is not as it must be, or None: the right version, and the right commit where it is told."""
        if not health.ok:
            return health.words
        if not self.params["branch"]:
            return None  # the release stays as it is, whichever that is
        version = self.params["version"]
        if version and (other := health.other_than(version)):
            return other
        if not version and health.commit is None:
            return "it does not say which commit runs, and no version can tell"
        wanted = self.world.clone.branch(self.params["branch"])
        if health.commit is not None and not is_same(health.commit, wanted):
            return f"runs commit {short(health.commit)}, not {short(wanted)}"
        return None

    async def verify(self) -> Proof:
        """The first of the good answers is when the service was back."""
        if self._first is None or self._last is None:
            raise ActionError("health was not asked to the end: retry")
        check, version = self.world.environment.health, self._last.version or ""
        words = f"{check.in_a_row} good in a row, {version}"
        facts = {
            "version": version,
            "commit": self._last.commit or "",
            "first_good_utc_us": str(self._first.utc_us),
            "first_good_boot_us": str(self._first.boot_us),
        }
        return Proof(words, facts, (Slot(SLOT, words, self._last.commit or version),))
