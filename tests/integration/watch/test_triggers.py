"""Each trigger of the strategy made true by what a real service does, seen by a real Prometheus; and false.

The service, its PostgreSQL, its Redis and its users are the drill's; the metrics are the bundled ones under
their names and with their rules, minutes made seconds. What the service counts is asked of Prometheus. What a
machine uses is measured at a process of this test, whose appetite is known.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import redis
from msgspec import Struct
from ruamel.yaml import YAML

from console.config.loader import load_strategy
from console.core.clock import Stamp
from console.core.events import Event, RungChanged
from console.core.metrics import Rung
from console.core.rules import Standing
from console.core.strategy import Environment
from console.core.wording import said
from console.drill.files import write_files
from console.drill.world import World, stop_world
from console.engine.sampling import Tick
from console.engine.watchers import Means
from console.store.clock import SystemClock
from console.targets.keeper import Keeper
from tests.disks import small_disk
from tests.integration.drill.kit import build, unheard
from tests.integration.watch.kit import programs_of
from tests.integration.watch.prometheus_kit import Monitor
from tests.integration.watch.recording import Recording

OVER = {"response_time_p99": "20s"}
"""Windows other than the drill's five seconds: a service that hangs for ten shows nothing meanwhile."""
HANGS_S = 11.0
LATE_S = 15.0
"""How late a busy machine may be with what must happen."""
DISK = 16 << 20
LIMIT_MB = 160
"""What the hungry process may use at most, as a container might."""
EAT_MB = 138
CALM = (Rung.RECOVERED, Rung.OK)


class Told(Struct, frozen=True):
    """What the journal must have recorded of a metric."""

    metric: str
    rung: Rung
    rule: str
    words: str
    """How the timeline tells it, with its value; `*` stands for what the machine decides."""
    at_least_s: float = 0.0
    """How long after the fault it is recorded at the earliest: the rule's own window."""
    after: Rung = Rung.RECOVERED
    """Where it stands when that is over."""


# -- the world and who looks at it ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    try:
        yield build(folder)
    finally:
        asyncio.run(stop_world(folder, unheard))


