"""A health endpoint that is probed again and again."""

from collections.abc import Iterator, Mapping

import httpx

from console.core.clock import Clock, Stamp
from console.core.events import ReleaseSeen
from console.core.measures import Tally, UnwatchableError
from console.core.strategy import Service
from console.core.watched import FailuresInARow, Measure, Probe, Stat
from console.engine.watchers.readings import read
from console.engine.watchers.watcher import Reader, Watcher
from console.targets.health import Health, HealthProbe


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
        )
        self.told: ReleaseSeen | None = None
        """What the service said last that it runs; None where it never said, or is not asked for it here."""
        self._tally = Tally()
        self._found: Mapping[str, float] = {}
        self._at: Stamp | None = None

    async def ask(self) -> None:
        """Probe once."""
        health = await self._probe.ask()
        self._tally.add(health.at, good=health.ok)
        self._found, self._at = dict(_stats(health)), health.at
        if health.version is not None:
            self.told = ReleaseSeen(health.version, health.commit)
        self.trouble = "" if health.ok else health.words

    def reader(self, measure: Measure) -> Reader:
        """Failures in a row, up to the last probe; or a number that the last answer brought."""
        match measure:
            case FailuresInARow():
                return self._tally.failures_in_a_row
            case Stat():
                return lambda: read(measure, self._kind, self._found, self._at)
            case _:
                raise UnwatchableError(f"a health probe has no measure `{measure.kind}`")


def _stats(health: Health) -> Iterator[tuple[str, float]]:
    """What an answer tells beside what it says (core.stats)."""
    if health.took_s is not None:
        yield "latency", health.took_s
    if health.certified_until is not None:
        yield "tls_days", (health.certified_until - health.at.utc_us / 1e6) / 86_400
