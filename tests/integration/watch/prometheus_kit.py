"""A real Prometheus that scrapes a page of the test, and how tests wait for what it has seen."""

import asyncio
import json
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter

from console.core import strategy
from console.core.metrics import Rung
from console.core.strategy import Environment
from console.core.watched import AnySource, Metric, Prometheus
from console.engine.sampling import Sampler, Tick
from console.store.clock import SystemClock
from console.targets.watch.prometheus import PrometheusServer
from tests.conftest import require_program
from tests.integration.targets.local_web import LocalWeb
from tests.integration.targets.test_sampler import means, no_secret
from tests.servers import LOOPBACK, free_port, wait_until

INTERVAL_S = 0.1
"""How often it scrapes, and judges its rules."""
LIMIT_S = 20.0
"""How long a test waits for what must happen."""
_SOURCES = TypeAdapter(dict[str, AnySource])
_METRICS = TypeAdapter(dict[str, Metric])


class Monitor:
    """A Prometheus of its own folder and port. `jobs` are the addresses that it scrapes, by name."""

    def __init__(
        self, folder: Path, jobs: Mapping[str, str], rules: list[dict[str, Any]], interval: str = "100ms"
    ) -> None:
        self._program = require_program("prometheus", "prometheus")
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        every = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), interval)
        scrapes = [_job(name, url) for name, url in jobs.items()]
        config = {"global": every, "rule_files": ["rules.yml"], "scrape_configs": scrapes}
        # JSON is YAML as well.
        (folder / "prometheus.yml").write_text(json.dumps(config))
        (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "test", "rules": rules}]}))

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Start it, again on the same port and data where it has run before."""
        log = self._folder / "prometheus.log"
        argv = [
            self._program,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={LOOPBACK}:{self._port}",
            "--log.level=warn",
        ]
        with log.open("ab") as output:
            self._process = subprocess.Popen(argv, cwd=self._folder, stdout=output, stderr=output)
        wait_until(self._ready, f"Prometheus does not start: {log}")

    def stop(self) -> None:
        """End it; nothing when it does not run."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(LIMIT_S)
            self._process = None

    def freeze(self) -> None:
        """Let it do nothing any more: its kernel still takes connections."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ask(self, path: str, **words: str) -> Any:
        """What its API answers there, by another way than the one under test."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:  # noqa: S310 - our own loopback
            return json.load(answer)["data"]

    def value(self, question: str) -> float | None:
        """The number that a question brings now; None where it brings none."""
        result = self.ask("query", query=question)["result"]
        return float(result[0]["value"][1]) if result else None

    async def shows(self, question: str, value: float | None) -> None:
        """Wait until a question brings that number, or none."""
        await eventually(lambda: self.value(question) == value, f"{question} is not {value}")

    async def stands(self, alert: str, state: str) -> None:
        """Wait until the rule of an alert is `inactive`, `pending` or `firing`."""

        def stands() -> bool:
            rules = self.ask("rules", type="alert")["groups"][0]["rules"]
            return (alert, state) in {(rule["name"], rule["state"]) for rule in rules}

        await eventually(stands, f"{alert} is not {state}")

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor."""
        major, minor, *_ = self.ask("status/buildinfo")["version"].split(".")
        return int(major), int(minor)

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()
        try:
            # Its rules count from the first time that it has judged them.
            rules = self.ask("rules")["groups"][0]["rules"]
        except (OSError, IndexError):
            return False
        return all(rule["health"] != "unknown" for rule in rules)


def _job(name: str, url: str) -> dict[str, Any]:
    parts = urllib.parse.urlsplit(url)
    return {
        "job_name": name,
        "metrics_path": parts.path,
        "static_configs": [{"targets": [parts.netloc]}],
    }


def show(page: LocalWeb, path: str = "/metrics", /, **series: float) -> None:
    """Serve these series under their names."""
    page.text(path, "".join(f"{name} {value}\n" for name, value in series.items()))


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds; fails with `what` when it never does."""
    try:
        async with asyncio.timeout(LIMIT_S):
            while not condition():  # noqa: ASYNC110 - another process, which tells nobody
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(what) from None


def source(url: str, **changes: Any) -> Prometheus:
    """A source that is silent after 0.7 s."""
    return Prometheus(kind="prometheus", url=url, **{"every": "200ms", "limit": "500ms", **changes})


def server(
    client: httpx.AsyncClient,
    url: str,
    *keys: str,
    secret: Callable[[str], str] = no_secret,
    **changes: Any,
) -> PrometheusServer:
    """What asks a server these questions."""
    return PrometheusServer(source(url, **changes), keys, secret, client)


def environment(url: str, metrics: Mapping[str, Any]) -> Environment:
    """Metrics of a Prometheus alone, which is asked five times a second."""
    prom = {"kind": "prometheus", "url": url, "every": "200ms", "limit": "500ms"}
    return Environment.model_construct(
        sources=_SOURCES.validate_python({"prom": prom}),
        metrics=_METRICS.validate_python(metrics),
        service=strategy.Service(url=url, health=url, version="version"),
        drill="a rehearsal",
    )


def metric(measure: Mapping[str, str], unit: str = "count", **rungs: str) -> dict[str, Any]:
    """A metric taken from that Prometheus."""
    return {"title": "metric", "unit": unit, "measure": {"source": "prom", **measure}, "rungs": rungs}


def sampler(watched: Environment, client: httpx.AsyncClient) -> Sampler:
    """The watch on it, by the system's clock."""
    return Sampler(watched, means=means(client, SystemClock()), flags=frozenset[str], told={})


async def until(ticks: AsyncIterator[Tick], wanted: Callable[[Tick], bool]) -> Tick:
    """The first tick that is as wanted."""
    async with asyncio.timeout(LIMIT_S):
        async for tick in ticks:
            if wanted(tick):
                return tick
    raise AssertionError


def rung(tick: Tick, name: str) -> Rung:
    return tick.standings[name].rung


def value(tick: Tick, name: str) -> float | None:
    reading = tick.row.reading(name)
    assert reading is not None
    return reading.value
