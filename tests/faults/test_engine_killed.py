"""kill -9 of the engine at every point around push and deploy: nothing twice, nothing lost, carried on."""

from pathlib import Path

import pytest

from console.engine.crash import POINTS
from console.store.verify import verify
from tests.faults import world

STEPS = ("push-branch", "integrate", "deploy")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("step", STEPS)
def test_the_rollback_is_carried_on_and_nothing_is_done_twice(step: str, point: str, tmp_path: Path) -> None:
    """The next engine looks into the unclear step; the rule for runs without a person decides."""
    done = world.headless(tmp_path, crash_at=f"{step}:{point}")
    result = world.document(done)
    assert (done.returncode, result["outcome"]) == (0, "recovered"), result["reason"]
    kinds = [event.kind for event in world.events(tmp_path)]
    assert kinds.count("engine.started") == 2, "the engine was not killed"
    unclear = point in {"intent.after", "effect.middle", "effect.after"}
    assert kinds.count("step.probed") == unclear
    assert verify(tmp_path / "state" / "journal.db").ok
    assert world.rollbacks_on_develop(tmp_path) == 1
    head = next(e.body for e in world.events(tmp_path) if e.kind == "plan.frozen")
    assert world.deploys_of(tmp_path, _restored(head)) == 1
    assert {name: world.done_outcomes(tmp_path, name) for name in STEPS} == dict.fromkeys(STEPS, 1)
    assert world.left_running(tmp_path) == []


def _restored(frozen: object) -> str:
    from console.core.events import PlanFrozen
    from console.core.plan import thaw

    assert isinstance(frozen, PlanFrozen)
    plan = thaw(bytes(frozen.plan))
    assert plan.code is not None
    return plan.code.restored
