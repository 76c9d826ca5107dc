"""Freeze the CI: the workflow that deploys disabled, and what of it runs ended; and as it was again."""

from collections.abc import Callable

from msgspec import Struct

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Undo, World
from console.core.events import CiFrozen, CiUnfrozen
from console.core.format import count
from console.core.plan import WayBack
from console.core.strategy import Environment
from console.targets.ci import Ci
from console.targets.github.answers import CiError
from console.targets.github.limits import Box, Reserving
from console.targets.github.quiet import Quieting
from console.targets.github.workflow import ACTIVE, Known, Run

LOOK_S = 30.0
"""How long a look that changes nothing may take."""
RESERVE_S = 10.0
"""What is kept of a step's time to say, when it fails, in what state the CI is."""


def ci_of(world: World) -> Ci:
    """The CI; ActionError where the strategy names none."""
    if world.ci is None:
        raise ActionError("the strategy names no `ci` of this environment")
    return world.ci


def telling(report: Report) -> Callable[[str], None]:
    """What is done goes to the screen, and into the step's output."""

    def tell(words: str) -> None:
        report(words)
        report.line(words)

    return tell


class Standing(Struct, frozen=True):
    """In what state a step that failed has left the CI."""

    words: str
    known: Known | None = None
    """The workflow; None when nobody can say."""


async def standing(world: World) -> Standing:
    """In what state the CI is, for a step that failed; never fails itself."""
    ci, box = ci_of(world), Box(world.clock, RESERVE_S)
    try:
        known = await ci.workflow.find(box)
        running = await ci.workflow.under_way(known, box)
    except CiError as error:
        return Standing(f"in what state {ci.workflow.words} is now, nobody can say ({error})")
    return Standing(f"{ci.workflow.words} is {_words(known, running)} now", known)


def _words(known: Known, running: list[Run]) -> str:
    """`disabled_manually, nothing runs`."""
    more = f" and {count(len(running) - 1, 'other')}" if len(running) > 1 else ""
    return f"{known.state}, {running[0].words}{more} under way" if running else f"{known.state}, nothing runs"


def _frozen(ci: Ci, known: Known) -> CiFrozen:
    return CiFrozen(ci.settings.repository, ci.settings.workflow, known.state)


def _unfrozen(ci: Ci, known: Known) -> CiUnfrozen:
    return CiUnfrozen(ci.settings.repository, ci.settings.workflow, known.state)


class Unfreeze(Action):
    """Bring the workflow back to what it was; one that somebody had disabled before stays disabled."""

    repeatable = True

    @classmethod
    def belongs(cls, environment: Environment) -> bool:
        """Where the strategy names a CI."""
        return environment.ci is not None

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:  # noqa: ARG004 - the same in every plan
        """What it was is known when it has been frozen."""
        ci = ci_of(world)
        return Preview(
            words=f"enable {ci.workflow.words}, if it was so before it was frozen",
            effects=ci.workflow.lines("enable"),
            params={},
        )

    async def probe(self) -> Finding:
        """The workflow's state, beside what is remembered."""
        ci = ci_of(self.world)
        if ci.freeze is None:
            return Finding("done", f"{ci.workflow.words} is not frozen")
        known = await ci.workflow.find(Box(self.world.clock, LOOK_S))
        restored = known.runs_on_push or ci.freeze.before != ACTIVE
        words = f"{ci.workflow.words} is {known.state}, it was {ci.freeze.before} before"
        return Finding("done" if restored else "not done", words)

    async def perform(self, report: Report) -> None:
        """Enable it where it was enabled; nothing else was done to it."""
        ci, tell = ci_of(self.world), telling(report)
        if ci.freeze is None or ci.freeze.before != ACTIVE:
            tell(f"{ci.workflow.words} is left as it is")
            return
        try:
            known = await ci.workflow.find(Reserving(report, RESERVE_S))
            if not known.runs_on_push:
                await ci.workflow.enable(known, Reserving(report, RESERVE_S))
        except CiError as error:
            raise ActionError(f"{error}; {(await standing(self.world)).words}") from error

    async def verify(self) -> Proof:
        """As it was, asked anew; from then on nothing is remembered."""
        ci = ci_of(self.world)
        if ci.freeze is None:
            return Proof(f"{ci.workflow.words} was not frozen by us: left as it is")
        known, before = await ci.workflow.find(Box(self.world.clock, LOOK_S)), ci.freeze.before
        if before == ACTIVE and not known.runs_on_push:
            raise ActionError(f"{ci.workflow.words} is {known.state}, and was {before} before it was frozen")
        words = f"{ci.workflow.words} is {known.state}, as before"
        if before != ACTIVE:
            words = f"{ci.workflow.words} is {known.state}; it was {before} before it was frozen"
        return Proof(words, {"state": known.state, "before": before}, events=(_unfrozen(ci, known),))


