"""Lies that a watch is told, each as a small object: who begins it, who ends it.

A `Stage` holds what there is to lie with: a service that counts, a real Prometheus that scrapes it, somebody
who stands between that and us, and the clock on our wall. Whether the service is sick is another matter.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from console.core import strategy
from console.core.automatic_run import STAGES, Mode
from console.core.clock import Stamp
from console.core.strategy import Environment
from console.store.clock import SystemClock
from console.targets import web
from tests.integration.targets.local_web import LocalWeb
from tests.integration.targets.test_sampler import METRICS, SOURCES
from tests.integration.watch.prometheus_kit import Monitor

SKEW_S = 600
LINGERS_S = 1.4
"""How long a lie lasts in a test: longer than a source may be silent (1.2 s)."""

VALIDATION_S = 3
"""How long a second path may take to agree, once the first has told that the service is sick."""

Page = Callable[[str], str]
Between = Callable[[bytes], Awaitable[Response]]


class WallClock(SystemClock):
    """The system's clock, whose wall clock somebody has moved."""

    def __init__(self) -> None:
        super().__init__()
        self.off_s = 0

    def now(self) -> Stamp:
        at = super().now()
        return Stamp(at.utc_us + self.off_s * 1_000_000, at.boot_id, at.boot_us)


class Service:
    """Counts what its users try, by the time that has passed; half of it fails while it is sick."""

    def __init__(self, server: LocalWeb) -> None:
        self.sick = False
        self.per_second = 400.0
        self.unlucky = 0.0
        """The share that fails although it is well."""
        self.tried, self.failed = 10_000.0, 2_000.0
        self.lie: Page = str
        self.feigns = False
        """Whether its health endpoint says that it is well, whatever it is."""
        self._at = time.monotonic()
        server.answers["/metrics"] = self._metrics
        server.answers["/health"] = self._health

    def be(self, *, sick: bool) -> None:
        """Become so, from now on."""
        self._count()
        self.sick = sick

    def restart(self) -> None:
        """Counters begin again."""
        self._count()
        self.tried = self.failed = 0.0

    def _count(self) -> None:
        now = time.monotonic()
        grown = (now - self._at) * self.per_second
        self.tried += grown
        self.failed += grown * (0.5 if self.sick else self.unlucky)
        self._at = now

    async def _metrics(self, _: Request) -> Response:
        self._count()
        return PlainTextResponse(
            self.lie(f"tried_total {int(self.tried)}\nfailed_total {int(self.failed)}\n")
        )

    async def _health(self, _: Request) -> Response:
        sick = self.sick and not self.feigns
        word = "sick" if sick else "ok"
        return PlainTextResponse(f'{{"status": "{word}", "version": "v1.5.0"}}', 503 if sick else 200)


class Stage:
    """All that a lie can be told with."""

    def __init__(self, service: LocalWeb, between: LocalWeb, monitor: Monitor) -> None:
        self.web = service
        self.between = between
        self.monitor = monitor
        self.service = Service(service)
        self.clock = WallClock()
        self._client = web.new_client()  # keeps no connection, so that there is nothing to close
        self.answer: Between | None = None
        """What stands between makes this of each answer of the Prometheus."""
        between.answers["/api/v1/query"] = self._pass_on

    async def _pass_on(self, request: Request) -> Response:
        answer = await self._client.get(f"{self.monitor.url}/api/v1/query?{request.url.query}")
        if self.answer is not None:
            return await self.answer(answer.content)
        return Response(answer.content, answer.status_code)

    def environment(self, **changes: Any) -> Environment:
        """Three ways to see the same service: by Prometheus, by its own page, by its health.

        What Prometheus says is held against the page; page and health are enough by themselves, but to roll
        back with nobody's yes takes a second of the three.
        """
        every = {"every": "200ms", "limit": "1s"}
        sources = {
            "prom": {"kind": "prometheus", "url": self.between.url(""), **every},
            "page": {"kind": "scrape", "url": self.web.url("/metrics"), **every},
            "health": {"kind": "http", "url": self.web.url("/health"), "body": {"status": "ok"}, **every},
        }
        share = {"kind": "failures", "source": "page", "failed": "failed_total", "total": "tried_total"}
        tried = "sum(increase(tried_total[1s]))"
        asked = {"kind": "query", "source": "prom", "count": tried}
        ratio = f"100 * sum(increase(failed_total[1s])) / {tried}"
        metrics = {
            "errors": _share(asked | {"query": ratio}, "errors", "errors > 5% and page_errors > 5%"),
            "page_errors": _share(share | {"over": "1s"}, "page_errors", "page_errors > 5%"),
            "health": {
                "title": "health",
                "unit": "count",
                "measure": {"kind": "failures in a row", "source": "health"},
                "rungs": {"recovered": "health = 0", "mandatory": "health > 3", "automatic": "health > 4"},
            },
        }
        automatic = {
            "unsigned": "runs",
            "release_within": "24h",
            "stages": dict.fromkeys(STAGES, "1m") | {"validation": f"{VALIDATION_S}s"},
            "second_path": {
                "errors": "page_errors > 5% or health > 3",
                "page_errors": "errors > 5% or health > 3",
                "health": "errors > 5% or page_errors > 5%",
            },
        }
        return Environment.model_construct(
            sources=SOURCES.validate_python(sources),
            metrics=METRICS.validate_python(metrics),
            service=strategy.Service(url=self.web.url(""), health=self.web.url("/health"), version="version"),
            automatic=strategy.Automatic.model_validate(automatic),
            severity=strategy.SeverityRule(otherwise="SEV-1"),
            authorisation=strategy.Authorisation.model_construct(paging=None, approvers=[]),
            impact=strategy.Impact(metric="page_errors", words="try", failures="failed tries"),
            **{"drill": "a rehearsal", "settle": 0.0, **changes},
        )


