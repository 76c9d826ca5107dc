"""Mitigate, and take a mitigation back: a command of the strategy, believed only when its probe agrees."""

import shlex
from pathlib import Path
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Serves, World
from console.core.mitigating import NAME
from console.targets.process import Finished, ProgramError

DONE, NOT_DONE = 0, 1
"""The exit codes of a probe; any other says that it cannot tell."""


class Mitigate(Action):
    """Run the command that makes it better."""

    repeatable = False
    serves: ClassVar[Serves] = "asked"
    by_hand = "`warroom mitigate NAME --undo` takes a mitigation back, through a gate of its own"
    _wanted: ClassVar[int] = DONE
    """What the probe says when the work is done."""

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The commands as they will be run, and where."""
        name = inputs.options[NAME]
        return _preview(name, world, world.environment.mitigations[name].perform, "perform")

    async def probe(self) -> Finding:
        """Ask the mitigation's own probe."""
        answered = await self._probe()
        if answered.code not in (DONE, NOT_DONE):
            return Finding("cannot tell", answered.reason)
        done = answered.code == self._wanted
        return Finding("done" if done else "not done", answered.reason)

    async def perform(self, report: Report) -> None:
        """Run it to its end, line by line; an exit code other than 0 is a failure."""
        report(self.params["line"])
        finished = await self._run("line", report)
        if finished.code:
            raise ActionError(
                f"`{self.params['line']}` failed: {finished.reason}", {"exit": str(finished.code)}
            )

    async def verify(self) -> Proof:
        """The probe must agree."""
        found = await self.probe()
        if found.found != "done":
            said = "it is not" if found.found == "not done" else "nobody can tell whether it is"
            raise ActionError(f"it ended as if it were done, but by the probe {said}: {found.words}")
        return Proof(f"done, says the probe: {found.words}")

    async def _probe(self) -> Finished:
        """A probe that cannot be run, or takes too long, cannot tell."""
        try:
            return await self._run("probe", None)
        except ProgramError as error:
            return Finished(code=2, out="", err=str(error))

    async def _run(self, which: str, report: Report | None) -> Finished:
        return await self.world.programs.run(
            shlex.split(self.params[which]),
            cwd=Path(self.params["path"]),
            limit_s=float(self.params["limit"]),
            on_line=report.line if report else None,
        )


class UndoMitigation(Mitigate):
    """Run the command that takes it back."""

    _wanted: ClassVar[int] = NOT_DONE

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The commands as they will be run, and where."""
        name = inputs.options[NAME]
        mitigation = world.environment.mitigations[name]
        if mitigation.undo is None:
            raise ActionError(f"{mitigation.title} cannot be taken back: the strategy names no `undo`")
        return _preview(name, world, mitigation.undo, "undo")

    async def verify(self) -> Proof:
        """The probe must say that it is not done any more."""
        found = await self.probe()
        if found.found != "done":
            raise ActionError(f"it ended as if it were taken back, but the probe says: {found.words}")
        return Proof(f"taken back, says the probe: {found.words}")


def _preview(name: str, world: World, argv: list[str], what: str) -> Preview:
    mitigation = world.environment.mitigations[name]
    line, probe = shlex.join(argv), shlex.join(mitigation.probe)
    words = f"{'undo ' if what == 'undo' else ''}{mitigation.title}: at most {mitigation.limit:g} s"
    return Preview(
        words=words,
        effects=(line, f"{probe}  # the probe"),
        params={
            "name": name,
            "line": line,
            "probe": probe,
            "path": str(world.base),
            "limit": f"{mitigation.limit:g}",
        },
    )
