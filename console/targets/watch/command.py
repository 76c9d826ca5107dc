"""A command of the strategy's own that tells how something is: by its exit code, or by a number."""

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from console.core.naming import quoted
from console.targets.process import Finished, ProgramError, Programs
from console.targets.source import Answered, CannotAskError, SourceError

_NOT_STARTED = {126, 127}
_STARTER = "setpriv: "
"""How what starts the command begins to say that it could not."""
_MAX_SAID = 200
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


class CommandStats:
    """One command, run from the strategy's folder: what it is asked is in its own words."""

    def __init__(
        self,
        argv: Sequence[str],
        programs: Programs,
        folder: Path,
        redact: Callable[[str], str],
        *,
        limit_s: float,
        numeric: bool,
    ) -> None:
        """`numeric` says that it is asked for a number, so that none is a failure; `redact` keeps secrets
        out of what it said last, which is told when it fails.
        """
        self._argv = argv
        self._programs = programs
        self._folder = folder
        self._redact = redact
        self._limit_s = limit_s
        self._numeric = numeric

    async def look(self) -> Answered:
        """`exit`, and `number` where the last line is one.

        A failure when it fails, or says no number though one is wanted. SourceError when it is still there at
        the limit (it is ended then, with all that it has started), CannotAskError when it cannot be started.
        """
        done = await self._run()
        if done.code in _NOT_STARTED and done.err.startswith(_STARTER):
            raise CannotAskError(f"{self._words} cannot be run: {done.reason.removeprefix(_STARTER)}")
        if done.code:
            words = f"{self._words} ended with exit code {done.code}: {self._said(done.reason)}"
            return Answered({"exit": 1.0}, words)
        last = (done.out.strip().splitlines() or [""])[-1].strip()
        number = _number(last)
        if number is not None:
            return Answered({"exit": 0.0, "number": number})
        words = f"{self._words}: the last line that it printed is no number: {self._said(last)}"
        return Answered({"exit": 0.0}, words if self._numeric else "")

    @property
    def _words(self) -> str:
        return quoted(self._argv[0])

    def _said(self, text: str) -> str:
        """A line of its output, without what we know to be secret, and not without end."""
        return self._redact(text)[:_MAX_SAID] or "it is empty"

    async def _run(self) -> Finished:
        """How it ended, within its limit."""
        try:
            return await self._programs.run(self._argv, limit_s=self._limit_s, cwd=self._folder)
        except ProgramError as error:
            kind = CannotAskError if isinstance(error.__cause__, OSError) else SourceError
            raise kind(str(error)) from None


def _number(line: str) -> float | None:
    """The number that a line is, and nothing else; None for any other line."""
    value = float(line) if _NUMBER.fullmatch(line) else math.nan
    return value if math.isfinite(value) else None
