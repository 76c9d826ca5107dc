"""Lies survived, with automatic rollback on: none of a healthy service in any, none missed of a sick one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from console.core.metrics import Rung
from console.core.strategy import Environment
from console.engine.sampling import Tick
from tests.integration.targets.local_web import LocalWeb
from tests.integration.targets.test_sampler import means
from tests.integration.watch.lies import LIES, LINGERS_S, SEEING, Lie, Stage
from tests.integration.watch.prometheus_kit import Monitor
from tests.integration.watch.recording import Recording

CALM = (Rung.RECOVERED, Rung.OK)
SICK = {Rung.MANDATORY, Rung.AUTOMATIC, Rung.WAITING, Rung.STALE}
"""A busy machine may leave an answer out; what must not be seen is that it is well."""
AFTER_S = 0.6
"""How long is watched what comes after a lie."""
FLAPS, SETTLE_S = 3, 6.0


@pytest.fixture(scope="module")
def stage_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all tests: what each begins it also ends."""
    with LocalWeb() as service, LocalWeb() as between:
        monitor = Monitor(tmp_path_factory.mktemp("prometheus"), {"service": service.url("/metrics")}, [])
        stage = Stage(service, between, monitor)
        try:
            monitor.start()
            yield stage
        finally:
            monitor.stop()


@pytest.fixture
async def stage(stage_of_all: Stage) -> AsyncIterator[Stage]:
    """A service that is well, and nobody lies."""
    stage_of_all.service.be(sick=False)
    yield stage_of_all
    stage_of_all.service.be(sick=False)


def recording(stage: Stage, folder: Path, client: httpx.AsyncClient, **changes: float) -> Recording:
    """The watch on that stage, with the stage's clock."""
    watched: Environment = stage.environment(**changes)
    return Recording(watched, folder, means(client, stage.clock))


def calm(tick: Tick) -> bool:
    return all(standing.rung in CALM for standing in tick.standings.values())


def _accusing(tick: Tick) -> set[str]:
    """The metrics that demand a rollback."""
    return {firing.metric for firing in tick.mandatory}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
async def test_a_lie_hangs_nobody_and_hides_nobody(
    lie: Lie, stage: Stage, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """A healthy service is suspected neither during it nor afterwards; a sick one is, during it,
    by every metric that the lie leaves. It is rolled back with nobody there where two are left; of one alone
    it is said that nobody has confirmed it.

    And of what the lie takes away nothing is known: that is never well.
    """
    async with recording(stage, tmp_path, client) as watch:
        await watch.until(calm, "it is not calm before")
        lie.begin(stage)
        try:
            for metric in lie.blinds:
                await watch.stands(metric, Rung.STALE)
            if not lie.blinds:
                await asyncio.sleep(LINGERS_S)  # whether nothing happens is seen by waiting alone
        finally:
            lie.end(stage)
        await asyncio.sleep(AFTER_S)
        assert not any(_accusing(tick) for tick in watch.ticks)
        assert watch.suspicions() == []
        lie.begin(stage)
        try:
            stage.service.be(sick=True)
            await watch.until(lambda tick: lie.leaves <= _accusing(tick), "it was missed")
            await watch.until(lambda _: watch.decided == lie.decides, f"not decided: {lie.decides}")
        finally:
            lie.end(stage)
        assert len(watch.suspicions()) == 1


async def test_who_flaps_is_sick_all_the_time(
    stage: Stage, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Well for a while that is shorter than the hysteresis, again and again: that is not well."""
    async with recording(stage, tmp_path, client, settle=SETTLE_S) as watch:
        await watch.until(calm, "it is not calm before")
        stage.service.be(sick=True)
        await watch.until(lambda tick: _accusing(tick) == SEEING, "not all of them see it")
        began = len(watch.ticks)
        for sick in (False, True) * FLAPS:
            stage.service.be(sick=sick)
            await watch.until(lambda tick, sick=sick: _shows(tick, sick=sick), "it is not seen")
        for metric in SEEING:
            seen = {tick.standings[metric].rung for tick in watch.ticks[began:]}
            assert seen <= SICK, metric
        stage.service.be(sick=False)
        await watch.until(calm, "it does not get well")
        assert len(watch.suspicions()) == 1


def _shows(tick: Tick, *, sick: bool) -> bool:
    """Whether the page and the health tell of a service that is sick, or of one that is well."""
    values = [reading.value for reading in tick.row.readings if reading.metric != "errors"]
    return all(value is not None and (value > 5 if sick else value == 0) for value in values)
