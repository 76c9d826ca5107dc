"""The release that is proposed first is sick too: its proof fails, one key back, and the next one is it."""

from pathlib import Path

from console.core import events as ev
from console.core.plan import thaw
from tests.integration.drill.test_another_way import play


def test_the_next_good_release_is_the_one(tmp_path: Path) -> None:
    """The decision is made on evidence, all is taken back in reverse, and nobody has to name the next one."""
    played = play(tmp_path / "drill", "sick-target")
    result = played.result
    assert (result.outcome, result.reason) == ("recovered", None), played.said
    assert (result.release.bad, result.release.target, result.release.running) == (
        "v1.10.1",
        "v1.5.0",
        "v1.5.0",
    )
    plans = [thaw(bytes(body.plan)) for body in played.bodies if isinstance(body, ev.PlanFrozen)]
    assert [plan.code.target.tag for plan in plans if plan.code] == ["v1.10.0", "v1.5.0"]
    failed = [b for b in played.bodies if isinstance(b, ev.StepOutcome) and b.status == "failed"]
    assert [body.step for body in failed] == ["validation"], "it proved itself but for what only users see"
    assert "the chain's RPC does not answer" in failed[0].words
    undone = [b for b in played.bodies if isinstance(b, ev.UndoOutcome)]
    assert [(body.step, body.status) for body in undone] == [
        ("deploy", "done"),
        ("integrate", "done"),
        ("push-branch", "done"),
    ]
    assert "the service answers v1.10.1" in undone[0].words
    opened = [body for body in played.bodies if isinstance(body, ev.GateOpened)]
    assert len(opened) == 2, "the next release has a gate of its own"
    assert result.recovery.taken_s is not None
    assert result.recovery.taken_s > 2, "it counts from the first of them"
    assert result.journal.valid