class UndoFreeze(Undo):
    """Unfreeze, before the end; runs that were cancelled stay so."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:  # noqa: ARG004 - it has none
        """As at the end of the runbook."""
        ci = ci_of(world)
        words = f"enable {ci.workflow.words}, if it was so before; cancelled runs are started by their people"
        return WayBack(words, ci.workflow.lines("enable"))

    @property
    def _unfreeze(self) -> Unfreeze:
        return Unfreeze({}, self.world, self.token)

    async def probe(self) -> Finding:
        """The workflow's state, beside what is remembered."""
        return await self._unfreeze.probe()

    async def perform(self, report: Report) -> None:
        """Enable it where it was enabled."""
        await self._unfreeze.perform(report)

    async def verify(self) -> Proof:
        """As it was, asked anew."""
        return await self._unfreeze.verify()


class Freeze(Action):
    """Disable the workflow and cancel its runs until none is left; what it was before is remembered first."""

    repeatable = True
    again = True
    undo = UndoFreeze

    @classmethod
    def belongs(cls, environment: Environment) -> bool:
        """Where the strategy names a CI."""
        return environment.ci is not None

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:  # noqa: ARG004 - the same in every plan
        """Whoever works on it is stopped: that is what the commander says yes to."""
        ci = ci_of(world)
        force = f"by force after {ci.settings.cancel_after:g} s"
        return Preview(
            words=f"disable {ci.workflow.words} and cancel every run of it, {force}, until none runs",
            effects=ci.workflow.lines("disable", "runs", "cancel", "force-cancel"),
            params={},
        )

    async def probe(self) -> Finding:
        """The workflow's state and its runs, asked anew."""
        ci, box = ci_of(self.world), Box(self.world.clock, LOOK_S)
        known = await ci.workflow.find(box)
        running = await ci.workflow.under_way(known, box)
        frozen = not known.runs_on_push and not running
        before = f"; it was {ci.freeze.before} before" if ci.freeze else ""
        return Finding("done" if frozen else "not done", f"it is {_words(known, running)}{before}")

    async def perform(self, report: Report) -> None:
        """Remember, disable, cancel; on failure say where that leaves the CI."""
        try:
            await self._frozen(report)
        except CiError as error:
            now = await standing(self.world)
            if now.known is not None and now.known.runs_on_push:
                # nothing was done to it, so nothing is frozen
                report.remember(_unfrozen(ci_of(self.world), now.known))
            raise ActionError(f"{error}; {now.words}") from error

    async def _frozen(self, report: Report) -> None:
        ci, tell, limit = ci_of(self.world), telling(report), Reserving(report, RESERVE_S)
        known = await ci.workflow.find(limit)
        if ci.freeze is None:
            report.remember(_frozen(ci, known))
        if known.runs_on_push:
            await ci.workflow.disable(known, limit)
        tell(f"{ci.workflow.words} was {known.state}: nothing starts it now")
        tell("looking what runs")
        quieting = Quieting(ci.workflow, known, ci.settings, self.world.clock, tell)
        await quieting.until_none_runs(limit)

    async def verify(self) -> Proof:
        """Disabled, and nothing runs, asked anew."""
        ci, box = ci_of(self.world), Box(self.world.clock, LOOK_S)
        known = await ci.workflow.find(box)
        running = await ci.workflow.under_way(known, box)
        if known.runs_on_push or running:
            raise ActionError(f"{ci.workflow.words} is {_words(known, running)}: not frozen")
        before = ci.freeze.before if ci.freeze else known.state
        return Proof(
            f"{ci.workflow.words} is {_words(known, running)}; it was {before} before",
            {"workflow": str(known.id), "state": known.state, "before": before},
            events=() if ci.freeze else (_frozen(ci, known),),
        )