def _share(measure: dict[str, str], name: str, mandatory: str) -> dict[str, Any]:
    rungs = {
        "recovered": f"{name} < 0.1%",
        "warn": f"{name} > 1%",
        "mandatory": mandatory,
        "automatic": mandatory.replace("> 5%", "> 10%"),
    }
    return {"title": name, "unit": "%", "measure": measure, "at_least": 20, "rungs": rungs}


SEEING = frozenset({"errors", "page_errors", "health"})


class Lie(Struct, frozen=True):
    """One lie: who begins it, and who ends it."""

    name: str
    begin: Callable[[Stage], None]
    end: Callable[[Stage], None]
    blinds: frozenset[str] = frozenset()
    """The metrics of which nothing is known while it is told."""
    hides: frozenset[str] = frozenset()
    """The metrics that do not see a sick service while it is told, beside those."""

    @property
    def leaves(self) -> frozenset[str]:
        """The metrics that see a sick service all the same."""
        return SEEING - self.blinds - self.hides

    @property
    def decides(self) -> Mode:
        """What becomes of a sick service with nobody there: of one witness alone, nothing is rolled back."""
        return "runs" if len(self.leaves) > 1 else "held"


# -- what Prometheus does -------------------------------------------------------------------------------


ERRORS = frozenset({"errors"})
BOTH = frozenset({"errors", "page_errors"})
NONE = frozenset[str]()


def _answers(
    name: str,
    change: Callable[[dict[str, Any]], Any],
    blinds: frozenset[str] = ERRORS,
    hides: frozenset[str] = NONE,
) -> Lie:
    """A lie of whoever answers in Prometheus' place: its JSON, changed; a str is sent as it is."""

    async def answer(body: bytes) -> Response:
        made = change(json.loads(body))
        return PlainTextResponse(made if isinstance(made, str) else json.dumps(made))

    return _between(name, answer, blinds, hides)


def _between(
    name: str, answer: Between, blinds: frozenset[str] = ERRORS, hides: frozenset[str] = NONE
) -> Lie:
    def begin(stage: Stage) -> None:
        stage.answer = answer

    def end(stage: Stage) -> None:
        stage.answer = None

    return Lie(name, begin, end, blinds, hides)


async def _slowly(body: bytes) -> Response:
    await asyncio.sleep(1.1)  # longer than the source may take
    return Response(body)


async def _broken(_: bytes) -> Response:
    return PlainTextResponse("upstream connect error", 503)


def _value(text: Any) -> Callable[[dict[str, Any]], Any]:
    """Every number is this one."""

    def change(answer: dict[str, Any]) -> Any:
        for series in answer["data"]["result"]:
            series["value"][1] = text
        return answer

    return change


def _skewed(seconds: float) -> Callable[[dict[str, Any]], Any]:
    def change(answer: dict[str, Any]) -> Any:
        for series in answer["data"]["result"]:
            series["value"][0] += seconds
        return answer

    return change


