"""Containers as a source: against what `docker stats` says, and what was done to them."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from console.core.measures import NOTHING
from console.core.watched import Containers, Stat
from console.engine.watchers.readings import ReadingsWatcher
from console.targets.docker.engine import Docker
from console.targets.source import CannotAskError, SourceError
from console.targets.watch.docker import ContainerStats
from tests.docker_engine import Dockerd, Engine, require_dockerd
from tests.integration.targets.test_sampler import HandClock
from tests.integration.watch.kit import LIMIT_S, made, ordinary_user, refused, serving
from tests.servers import wait_until

_SECOND_NS = 1_000_000_000
IDLE = ("sleep", "infinity")
BUSY = ("sh", "-c", "while :; do :; done")


@pytest.fixture(scope="module")
def engine_here() -> Iterator[tuple[Dockerd, Engine]]:
    """An engine of our own, that tests may stop, with a small image."""
    require_dockerd()
    folder = Path(tempfile.mkdtemp(prefix="warroom-docker-"))
    dockerd = Dockerd(folder).start()
    try:
        engine = Engine(dockerd.url, folder, servers=False)
        yield dockerd, engine
        engine.close()
    finally:
        dockerd.stop()
        shutil.rmtree(folder)


@pytest.fixture
def engine(engine_here: tuple[Dockerd, Engine]) -> Engine:
    return engine_here[1]


Run = Callable[..., Container]


@pytest.fixture
def run(engine: Engine) -> Iterator[Run]:
    """Starts a container that is gone at the end of the test."""
    made: list[Container] = []

    def start(command: tuple[str, ...] = IDLE, **settings: Any) -> Container:
        made.append(engine.run("watched", command, network="none", **settings))
        return made[-1]

    yield start
    for container in made:
        engine.remove(container)


def watched(engine: Engine, *containers: Container | str, limit_s: float = 5.0) -> ContainerStats:
    names = [one if isinstance(one, str) else str(one.name) for one in containers]
    return ContainerStats(Docker(engine.url), names, limit_s=limit_s)


def pid_of(container: Container) -> int:
    """Of its first process, on this machine."""
    container.reload()
    return int(container.attrs["State"]["Pid"])


async def look(stats: ContainerStats, *names: str) -> list[float | None]:
    found = (await stats.look()).numbers
    return [found.get(name) for name in names]


async def until(stats: ContainerStats, wanted: Mapping[str, float]) -> None:
    """Look until the numbers are those; fails after twenty seconds."""
    found: Mapping[str, float] = {}
    for _ in range(200):
        found = (await stats.look()).numbers
        if wanted.items() <= found.items():
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{found} is not {wanted}")


async def test_all_is_well(engine: Engine, run: Run) -> None:
    """The first look has all but cpu, which needs two."""
    stats = watched(engine, run(), run())
    first = (await stats.look()).numbers
    assert first.keys() == {"not_running", "unhealthy", "restarts", "memory"}
    assert (await stats.look()).numbers.keys() == {*first, "cpu"}
    assert [first[name] for name in ("not_running", "unhealthy", "restarts")] == [0, 0, 0]


async def test_many_take_no_longer_than_one(engine: Engine, run: Run) -> None:
    """The engine takes a second for a sample, and those of all at once."""
    stats = watched(engine, *(run() for _ in range(8)))
    began = time.monotonic()
    assert "memory" in (await stats.look()).numbers
    assert time.monotonic() - began < 4


async def test_what_does_not_run_is_counted(engine: Engine, run: Run) -> None:
    """Stopped, paused, made and never started, not there: none of them runs."""
    stopped, paused, well = run(), run(), run()
    stats = watched(engine, stopped, paused, well, "no-such-container")
    assert await look(stats, "not_running") == [1]
    paused.pause()
    assert await look(stats, "not_running") == [2]
    stopped.kill()
    await until(stats, {"not_running": 3})
    paused.unpause()
    stopped.start()
    assert await look(stats, "not_running") == [1]


async def test_a_name_is_no_beginning_of_an_id(engine: Engine, run: Run) -> None:
    """The engine would take it for one, and `db` is a name that an id may begin with."""
    assert await look(watched(engine, str(run().id)[:12]), "not_running") == [1]


async def test_nothing_is_known_of_what_does_not_run(engine: Engine, run: Run) -> None:
    """No share of nothing is 0."""
    container = run()
    container.kill()
    stats = watched(engine, container)
    await until(stats, {"not_running": 1})
    assert await look(stats, "cpu", "memory", "unhealthy") == [None, None, 0]


async def test_health_is_what_its_own_check_says(engine: Engine, run: Run) -> None:
    """Unhealthy, well again; and one that was stopped while unhealthy is not running, no more."""
    check = {"test": ["CMD", "sh", "-c", "[ ! -e /sick ]"], "interval": _SECOND_NS // 5, "retries": 1}
    container = run(healthcheck=check)
    stats = watched(engine, container)
    assert await look(stats, "unhealthy") == [0]
    container.exec_run(["touch", "/sick"])
    await until(stats, {"unhealthy": 1})
    container.exec_run(["rm", "/sick"])
    await until(stats, {"unhealthy": 0})
    container.exec_run(["touch", "/sick"])
    await until(stats, {"unhealthy": 1})
    container.kill()
    await until(stats, {"unhealthy": 0, "not_running": 1})


async def test_restarts_are_counted_from_the_first_look(engine: Engine, run: Run) -> None:
    """By the engine's policy, each once however often it is looked at; what was before does not count."""
    container = run(restart_policy={"Name": "always"})

    def crash() -> None:
        os.kill(pid_of(container), signal.SIGKILL)

    early = watched(engine, container)
    assert await look(early, "restarts") == [0]
    for times in (1, 2):
        crash()
        await until(early, {"restarts": times, "not_running": 0})
    late = watched(engine, container)
    assert await look(late, "restarts") == [0]
    crash()
    await until(late, {"restarts": 1, "not_running": 0})
    await until(early, {"restarts": 3})
    assert await look(late, "restarts") == [1]


