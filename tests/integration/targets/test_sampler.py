"""From a running service to rungs: real servers, and a clock that the test moves."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from console.core import strategy
from console.core.clock import Clock, Stamp
from console.core.errors import StatedError
from console.core.events import RungChanged
from console.core.measures import UnwatchableError
from console.core.metrics import Rung
from console.core.state import RungState
from console.core.strategy import Environment
from console.core.watched import AnySource, Metric
from console.engine.sampling import Firing, Sampler, Tick
from console.engine.watchers import Means
from console.store.clock import SystemClock
from console.targets.process import Programs
from tests.integration.targets.local_web import LocalWeb

SOURCES = TypeAdapter(dict[str, AnySource])
METRICS = TypeAdapter(dict[str, Metric])
LIMIT_S = 5.0
"""How long a test waits for what must happen at once."""


class HandClock:
    """A clock that stands still until it is moved; whoever sleeps on it is woken then."""

    def __init__(self) -> None:
        self._us = 1_000_000_000
        self._sleepers: list[tuple[int, asyncio.Event]] = []
        self._changed = asyncio.Condition()

    def now(self) -> Stamp:
        return Stamp(self._us, "boot", self._us)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        async with self._changed:
            self._sleepers.append((self._us + round(seconds * 1e6), woken))
            self._changed.notify_all()
        await woken.wait()

    async def move(self, seconds: float) -> None:
        """Let so much time pass."""
        async with self._changed:
            self._us += round(seconds * 1e6)
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._us]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._us]
        for _, woken in due:
            woken.set()

    async def asleep(self, number: int) -> None:
        """Wait until so many sleep: everything that could be done at this moment is done."""
        async with asyncio.timeout(LIMIT_S), self._changed:
            await self._changed.wait_for(lambda: len(self._sleepers) == number)


class Service:
    """A service that counts, and says how it is."""

    def __init__(self, server: LocalWeb) -> None:
        self._server = server
        self.asked = 0
        self.tried = self.failed = 0
        server.answers["/metrics"] = self._metrics
        self.say("ok")

    def say(self, status: str, version: str = "v1.5.0") -> None:
        self._server.text("/health", f'{{"status": "{status}", "version": "{version}"}}')

    def users(self, tries: int, failures: int = 0) -> None:
        self.tried += tries
        self.failed += failures

    def restart(self) -> None:
        """Counters begin at 0 again."""
        self.tried = self.failed = 0

    async def _metrics(self, _: Request) -> Response:
        self.asked += 1
        return PlainTextResponse(f"tried_total {self.tried}\nfailed_total {self.failed}\n")


def environment(server: LocalWeb, **changes: Any) -> Environment:
    """Signing and health of a service, asked once a second."""
    sources: dict[str, Any] = {
        "metrics": {"kind": "scrape", "url": server.url("/metrics"), "every": "1s", "limit": "1s"},
        "health": {
            "kind": "http",
            "url": server.url("/health"),
            "body": {"status": "ok"},
            "every": "1s",
            "limit": "1s",
        },
    }
    signing = {"kind": "successes", "source": "metrics", "total": "tried_total", "failed": "failed_total"}
    metrics: dict[str, Any] = {
        "signing": {
            "title": "signing",
            "unit": "%",
            "measure": {**signing, "over": "10s"},
            "at_least": 5,
            "rungs": {"recovered": "signing > 99%", "warn": "signing < 95%", "mandatory": "signing < 50%"},
        },
        "failures": {
            "title": "health",
            "unit": "count",
            "measure": {"kind": "failures in a row", "source": "health"},
            "rungs": {"recovered": "failures = 0", "mandatory": "failures > 0 for 2s"},
        },
        "security": {"title": "security", "unit": "flag", "rungs": {"mandatory": "security or breach"}},
    }
    sources |= changes.pop("sources", {})
    metrics |= changes.pop("metrics", {})
    return Environment.model_construct(
        sources=SOURCES.validate_python(sources),
        metrics=METRICS.validate_python(metrics),
        **{
            "service": strategy.Service(url=server.url("/"), health=server.url("/health"), version="version"),
            "drill": "a rehearsal",
            **changes,
        },
    )


class Watching:
    """A sampler under way, one second at a time."""

    def __init__(self, sampler: Sampler, clock: HandClock, tasks: int) -> None:
        self._ticks = sampler.ticks()
        self._clock = clock
        self._tasks = tasks
        self._next: asyncio.Task[Tick] | None = None

    async def begin(self) -> Tick:
        """The first tick, and every source asked once."""
        tick = await anext(self._ticks)
        await self._settle()
        return tick

    async def tick(self) -> Tick:
        """A second later; it tells what was answered before that second, because answers take time.

        When it returns, everybody has asked and sleeps: what the test changes now is seen at the next
        question, and told by the tick after that.
        """
        assert self._next is not None
        await self._clock.move(1.0)
        async with asyncio.timeout(LIMIT_S):
            tick = await self._next
        await self._settle()
        return tick

    async def _settle(self) -> None:
        self._next = asyncio.create_task(self._wait())
        await self._clock.asleep(self._tasks)

    async def _wait(self) -> Tick:
        return await anext(self._ticks)

    async def close(self) -> None:
        """End the watch."""
        if self._next:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._ticks.aclose()


def no_secret(reference: str) -> str:
    raise StatedError(f"{reference}: not set")


def means(client: httpx.AsyncClient, clock: Clock, secret: Callable[[str], str] = no_secret) -> Means:
    """What sources are asked with."""
    programs = Programs({"PATH": os.environ["PATH"]}, tag=Path("/nowhere"))
    return Means(client, secret, clock, programs, folder=Path(), redact=str)


@asynccontextmanager
async def watching(
    client: httpx.AsyncClient,
    watched: Environment,
    *,
    flags: Callable[[], frozenset[str]] = frozenset,
    secret: Callable[[str], str] = no_secret,
    told: dict[str, RungState] | None = None,
    hanging: int = 0,
) -> AsyncIterator[Watching]:
    """A watch, of whose sources so many are expected to hang."""
    clock = HandClock()
    sampler = Sampler(watched, means=means(client, clock, secret), flags=flags, told=told or {})
    watch = Watching(sampler, clock, len(watched.sources) + 1 - hanging)
    try:
        assert (await watch.begin()).changes == ()
        yield watch
    finally:
        await watch.close()


def rungs(tick: Tick) -> dict[str, Rung]:
    return {reading.metric: reading.rung for reading in tick.row.readings}


async def ticks_with(watch: Watching, number: int, each: Callable[[], None]) -> Tick:
    """So many ticks, before each of which something happens to the service."""
    tick = None
    for _ in range(number):
        each()
        tick = await watch.tick()
    assert tick is not None
    return tick


async def test_a_healthy_service_stands_on_recovered(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """And every metric of the environment is in the row, also one without a source."""
    service = Service(server)
    async with watching(client, environment(server)) as watch:
        tick = await ticks_with(watch, 4, lambda: service.users(10))
    assert rungs(tick) == {
        "signing": Rung.RECOVERED,
        "failures": Rung.RECOVERED,
        "security": Rung.NO_SOURCE,
    }
    signing = tick.row.readings[0]
    assert (signing.metric, signing.value, signing.count, signing.failed) == ("signing", 100.0, 30, 0)
    assert tick.mandatory == ()
    assert tick.trouble == {}


async def test_the_release_that_answers_is_told(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """What runs is what the service says; one that is silent runs what it said last, as far as is known."""
    service = Service(server)
    async with watching(client, environment(server)) as watch:
        await watch.tick()
        first = await watch.tick()
        service.say("unhealthy", "v1.5.3")
        await watch.tick()
        second = await watch.tick()
        server.stop()
        await watch.tick()
        third = await watch.tick()
    told = [tick.running.release if tick.running else None for tick in (first, second, third)]
    assert told == ["v1.5.0", "v1.5.3", "v1.5.3"]


async def test_each_of_several_instances_is_asked_what_it_runs(
    client: httpx.AsyncClient, server: LocalWeb
) -> None:
    """And one that falls silent runs what it said last; what users are answered is another matter."""
    Service(server)
    names = [f"app-{number}" for number in range(1, 7)]
    for name in names:
        server.text(f"/{name}", '{"status": "ok", "version": "v1.5.0"}')
    behind = dict.fromkeys(("app-5", "app-6"), "v1.5.3")
    for name, version in behind.items():
        server.text(f"/{name}", f'{{"status": "ok", "version": "{version}"}}')
    instances = {name: server.url(f"/{name}") for name in names}
    where: dict[str, Any] = {"url": server.url("/"), "health": server.url("/health"), "instances": instances}
    fleet = environment(server, service=strategy.Service(version="version", **where))
    async with watching(client, fleet) as watch:
        await watch.tick()
        mixed = await watch.tick()
        server.text("/app-1", "gone", 503)
        await watch.tick()
        silent = await watch.tick()
    assert mixed.running == silent.running
    assert mixed.running is not None
    assert mixed.running.instances == {**dict.fromkeys(names, "v1.5.0"), **behind}
    assert list(mixed.running.instances) == names
    assert mixed.running.release == "v1.5.0"
    assert mixed.trouble == {}
    assert silent.trouble["health"].startswith("5 of 6 healthy: app-1 answers 503, not 200")
    assert rungs(silent)["failures"] is Rung.RECOVERED


async def test_a_bad_release_is_found_and_told_once(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """Every change of rung comes once, with the rule that decided, and with the onset of the matter."""
    service, ticks = Service(server), []
    async with watching(client, environment(server)) as watch:
        for failures in (0, 0, 0, 10, 10, 10, 10, 10, 10):
            service.users(10, failures)
            ticks.append(await watch.tick())
    changes = [(i, change) for i, tick in enumerate(ticks) for change in tick.changes]
    assert [(i, c.before, c.after, c.rule) for i, c in changes if c.metric == "signing"] == [
        (1, Rung.WAITING, Rung.RECOVERED, "signing > 99%"),
        (4, Rung.RECOVERED, Rung.WARN, "signing < 95%"),
        (7, Rung.WARN, Rung.MANDATORY, "signing < 50%"),
    ]
    found = changes[-1][1]
    assert found.value == pytest.approx(300 / 7)
    assert (found.count, found.unit) == (70, "%")
    measured = ticks[7].row.readings[0].measured
    assert measured == ticks[6].row.at
    for tick in ticks[7:]:
        assert tick.mandatory == (Firing("signing", "signing < 50%", measured),)
    assert [tick.mandatory for tick in ticks[:7]] == [()] * 7
    assert ticks[-1].row.readings[0].failed == 50


async def test_a_service_that_is_gone_is_stale_and_failing(
    client: httpx.AsyncClient, server: LocalWeb
) -> None:
    """What only it could say is unknown; that it does not answer is known."""
    service = Service(server)
    async with watching(client, environment(server)) as watch:
        await ticks_with(watch, 3, lambda: service.users(10))
        server.stop()
        seen = [await watch.tick() for _ in range(6)]
    assert [tick.row.readings[0].value for tick in seen] == [100.0] + [None] * 5
    assert [rungs(tick)["signing"] for tick in seen] == [Rung.RECOVERED] * 3 + [Rung.STALE] * 3
    assert [rungs(tick)["failures"] for tick in seen] == (
        [Rung.RECOVERED] + [Rung.WAITING] * 2 + [Rung.MANDATORY] * 3
    )
    assert seen[-1].trouble == {
        "metrics": f"{server.url('/metrics')}: connection refused",
        "health": f"{server.url('/health')}: connection refused",
    }


async def test_a_service_that_says_unhealthy_is_failing(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """Under a status of 200; the field that the strategy names decides."""
    Service(server).say("unhealthy")
    async with watching(client, environment(server)) as watch:
        tick = await watch.tick()
    assert tick.row.readings[1].value == 1
    assert tick.trouble == {"health": "status is `unhealthy`, not `ok`"}


async def test_what_has_failed_is_never_taken_back(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """A transaction that is not confirmed yet counts as failed, and stays counted: the count only rises."""
    sent, confirmed = 0, 0

    async def metrics(_: Request) -> Response:
        return PlainTextResponse(f"sent {sent}\nconfirmed {confirmed}\n")

    Service(server)
    server.answers["/metrics"] = metrics
    measure = {
        "kind": "successes",
        "source": "metrics",
        "total": "sent",
        "succeeded": "confirmed",
        "over": "9s",
    }
    confirmations = {"title": "confirmed", "unit": "%", "measure": measure, "rungs": {}}
    async with watching(client, environment(server, metrics={"signing": confirmations})) as watch:
        seen = []
        for sent, confirmed in ((5, 0), (5, 5), (5, 5)):  # noqa: B007 - the service shows them
            seen.append((await watch.tick()).row.readings[0])
    assert [(reading.value, reading.failed) for reading in seen] == [(None, 0), (0.0, 5), (100.0, 5)]


async def test_the_oldest_trouble_comes_first(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """What began first is what the incident is about."""
    service = Service(server)
    raised: set[str] = set()
    async with watching(client, environment(server), flags=lambda: frozenset(raised)) as watch:
        raised.add("breach")
        await watch.tick()
        tick = await ticks_with(watch, 3, lambda: service.users(10, 10))
    assert [firing.metric for firing in tick.mandatory] == ["security", "signing"]


async def test_it_is_back_when_the_service_is_back(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """With other counters: a restart neither hides failures nor invents them."""
    service = Service(server)
    async with watching(client, environment(server)) as watch:
        await ticks_with(watch, 3, lambda: service.users(100, 50))
        assert (await watch.tick()).row.readings[0].failed == 150
        server.stop()
        await watch.tick()
        server.start()
        service.restart()
        service.users(10, 1)
        await watch.tick()
        tick = await watch.tick()
    assert tick.row.readings[0].failed == 151
    assert tick.row.readings[0].count == 310
    assert rungs(tick)["failures"] is Rung.RECOVERED


async def test_a_source_that_hangs_delays_nobody(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """Health never answers; signing is judged as if it were not there, tick by tick."""
    service = Service(server)
    watched = environment(
        server,
        sources={"health": {"kind": "http", "url": server.url("/hang"), "every": "1s", "limit": "1m"}},
    )
    server.hang("/hang")
    async with watching(client, watched, hanging=1) as watch:
        tick = await ticks_with(watch, 5, lambda: service.users(10))
    assert rungs(tick)["signing"] is Rung.RECOVERED
    assert [request.url.path for request in server.seen].count("/hang") == 1


async def test_a_question_ends_at_its_limit(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """A service that hangs is failing, not silent."""
    Service(server)
    watched = environment(
        server,
        sources={"health": {"kind": "http", "url": server.url("/hang"), "every": "1s", "limit": "50ms"}},
    )
    server.hang("/hang")
    async with watching(client, watched) as watch:
        seen = [await watch.tick() for _ in range(5)]
    assert rungs(seen[-1])["failures"] is Rung.MANDATORY
    assert seen[-1].trouble["health"] == f"{server.url('/hang')}: no whole answer within 0.05 s"


async def test_a_flag_that_somebody_raises(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """It needs no source, and its onset is when it was raised."""
    Service(server)
    raised: set[str] = set()
    async with watching(client, environment(server), flags=lambda: frozenset(raised)) as watch:
        assert (await watch.tick()).mandatory == ()
        raised.add("breach")
        tick = await watch.tick()
    assert tick.mandatory == (Firing("security", "security or breach", tick.row.at),)


DATABASE: dict[str, Any] = {
    "sources": {"database": {"kind": "postgres", "dsn": "env:DSN", "every": "1s", "limit": "1s"}},
    "metrics": {
        "down": {
            "title": "database",
            "unit": "flag",
            "measure": {"kind": "unavailable", "source": "database"},
            "rungs": {"recovered": "not down", "mandatory": "down"},
        }
    },
}


async def test_a_database_that_does_not_answer_is_unavailable(
    client: httpx.AsyncClient, server: LocalWeb
) -> None:
    """A flag, raised."""
    Service(server)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dsn = f"postgresql://127.0.0.1:{nobody.getsockname()[1]}/db"
        async with watching(client, environment(server, **DATABASE), secret=lambda _: dsn) as watch:
            await watch.tick()
            tick = await watch.tick()
    assert rungs(tick)["down"] is Rung.MANDATORY
    assert tick.trouble["database"].startswith("database db on 127.0.0.1:")


async def test_a_secret_that_is_not_there_says_nothing_about_the_database(
    client: httpx.AsyncClient, server: LocalWeb
) -> None:
    """No data, not unavailable: a mistake of ours must not roll back a healthy service."""
    Service(server)
    async with watching(client, environment(server, **DATABASE)) as watch:
        seen = [await watch.tick() for _ in range(5)]
    assert {rungs(tick)["down"] for tick in seen} == {Rung.WAITING, Rung.STALE}
    assert seen[-1].trouble["database"] == "env:DSN: not set"


async def test_a_secret_that_goes_away_leaves_nothing_known(
    client: httpx.AsyncClient, server: LocalWeb
) -> None:
    """What the database answered with the last one does not speak for now."""
    Service(server)
    dsns = ["postgresql://127.0.0.1:9/db"] * 2

    def secret(reference: str) -> str:
        return dsns.pop() if dsns else no_secret(reference)

    async with watching(client, environment(server, **DATABASE), secret=secret) as watch:
        seen = [await watch.tick() for _ in range(7)]
    values = [tick.row.reading("down") for tick in seen]
    assert [reading.value for reading in values if reading] == [1.0, 1.0] + [None] * 5
    assert rungs(seen[-1])["down"] is Rung.STALE


async def test_a_new_engine_has_no_news_until_it_has_seen_something(
    client: httpx.AsyncClient, server: LocalWeb
) -> None:
    """What the journal says stands until a sample says otherwise, and is not said twice."""
    service = Service(server)
    at = HandClock().now()
    told = {
        "signing": RungState(Rung.MANDATORY, at, 0.0, "signing < 50%", "signing"),
        "failures": RungState(Rung.RECOVERED, at, 0.0, "failures = 0", "health"),
        "security": RungState(Rung.NO_SOURCE, at, None, "", "security"),
    }
    changes: list[RungChanged] = []
    async with watching(client, environment(server), told=told) as watch:
        for _ in range(4):
            service.users(10)
            changes += (await watch.tick()).changes
    assert [(change.metric, change.before, change.after) for change in changes] == [
        ("signing", Rung.MANDATORY, Rung.RECOVERED)
    ]


@pytest.mark.parametrize(("drill", "tick_s"), [("a rehearsal", 0.25), (None, 1.0)])
async def test_the_rhythm_is_that_of_the_fastest_source(
    client: httpx.AsyncClient, server: LocalWeb, drill: str | None, tick_s: float
) -> None:
    """Once a second at most in the field."""
    fast = {"kind": "http", "url": server.url("/health"), "every": "250ms", "limit": "1s"}
    watched = environment(server, sources={"health": fast}, drill=drill)
    sampler = Sampler(watched, means=means(client, HandClock()), flags=frozenset[str], told={})
    assert sampler.tick_s == tick_s


@pytest.mark.parametrize(
    ("measure", "reason"),
    [
        ({"kind": "unavailable", "source": "metrics"}, "a page of metrics has no measure `unavailable`"),
        ({"kind": "gauge", "source": "health", "gauge": "up"}, "a health probe has no measure `gauge`"),
        ({"kind": "gauge", "source": "nowhere", "gauge": "up"}, "names the source `nowhere`, which does not"),
    ],
)
async def test_a_metric_that_its_source_cannot_give_is_refused(
    client: httpx.AsyncClient, server: LocalWeb, measure: dict[str, str], reason: str
) -> None:
    """At the start, in one line, not at the first tick."""
    odd = {"odd": {"title": "odd", "unit": "count", "measure": measure, "rungs": {}}}
    with pytest.raises(UnwatchableError, match=rf"metric `odd`?.*{reason}"):
        Sampler(
            environment(server, metrics=odd),
            means=means(client, HandClock()),
            flags=frozenset[str],
            told={},
        )


async def test_closing_the_watch_ends_all_its_tasks(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """Also one that is in the middle of a question."""
    Service(server)
    server.hang("/health")
    before = asyncio.all_tasks()
    async with watching(client, environment(server), hanging=1):
        assert len(asyncio.all_tasks() - before) > 1
    assert asyncio.all_tasks() == before


async def until(ticks: AsyncIterator[Tick], wanted: Callable[[Tick], bool]) -> Tick:
    async with asyncio.timeout(LIMIT_S):
        async for tick in ticks:
            if wanted(tick):
                return tick
    raise AssertionError


async def test_in_real_time_from_sick_to_recovered(client: httpx.AsyncClient, server: LocalWeb) -> None:
    """On the system's clock, with the windows of a rehearsal: found, told, and over again."""
    service = Service(server)
    watched = environment(server, sources={})
    for name, source in watched.sources.items():
        watched.sources[name] = source.model_copy(update={"every": 0.05, "limit": 0.5})
    signing = watched.metrics["signing"]
    window = signing.measure.model_copy(update={"over": 0.5}) if signing.measure else None
    watched.metrics["signing"] = signing.model_copy(update={"measure": window})
    sampler = Sampler(watched, means=means(client, SystemClock()), flags=frozenset[str], told={})

    failing = True

    async def use() -> None:
        while True:
            service.users(2, 2 if failing else 0)
            await asyncio.sleep(0.01)

    users, ticks = asyncio.create_task(use()), sampler.ticks()
    try:
        tick = await until(ticks, lambda tick: bool(tick.mandatory))
        assert tick.mandatory[0].metric == "signing"
        failing = False
        tick = await until(ticks, lambda tick: rungs(tick)["signing"] is Rung.RECOVERED)
        assert tick.mandatory == ()
    finally:
        users.cancel()
        await ticks.aclose()
