"""A database that is asked again and again."""

from collections.abc import Callable

from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.measures import NOTHING, Tally, UnwatchableError
from console.core.watched import Connect, Measure, Unavailable
from console.engine.watchers.watcher import Reader, Watcher
from console.targets.postgres.answers import answers
from console.targets.source import CannotAskError, SourceError


class ConnectWatcher(Watcher):
    """A database: no answer means that it is unavailable, unless it is we who cannot ask."""

    def __init__(self, source: Connect, secret: Callable[[str], str], clock: Clock) -> None:
        super().__init__(source.every)
        self._source = source
        self._secret = secret
        self._clock = clock
        self._tally = Tally()
        self._asked = False

    async def ask(self) -> None:
        """Connect once, with the secret as it is now: it may have been rotated."""
        self._asked, self.trouble = True, ""
        try:
            await answers(self._dsn(), self._source.limit)
        except CannotAskError as error:
            self._asked, self.trouble = False, str(error)
            return
        except SourceError as error:
            self.trouble = str(error)
        self._tally.add(self._clock.now(), good=not self.trouble)

    def _dsn(self) -> str:
        try:
            return self._secret(self._source.dsn)
        except StatedError as error:
            raise CannotAskError(str(error)) from None

    def reader(self, measure: Measure) -> Reader:
        """Whether the last connection failed."""
        if not isinstance(measure, Unavailable):
            raise UnwatchableError(f"a database has no measure `{measure.kind}`")
        return lambda: self._tally.unavailable() if self._asked else NOTHING
