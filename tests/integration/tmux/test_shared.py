"""The shared terminal: one makes it, some join with their hands, others with their eyes alone."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.config.paths import runtime_dir
from console.core.exits import Exit
from console.drill.files import write_files
from console.drill.world import start_keeper, stop_world
from console.store.layout import Runtime
from tests.conftest import require_program
from tests.faults import world
from tests.integration.tmux.window import Tmux

SESSION = "warroom-testnet"


async def _files(folder: Path) -> None:
    starting = await start_keeper(folder)
    write_files(folder, await starting.ready())


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world that is well, with no engine: the shared console starts one."""
    folder = tmp_path_factory.mktemp("drill").resolve()
    try:
        asyncio.run(_files(folder))
        yield folder
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture
def team(drill: Path) -> Iterator[Tmux]:
    """The tmux that is shared, ended with the test."""
    server = Tmux(require_program("tmux", "tmux"), Runtime(runtime_dir(str(drill / "state"))).tmux)
    yield server
    subprocess.run(["tmux", "-S", server.socket, "kill-server"], check=False, capture_output=True)


def argv(drill: Path, *words: str) -> list[str]:
    """A subcommand on that world."""
    return [
        sys.executable,
        "-m",
        "console",
        *words,
        "--strategy",
        str(drill / "strategy.yaml"),
        "--as",
        "eng-1",
    ]


def run(drill: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """It, without a terminal."""
    return subprocess.run(argv(drill, *words), capture_output=True, text=True, check=False, timeout=60)


def test_nobody_can_join_what_nobody_shares(drill: Path) -> None:
    done = run(drill, "join")
    assert done.returncode == Exit.FAILED
    assert done.stderr == "nobody shares a terminal of testnet here: warroom host --env testnet\n"


def test_who_makes_it_twice_joins_the_one_that_is_there(drill: Path, team: Tmux) -> None:
    first = run(drill, "host")
    assert (first.returncode, first.stderr) == (Exit.DONE, "")
    assert first.stdout.endswith(f"attach-session -t ={SESSION}\n")
    assert run(drill, "host").stdout == first.stdout
    windows = team.run("list-windows", "-a", "-F", "#{session_name} #{window_name}")
    assert windows.splitlines() == [f"{SESSION} {name}" for name in ("console", "engine", "shell")]


def test_all_see_one_console_and_only_those_who_joined_move_it(drill: Path, team: Tmux, tmux: Tmux) -> None:
    """Whoever only looks on makes nobody's screen small, and none of their keys arrives."""
    run(drill, "host")
    tmux.open(150, 45, "env", "-u", "TMUX", *argv(drill, "join"))
    bar = tmux.wait_for("no incident  engine ✓").splitlines()[-1]
    assert bar.startswith(" ○ testnet ○  no incident  engine ✓")
    eyes = tmux.beside(80, 24, "env", "-u", "TMUX", *argv(drill, "observe"))
    assert eyes.wait_for("testnet")
    eyes.press("?")
    tmux.press("i")
    tmux.wait_for("Stands on the timeline as said by eng-1")
    assert "Every key" not in tmux.screen
    assert team.run("display-message", "-p", "-t", f"={SESSION}:console", "#{window_width}").strip() == "150"


def test_in_the_shell_beside_it_a_command_means_this_environment(drill: Path, team: Tmux) -> None:
    run(drill, "host")
    team.run("select-window", "-t", f"={SESSION}:shell")
    team.press(f"{sys.executable} -m console status", "Enter")
    assert "testnet  engine" in team.wait_for("NEXT ")


def test_from_another_machine_it_is_joined_over_ssh(drill: Path) -> None:
    done = run(drill, "observe", "--over", "ops@warroom.example.org", "--env", "testnet")
    assert done.stdout == "ssh -t ops@warroom.example.org warroom observe --env testnet\n"


def test_in_a_tmux_already_it_says_what_to_do(drill: Path, team: Tmux, tmux: Tmux) -> None:
    run(drill, "host")
    tmux.open(100, 30, *argv(drill, "join"))
    assert "this terminal is a tmux already" in tmux.wait_for("from another one, ")


def test_without_tmux_the_console_opens_by_itself(drill: Path, tmux: Tmux) -> None:
    path = f"PATH={Path(sys.executable).parent}"
    tmux.open(100, 30, "env", "-u", "TMUX", path, *argv(drill, "host"))
    tmux.wait_for("engine ✓")
    without = subprocess.run(
        argv(drill, "join"),
        env=os.environ | {"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert without.stderr == "there is no tmux on this machine: apt install tmux\n"