@pytest.fixture(scope="module")
def monitor(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    jobs = {"walletconnect": f"{world.service_url}/metrics"}
    made = Monitor(tmp_path_factory.mktemp("prometheus"), jobs, [], interval="250ms")
    try:
        made.start()
        yield made
    finally:
        made.stop()


def asked(measure: dict[str, Any], over: str) -> dict[str, Any]:
    """The question to Prometheus that brings what a measure of the page brings, and its count."""
    asks = {"kind": "query", "source": "prom"}
    if measure["kind"] == "quantile":
        name, q = measure["histogram"], measure["q"]
        buckets = f"sum by (le) (increase({name}_bucket[{over}]))"
        return asks | {
            "query": f"histogram_quantile({q}, {buckets})",
            "count": f"sum(increase({name}_count[{over}]))",
        }
    tried = f"sum(increase({measure['total']}[{over}]))"
    part = measure.get("failed") or measure.get("succeeded")
    share = f"100 * sum(increase({part}[{over}])) / {tried}"
    good_from_bad = measure["kind"] == "successes" and "failed" in measure
    return asks | {"query": f"100 - {share}" if good_from_bad else share, "count": tried}


@pytest.fixture(scope="module")
def watched(world: World, monitor: Monitor, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The drill's strategy, asked of Prometheus, with a source for everything that has none."""
    folder = Path(world.releases).parent
    write_files(folder, world)
    yaml = YAML()
    document = yaml.load(folder / "strategy.yaml")
    here = document["environments"]["testnet"]
    every = {"every": "500ms", "limit": "2s"}
    machine = {"kind": "command", "every": "500ms", "limit": "2s"}
    measure = str(Path(__file__).with_name("appetite.py"))
    here["sources"] |= {
        "prom": {"kind": "prometheus", "url": monitor.url, **every},
        "audit": {**machine, "argv": ["test", "!", "-e", "breach"]},
        "memory": {**machine, "argv": [sys.executable, measure, "memory", str(LIMIT_MB)]},
        "cpu": {**machine, "argv": [sys.executable, measure, "cpu"]},
        "disk": {"kind": "host", "disk": "disk", **every},
    }
    metrics = here["metrics"]
    signing = dict(metrics["transaction_signing_rate"]["measure"])
    for name, metric in metrics.items():
        if metric.get("measure", {}).get("source") == "metrics" and "over" in metric["measure"]:
            metric["measure"] = asked(metric["measure"], OVER.get(name, "5s"))
    # The impact is counted on the page.
    metrics["signed"] = {"title": "signed", "unit": "%", "measure": signing, "rungs": {}}
    here["impact"]["metric"] = "signed"
    # What did not fail is never 0 % while Prometheus stretches one counter, which has just begun, by less.
    metrics["transaction_signing_rate"]["measure"] = asked(
        {
            "kind": "successes",
            "total": "walletconnect_transaction_signings_total",
            "succeeded": "walletconnect_transactions_confirmed_total",
        },
        "5s",
    )
    metrics["security_audit_failed"]["measure"] = {"kind": "stat", "source": "audit", "stat": "exit"}
    here["automatic"]["second_path"]["security_audit_failed"] = "health_check_failures > 0"
    metrics["memory_usage"]["measure"] = {"kind": "stat", "source": "memory", "stat": "number"}
    metrics["cpu_usage"]["measure"] = {"kind": "stat", "source": "cpu", "stat": "number"}
    metrics["disk_usage"]["measure"] = {"kind": "stat", "source": "disk", "stat": "disk"}
    metrics["cpu_usage"]["rungs"]["mandatory"] = "cpu_usage > 20% for 3s"  # others want the processors, too
    path = folder / "watched.yaml"
    with path.open("w") as file:
        yaml.dump(document, file)
    return load_strategy(path).strategy.environments["testnet"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the engine's commands run, with a small disk in it."""
    with small_disk(tmp_path, str(DISK)):
        yield tmp_path


@pytest.fixture
async def watch(
    watched: Environment, world: World, folder: Path, client: httpx.AsyncClient
) -> AsyncIterator[Recording]:
    """A watch under which the service is well."""
    clock, programs = SystemClock(), programs_of(folder)
    means = Means(client, lambda _: world.postgres.dsn, clock, programs, folder=folder, redact=str)
    async with Recording(watched, folder / "state", means) as recording:
        await recording.until(lambda tick: not tick.mandatory and _well(tick.standings), "it is not well")
        yield recording


def _well(standings: Mapping[str, Standing]) -> bool:
    return all(standing.rung in CALM for standing in standings.values())


async def is_told(watch: Recording, fault: Stamp, *wanted: Told) -> None:
    """Each reaches its rung, and the journal has recorded it: when, by which rule, in which words."""
    for told in wanted:
        await watch.until(_recorded(watch, fault, told), f"{told.metric} is not {told.rung}")
        event, body = _first(watch, fault, told)[0]
        assert body.rule == told.rule
        after_s = event.at.seconds_since(fault)
        window_s = float(OVER.get(told.metric, "5s").rstrip("s"))
        assert told.at_least_s <= after_s <= told.at_least_s + window_s + LATE_S, (told, after_s)
        assert fnmatchcase(said(event, {}).words, told.words)


def _recorded(watch: Recording, fault: Stamp, told: Told) -> Callable[[Tick], bool]:
    return lambda _: bool(_first(watch, fault, told))


def _first(watch: Recording, fault: Stamp, told: Told) -> list[tuple[Event, RungChanged]]:
    """When it came to that rung, the first time first."""
    return [move for move in watch.moves(told.metric, fault) if move[1].after is told.rung]


async def is_over(watch: Recording, *wanted: Told) -> None:
    """Each has come down to where it should be, nothing demands a rollback, and the journal says so."""
    await watch.until(lambda tick: not tick.mandatory and _well(tick.standings), "it does not get well", 60)
    for told in wanted:
        last = watch.moves(told.metric)[-1][1]
        assert last.after is told.after, told
    assert len(watch.suspicions()) == 1


# -- what the service does ------------------------------------------------------------------------------


async def deploy(world: World, tag: str, token: str) -> None:
    listed = YAML(typ="safe").load(Path(world.releases))["releases"]
    commit = next(str(entry["commit"]) for entry in listed if entry["tag"] == tag)
    await Keeper(Path(world.socket)).deploy(commit, token, unheard, 30)


@asynccontextmanager
async def stopped(world: World, part: str) -> AsyncIterator[None]:
    """A part of the world, with all that it has started, does nothing any more."""
    status = await Keeper(Path(world.socket)).status()
    pid = status.parts[part].pid
    assert pid is not None
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


@contextmanager
def hungry(folder: Path, code: str) -> Iterator[None]:
    """A process that does this, whose appetite is measured."""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        noted = folder / "hungry.pid"
        noted.write_text(str(process.pid))
        try:
            yield
        finally:
            noted.unlink()
            process.kill()


async def test_a_release_that_signs_nothing(watch: Recording, world: World) -> None:
    """Zero of many: signing is unavailable, and most requests fail, until the good release is back."""
    fault = SystemClock().now()
    signing = Told(
        "transaction_signing_rate",
        Rung.MANDATORY,
        "transaction_signing_rate = 0%",
        "signing 0.0 %: mandatory, was *(transaction_signing_rate = 0%)",
        after=Rung.OK,
    )
    errors = Told(
        "error_rate",
        Rung.AUTOMATIC,
        "error_rate > 10% for 5s",
        "errors *: automatic, was mandatory (error_rate > 10% for 5s)",
        at_least_s=5.0,
    )
    await deploy(world, "v1.5.3", "bad")
    await is_told(watch, fault, signing, errors)
    await deploy(world, "v1.5.0", "good again")
    await is_over(watch, signing, errors)


async def test_a_stopped_database_and_answers_that_take_ten_seconds(watch: Recording, world: World) -> None:
    """Whatever needs the database fails; then the service hangs with all who wait for it."""
    fault = SystemClock().now()
    database = Told(
        "database_unavailable",
        Rung.AUTOMATIC,
        "database_unavailable",
        "database raised: automatic, was recovered (database_unavailable)",
    )
    connections = Told(
        "connection_success_rate",
        Rung.MANDATORY,
        "connection_success_rate < 50% for 5s",
        "connections *: mandatory, was warn (connection_success_rate < 50% for 5s)",
        at_least_s=5.0,
    )
    health = Told(
        "health_check_failures",
        Rung.AUTOMATIC,
        "health_check_failures > 3",
        "health *: automatic, was *(health_check_failures > 3)",
        at_least_s=1.0,
    )
    transactions = Told("transaction_success_rate", Rung.OK, "", "transactions *: ok, was recovered")
    slow = Told(
        "response_time_p99",
        Rung.WARN,
        "response_time_p99 > 2s",
        "p99 2.*: warn, was *(response_time_p99 > 2s)",
    )
    async with stopped(world, "postgres"):
        await is_told(watch, fault, database, connections, health, transactions, slow)
        hang = SystemClock().now()
        async with stopped(world, "service"):
            await asyncio.sleep(HANGS_S)  # that is how long they wait
    slower = Told(
        "response_time_p99",
        Rung.MANDATORY,
        "response_time_p99 > 10s",
        "p99 1*: mandatory, was *(response_time_p99 > 10s)",
        at_least_s=HANGS_S,
    )
    await is_told(watch, hang, slower)
    await is_over(watch, database, connections, health, transactions, slower)


async def test_a_cache_that_refuses_sessions(watch: Recording, world: World) -> None:
    """Its password is another one, and every connection is ended."""
    fault = SystemClock().now()
    sessions = Told(
        "session_failure_rate",
        Rung.MANDATORY,
        "session_failure_rate > 10%",
        "sessions *: mandatory, was ok (session_failure_rate > 10%)",
        after=Rung.OK,
    )
    with redis.Redis.from_url(world.redis.url) as cache:
        password = str(cache.config_get("requirepass")["requirepass"])
        cache.config_set("requirepass", f"{password}-rotated")
        cache.client_kill_filter(_type="normal", skipme=True)
        try:
            await is_told(watch, fault, sessions)
        finally:
            cache.config_set("requirepass", password)
    await is_over(watch, sessions)


async def test_an_audit_that_finds_something(watch: Recording, folder: Path) -> None:
    """A command that fails."""
    fault = SystemClock().now()
    audit = Told(
        "security_audit_failed",
        Rung.AUTOMATIC,
        "security_audit_failed",
        "security raised: automatic, was recovered (security_audit_failed)",
    )
    (folder / "breach").touch()
    await is_told(watch, fault, audit)
    (folder / "breach").unlink()
    await is_over(watch, audit)


async def test_a_process_that_takes_all_there_is(watch: Recording, folder: Path) -> None:
    """Memory and processors."""
    fault = SystemClock().now()
    memory = Told(
        "memory_usage",
        Rung.MANDATORY,
        "memory_usage > 90%",
        "memory 9*: mandatory, was *(memory_usage > 90%)",
        after=Rung.OK,
    )
    cpu = Told(
        "cpu_usage",
        Rung.MANDATORY,
        "cpu_usage > 20% for 3s",
        "cpu *: mandatory, was *(cpu_usage > 20% for 3s)",
        at_least_s=3.0,
        after=Rung.OK,
    )
    with hungry(folder, f"eaten = bytearray(b'x') * ({EAT_MB} << 20)\nwhile True: pass"):
        await is_told(watch, fault, memory, cpu)
    await is_over(watch, memory, cpu)


async def test_a_disk_that_fills_up_is_never_a_reason(watch: Recording, folder: Path) -> None:
    """It warns, whatever it comes to."""
    fault = SystemClock().now()
    disk = Told(
        "disk_usage", Rung.WARN, "disk_usage > 80%", "disk 9*: warn, was ok (disk_usage > 80%)", after=Rung.OK
    )
    full = folder / "disk" / "full"
    full.write_bytes(bytes(DISK * 95 // 100))
    await is_told(watch, fault, disk)
    full.unlink()
    await watch.stands("disk_usage", Rung.OK)
    assert watch.suspicions() == []
