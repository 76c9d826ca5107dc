"""Run command: a check of the strategy, run in the worktree of the release it is about."""

import shlex
from pathlib import Path

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from console.targets.process import Finished, ProgramError


class RunCommand(Action):
    """Run one named command; its exit code decides, its output is kept."""

    repeatable = True

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """The command as it will be run, and where."""
        name = inputs.options["command"]
        command = world.environment.commands[name]
        argv = (word.replace("{service_url}", world.environment.service.url) for word in command.argv)
        line = shlex.join(argv)
        path = str(world.worktree(inputs.code.branch))
        return Preview(
            words=f"{command.title}: {'a gate' if command.gate else 'advisory'}, at most {command.limit:g} s",
            effects=(line,),
            params={
                "title": command.title,
                "line": line,
                "path": path,
                "limit": f"{command.limit:g}",
                "gate": "yes" if command.gate else "no",
            },
        )

    _finished: Finished | None = None
    _unended: str | None = None
    """Why an advisory command has no exit code."""

    @property
    def _gate(self) -> bool:
        return self.params["gate"] == "yes"

    async def probe(self) -> Finding:
        """A check changes nothing, so a repeat is always right."""
        return Finding("not done", "a check leaves nothing that could be half done")

    async def perform(self, report: Report) -> None:
        """Run it to its end, line by line."""
        lines = 0

        def on_line(text: str) -> None:
            nonlocal lines
            lines += 1
            report.line(text)
            report(text, done=lines, unit="lines")

        report(self.params["line"])
        try:
            self._finished = await self.world.programs.run(
                shlex.split(self.params["line"]),
                cwd=Path(self.params["path"]),
                limit_s=float(self.params["limit"]),
                on_line=on_line,
            )
        except ProgramError as error:
            if self._gate:
                raise
            self._unended = str(error)

    async def verify(self) -> Proof:
        """Exit code 0, or the last thing it said; an advisory check is told and does not stop the run."""
        title, finished = self.params["title"], self._finished
        if self._unended is not None:
            return Proof(f"advisory, failed: {self._unended}")
        if finished is None:
            raise ActionError(f"{title} was not run to its end: retry")
        facts = {"exit": str(finished.code)}
        if finished.code and self._gate:
            raise ActionError(f"{title} failed: {finished.reason}", facts)
        if finished.code:
            return Proof(f"advisory, failed: {finished.reason}", facts)
        return Proof(f"passed: {finished.reason}", facts)
