"""kill -9 of the engine in the middle of a rehearsal: the copy is dropped, and the target rehearsed again."""

from pathlib import Path

import pytest

from console.core import events as ev
from tests.faults import world


@pytest.mark.parametrize("point", ["effect.middle", "effect.after"])
def test_the_copy_is_dropped_and_the_target_is_rehearsed_again(point: str, tmp_path: Path) -> None:
    """What the next engine finds is said; nothing of the rehearsal runs on beside the service."""
    done = world.headless(tmp_path, crash_at=f"rehearse:{point}")
    result = world.document(done)
    assert (done.returncode, result["outcome"]) == (0, "recovered"), result["reason"]
    bodies = [event.body for event in world.events(tmp_path)]
    (probed,) = [body for body in bodies if isinstance(body, ev.StepProbed)]
    assert (probed.step, probed.finding) == ("rehearse", "not done")
    left = "nothing is left of it" if point == "effect.after" else "was left of it, and is dropped"
    assert left in probed.words
    assert world.done_outcomes(tmp_path, "rehearse") == 1
    assert world.left_running(tmp_path) == []