def _twice(answer: dict[str, Any]) -> Any:
    answer["data"]["result"] *= 2
    return answer


def _warned(answer: dict[str, Any]) -> Any:
    return answer | {"warnings": ["a part of the data is missing"]}


def _stop(stage: Stage) -> None:
    stage.monitor.stop()


def _start(stage: Stage) -> None:
    stage.monitor.start()


def _freeze(stage: Stage) -> None:
    stage.monitor.freeze()


def _thaw(stage: Stage) -> None:
    stage.monitor.thaw()


OF_PROMETHEUS = (
    Lie("Prometheus is down", _stop, _start, ERRORS),
    Lie("Prometheus hangs", _freeze, _thaw, ERRORS),
    _between("Prometheus is slow", _slowly),
    _between("Prometheus is broken", _broken),
    _answers("a page in its place", lambda _: "<html><body>Welcome</body></html>"),
    _answers("half an answer", lambda answer: json.dumps(answer)[:-20]),
    _answers("numbers of another type", _value(7)),
    _answers("lists instead of numbers", _value(["7"])),
    _answers("no number", _value("NaN")),
    _answers("infinitely much", _value("+Inf")),
    _answers("every series twice", _twice),
    _answers("success, with warnings", _warned, NONE),
    _answers("success, without data", lambda answer: answer | {"data": None}),
    _answers("its clock is ahead", _skewed(SKEW_S), NONE),
    _answers("its clock is behind", _skewed(-SKEW_S), NONE),
    _answers("it contradicts: all is lost", _value("100"), NONE),
    _answers("it contradicts: all is well", _value("0"), NONE, ERRORS),
)


# -- what the page and the clock do ---------------------------------------------------------------------


def _shows(name: str, change: Page, blinds: frozenset[str] = NONE) -> Lie:
    def begin(stage: Stage) -> None:
        stage.service.lie = change

    def end(stage: Stage) -> None:
        stage.service.lie = str

    return Lie(name, begin, end, blinds)


def _without(series: str) -> Page:
    return lambda page: "".join(line for line in page.splitlines(keepends=True) if series not in line)


def _all(number: str) -> Page:
    return lambda page: re.sub(r" \d+", f" {number}", page)


def _dated(page: str) -> str:
    """With times of ten minutes ago."""
    return page.replace("\n", f" {SystemClock().now().utc_us // 1000 - SKEW_S * 1000}\n")


def _clock(name: str, seconds: int) -> Lie:
    def begin(stage: Stage) -> None:
        stage.clock.off_s = seconds

    def end(stage: Stage) -> None:
        stage.clock.off_s = 0

    return Lie(name, begin, end)


def _restart(stage: Stage) -> None:
    stage.service.restart()


def _nothing(_: Stage) -> None:
    pass


def _night(stage: Stage) -> None:
    """Three requests a minute, of which one fails."""
    stage.service.per_second, stage.service.unlucky = 0.05, 0.34


def _day(stage: Stage) -> None:
    stage.service.per_second, stage.service.unlucky = 400.0, 0.0


def _feign(stage: Stage) -> None:
    stage.service.feigns = True


def _confess(stage: Stage) -> None:
    stage.service.feigns = False


OF_THE_SERVICE = (
    Lie("counters begin again", _restart, _nothing),
    _shows("failures are not there", _without("failed_total"), BOTH),
    _shows("tries are not there", _without("tried_total"), BOTH),
    _shows("nothing is there", lambda _: "up 1\n", BOTH),
    _shows(
        "another instance appears",
        lambda page: page + 'failed_total{i="2"} 900000\ntried_total{i="2"} 900000\n',
    ),
    _shows("every series twice on the page", lambda page: page + _all("999999")(page)),
    _shows("no numbers on the page", _all("NaN"), BOTH),
    _shows("half a page", lambda page: page[:-12], BOTH),
    _shows("a page of a website", lambda _: "<html><body>Welcome</body></html>", BOTH),
    _shows("times of ten minutes ago", _dated, ERRORS),
    Lie("its health is always fine", _feign, _confess, hides=frozenset({"health"})),
    Lie("night", _night, _day, hides=BOTH),
)
OF_THE_CLOCK = (_clock("our clock jumps ahead", SKEW_S), _clock("our clock jumps back", -SKEW_S))
LIES = (*OF_PROMETHEUS, *OF_THE_SERVICE, *OF_THE_CLOCK)
