"""A database that is asked again and again: whether it answers, and with which numbers."""

from collections.abc import Callable, Mapping, Sequence

from console.core.clock import Clock, Stamp
from console.core.errors import StatedError
from console.core.measures import NOTHING, Tally, UnwatchableError
from console.core.watched import Connect, Measure, Query, Stat, Unavailable
from console.engine.watchers.readings import keys, read
from console.engine.watchers.watcher import Reader, Watcher
from console.targets.postgres.answers import answers
from console.targets.source import CannotAskError, SourceError

STATS = {
    "replication_lag": "SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) FROM pg_stat_replication",
    "checksum_failures": "SELECT sum(checksum_failures) FROM pg_stat_database",
    "connections": "SELECT 100.0 * count(*) / current_setting('max_connections')::int FROM pg_stat_activity"
    " WHERE backend_type = 'client backend'",
}
"""What is asked for each number that a database knows of itself (core.stats)."""


class ConnectWatcher(Watcher):
    """A database: no answer means that it is unavailable, unless it is we who cannot ask."""

    def __init__(
        self, source: Connect, measures: Sequence[Measure], secret: Callable[[str], str], clock: Clock
    ) -> None:
        super().__init__(source.every)
        self._source = source
        self._questions = {name: STATS.get(name, name) for name in sorted(keys(measures, source.kind))}
        self._secret = secret
        self._clock = clock
        self._tally = Tally()
        self._asked = False
        self._found: Mapping[str, float] = {}
        self._at: Stamp | None = None

    async def ask(self) -> None:
        """Connect once, with the secret as it is now: it may have been rotated."""
        self.troubles = {}
        try:
            answered = await answers(self._dsn(), self._source.limit, self._questions)
        except CannotAskError as error:
            self._asked, self._found, self.trouble = False, {}, str(error)
            return
        except SourceError as error:
            self._found, self.trouble = {}, str(error)
            self._tried(good=False)
        else:
            self._found, self.trouble, self.troubles = answered.numbers, answered.trouble, answered.troubles
            self._tried(good=True)

    def _tried(self, *, good: bool) -> None:
        self._asked, self._at = True, self._clock.now()
        self._tally.add(self._at, good=good)

    def _dsn(self) -> str:
        try:
            return self._secret(self._source.dsn)
        except StatedError as error:
            raise CannotAskError(str(error)) from None

    def reader(self, measure: Measure) -> Reader:
        """Whether the last connection failed, or a number that it brought."""
        match measure:
            case Unavailable():
                return lambda: self._tally.unavailable() if self._asked else NOTHING
            case Stat() | Query():
                return lambda: read(measure, self._source.kind, self._found, self._at)
            case _:
                raise UnwatchableError(f"a database has no measure `{measure.kind}`")
