"""A health endpoint that is probed again and again."""

import httpx

from console.core.clock import Clock
from console.core.events import ReleaseSeen
from console.core.measures import Tally, UnwatchableError
from console.core.strategy import Service
from console.core.watched import FailuresInARow, Measure, Probe
from console.engine.watchers.watcher import Reader, Watcher
from console.targets.health import HealthProbe


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
