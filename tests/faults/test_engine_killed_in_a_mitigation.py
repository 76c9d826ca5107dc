"""kill -9 of the engine at every point of a mitigation: the probe says what became of it, and it goes on."""

from pathlib import Path

import pytest

from console.core import events as ev
from console.engine.crash import POINTS
from console.store.verify import verify
from tests.faults import world


@pytest.mark.parametrize("point", [point for point in POINTS if point != "effect.middle"])
def test_the_probe_decides_and_it_is_not_done_twice(point: str, tmp_path: Path) -> None:
    """Done before the engine died: it counts. Not done: it is asked for once more. Never a rollback."""
    done = world.headless(tmp_path, f"wc-gas-off:{point}", "--scenario", "flag")
    result = world.document(done)
    assert (done.returncode, result["outcome"]) == (0, "mitigated"), result["reason"]
    assert result["release"]["running"] == "v1.7.0"
    assert [one["status"] for one in result["mitigations"]] == ["in force"]
    bodies = [event.body for event in world.events(tmp_path)]
    assert sum(isinstance(body, ev.EngineStarted) for body in bodies) == 2, "the engine was not killed"
    looked = [body for body in bodies if isinstance(body, ev.StepProbed)]
    probed = [body.finding for body in looked if body.step == "wc-gas-off"]
    expected = {"intent.after": ["not done"], "effect.after": ["done"]}
    assert probed == expected.get(point, [])
    assert world.done_outcomes(tmp_path, "wc-gas-off") == (0 if point == "effect.after" else 1)
    assert not any(isinstance(body, ev.GateOpened) for body in bodies)
    assert verify(tmp_path / "state" / "journal.db").ok
    assert world.left_running(tmp_path) == []
