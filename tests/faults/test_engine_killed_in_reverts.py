"""kill -9 of the engine while commits are reverted: made again, with the same ids, and each once."""

import subprocess
from pathlib import Path

import pytest

from console.core import events as ev
from console.core.plan import CodeChange, thaw
from tests.faults import world


@pytest.mark.parametrize("point", ["effect.middle", "effect.after"])
def test_the_reverts_are_those_of_the_plan(point: str, tmp_path: Path) -> None:
    """What the killed engine left is looked at; the branch holds exactly what people said yes to."""
    done = world.headless(tmp_path, crash_at=f"worktree:{point}")
    result = world.document(done)
    assert (done.returncode, result["outcome"]) == (0, "recovered"), result["reason"]
    bodies = [event.body for event in world.events(tmp_path)]
    (probed,) = [body for body in bodies if isinstance(body, ev.StepProbed)]
    assert (probed.step, probed.finding) == ("worktree", "done" if point == "effect.after" else "not done")
    code = _planned(bodies)
    assert code.way == "revert commits"
    argv = ["git", "-C", str(tmp_path / "remote.git"), "rev-list", "v1.5.3..develop"]
    there = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    assert list(reversed(there)) == [one.made for one in code.reverts if one.made]
    assert world.left_running(tmp_path) == []


def _planned(bodies: list[ev.Body]) -> CodeChange:
    (frozen,) = [body for body in bodies if isinstance(body, ev.PlanFrozen)]
    code = thaw(bytes(frozen.plan)).code
    assert code is not None
    return code
