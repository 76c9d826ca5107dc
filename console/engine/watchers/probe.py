"""A health endpoint that is probed again and again."""

import asyncio
from collections.abc import Iterator, Mapping

import httpx

from console.core.clock import Clock, Stamp
from console.core.events import ReleaseSeen
from console.core.health_verdict import HealthRule
from console.core.instances import prevailing
from console.core.measures import Tally, UnwatchableError
from console.core.strategy import Service
from console.core.watched import FailuresInARow, Measure, Probe, Stat
from console.engine.watchers.readings import read
from console.engine.watchers.watcher import Reader, Watcher
from console.targets.fleet import asking
from console.targets.health import Asking, Health, HealthProbe


class ProbeWatcher(Watcher):
    """A health endpoint: no answer is a failure, and known."""

    def __init__(self, source: Probe, service: Service, client: httpx.AsyncClient, clock: Clock) -> None:
        super().__init__(source.every)
        self._kind = source.kind
        self.tells = source.url == service.health
        """Whether this is where the service says what it runs."""
        self.fields = (service.version, service.commit)
        """Where in the answer: version, and commit if it is told."""
        self._probe = HealthProbe(
            client,
            clock,
            source.url,
            limit_s=source.limit,
            status=source.status,
            body=source.body,
            version=service.version if self.tells else None,
            commit=service.commit if self.tells else None,
            components=service.components if self.tells else None,
        )
        self._fleet = _fleet(source, service, client, clock) if self.tells and service.instances else None
        self._instances = tuple(service.instances)
        self._told_by: dict[str, Health] = {}
        """What each of several instances said when it last told a version."""
        self.told: ReleaseSeen | None = None
        """What the service said last that it runs; None where it never said, or is not asked for it here."""
        self._tally = Tally()
        self._found: Mapping[str, float] = {}
        self._at: Stamp | None = None

    async def ask(self) -> None:
        """Probe once; where there are several instances, each of them beside what users are answered."""
        health, told = await asyncio.gather(self._probe.ask(), self._ask_each())
        self._tally.add(health.at, good=health.ok)
        self._found, self._at = dict(_stats(health)), health.at
        if told is not None:
            self._hear(told)
        elif health.version is not None:
            self.told = ReleaseSeen(health.version, health.commit)
        self.trouble = next((one.words for one in (health, told) if one is not None and not one.ok), "")

    async def _ask_each(self) -> Health | None:
        return await self._fleet.ask() if self._fleet else None

    def _hear(self, told: Health) -> None:
        """What the instances run; of one that does not say, what it said last."""
        self._told_by |= {name: one for name, one in told.each.items() if one.version is not None}
        known = {name: self._told_by[name] for name in self._instances if name in self._told_by}
        versions = {name: one.version or "" for name, one in known.items()}
        if versions:
            usual = prevailing(versions)
            commit = next(one.commit for one in known.values() if one.version == usual)
            self.told = ReleaseSeen(usual, commit, versions)

    def reader(self, measure: Measure) -> Reader:
        """Failures in a row, up to the last probe; or a number that the last answer brought."""
        match measure:
            case FailuresInARow():
                return self._tally.failures_in_a_row
            case Stat():
                return lambda: read(measure, self._kind, self._found, self._at)
            case _:
                raise UnwatchableError(f"a health probe has no measure `{measure.kind}`")


def _fleet(source: Probe, service: Service, client: httpx.AsyncClient, clock: Clock) -> Asking:
    """Asks each instance for what it runs, by the rule of the source."""
    rule = HealthRule(
        url=source.url,
        status=source.status,
        body=source.body,
        version=service.version,
        commit=service.commit,
        limit_s=source.limit,
        components=service.components,
        instances=service.instances,
    )
    return asking(rule, client, clock)


def _stats(health: Health) -> Iterator[tuple[str, float]]:
    """What an answer tells beside what it says (core.stats)."""
    if health.took_s is not None:
        yield "latency", health.took_s
    if health.certified_until is not None:
        yield "tls_days", (health.certified_until - health.at.utc_us / 1e6) / 86_400
