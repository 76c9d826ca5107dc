"""Rules that PromQL can express: our ladder and Prometheus itself agree on the same series, in time."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import httpx

from console.core.clock import Stamp
from console.engine.sampling import Sampler, Tick
from tests.integration.targets.local_web import LocalWeb
from tests.integration.watch.prometheus_kit import (
    INTERVAL_S,
    Monitor,
    environment,
    metric,
    sampler,
    show,
    value,
)

EVERY_S = 0.2
"""How often the kit's source is asked, and all metrics are judged."""
APART_S = 2 * INTERVAL_S + 2 * EVERY_S
"""Each judges at its own moments: a scrape and an evaluation there, a look and a tick here."""
BUSY_S = 1.0
"""How late a busy machine may be."""
RATIO = "100 * rate(failed_total[1s]) / rate(tried_total[1s])"
RULES = {
    "threshold": ("load", "LoadHigh", "threshold > 5"),
    "held": ("load", "LoadHighFor", "held > 5 for 1500ms"),
    "ratio": (RATIO, "FailingRatio", "ratio > 10"),
}
"""Name of a metric of ours, its question, the alert with the same rule over there, and the rule here."""
STORY = ((0.8, 1), (0.5, 9), (2.0, 1), (3.0, 9), (2.0, 1))
"""For so many seconds, this load; one peak is shorter than the window."""
RISES = {"threshold": 2, "held": 1, "ratio": 2}


class Turn(NamedTuple):
    """A moment when a verdict changed, and to what."""

    at: Stamp
    fires: bool


async def tell(page: LocalWeb) -> None:
    """Live through the story; while the load is high, half of what is tried fails."""
    tried, failed = 10_000, 1_000
    for seconds, load in STORY:
        for _ in range(round(seconds / INTERVAL_S)):
            tried, failed = tried + 10, failed + (5 if load > 5 else 0)
            show(page, load=load, tried_total=tried, failed_total=failed)
            await asyncio.sleep(INTERVAL_S)  # the story is about how long things last


def watched(url: str) -> dict[str, object]:
    """Each rule twice: judged here, and as the alert of the server."""
    ours = {
        name: metric({"kind": "query", "query": question}, mandatory=rule)
        for name, (question, _, rule) in RULES.items()
    }
    theirs = {
        f"{name}_there": metric({"kind": "alert", "alert": alert}, "flag")
        for name, (_, alert, _) in RULES.items()
    }
    return {**ours, **theirs}


async def record(watch: Sampler, story: "asyncio.Task[None]") -> list[Tick]:
    """All that was seen until the story was over."""
    seen, ticks = [], watch.ticks()
    try:
        async for tick in ticks:
            seen.append(tick)
            if story.done():
                story.result()
                return seen
    finally:
        await ticks.aclose()
    raise AssertionError


def turns(verdicts: Sequence[tuple[Stamp, bool]]) -> list[Turn]:
    """Where a verdict changes; it begins with calm."""
    found, before = [], False
    for at, fires in verdicts:
        if fires is not before:
            found.append(Turn(at, fires))
        before = fires
    return found


async def test_verdicts_agree_within_the_intervals(
    client: httpx.AsyncClient, monitor: Monitor, page: LocalWeb
) -> None:
    """A threshold, a window and a ratio: each rises and falls as often here as there, at the same times."""
    show(page, load=1, tried_total=10_000, failed_total=1_000)
    await monitor.shows("load", 1)
    watch = sampler(environment(monitor.url, watched(monitor.url)), client)
    seen = await record(watch, asyncio.create_task(tell(page)))
    for name in RULES:
        # A busy machine may leave an answer out: what is unknown is no turn.
        known = [tick for tick in seen if value(tick, name) is not None]
        ours = turns([(tick.row.at, tick.standings[name].rung.says_roll_back) for tick in known])
        there = [(tick.row.at, value(tick, f"{name}_there")) for tick in seen]
        theirs = turns([(at, said == 1) for at, said in there if said is not None])
        assert [turn.fires for turn in theirs] == [True, False] * RISES[name], name
        assert [turn.fires for turn in ours] == [turn.fires for turn in theirs], name
        apart = [abs(here.at.seconds_since(there.at)) for here, there in zip(ours, theirs, strict=True)]
        assert max(apart) <= APART_S + BUSY_S, (name, apart)
