"""A source that is asked for numbers by name, and may know some of them and not the others."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from console.core.clock import Clock, Stamp
from console.core.measures import NOTHING, Measured, Tally, UnwatchableError
from console.core.stats import count_of
from console.core.watched import Alert, AnySource, FailuresInARow, Measure, Query, Stat, Unavailable
from console.engine.watchers.watcher import Reader, Watcher
from console.targets.source import Answered, CannotAskError, SourceError

Named = Stat | Query | Alert
"""The measures that are numbers with a name."""


class Looks(Protocol):
    """Asks a target once."""

    async def look(self) -> Answered:
        """What is known now: each number by the name that `key` gives its measure.

        SourceError when the target gives no usable answer, CannotAskError when we cannot put the question.
        Ends by itself within the source's limit.
        """
        ...


def key(measure: Named) -> str:
    """By which name a look brings the number of a measure: that of the stat, the question, `alert NAME`."""
    match measure:
        case Stat():
            return measure.stat
        case Query():
            return measure.query
        case Alert():
            return f"alert {measure.alert}"


def keys(measures: Sequence[Measure], kind: str) -> frozenset[str]:
    """All names that these measures need of a source of that kind, those of their counts among them."""
    named = [measure for measure in measures if isinstance(measure, Named)]
    counts = {count for each in named if (count := count_of(each, kind))}
    return frozenset({*map(key, named), *counts})


def read(measure: Named, kind: str, found: Mapping[str, float], at: Stamp | None) -> Measured:
    """What a look at a source of that kind says of a measure; nothing where its number, or that of its count,
    is not there.

    A share of nothing is no number (0 / 0), and known to be one: its count is 0.
    """
    value = found.get(key(measure))
    counted = count_of(measure, kind)
    if counted is None:
        return NOTHING if value is None else Measured(value, None, at)
    count = found.get(counted)
    if count is None or (value is None and round(count) > 0):
        return NOTHING
    return Measured(value, round(count), at)


class ReadingsWatcher(Watcher):
    """Asks, and remembers the newest answer; without one nothing is known until the next."""

    def __init__(self, source: AnySource, target: Looks, clock: Clock) -> None:
        super().__init__(source.every)
        self._kind = source.kind
        self._target = target
        self._clock = clock
        self._tally = Tally()
        self._asked = False
        self._answered = Answered()
        self._at: Stamp | None = None

    async def ask(self) -> None:
        """Look once; what was found before stands until there is an answer, or none."""
        try:
            self._keep(await self._target.look())
        except CannotAskError as error:
            self._asked = False
            self._keep(Answered(failure=str(error)))
            return
        except SourceError as error:
            self._keep(Answered(failure=str(error)))
        self._asked, self._at = True, self._clock.now()
        self._tally.add(self._at, good=not self._answered.failure)

    def _keep(self, answered: Answered) -> None:
        self._answered = answered
        self.trouble, self.troubles = answered.trouble, answered.troubles

    def reader(self, measure: Measure) -> Reader:
        """The number of that name, or whether the last looks were answered."""
        match measure:
            case Stat() | Query() | Alert():
                return lambda: read(measure, self._kind, self._answered.numbers, self._at)
            case Unavailable():
                return lambda: self._tally.unavailable() if self._asked else NOTHING
            case FailuresInARow():
                return lambda: self._tally.failures_in_a_row() if self._asked else NOTHING
            case _:
                raise UnwatchableError(f"such a source has no measure `{measure.kind}`")