async def test_a_restart_by_hand_is_one(engine: Engine, run: Run) -> None:
    """The engine's own count begins again then."""
    container = run()
    stats = watched(engine, container)
    assert await look(stats, "restarts") == [0]
    container.restart(timeout=0)
    assert await look(stats, "restarts") == [1]
    container.kill()
    await until(stats, {"not_running": 1})
    container.start()
    assert await look(stats, "restarts", "not_running") == [2, 0]


async def test_a_new_container_of_that_name_is_no_restart(engine: Engine, run: Run) -> None:
    """That is a deployment."""
    first = run()
    stats = watched(engine, first)
    assert await look(stats, "restarts") == [0]
    name = str(first.name)
    first.rename(f"{name}-old")
    assert await look(stats, "restarts", "not_running") == [0, 1]
    run(name=name)
    assert await look(stats, "restarts", "not_running") == [0, 0]


async def test_a_container_that_is_started_for_the_first_time_has_not_been_restarted(engine: Engine) -> None:
    made = engine.client.containers.create(
        engine.image, list(IDLE), name=engine.name("made"), labels=engine.labels, network="none"
    )
    stats = watched(engine, made)
    assert await look(stats, "restarts", "not_running") == [0, 1]
    made.start()
    assert await look(stats, "restarts", "not_running") == [0, 0]
    engine.remove(made)


# -- what they take ---------------------------------------------------------------------------------


