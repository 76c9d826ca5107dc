"""What arms, and in how long, travels with the row: a console that worked it out could disagree."""

import httpx

from console.core.metrics import Rung
from tests.integration.targets.local_web import LocalWeb
from tests.integration.targets.test_sampler import Service, environment, watching


async def test_a_row_counts_down_to_the_rung_as_the_ladder_does(
    client: httpx.AsyncClient, server: LocalWeb
) -> None:
    """And says no more of it once the rung holds, or what it rests on is over."""
    service = Service(server)
    async with watching(client, environment(server)) as watch:
        service.say("sick")
        ticks = [await watch.tick() for _ in range(5)]
        service.say("ok")
        ticks += [await watch.tick() for _ in range(3)]
    told = []
    for tick in ticks:
        reading, standing = tick.row.reading("failures"), tick.standings["failures"]
        assert reading is not None
        assert (reading.rung, reading.arms, reading.arms_in_s) == (
            standing.rung,
            standing.arms,
            standing.arms_in_s,
        )
        told.append((reading.rung, reading.arms, reading.arms_in_s))
    assert (Rung.WAITING, Rung.MANDATORY, 1.0) in told
    assert (Rung.MANDATORY, None, None) in told
    assert told[-1] == (Rung.RECOVERED, None, None)
