"""Every key has a subcommand: a whole rollback with nothing but commands, and what they answer."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.core.exits import Exit
from console.core.protocols import Snapshot
from console.drill.files import write_files
from console.drill.place import VARIABLE
from console.drill.world import start_keeper, stop_world
from console.engine.spawn import spawn_detached
from console.subcommands.room import until
from console.targets.keeper import Keeper
from tests.faults import world

LIMIT_S = 40.0


class CommandLine:
    """`warroom` in a shell of its own, on one environment."""

    def __init__(self, strategy: Path) -> None:
        self._strategy = strategy

    def __call__(self, *words: str, actor: str = "eng-1") -> subprocess.CompletedProcess[str]:
        """Run a subcommand to its end."""
        argv = [sys.executable, "-m", "console", *words, "--strategy", str(self._strategy)]
        if words[0] not in {"status", "timeline", "plan", "steps"}:
            argv += ["--as", actor]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)

    def json(self, *words: str) -> Any:
        """What a subcommand answers with --json."""
        done = self(*words, "--json")
        assert done.returncode == Exit.DONE, done.stderr
        return msgspec.json.decode(done.stdout)


async def _broken(folder: Path) -> None:
    starting = await start_keeper(folder)
    rehearsal = await starting.ready()
    setting = write_files(folder, rehearsal)
    spawn_detached(setting.engine, {VARIABLE: str(folder)})
    with world.room(folder) as room:
        assert await until(room, lambda snapshot: bool(snapshot.rows), LIMIT_S)
        await Keeper(Path(rehearsal.socket)).break_("bad-config")
        assert await until(room, lambda snapshot: snapshot.state.open_incident is not None, LIMIT_S)


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world whose service is sick, with an engine that suspects it."""
    folder = tmp_path_factory.mktemp("drill").resolve()
    try:
        asyncio.run(_broken(folder))
        yield folder
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture
def warroom(drill: Path) -> CommandLine:
    """The command line on that world."""
    return CommandLine(drill / "strategy.yaml")


def wait_for(folder: Path, condition: Callable[[Snapshot], bool]) -> None:
    """Wait until the journal says so."""
    with world.room(folder) as room:
        assert asyncio.run(until(room, condition, LIMIT_S)), room.snapshot().state.incident


def test_a_whole_rollback(warroom: CommandLine, drill: Path) -> None:
    """From a suspected incident to a resolved one; what is refused says why, with its exit code."""
    incident = warroom.json("status")["incident"]["id"]

    assert warroom.json("status")["trouble"] == {}, "every source answers"

    refused = warroom("resolve", "recovered")
    assert (refused.returncode, refused.stdout) == (Exit.FAILED, "")
    assert "the plan has not been carried out" in refused.stderr

    stranger = warroom("go", incident, actor="eve")
    assert stranger.returncode == Exit.FAILED
    assert "eve is not in the roster" in stranger.stderr

    assert warroom("go", incident).returncode == Exit.DONE, "it takes command of a suspected incident"
    assert warroom("note", "looks like [bold]gas[/bold]").returncode == Exit.DONE
    wait_for(drill, lambda s: s.live is not None and s.live.gate.endswith("must say yes"))
    assert "v1.5.0" in warroom("plan").stdout
    assert warroom.json("plan")["code"]["target"]["tag"] == "v1.5.0"

    wrong = warroom("go", incident, "--type", "production")
    assert wrong.returncode == Exit.UNAUTHORISED
    assert "typed 'production', but this is testnet" in wrong.stderr

    assert warroom("abort", "let me think").returncode == Exit.DONE
    assert warroom("resume").returncode == Exit.DONE
    assert warroom("go", incident, "--type", "testnet").returncode == Exit.DONE
    wait_for(drill, lambda s: s.state.open_incident is not None and s.state.open_incident.finished)

    assert warroom("tick", "network-switching", "--note", "tried two").returncode == Exit.DONE
    assert "nothing to decide" in warroom("run", "deploy", "retry").stderr
    assert warroom("resolve").returncode == Exit.DONE
    assert warroom.json("status")["incident"]["status"] == "resolved"
    lines = [msgspec.json.decode(line) for line in warroom("timeline", "--json").stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert "looks like [bold]gas[/bold]" in warroom("timeline").stdout
    assert warroom("steps").stdout.count(" done ") == len(warroom.json("status")["incident"]["plan"]["steps"])


def test_nonsense_is_a_usage_error(warroom: CommandLine) -> None:
    """Exit code 2, and no traceback."""
    for words in (["stauts"], ["status", "--env", "nowhere"], ["run", "deploy", "perhaps"]):
        done = warroom(*words)
        assert done.returncode == Exit.USAGE, words
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["status"], ["timeline"]])
def test_looking_works_where_nothing_has_ever_run(words: list[str], tmp_path: Path) -> None:
    """A first look is no error."""
    (tmp_path / "strategy.yaml").write_bytes((Path("console/config/bundled/strategy.yaml")).read_bytes())
    argv = [sys.executable, "-m", "console", *words, "--strategy", str(tmp_path / "strategy.yaml")]
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "WARROOM_ENV": "testnet"},
    )
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
