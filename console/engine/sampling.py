"""The sampler: asks every source in its own rhythm, and says once a tick where all metrics stand."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct

from console.core.clock import Stamp
from console.core.events import ReleaseSeen, RungChanged
from console.core.freshness import gaps, tick_s
from console.core.measures import NOTHING, Measured, UnwatchableError
from console.core.metrics import Reading, Row, Rung
from console.core.rules import Ladder, Standing
from console.core.state import RungState
from console.core.strategy import Environment
from console.core.watched import Measure, Metric
from console.engine.watchers import Means, ProbeWatcher, Reader, Watcher, watcher


class Firing(Struct, frozen=True):
    """A metric that demands a rollback."""

    metric: str
    rule: str
    """The rule's own words."""
    onset: Stamp
    """When that which the mandatory rule speaks of began."""


class Tick(Struct, frozen=True):
    """All that one moment says."""

    row: Row
    standings: Mapping[str, Standing]
    changes: tuple[RungChanged, ...]
    """Where a metric has moved since the tick before, or since the journal was written last."""
    mandatory: tuple[Firing, ...]
    """The metrics on a mandatory or automatic rung, earliest onset first."""
    running: ReleaseSeen | None
    """What the service said last that it runs."""
    trouble: Mapping[str, str]
    """Sources whose last question brought no good answer, and why, in a line each."""


class Sampler:
    """The watch on one environment.

    Each source has a task of its own: it is never asked twice at once, and one that hangs delays nobody.
    What is kept is bounded by the longest window of the strategy.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        means: Means,
        flags: Callable[[], AbstractSet[str]],
        told: Mapping[str, RungState],
    ) -> None:
        """`flags` says which declared triggers are raised, `told` is where the journal says metrics stand.

        Raises UnwatchableError when a metric cannot be taken from its source.
        """
        self._metrics = environment.metrics
        self._clock = means.clock
        self._flags = flags
        self._watchers = {
            name: watcher(source, environment.service, list(_measures(environment, name)), means)
            for name, source in environment.sources.items()
        }
        self._readers = {
            name: _reader(name, metric.measure, self._watchers)
            for name, metric in environment.metrics.items()
            if metric.measure
        }
        self._ladder = Ladder(environment.metrics, gaps(environment), environment.settle)
        self._measured: dict[str, Measured] = {}
        self._told = {name: _initial(metric, told.get(name)) for name, metric in environment.metrics.items()}
        self.tick_s = tick_s(environment)

    async def ticks(self) -> AsyncGenerator[Tick, None]:
        """Ask all sources, and tell once a tick, until the iterator is closed or its task cancelled."""
        watching = [asyncio.create_task(self._watch(each)) for each in self._watchers.values()]
        try:
            while True:
                began = self._clock.now()
                for task in watching:
                    if task.done():
                        task.result()  # it ends only by a fault of ours, which must not pass for silence
                yield self.sample()
                await self._rest(began, self.tick_s)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    def sample(self) -> Tick:
        """Where everything stands now, from what the sources have answered so far."""
        at = self._clock.now()
        self._measured = {name: self._take(name, reader) for name, reader in self._readers.items()}
        standings = self._ladder.observe(self._measured, self._flags(), at)
        return Tick(
            row=Row(at, tuple(self._reading(name, standing) for name, standing in standings.items())),
            standings=standings,
            changes=tuple(self._changes(standings)),
            mandatory=tuple(sorted(_firing(standings), key=lambda firing: firing.onset.boot_us)),
            running=self._running(),
            trouble={name: each.trouble for name, each in self._watchers.items() if each.trouble},
        )

    def _running(self) -> ReleaseSeen | None:
        told = (each.told for each in self._watchers.values() if isinstance(each, ProbeWatcher))
        return next((release for release in told if release is not None), None)

    async def _watch(self, each: Watcher) -> None:
        while True:
            began = self._clock.now()
            await each.ask()
            await self._rest(began, each.every_s)

    async def _rest(self, began: Stamp, every_s: float) -> None:
        """Sleep until `every_s` after `began`; at least let others run."""
        await self._clock.sleep(max(0.0, every_s - self._clock.now().seconds_since(began)))

    def _take(self, name: str, reader: Reader) -> Measured:
        """The newest value; when it was taken last, and what has failed so far, is not forgotten."""
        before, new = self._measured.get(name, NOTHING), reader()
        return Measured(new.value, new.count, new.at or before.at, max(new.failed, before.failed))

    def _reading(self, name: str, standing: Standing) -> Reading:
        measured = self._measured.get(name, NOTHING)
        return Reading(
            metric=name,
            value=measured.value,
            count=measured.count,
            measured=measured.at,
            rung=standing.rung,
            failed=measured.failed,
            arms=standing.arms,
            arms_in_s=standing.arms_in_s,
        )

    def _changes(self, standings: Mapping[str, Standing]) -> Iterator[RungChanged]:
        for name, standing in standings.items():
            measured, before = self._measured.get(name, NOTHING), self._told[name]
            # An engine that has just started and has seen nothing yet has no news.
            unseen = standing.rung is Rung.WAITING and measured.at is None
            if standing.rung is before or unseen:
                continue
            self._told[name] = standing.rung
            metric = self._metrics[name]
            yield RungChanged(
                metric=name,
                title=metric.title,
                before=before,
                after=standing.rung,
                value=measured.value,
                count=measured.count,
                unit=metric.unit,
                rule=standing.rule,
            )


def _measures(environment: Environment, source: str) -> Iterator[Measure]:
    """All measures that are taken from a source."""
    for metric in environment.metrics.values():
        if metric.measure and metric.measure.source == source:
            yield metric.measure


def _reader(name: str, measure: Measure, watchers: Mapping[str, Watcher]) -> Reader:
    if measure.source not in watchers:
        raise UnwatchableError(f"metric `{name}` names the source `{measure.source}`, which does not exist")
    try:
        return watchers[measure.source].reader(measure)
    except UnwatchableError as error:
        raise UnwatchableError(f"metric `{name}`: {error}") from None


def _initial(metric: Metric, told: RungState | None) -> Rung:
    """Where a metric stood before the first tick."""
    if told:
        return told.rung
    return Rung.WAITING if metric.measure else Rung.NO_SOURCE


def _firing(standings: Mapping[str, Standing]) -> Iterator[Firing]:
    for name, standing in standings.items():
        if standing.rung.says_roll_back and standing.onset:
            yield Firing(name, standing.rule, standing.onset)
