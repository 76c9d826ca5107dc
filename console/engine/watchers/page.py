"""A page of metrics that is scraped again and again."""

from collections.abc import Sequence

import httpx

from console.core.clock import Clock
from console.core.counters import Page
from console.core.measures import Scraped, UnwatchableError, from_page, names, new_history
from console.core.watched import Measure, Scrape
from console.engine.watchers.watcher import Reader, Watcher
from console.targets.scrape import Known, scrape
from console.targets.source import SourceError


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
        self._known = Known()

    async def ask(self) -> None:
        """Fetch the page; without one, nothing is known until the next."""
        try:
            page = await scrape(self._client, self._source.url, self._source.limit, self._clock, self._known)
        except SourceError as error:
            self._page, self.trouble = None, str(error)
            return
        self._page, self.trouble = page.only(self._names), ""
        self._history.add(self._page)

    def reader(self, measure: Measure) -> Reader:
        """From the newest page, where the last question brought one."""
        if not isinstance(measure, Scraped):
            raise UnwatchableError(f"a page of metrics has no measure `{measure.kind}`")
        return lambda: from_page(measure, self._page, self._history)
