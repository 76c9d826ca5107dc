"""What watching costs: the engine's CPU and memory at 1 Hz, by the number of metrics.

A script: `python -m tests.bench.bench_watch [--over 1m] [--seconds 30] [METRICS ...]`. For each number of
metrics (12, 120 and 1200), all at the same time and on the same page that moves:

- the program itself, `warroom engine`, with its real sources: the page, a probe, a real Prometheus;
- a real Prometheus that does nothing but scrape that page and judge the same rules once a second;
- a console that reads along; and prometheus_client's own parser over the same page once a second.

Seconds of CPU are those that the kernel counts for a process and what it has started; the machine may be busy
with other things. Aims: a quarter of a core and 120 MB at 1200, and no more for each further metric at 1200
than at 120.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from console.core.clock import Stamp
from console.store.layout import Layout
from console.store.live import LiveFile
from console.store.samples import SampleReader
from tests.bench.seeds import tell
from tests.bench.watch_load import SET, alerts, write_strategy
from tests.conftest import require_program
from tests.servers import LOOPBACK, free_port

NUMBERS = (12, 120, 1200)
AIM_CPU = 0.25
AIM_MB = 120.0
AIM_BEND = 1.25
"""How much more a metric may cost between 120 and 1200 than between 12 and 120, for noise."""
MISSED = 0.1
"""The share of seconds that may be left out on a busy machine."""
START_S = 120.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Of one process, over a time."""

    cpu: float
    """Seconds of CPU a second."""
    peak_mb: float


class Costs(NamedTuple):
    """At one number of metrics."""

    metrics: int
    engine: Cost
    console: Cost
    prometheus: Cost
    parser: Cost


class Spent:
    """A process's CPU since this was made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before, self._since = self._seconds(), time.monotonic()

    def so_far(self) -> Cost:
        passed = time.monotonic() - self._since
        return Cost((self._seconds() - self._before) / passed, self._peak_mb())

    def _seconds(self) -> float:
        """User and system time of the process and of its children that have ended."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS

    def _peak_mb(self) -> float:
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise AssertionError(line)


@contextmanager
def running(folder: Path, name: str, *argv: str, **environ: str) -> Iterator[int]:
    """A program that runs; its process id."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            argv, stdout=log, stderr=log, cwd=folder, env={**os.environ, "HOME": str(folder), **environ}
        )
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def prometheus(folder: Path, name: str, page: int, rules: list[dict[str, str]]) -> Iterator[tuple[int, int]]:
    """A real one that scrapes the page once a second and judges the rules as often; process id and port."""
    home, port = folder / name, free_port()
    home.mkdir()
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    target = {"job_name": "service", "static_configs": [{"targets": [f"{LOOPBACK}:{page}"]}]}
    groups = {"groups": [{"name": "rules", "rules": rules}]} if rules else {"groups": []}
    config = {"global": every, "rule_files": ["rules.yml"], "scrape_configs": [target]}
    for file, content in (("prometheus.yml", config), ("rules.yml", groups)):
        (home / file).write_bytes(msgspec.json.encode(content))
    argv = [require_program("prometheus", "prometheus"), "--config.file=prometheus.yml", "--log.level=warn"]
    argv += ["--storage.tsdb.path=data", f"--web.listen-address={LOOPBACK}:{port}"]
    with running(home, name, *argv) as pid:
        yield pid, port


def measured(metrics: int, over: str, warm_s: float, seconds: float) -> Costs:
    """The costs of everybody who looks at a page of so many metrics."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        start = Started(stack, folder)
        sets, page = metrics // SET, free_port()
        start("page", "tests.bench.watch_load", str(sets), str(page))
        _, asked = stack.enter_context(prometheus(folder, "asked", page, []))
        judge, _ = stack.enter_context(prometheus(folder, "judge", page, alerts(sets, over)))
        strategy = str(write_strategy(folder, sets, page, asked, over))
        engine = start("engine", "console", "engine", "--strategy", strategy)
        _until(_layout(folder).live.exists, f"the engine does not start: {folder}")
        console = start("console", "tests.bench.watch_reader", strategy)
        parser = start("parser", "tests.bench.watch_parser", str(page))
        time.sleep(warm_s)
        spent = [Spent(pid) for pid in (engine, console, judge, parser)]
        time.sleep(seconds)
        costs = Costs(metrics, *(each.so_far() for each in spent))
        check(folder, metrics, seconds)
        return costs


