"""kill -9 of the engine around a freeze: in the end the CI is what it was before the first attempt."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from console.core import events as ev
from tests.faults import world

PRODUCTION = ("--env", "production", "--scenario", "data-corruption")


@pytest.mark.parametrize("point", ["freeze:effect.middle", "unfreeze:effect.after"])
def test_the_workflow_is_as_it_was(point: str, tmp_path: Path) -> None:
    """Also when killed between disabling and cancelling: the next engine looks, and goes on."""
    done = world.headless(tmp_path, point, *PRODUCTION)
    result = world.document(done)
    assert (done.returncode, result["outcome"]) == (0, "recovered"), result["reason"]
    events = world.events(tmp_path, "production")
    assert [e.kind for e in events].count("engine.started") == 2, "the engine was not killed"
    probed = {e.body.step for e in events if isinstance(e.body, ev.StepProbed)}
    assert point.partition(":")[0] in probed
    (frozen,) = [e.body for e in events if isinstance(e.body, ev.CiFrozen)]
    assert frozen.before == "active"
    (unfrozen,) = [e.body for e in events if isinstance(e.body, ev.CiUnfrozen)]
    assert unfrozen.state == "active"
    lines = (tmp_path / "ci.jsonl").read_bytes().splitlines()
    orders = [msgspec.json.decode(line)["order"].rsplit("/", 1)[1] for line in lines]
    assert orders == ["disable", "cancel", "enable"]
    assert world.left_running(tmp_path) == []


def test_the_token_is_nowhere_but_in_its_file(tmp_path: Path) -> None:
    """Neither in journal, output and logs, nor in what the drill prints."""
    token = tmp_path / "secrets" / "ci.token"
    with ThreadPoolExecutor(1) as pool:
        drill = pool.submit(world.headless, tmp_path, None, *PRODUCTION)
        while not (token.exists() or drill.done()):
            time.sleep(0.01)
        canary = token.read_bytes()
        done = drill.result()
    assert done.returncode == 0
    assert canary.decode() not in done.stdout + done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert tmp_path / "state" / "journal.db" in files
    assert [path for path in files if canary in path.read_bytes()] == []
