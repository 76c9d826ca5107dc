"""The board: what the engine is doing this second, for every console to see; not kept."""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from console.core.clock import Clock, Stamp
from console.core.events import Body
from console.core.format import plain
from console.core.live import Impact, Live, Progress
from console.core.metrics import Rung
from console.core.state import RungState
from console.engine import crash
from console.store.output import OutputFile

SHOWN_LINES = 8
"""How many of the last lines of output a console gets to see at once."""
QUIET_S = 0.1
"""Progress that comes faster than this is drawn together."""
_MOST = 400
"""Characters of what a step says that are worth keeping."""


def one_line(words: str) -> str:
    """What anybody said, as one line of bounded length that a terminal can only show."""
    line = plain(" ".join(words.split()))
    return line if len(line) <= _MOST else f"{line[: _MOST - 4]} ..."


class Board:
    """Keeps the present `Live` and publishes it when it changes, at most ten times a second."""

    def __init__(self, live: Live, clock: Clock, publish: Callable[[Live], None]) -> None:
        self._live = live
        self._clock = clock
        self._publish = publish

    @property
    def live(self) -> Live:
        """What is shown now."""
        return self._live

    def show(self, **changes: object) -> None:
        """Change what is shown, now."""
        self._live = replace(self._live, beat=self._clock.now(), **changes)
        self._publish(self._live)

    def beat(self, impact: Impact | None, gate: str, trouble: Mapping[str, str], standing: str = "") -> None:
        """Once a tick: still here, this is how bad it is, this cannot be seen or kept, so long it may act."""
        why = {name: one_line(words) for name, words in trouble.items()}
        self.show(impact=impact, gate=gate, trouble=why, standing=standing)

    def step(self, step: str, progress: Progress | None) -> None:
        """How far a step is; None when it has ended."""
        others = {key: value for key, value in self._live.steps.items() if key != step}
        steps = others if progress is None else {**others, step: progress}
        since = self._clock.now().seconds_since(self._live.beat)
        if progress is None or step not in self._live.steps or since >= QUIET_S:
            self.show(steps=steps)
        else:
            self._live = replace(self._live, steps=steps)


class Worsened:
    """Says which metric has got into trouble, or into deeper trouble, since this was made.

    That a target is missed for a moment (recovered to ok) is no trouble. That a metric which says roll back
    goes on to automatic is the same trouble for longer.
    """

    def __init__(self, rungs: Callable[[], Mapping[str, RungState]]) -> None:
        self._rungs = rungs
        self._before = {name: known.rung for name, known in rungs().items()}

    def __call__(self) -> str:
        """`errors went from warn to mandatory`; empty while none has got worse."""
        for name, now in self._rungs().items():
            before = self._before.get(name, Rung.OK)
            if now.rung.is_worse_than(before) and now.rung.is_trouble and not before.says_roll_back:
                return f"{now.title} went from {before} to {now.rung}"
        return ""


class StepReport:
    """What a step under way says, on the board and in its output file (see actions.action.Report)."""

    def __init__(
        self,
        step: str,
        limit_s: float,
        board: Board,
        output: OutputFile,
        clock: Clock,
        *,
        stopping: Callable[[], bool],
        worsened: Callable[[], str],
        redact: Callable[[str], str],
        remember: Callable[[Body], None],
        found: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._step = step
        self._limit_s = limit_s
        self._board = board
        self._output = output
        self._clock = clock
        self._stopping = stopping
        self._worsened = worsened
        self._redact = redact
        self._remember = remember
        self._found = found
        self._since: Stamp = clock.now()
        self._said = Progress(words="starting", since=self._since)
        self._told = 0
        board.step(step, self._said)

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        """Show what is being done, and how far it is."""
        self._heard()
        words = one_line(self._redact(words))
        self._said = Progress(words, self._since, done, total, unit, self._output.tail()[-SHOWN_LINES:])
        self._board.step(self._step, self._said)

    def line(self, text: str) -> None:
        """Keep a line of output, and show it."""
        self._heard()
        self._output.write(self._redact(text) + "\n")
        self._said = replace(self._said, output=self._output.tail()[-SHOWN_LINES:])
        self._board.step(self._step, self._said)

    def remember(self, event: Body) -> None:
        """Commit it, now."""
        self._remember(event)

    def found(self, facts: Mapping[str, str]) -> None:
        """Commit what is about to be replaced, now."""
        self._found(facts)

    @property
    def left_s(self) -> float:
        """Seconds until the step's time limit."""
        return max(0.0, self._limit_s - self._clock.now().seconds_since(self._since))

    @property
    def stopping(self) -> bool:
        """Whether an abort was asked for."""
        return self._stopping()

    @property
    def worsened(self) -> str:
        """Which metric has got worse since the step began; empty while none has."""
        return self._worsened()

    def _heard(self) -> None:
        self._told += 1
        if self._told == 2:
            crash.reached(self._step, "effect.middle")
