"""Which watcher a source gets."""

from collections.abc import Callable, Sequence

import httpx
from msgspec import Struct

from console.core.clock import Clock
from console.core.measures import Scraped, UnwatchableError
from console.core.strategy import Service
from console.core.watched import AnySource, Connect, Measure, Probe, Scrape
from console.engine.watchers.connect import ConnectWatcher
from console.engine.watchers.page import ScrapeWatcher
from console.engine.watchers.probe import ProbeWatcher
from console.engine.watchers.watcher import Watcher
from console.targets.process import Programs


class Means(Struct, frozen=True):
    """What watchers ask with."""

    client: httpx.AsyncClient
    secret: Callable[[str], str]
    """Resolves a reference to a secret."""
    clock: Clock
    programs: Programs


def watcher(source: AnySource, service: Service, measures: Sequence[Measure], means: Means) -> Watcher:
    """What watches a source for these measures of it; UnwatchableError where nothing can."""
    match source:
        case Scrape():
            scraped = [measure for measure in measures if isinstance(measure, Scraped)]
            return ScrapeWatcher(source, scraped, means.client, means.clock)
        case Probe():
            return ProbeWatcher(source, service, means.client, means.clock)
        case Connect():
            return ConnectWatcher(source, measures, means.secret, means.clock)
        case _:
            raise UnwatchableError(f"a source of kind `{source.kind}` cannot be watched yet")
