"""The sources of an environment while they are being asked: each remembers what its measures need."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import httpx

from console.core.clock import Clock
from console.core.counters import Page
from console.core.errors import StatedError
from console.core.events import ReleaseSeen
from console.core.measures import (
    NOTHING,
    Measured,
    Scraped,
    Tally,
    UnwatchableError,
    from_page,
    names,
    new_history,
)
from console.core.strategy import Service
from console.core.watched import AnySource, Connect, FailuresInARow, Measure, Probe, Scrape, Unavailable
from console.targets.health import HealthProbe
from console.targets.postgres.answers import answers
from console.targets.scrape import scrape
from console.targets.source import CannotAskError, SourceError

Reader = Callable[[], Measured]


class Watcher(ABC):
    """One source: asked again and again, and read in between."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.trouble = ""
        """Why the last question brought no answer, in one line; empty when it did."""

    @abstractmethod
    async def ask(self) -> None:
        """Ask once, within the source's limit; trouble is kept, not raised."""

    @abstractmethod
    def reader(self, measure: Measure) -> Reader:
        """What tells a measure's value from the answers so far; UnwatchableError for a measure of another
        kind of source.
        """


class ScrapeWatcher(Watcher):
    """A page of metrics, and the history of its counters."""

    def __init__(
        self, source: Scrape, measures: Sequence[Scraped], client: httpx.AsyncClient, clock: Clock
    ) -> None:
        super().__init__(source.every)
        self._source = source
        self._names = names(measures)
        self._history = new_history(measures)
        self._client = client
        self._clock = clock
        self._page: Page | None = None

    async def ask(self) -> None:
        """Fetch the page; without one, nothing is known until the next."""
        try:
            page = await scrape(self._client, self._source.url, self._source.limit, self._clock)
        except SourceError as error:
            self._page, self.trouble = None, str(error)
            return
        self._page, self.trouble = page.only(self._names), ""
        self._history.add(self._page)

    def reader(self, measure: Measure) -> Reader:
        """From the newest page, where the last question brought one."""
        if isinstance(measure, FailuresInARow | Unavailable):
            raise UnwatchableError(f"a page of metrics has no measure `{measure.kind}`")
        return lambda: from_page(measure, self._page, self._history)


class ProbeWatcher(Watcher):
    """A health endpoint: no answer is a failure, and known."""

    def __init__(self, source: Probe, service: Service, client: httpx.AsyncClient, clock: Clock) -> None:
        super().__init__(source.every)
        tells = source.url == service.health
        self._probe = HealthProbe(
            client,
            clock,
            source.url,
            limit_s=source.limit,
            status=source.status,
            body=source.body,
            version=service.version if tells else None,
            commit=service.commit if tells else None,
        )
        self.told: ReleaseSeen | None = None
        """What the service said last that it runs; None where it never said, or is not asked for it here."""
        self._tally = Tally()

    async def ask(self) -> None:
        """Probe once."""
        health = await self._probe.ask()
        self._tally.add(health.at, good=health.ok)
        if health.version is not None:
            self.told = ReleaseSeen(health.version, health.commit)
        self.trouble = "" if health.ok else health.words

    def reader(self, measure: Measure) -> Reader:
        """Failures in a row, up to the last probe."""
        if not isinstance(measure, FailuresInARow):
            raise UnwatchableError(f"a health probe has no measure `{measure.kind}`")
        return self._tally.failures_in_a_row


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


def watcher(
    source: AnySource,
    service: Service,
    measures: Sequence[Measure],
    client: httpx.AsyncClient,
    secret: Callable[[str], str],
    clock: Clock,
) -> Watcher:
    """What watches a source for these measures of it."""
    match source:
        case Scrape():
            return ScrapeWatcher(source, [m for m in measures if isinstance(m, Scraped)], client, clock)
        case Probe():
            return ProbeWatcher(source, service, client, clock)
        case Connect():
            return ConnectWatcher(source, secret, clock)
