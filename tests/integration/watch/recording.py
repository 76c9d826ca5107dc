"""The watch with its journal, as an engine has them: a sampler and a lookout, and nobody who acts."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from tests.integration.watch.unattended import Unattended

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Event
from console.core.impact import ImpactTracker
from console.core.metrics import Rung
from console.core.paging import every_event
from console.core.strategy import Environment
from console.engine.book import Book
from console.engine.lookout import Lookout
from console.engine.sampling import Sampler, Tick
from console.engine.watchers import Means
from console.store.journal import SqliteWriter
from console.store.layout import Layout
from console.store.samples import SampleWriter

LIMIT_S = 30.0
"""How long a test waits for what must happen."""


class Recording:
    """Watches an environment as long as it is entered; `ticks` are all that was seen."""

    def __init__(self, watched: Environment, folder: Path, means: Means) -> None:
        self._watched = watched
        self._layout = Layout(folder)
        self._means = means
        self.ticks: list[Tick] = []
        self._ticked = asyncio.Condition()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._writer = SqliteWriter(self._layout, "testnet")
        self._stack.callback(self._writer.close)
        samples = SampleWriter(self._layout.samples)
        self._stack.callback(samples.close)
        clock = self._means.clock
        self.book = Book(self._writer, "testnet", clock, lambda _: None)
        watch = Sampler(self._watched, means=self._means, flags=frozenset[str], told={})
        self.unattended = Unattended(self._watched, self.book, clock)
        look = Lookout(self.book, clock, ImpactTracker(self._watched), samples, recorded=lambda _: ())
        task = asyncio.create_task(self._watch(watch, look))
        self._stack.push_async_callback(_ended, task)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _watch(self, watch: Sampler, look: Lookout) -> None:
        ticks = watch.ticks()
        try:
            async for tick in ticks:
                look.take(tick)
                self.unattended.take(tick)
                async with self._ticked:
                    self.ticks.append(tick)
                    self._ticked.notify_all()
        finally:
            await ticks.aclose()

    async def until(self, wanted: Callable[[Tick], bool], what: str, limit_s: float = LIMIT_S) -> Tick:
        """The first tick from now on that is as wanted; fails with `what` and the last one when none is."""
        seen = len(self.ticks)
        try:
            async with asyncio.timeout(limit_s), self._ticked:
                while True:
                    for tick in self.ticks[seen:]:
                        if wanted(tick):
                            return tick
                    seen = len(self.ticks)
                    await self._ticked.wait()
        except TimeoutError:
            last = self.ticks[-1] if self.ticks else None
            raise AssertionError(f"{what}: {last}") from None

    async def stands(self, metric: str, *rungs: Rung, limit_s: float = LIMIT_S) -> Tick:
        """The first tick from now on with the metric on one of these rungs."""
        what = f"{metric} is not {' or '.join(rungs)}"
        return await self.until(lambda tick: tick.standings[metric].rung in rungs, what, limit_s)

    def events(self) -> list[Event]:
        """All that the journal says."""
        return list(every_event(self._writer))

    def moves(self, metric: str, since: Stamp | None = None) -> list[tuple[Event, ev.RungChanged]]:
        """Each time that the journal says a metric moved, from that moment on."""
        return [
            (event, event.body)
            for event in self.events()
            if isinstance(event.body, ev.RungChanged)
            and event.body.metric == metric
            and (since is None or event.at.seconds_since(since) >= 0)
        ]

    @property
    def decided(self) -> str:
        """What an automatic rollback has decided; empty while none has begun."""
        run = self.unattended.run
        return run.mode if run else ""

    def suspicions(self) -> list[ev.IncidentSuspected]:
        """The incidents that the watch opened."""
        return [event.body for event in self.events() if isinstance(event.body, ev.IncidentSuspected)]


async def _ended(task: "asyncio.Task[None]") -> None:
    """Its end is ours; any other is a fault."""
    if task.done():
        task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