class Started:
    """Starts modules of ours as programs, with a home of their own."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def __call__(self, name: str, module: str, *words: str) -> int:
        """Its process id."""
        state = {"XDG_STATE_HOME": str(self._folder / "state"), "XDG_RUNTIME_DIR": str(self._folder)}
        argv = (sys.executable, "-m", module, *words)
        one = running(self._folder, name, *argv, PYTHONPATH=str(Path.cwd()), **state)
        return self._stack.enter_context(one)


def _until(condition: Callable[[], bool], what: str) -> None:
    """A strategy of 1200 metrics is seconds of reading, more where others want the processors, too."""
    limit = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.1)


def _layout(folder: Path) -> Layout:
    return Layout(folder / "state" / "warroom" / "testnet")


def check(folder: Path, metrics: int, seconds: float) -> None:
    """What was measured is a watch that works: a row a second, a value of every metric, and no trouble."""
    layout = _layout(folder)
    live, rows = LiveFile(layout.live).read(), SampleReader(layout.samples).since(Stamp(0, "", 0))
    assert live is not None
    assert not live.trouble, live.trouble
    known = [reading for reading in rows[-1].readings if reading.value is not None]
    assert len(known) == metrics, [r.metric for r in rows[-1].readings if r.value is None][:5]
    newest = [row for row in rows if rows[-1].at.seconds_since(row.at) < seconds]
    assert len(newest) >= (1 - MISSED) * seconds, (
        f"{len(newest)} rows in {seconds:g} s: the machine is too busy"
    )


def told(costs: Costs) -> Iterator[str]:
    """What each cost at one number of metrics."""
    yield f"{costs.metrics} metrics, CPU in parts of a core and memory at its peak"
    for who in ("engine", "prometheus", "parser", "console"):
        cost: Cost = getattr(costs, who)
        ratio = f"   engine / it {costs.engine.cpu / cost.cpu:5.2f}" if who != "engine" else ""
        yield f"  {who:12} {cost.cpu:6.3f} {cost.peak_mb:7.1f} MB{ratio}"


def growth(low: Costs, middle: Costs, high: Costs) -> str:
    """How the engine's CPU grows with the metrics."""
    first, second = _slope(low, middle), _slope(middle, high)
    return (
        f"for each further metric {first * 1e6:.0f} us a second up to {middle.metrics}, "
        f"{second * 1e6:.0f} up to {high.metrics}: ratio {second / first:.2f}, aim at most {AIM_BEND}"
    )


def _slope(fewer: Costs, more: Costs) -> float:
    return (more.engine.cpu - fewer.engine.cpu) / (more.metrics - fewer.metrics)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("metrics", nargs="*", type=int, default=NUMBERS)
    parser.add_argument("--over", default="1m")
    parser.add_argument("--warm", type=float, default=65)
    parser.add_argument("--seconds", type=float, default=30)
    wanted = parser.parse_args()
    tell(f"aims for {NUMBERS[-1]} metrics: {AIM_CPU} of a core and {AIM_MB:.0f} MB")
    all_costs = []
    for number in wanted.metrics:
        all_costs.append(measured(number, wanted.over, wanted.warm, wanted.seconds))
        for line in told(all_costs[-1]):
            tell(line)
    if len(all_costs) >= 3:
        tell(growth(*all_costs[-3:]))


if __name__ == "__main__":
    main()
