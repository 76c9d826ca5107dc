"""A Prometheus server that is asked again and again."""

from collections.abc import Callable, Sequence

import httpx

from console.core.clock import Clock
from console.core.watched import Measure, Prometheus
from console.engine.watchers.readings import ReadingsWatcher, keys
from console.targets.watch.prometheus import PrometheusServer


class PrometheusWatcher(ReadingsWatcher):
    """A server that can answer one question and not another: what it answers counts, the rest is told."""

    def __init__(
        self,
        source: Prometheus,
        measures: Sequence[Measure],
        secret: Callable[[str], str],
        client: httpx.AsyncClient,
        clock: Clock,
    ) -> None:
        self._server = PrometheusServer(source, keys(measures, source.kind), secret, client)
        super().__init__(source, self._server, clock)

    async def ask(self) -> None:
        """Put all questions once."""
        await super().ask()
        self.trouble, self.troubles = self.trouble or self._server.trouble, self._server.troubles
