"""Which watcher a source gets."""

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
from msgspec import Struct

from console.core.clock import Clock
from console.core.measures import Scraped
from console.core.strategy import Service
from console.core.watched import (
    AnySource,
    Cached,
    Connect,
    Containers,
    Host,
    Measure,
    Probe,
    Program,
    Prometheus,
    Scrape,
)
from console.engine.watchers.page import ScrapeWatcher
from console.engine.watchers.probe import ProbeWatcher
from console.engine.watchers.readings import Looks, ReadingsWatcher, keys
from console.engine.watchers.watcher import Watcher
from console.targets.docker.engine import Docker
from console.targets.process import Programs
from console.targets.shell import HostShell
from console.targets.watch.command import CommandStats
from console.targets.watch.docker import ContainerStats
from console.targets.watch.host import HostStats
from console.targets.watch.postgres import DatabaseStats
from console.targets.watch.prometheus import PrometheusServer
from console.targets.watch.redis import CacheStats


class Means(Struct, frozen=True):
    """What watchers ask with."""

    client: httpx.AsyncClient
    secret: Callable[[str], str]
    """Resolves a reference to a secret."""
    clock: Clock
    programs: Programs
    folder: Path
    """What paths in the strategy are relative to."""
    redact: Callable[[str], str]
    """Takes secrets out of what is told."""


def watcher(source: AnySource, service: Service, measures: Sequence[Measure], means: Means) -> Watcher:
    """What watches a source for these measures of it."""
    match source:
        case Scrape():
            scraped = [measure for measure in measures if isinstance(measure, Scraped)]
            return ScrapeWatcher(source, scraped, means.client, means.clock)
        case Probe():
            return ProbeWatcher(source, service, means.client, means.clock)
        case Connect():
            return _readings(source, _database(source, measures, means), means)
        case Prometheus():
            asked = keys(measures, source.kind)
            return _readings(source, PrometheusServer(source, asked, means.secret, means.client), means)
        case Cached():
            return _readings(source, _cache(source, means), means)
        case Containers():
            return _readings(source, ContainerStats(Docker(), source.names, limit_s=source.limit), means)
        case Host():
            return _readings(source, HostStats(means.folder / source.disk, limit_s=source.limit), means)
        case Program():
            return _readings(source, _command(source, measures, means), means)


def _readings(source: AnySource, target: Looks, means: Means) -> Watcher:
    return ReadingsWatcher(source, target, means.clock)


def _database(source: Connect, measures: Sequence[Measure], means: Means) -> Looks:
    asked = keys(measures, source.kind)
    return DatabaseStats(lambda: means.secret(source.dsn), asked, limit_s=source.limit)


def _cache(source: Cached, means: Means) -> Looks:
    here = HostShell(means.programs)
    return CacheStats(lambda: means.secret(source.url), here, means.clock, limit_s=source.limit)


def _command(source: Program, measures: Sequence[Measure], means: Means) -> Looks:
    return CommandStats(
        source.argv,
        means.programs,
        means.folder,
        means.redact,
        limit_s=source.limit,
        numeric="number" in keys(measures, source.kind),
    )
