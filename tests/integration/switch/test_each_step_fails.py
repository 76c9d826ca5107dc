"""Each step of the switch made to fail: what is said, where the service ends, and that the way back works."""

import stat
import subprocess
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.core.exits import Exit
from console.core.state import Status
from console.drill.place import Place
from tests.integration.switch.kit import Shift

MakeShift = Callable[..., Shift]


def is_as_before(at: Shift) -> None:
    """The bad release serves, develop builds it, and the rollback's branch is gone."""
    plan = at.incident.plan
    assert plan is not None
    assert plan.code is not None
    assert at.runs() == "v1.5.3"
    assert at.on_remote(plan.code.branch) is None
    assert at.tree("develop") == at.tree("v1.5.3")
    assert "Users are on v1.5.3, the bad release, as before" in at.stands("bad")


def test_push_refused(shift: MakeShift) -> None:
    """A hook of the remote says no: nothing has changed, and when it says yes the step goes on."""
    at = shift()
    at.to_gate()
    at.run("same-schema", "rows")
    hook = Path(at.world.remote) / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho frozen for the audit >&2\nexit 1\n")
    hook.chmod(0o755)
    words = at.fails("push-branch")
    assert "pre-receive hook declined" in words
    assert at.next().startswith(
        "decide: push the branch failed; retry it, skip it, stop, or take all back (u)"
    )
    hook.unlink()
    assert at.undo().step("push-branch").status is Status.UNDONE
    is_as_before(at)


def test_the_branch_moved(shift: MakeShift) -> None:
    """Somebody's push is neither deployed unseen nor lost: the plan is made again."""
    at = shift()
    at.to_gate()
    at.run("same-schema", "rows", "push-branch")
    at.push("Say more", "NOTES.md", "more\n")
    theirs = at.on_remote("develop")
    words = at.fails("integrate")
    assert "develop has moved to" in words
    assert "by eng-3 (Say more)" in words
    assert at.next() == "plan again: into develop failed, to retry it is no use"
    undone = at.undo()
    assert undone.step("push-branch").status is Status.UNDONE
    assert undone.undos["integrate"].words == "develop was not moved by this step"
    assert at.on_remote("develop") == theirs
    assert at.runs() == "v1.5.3"


def test_the_process_exits_at_once(shift: MakeShift) -> None:
    """Nothing serves: that is said; what comes back first is the release that ran."""
    at = shift()
    at.to_gate()
    at.run("same-schema", "rows", "push-branch", "integrate")
    cache = Place(at.folder).secrets / "redis.url"
    cache.rename(cache.with_suffix(".gone"))
    words = at.fails("deploy")
    assert "service did not start" in words
    assert at.runs() is None
    assert at.next().startswith("decide: deploy failed; retry it, skip it, stop, or take all back (u). ")
    undone = at.undo()
    assert undone.undos["deploy"].status is Status.FAILED, "its file is still gone"
    assert at.next().startswith("take back again: deploy was not taken back, ")
    cache.with_suffix(".gone").rename(cache)
    at.undo()
    is_as_before(at)


def test_health_never_good(shift: MakeShift) -> None:
    """The cache hangs after the deploy: the proof fails, and the way back is there."""
    at = shift()
    at.to_gate()
    at.run("same-schema", "rows", "push-branch", "integrate", "deploy")
    with at.stopped("redis"):
        words = at.fails("health")
        assert words.startswith("not healthy in 8 tries")
        assert at.next().startswith(
            "decide: healthy, version failed; retry it, skip it, stop, or take all back"
        )
    assert at.runs() == "v1.5.0"
    at.undo()
    is_as_before(at)


def test_the_suite_is_red(shift: MakeShift) -> None:
    """The release serves, but not as it must: one key back."""

    def red(environment: Any) -> None:
        environment["commands"]["validate"]["argv"] = ["sh", "-c", "echo FAIL signs nothing >&2; exit 1"]

    at = shift(red)
    at.to_gate()
    at.run("same-schema", "rows", "push-branch", "integrate", "deploy", "health", "rows-kept")
    assert "FAIL signs nothing" in at.fails("validation")
    assert "Users are on v1.5.0, the good release" in at.stands("good")
    undone = at.undo()
    assert undone.step("health").status is Status.UNDONE, "what was proven then proves nothing now"
    is_as_before(at)


def test_the_disk_is_full(shift: MakeShift) -> None:
    """Where the release is to be written there is no room: the old one goes on serving."""
    at = shift()
    at.to_gate()
    at.run("same-schema", "rows", "push-branch", "integrate")
    with full(Place(at.folder).worktrees):
        words = at.fails("deploy")
    assert "No space left on device" in words or "no space" in words.lower()
    assert at.runs() == "v1.5.3", "nothing was stopped before"
    assert "Users are on v1.5.3, the bad release" in at.stands("bad")
    at.do("run", "deploy", "retry")
    assert at.ends("deploy", Status.DONE), "there is room again"
    at.undo()
    is_as_before(at)


def test_the_keeper_hangs_in_the_middle(shift: MakeShift) -> None:
    """Nobody can say what runs, and that is what is said; afterwards the service itself is asked."""

    def soon(environment: Any) -> None:
        for step in environment["runbook"]:
            if step["id"] == "deploy":
                step["limit"] = "4s"

    at = shift(soon)
    at.to_gate()
    at.run("same-schema", "rows", "push-branch", "integrate")
    with at.stopped("keeper"):
        words = at.fails("deploy")
        assert "4 s" in words
        assert at.runs() == "v1.5.3"
        undone = at.undo()
        assert undone.undos["deploy"].status is Status.FAILED
        assert at.warroom("status").returncode == Exit.DONE
    at.undo()
    is_as_before(at)


@contextmanager
def full(folder: Path) -> Any:
    """That folder on a disk of its own, which is full."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k,mode=0777", "full", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (folder / "filler").write_bytes(b"x" * 4096)
        assert stat.S_ISDIR(folder.stat().st_mode)
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
