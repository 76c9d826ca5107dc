"""What a Prometheus recorded before this engine looked: fetched once, so that charts begin before it did."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from console.core.clock import Clock, Stamp
from console.core.course import Piece
from console.core.metrics import Rung
from console.core.strategy import Environment
from console.core.watched import Prometheus, Query
from console.store.recollection import Recollection
from console.targets.source import SourceError
from console.targets.watch.prometheus import Point
from console.targets.watch.prometheus_api import RefusedError

BACK_S = 4 * 3600.0
"""As far back as the longest chart."""
STEP_S = 30.0
"""How far apart the points are, at least: 480 of them at most."""

log = structlog.get_logger()


class Recalls(Protocol):
    """A server that knows the past."""

    async def course(
        self, question: str, *, since_s: float, step_s: float, until_s: float = 0.0
    ) -> Sequence[Point]:
        """See targets.watch.prometheus."""
        ...


class Recollector:
    """Asks each Prometheus of the strategy once, when the engine begins; what is not told then never is."""

    def __init__(
        self,
        environment: Environment,
        server: Callable[[Prometheus], Recalls],
        clock: Clock,
        kept: Recollection,
    ) -> None:
        self._environment = environment
        self._server = server
        self._clock = clock
        self._kept = kept

    async def keep(self) -> None:
        """Ask, and keep what was told beside the samples; nothing of it is worth stopping for."""
        told: dict[str, tuple[Piece, ...]] = {}
        for source in self._environment.sources.values():
            if isinstance(source, Prometheus):
                told |= await self._ask(source)
        try:
            self._kept.write(told)
        except OSError as error:
            log.warning("recollection.not_kept", path=str(error.filename), why=error.strerror)

    async def _ask(self, source: Prometheus) -> Mapping[str, tuple[Piece, ...]]:
        """All that is asked of one server; the rest is left when it does not answer."""
        server, step_s = self._server(source), max(STEP_S, source.every)
        told: dict[str, tuple[Piece, ...]] = {}
        for name, question in self._questions(source):
            try:
                points = await server.course(question, since_s=BACK_S, step_s=step_s)
            except RefusedError as error:
                log.warning("recollection.refused", metric=name, why=str(error))
            except SourceError as error:
                log.warning("recollection.no_answer", metric=name, why=str(error))
                return told
            else:
                told[name] = tuple(pieces(points, self._clock.now(), step_s))
        return told

    def _questions(self, source: Prometheus) -> Iterator[tuple[str, str]]:
        for name, metric in self._environment.metrics.items():
            measure = metric.measure
            if isinstance(measure, Query) and self._environment.sources[measure.source] is source:
                yield name, measure.query


def pieces(points: Sequence[Point], now: Stamp, step_s: float) -> Iterator[Piece]:
    """Each point until the next, where that follows in its turn; after a hole there is one."""
    ends = (*(point.age_s for point in points[1:]), 0.0)
    for point, end_s in zip(points, ends, strict=False):
        until_s = end_s if point.age_s - end_s <= 1.5 * step_s else point.age_s
        yield Piece(
            since=now.before(point.age_s),
            until=now.before(until_s),
            low=point.value,
            high=point.value,
            rung=Rung.NO_SOURCE,
            told=True,
        )