def took_s(container: Container) -> float:
    """Seconds that its first process took of any processor, by the kernel's own table."""
    fields = Path(f"/proc/{pid_of(container)}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(container: Container) -> float:
    """Per cent of its limit, as the engine's own client computes it from a sample."""
    told: Any = container.stats(stream=False, one_shot=True)
    memory = told["memory_stats"]
    cached = memory["stats"].get("total_inactive_file") or memory["stats"].get("inactive_file", 0)
    return float(100 * (memory["usage"] - cached) / memory["limit"])


@pytest.mark.parametrize(
    ("settings", "processors"),
    [
        ({}, None),
        ({"nano_cpus": _SECOND_NS // 5}, 0.2),
        ({"cpu_quota": 25_000, "cpu_period": 100_000}, 0.25),
        ({"cpu_quota": 20_000}, 0.2),
        ({"cpuset_cpus": "0"}, 1),
        ({"cpuset_cpus": "0", "nano_cpus": _SECOND_NS // 5}, 0.2),
    ],
)
async def test_cpu_is_of_the_processors_that_it_may_use(
    engine: Engine, run: Run, settings: dict[str, Any], processors: float | None
) -> None:
    """The busiest of several, against what the kernel says that it took."""
    busy = run(BUSY, **settings)
    stats = watched(engine, run(), busy)
    took, began = took_s(busy), time.monotonic()
    await stats.look()
    await asyncio.sleep(1.5)
    found = (await stats.look()).numbers["cpu"]
    took, passed = took_s(busy) - took, time.monotonic() - began
    assert took > 0.1
    assert found == pytest.approx(
        100 * took / passed / (processors or len(os.sched_getaffinity(0))), rel=0.25
    )


async def test_a_container_that_does_nothing_takes_next_to_nothing(engine: Engine, run: Run) -> None:
    idle = watched(engine, run())
    await idle.look()
    await asyncio.sleep(0.5)
    assert (await idle.look()).numbers["cpu"] < 5


async def test_cpu_begins_again_with_each_start(engine: Engine, run: Run) -> None:
    """Its counter does, too; and the busiest is not known while one of them is not."""
    container, other = run(), run()
    stats = watched(engine, container, other)
    await stats.look()
    assert None not in await look(stats, "cpu")
    container.restart(timeout=0)
    assert await look(stats, "cpu") == [None]
    assert None not in await look(stats, "cpu")


async def test_memory_is_of_its_limit_and_without_what_is_cached(engine: Engine, run: Run) -> None:
    """20 MB of files that were read are no memory in use, 20 MB that a program holds are."""
    limit = {"mem_limit": 64 << 20}
    reads = run(
        ("sh", "-c", "dd if=/dev/zero of=/file bs=1M count=20; cat /file >/dev/null; sleep infinity"), **limit
    )
    holds = run(
        ("sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x | sort -S 30M | sleep infinity"), **limit
    )
    reading, holding = watched(engine, reads), watched(engine, holds)
    wait_until(lambda: memory_of(holds) > 20, "the program does not take memory")
    (read,), (held,) = await look(reading, "memory"), await look(holding, "memory")
    assert read is not None
    assert held is not None
    assert read == pytest.approx(memory_of(reads), abs=3)
    assert held == pytest.approx(memory_of(holds), abs=3)
    assert read < 15
    assert held > 25
    assert await look(watched(engine, reads, holds), "memory") == [pytest.approx(held, abs=3)]


# -- an engine that does not answer -----------------------------------------------------------------


async def test_an_engine_that_hangs_is_given_up(engine_here: tuple[Dockerd, Engine], run: Run) -> None:
    """And asked again, with what was known before."""
    dockerd, engine = engine_here
    pid = int((dockerd.folder / "pid").read_text())
    stats = watched(engine, run(), limit_s=2.5)
    source = Containers(kind="docker", names=["x"], every="3s", limit="2500ms")  # type: ignore[arg-type]
    watcher = ReadingsWatcher(source, stats, HandClock())
    reader = watcher.reader(Stat(kind="stat", source="engine", stat="not_running"))
    await watcher.ask()
    assert reader().value == 0
    os.kill(pid, signal.SIGSTOP)
    try:
        error = await refused(stats, 2.5)
        await watcher.ask()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert type(error) is SourceError
    assert str(error) == f"the Docker engine at {engine.url}: no answer within 2.5 s"
    assert reader() == NOTHING
    for _ in range(10):  # it has to catch up first
        await watcher.ask()
        if not watcher.trouble:
            break
    assert (reader().value, watcher.trouble) == (0, "")


async def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    stats = ContainerStats(Docker(f"unix://{tmp_path}/docker.sock"), ["x"], limit_s=LIMIT_S)
    error = await refused(stats)
    assert type(error) is SourceError
    assert "No such file or directory" in str(error)


async def test_a_socket_that_is_not_ours_to_open_is_our_own_matter(
    engine_here: tuple[Dockerd, Engine],
) -> None:
    engine = engine_here[1]
    with ordinary_user():
        error = await refused(watched(engine, "x", limit_s=LIMIT_S))
    assert type(error) is CannotAskError
    assert "Permission denied" in str(error)


async def test_a_place_that_cannot_be_used_is_our_own_matter() -> None:
    for place in ("ssh://far", "ftp://far", "tcp://far"):
        stats = ContainerStats(Docker(environment={"DOCKER_HOST": place}), ["x"], limit_s=LIMIT_S)
        assert type(await refused(stats)) is CannotAskError


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (200, "{}", SourceError),
        (200, "[]", SourceError),
        (200, "no JSON", SourceError),
        (200, '{"ApiVersion": "1.41"}', SourceError),
        (200, '{"ApiVersion": []}', SourceError),
        (403, "{}", SourceError),
        (500, '{"message": "no"}', SourceError),
        (401, '{"message": "no"}', CannotAskError),
        (403, '{"message": "no"}', CannotAskError),
    ],
)
async def test_another_server_is_told_from_an_engine(status: int, said: str, kind: type[SourceError]) -> None:
    """And one that knows us, and does not let us in, from both."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(said)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n{said}".encode())
        await writer.drain()

    async with serving(answer) as port:
        error = await refused(ContainerStats(Docker(f"tcp://127.0.0.1:{port}"), ["x"], limit_s=LIMIT_S))
    assert type(error) is kind


async def test_the_engine_makes_it_of_a_strategy(
    engine: Engine, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked is the engine that `docker` would ask."""
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    names = [str(run().name), "no-such-container"]
    described = {"kind": "docker", "names": names, "every": "5s", "limit": "5s"}
    missing = Stat(kind="stat", source="engine", stat="not_running")
    async with made(described, missing, tmp_path) as watcher:
        await watcher.ask()
        assert watcher.reader(missing)().value == 1
