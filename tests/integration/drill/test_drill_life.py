"""A world begins in a folder of its own and ends without a trace, whatever ends it."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.drill import world as drill
from console.drill.place import VARIABLE, DrillError
from console.drill.world import World, keeper_of, start_keeper, stop_world, wait_until_ready
from console.targets.keeper import Keeper, KeeperError
from tests.integration.drill.kit import build, myself, of_drill, runs, unheard, within

LEFT_WITHIN_S = 3.0


def pids(world: World) -> list[int]:
    """Of everything that runs in a world, the keeper first."""
    status = asyncio.run(Keeper(Path(world.socket)).status())
    return [status.keeper_pid, *(part.pid for part in status.parts.values() if part.pid)]


def none_run(numbers: list[int]) -> bool:
    return not any(runs(number) for number in numbers)


def test_stop_leaves_nothing_that_runs_listens_or_lies_elsewhere(folder: Path) -> None:
    world = build(folder)
    running = pids(world)
    assert len(running) == 5
    words: list[str] = []
    asyncio.run(stop_world(folder, words.append))
    assert within(0.5, lambda: none_run(running))
    assert of_drill(folder) == []
    assert keeper_of(folder) is None
    assert not Path(world.socket).parent.exists()
    assert not any(Path(name).exists() for name in world.temp)
    assert not any(Path(path).exists() for path in (world.postgres.data, world.redis.data))
    assert "stopped" in words
    assert World.load(folder).ended is not None


def test_a_signal_to_the_keeper_is_a_stop(folder: Path) -> None:
    world = build(folder)
    running = pids(world)
    os.kill(running[0], signal.SIGTERM)
    assert within(LEFT_WITHIN_S, lambda: none_run(running))
    assert World.load(folder).ended is not None
    assert not Path(world.socket).exists()


def test_a_keeper_whose_folder_was_removed_still_ends_everything(tmp_path: Path) -> None:
    folder = tmp_path / "drill"
    world = build(folder)
    running = pids(world)
    shutil.rmtree(folder, ignore_errors=True)
    os.kill(world.keeper_pid, signal.SIGTERM)
    assert within(LEFT_WITHIN_S, lambda: none_run(running))
    assert not Path(world.socket).exists()
    assert not any(Path(name).exists() for name in world.temp)


def test_nothing_outlives_a_keeper_that_was_killed(folder: Path) -> None:
    running = pids(build(folder))
    os.kill(running[0], signal.SIGKILL)
    assert within(LEFT_WITHIN_S, lambda: none_run(running) and of_drill(folder) == [])


def test_the_next_start_sweeps_what_a_killed_keeper_has_left(folder: Path) -> None:
    """A service that does not hear its end, a stray child, a socket, a folder elsewhere."""
    world = build(folder)
    running = pids(world)
    status = asyncio.run(Keeper(Path(world.socket)).status())
    service = status.parts["service"].pid
    assert service is not None
    os.kill(service, signal.SIGSTOP)
    stray = subprocess.Popen(["sleep", "600"], env={**os.environ, VARIABLE: str(folder)})
    os.kill(world.keeper_pid, signal.SIGKILL)
    assert within(LEFT_WITHIN_S, lambda: none_run([pid for pid in running if pid != service]))
    assert runs(service)
    again = build(folder)
    assert none_run([service])
    stray.wait(timeout=1)
    assert again.keeper_pid != world.keeper_pid
    assert "ended what an earlier keeper had left" in (folder / "keeper.log").read_text()


def test_sweep_ends_what_is_left_but_not_what_is_kept(folder: Path) -> None:
    world = build(folder)
    with pytest.raises(DrillError, match=f"in use by the keeper with process id {world.keeper_pid}"):
        drill.sweep(folder)
    os.kill(world.keeper_pid, signal.SIGKILL)
    assert within(LEFT_WITHIN_S, lambda: keeper_of(folder) is None)
    stray = subprocess.Popen(["sleep", "600"], env={**os.environ, VARIABLE: str(folder)})
    assert "sleep" in drill.sweep(folder)
    stray.wait(timeout=1)
    assert not Path(world.socket).exists()


def test_stop_also_ends_a_keeper_that_does_not_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = build(folder)
    running = pids(world)
    os.kill(world.keeper_pid, signal.SIGSTOP)
    words: list[str] = []
    monkeypatch.setattr(drill, "_STOP_LIMIT_S", 0.2)
    asyncio.run(stop_world(folder, words.append))
    assert within(0.5, lambda: none_run(running))
    assert any("it is killed" in word for word in words)


async def test_a_second_keeper_is_told_who_has_the_folder(folder: Path) -> None:
    first = await (await start_keeper(folder)).ready()
    with pytest.raises(DrillError, match=f"in use by the keeper with process id {first.keeper_pid}"):
        await (await start_keeper(folder)).ready()
    status = await Keeper(Path(first.socket)).status()
    assert status.phase == "ready"
    assert (await wait_until_ready(folder, unheard)).keeper_pid == first.keeper_pid


@pytest.mark.parametrize("kind", ["full", "file"])
async def test_a_folder_that_no_drill_made_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "mine"
    if kind == "file":
        target.write_text("precious")
    else:
        target.mkdir()
        (target / "precious").write_text("precious")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DrillError, match="name a") as refused:
        await start_keeper(target)
    assert "\n" not in str(refused.value)
    assert sorted(tmp_path.rglob("*")) == before


async def test_progress_is_told_in_words_and_a_fresh_world_replaces_the_old_one(folder: Path) -> None:
    words = [word async for word in (await start_keeper(folder)).progress()]
    assert words[0].startswith("making the history of releases")
    assert words[-1].startswith("ready: v1.5.0 serves its users at http://127.0.0.1:")
    old = World.load(folder)
    (folder / "notes.txt").write_text("not the drill's")
    await stop_world(folder, unheard)
    new = await (await start_keeper(folder)).ready()
    assert (old.fault, new.fault, new.ended) == (None, None, None)
    assert new.postgres.dsn != old.postgres.dsn
    assert (folder / "notes.txt").read_text() == "not the drill's"
    assert len(Path(new.deploys).read_text().splitlines()) == 2
    logged = [json.loads(line) for line in (folder / "keeper.log").read_text().splitlines()]
    assert [line["progress"] for line in logged if "progress" in line][: len(words)] == words


def test_the_world_is_built_when_its_starter_is_gone(folder: Path) -> None:
    script = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom console.drill.world import start_keeper\n"
        "async def start():\n    await start_keeper(Path(sys.argv[1]))\n    os.kill(os.getpid(), 9)\n"
        "asyncio.run(start())"
    )
    starter = subprocess.run([sys.executable, "-c", script, folder], check=False)
    assert starter.returncode == -signal.SIGKILL
    world = asyncio.run(wait_until_ready(folder, unheard))
    assert asyncio.run(Keeper(Path(world.socket)).status()).phase == "ready"


async def test_a_keeper_can_be_stopped_while_it_builds(folder: Path) -> None:
    starting = await start_keeper(folder)
    progress = starting.progress()
    await anext(progress)
    await stop_world(folder, unheard)
    with pytest.raises(DrillError, match="told to stop while it built"):
        async for _ in progress:
            pass
    assert of_drill(folder) == []


def test_what_cannot_be_built_is_said_in_a_line_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "git").write_text("#!/bin/sh\necho 'git is on strike' >&2\nexit 1\n")
    (fake / "git").chmod(0o755)
    user = myself(tmp_path)
    keeper = user.keeper(folder, PATH=f"{fake}:{os.environ['PATH']}")
    output, errors = keeper.communicate(timeout=30)
    last = json.loads(output.splitlines()[-1])
    assert last == {"error": "the drill's history could not be built: git is on strike"}
    assert errors == b""
    assert keeper.returncode == 1
    assert of_drill(folder) == []


def test_a_folder_may_have_a_long_and_awkward_name(tmp_path: Path) -> None:
    path = tmp_path / ("long, with 'quotes', \"more\" and spaces " + "o" * 150)
    try:
        world = build(path)
        broken = asyncio.run(Keeper(Path(world.socket)).break_("bad-config"))
        assert broken.record.ok
    finally:
        asyncio.run(stop_world(path, unheard))


async def test_asking_where_no_keeper_runs_says_so(tmp_path: Path) -> None:
    with pytest.raises(DrillError, match="no keeper runs"):
        await wait_until_ready(tmp_path, unheard)
    with pytest.raises(DrillError, match="no drill was ever started"):
        await stop_world(tmp_path, unheard)
    with pytest.raises(DrillError, match="there is no rehearsal world"):
        World.load(tmp_path)
    with pytest.raises(KeeperError, match="no keeper answers at"):
        await Keeper(tmp_path / "keeper.sock").status()
