"""The whole run by one key a step, stopped in the middle, and taken back in reverse to where it began."""

from collections.abc import Callable

from console.core.exits import Exit
from console.core.state import Status
from tests.integration.switch.kit import Shift


def test_every_step_waits_for_its_key_and_all_is_taken_back(shift: Callable[..., Shift]) -> None:
    """The service ends on the release that it came from; the incident stays open, and a plan can be made."""
    at = shift()
    at.take_command()
    assert at.next().startswith("run fetch the branch: ")
    assert at.incident.step("fetch").status is Status.WAITING
    refused = at.warroom("run", "worktree")
    assert refused.returncode == Exit.FAILED
    assert "worktree needs fetch first" in refused.stderr
    at.run("fetch")
    assert at.next().startswith("run revert commits: ")
    at.to_gate()
    assert at.incident.gate_opened is None, "everybody said yes, and the first step waits for its key"
    assert at.next().startswith("open the gate with ")
    before = at.on_remote("develop")
    at.run("same-schema", "rows", "push-branch", "integrate")
    assert at.runs() == "v1.5.3"
    at.run("deploy")
    assert at.runs() == "v1.5.0"
    at.do("abort", "the dba looks")
    assert at.stands("good").startswith("go on, take all back (u) or plan anew (T): stopped, the dba looks.")

    plan = at.incident.plan
    assert plan is not None
    assert plan.code is not None
    assert at.on_remote(plan.code.branch) == plan.code.restored
    wrong = at.warroom("undo", "--type", "production")
    assert wrong.returncode == Exit.UNAUTHORISED
    done = at.undo()

    statuses = [done.step(step).status for step in ("push-branch", "integrate", "deploy")]
    assert statuses == [Status.UNDONE] * 3
    assert at.runs() == "v1.5.3"
    assert at.on_remote(plan.code.branch) is None
    head = at.on_remote("develop")
    assert head not in (before, plan.code.restored), "moved forward, never back"
    assert at.tree("develop") == at.tree("v1.5.3")
    said = at.stands("bad")
    assert said.startswith("plan anew: all is taken back. Users are on v1.5.3, the bad release, as before")
    assert at.warroom("resume").returncode == Exit.FAILED
    assert at.incident.given_up == ("v1.5.0",)

    at.do("replan", "--to", "v1.5.0")
    again = at.wait(lambda incident: incident.plans == 2)
    assert again.plan is not None
    assert again.plan.code is not None
    assert (again.plan.code.running.tag, again.plan.code.running.commit) == ("v1.5.3", head)
