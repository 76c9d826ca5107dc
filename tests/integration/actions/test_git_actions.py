"""Fetch, restore tree, push branch, integrate and tidy: a real remote that somebody else pushes to."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from actions.action import ActionError, Finding
from console.core.format import short
from console.targets.git import GitError
from tests.integration.actions.kit import BRANCH, Operator, Place, Said

REF = f"refs/heads/{BRANCH}"


async def found(place: Place, name: str) -> Finding:
    finding = await place.action(name).probe()
    assert "\n" not in finding.words
    return finding


async def refusal(place: Place, name: str) -> str:
    """Why the action fails, in one line."""
    with pytest.raises((ActionError, GitError)) as failed:
        await place.done(name)
    assert "\n" not in str(failed.value)
    return str(failed.value)


@pytest.mark.parametrize("name", ["fetch", "restore-tree", "push-branch", "integrate", "tidy"])
async def test_what_the_plan_shows_is_what_is_run(place: Place, name: str) -> None:
    """People approve these lines: each is executed to the letter, except that a folder is removed by us."""
    if name in ("push-branch", "integrate", "tidy"):
        await place.done("restore-tree")
    place.programs.lines.clear()
    await place.done(name)
    run = {shlex.join(argv) for argv in place.programs.lines}
    shown = [line for line in place.effects(name) if not line.startswith("rm ")]
    assert shown
    assert set(shown) <= run


# -- fetch --------------------------------------------------------------------------------------------


async def test_fetch_lists_the_newest_commits_and_proves_where_the_branch_is(place: Place) -> None:
    said, action = Said(), place.action("fetch")
    await action.perform(said)
    proof = await action.verify()
    listed = [line for line in said.lines if "eng-2" in line]
    assert [line.split()[-1] for line in listed] == ["v1.5.3", "cap", "more", "gas"]
    assert listed[0].startswith(short(place.inputs.code.running.commit))
    (slot,) = proof.evidence
    assert (slot.name, slot.inputs, slot.holds) == ("branch-unmoved", place.inputs.code.running.commit, True)


async def test_fetch_notices_a_branch_that_moved(place: Place) -> None:
    moved = place.operator.push("Hotfix", {"hot.txt": "fix\n"})
    old = place.inputs.code.running.commit
    assert await refusal(place, "fetch") == f"develop moved from {short(old)} to {short(moved)}: plan again"


async def test_fetch_is_proven_on_the_remote_and_not_on_what_was_fetched_before(place: Place) -> None:
    """Taken as done after a crash, its proof must not be older than the crash."""
    await place.action("fetch").perform(Said())
    place.operator.push("Hotfix", {"hot.txt": "fix\n"})
    with pytest.raises(ActionError, match="develop moved from"):
        await place.action("fetch").verify()


async def test_fetch_notices_a_branch_that_is_gone(place: Place) -> None:
    place.operator.delete("develop")
    assert "has no branch develop" in await refusal(place, "fetch")
    with pytest.raises(ActionError, match="the remote has no develop any more: plan again"):
        await place.action("fetch").verify()


async def test_fetch_from_a_remote_that_is_gone_is_one_line(place: Place) -> None:
    shutil.rmtree(place.operator.remote)
    assert (await refusal(place, "fetch")).startswith("git fetch: fatal: ")


# -- restore tree -------------------------------------------------------------------------------------


async def test_restore_tree_makes_exactly_the_good_tree_on_top_of_what_runs(place: Place) -> None:
    """Across a merge, without force: files that came later are gone, what changed is as it was."""
    assert (await found(place, "restore-tree")).found == "not done"
    action = place.action("restore-tree")
    await action.perform(Said())
    proof = await action.verify()
    assert sorted(path.name for path in place.worktree.iterdir()) == [
        ".git",
        ".gitignore",
        "VERSION",
        "gas.toml",
    ]
    assert (place.worktree / "gas.toml").read_text() == "cap = 9\n"
    commit, tree, clean = await place.clone.state_of(place.worktree)
    assert (commit, tree, clean) == (place.inputs.code.restored, place.inputs.code.target.tree, True)
    (newest, parent) = place.clone.log(None, commit, 2)
    assert (newest.summary, parent.id) == ("Roll back to v1.5.0", place.inputs.code.running.commit)
    assert proof.evidence[0].inputs == place.inputs.code.target.tree
    assert (await found(place, "restore-tree")).found == "done"


async def test_restore_tree_can_be_repeated(place: Place) -> None:
    await place.done("restore-tree", "restore-tree")
    assert (await found(place, "restore-tree")).found == "done"


def lose_a_file(path: Path) -> None:
    (path / "VERSION").unlink()


def change_a_file(path: Path) -> None:
    (path / "VERSION").write_text("v6.6.6\n")


def add_a_file(path: Path) -> None:
    (path / "extra.txt").write_text("x")


def add_an_ignored_file(path: Path) -> None:
    (path / "noise.log").write_text("x")


def lose_the_link(path: Path) -> None:
    (path / ".git").unlink()


def lose_everything(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


@pytest.mark.parametrize(
    "damage",
    [lose_a_file, change_a_file, add_a_file, add_an_ignored_file, lose_the_link, lose_everything],
)
async def test_a_worktree_that_is_only_half_right_is_not_done_and_is_made_anew(
    place: Place, damage: Callable[[Path], None]
) -> None:
    await place.done("restore-tree")
    damage(place.worktree)
    assert (await found(place, "restore-tree")).found == "not done"
    with pytest.raises((ActionError, GitError)):
        await place.action("restore-tree").verify()
    await place.done("restore-tree")
    assert (await found(place, "restore-tree")).found == "done"


async def test_a_folder_that_is_no_worktree_never_leads_to_the_repository_around_it(place: Place) -> None:
    """The state folder may lie in the operator's own repository, whose work is none of ours."""
    operator = place.operator
    operator.git("init", "--quiet", str(place.folder), cwd=place.folder)
    operator.git("commit", "--quiet", "--allow-empty", "-m", "mine", cwd=place.folder)
    mine = operator.git("rev-parse", "HEAD", cwd=place.folder)
    place.worktree.mkdir(parents=True)
    (place.worktree / "half.txt").write_text("x")
    finding = await found(place, "restore-tree")
    assert finding.found == "not done"
    assert short(mine) not in finding.words
    await place.done("restore-tree")
    assert operator.git("rev-parse", "HEAD", cwd=place.folder) == mine


async def test_a_commit_that_git_makes_otherwise_than_the_plan_says_is_refused(place: Place) -> None:
    action = place.action("restore-tree")
    action.params["commit"] += "one more line\n"
    with pytest.raises(ActionError, match=f"where the plan says {short(place.inputs.code.restored)}"):
        await action.perform(Said())
    assert not place.worktree.exists()


# -- push branch --------------------------------------------------------------------------------------


async def test_push_branch_puts_the_branch_on_the_remote_and_nothing_else(place: Place) -> None:
    operator = place.operator
    before = operator.on_remote()
    await place.done("restore-tree")
    assert (await found(place, "push-branch")).found == "not done"
    await place.done("push-branch")
    assert (await found(place, "push-branch")).found == "done"
    assert operator.on_remote(REF) == place.inputs.code.restored
    assert operator.on_remote() == before


async def test_push_branch_twice_changes_nothing(place: Place) -> None:
    await place.done("restore-tree", "push-branch", "push-branch")
    assert place.operator.on_remote(REF) == place.inputs.code.restored


async def test_push_branch_leaves_somebody_elses_branch_alone(place: Place) -> None:
    operator = place.operator
    theirs = operator.commit("theirs")
    operator.git("push", "--quiet", "origin", f"HEAD:{REF}")
    finding = await found(place, "push-branch")
    assert finding == Finding("cannot tell", f"the remote has {BRANCH} at {short(theirs)}, which is not ours")
    await place.done("restore-tree")
    assert "stale info" in await refusal(place, "push-branch")
    assert operator.on_remote(REF) == theirs


async def test_push_branch_is_proven_by_the_remote_itself(place: Place) -> None:
    await place.done("restore-tree", "push-branch")
    place.operator.git("push", "--quiet", "origin", f":{REF}")
    with pytest.raises(ActionError, match=f"the remote has no {BRANCH}"):
        await place.action("push-branch").verify()


# -- integrate ----------------------------------------------------------------------------------------


async def test_integrate_moves_the_branch_forward(place: Place) -> None:
    await place.done("restore-tree")
    assert (await found(place, "integrate")).found == "not done"
    await place.done("integrate")
    assert place.operator.on_remote() == place.inputs.code.restored
    assert await found(place, "integrate") == Finding(
        "done", f"develop is at {short(place.inputs.code.restored)}"
    )


async def test_integrate_twice_changes_nothing(place: Place) -> None:
    await place.done("restore-tree", "integrate", "integrate")
    assert place.operator.on_remote() == place.inputs.code.restored


async def test_integrate_picks_onto_a_branch_that_moved_without_a_change(place: Place) -> None:
    """Somebody's empty commit changes nothing of what is deployed: ours goes on top of theirs."""
    await place.done("restore-tree")
    theirs = place.operator.push("Trigger the build")
    assert (await found(place, "integrate")).found == "not done"
    said, action = Said(), place.action("integrate")
    await action.perform(said)
    proof = await action.verify()
    head = place.operator.on_remote()
    assert head is not None
    assert place.operator.git("rev-parse", f"{head}^", cwd=place.operator.remote) == theirs
    assert place.operator.tree(head) == place.inputs.code.target.tree
    assert proof.facts == {"commit": head, "tree": place.inputs.code.target.tree}
    assert any("has moved" in words for words in said.words)
    assert (await found(place, "integrate")).found == "done"


async def test_a_pick_leaves_the_rollbacks_worktree_alone_and_no_other_behind(place: Place) -> None:
    """The checks run in that worktree afterwards."""
    await place.done("restore-tree")
    place.operator.push("Trigger the build")
    await place.done("integrate")
    commit, _, clean = await place.clone.state_of(place.worktree)
    assert (commit, clean) == (place.inputs.code.restored, True)
    assert [path.name for path in place.world.worktrees.iterdir()] == [place.worktree.name]


async def test_integrate_after_a_pick_changes_nothing_more(place: Place) -> None:
    await place.done("restore-tree")
    place.operator.push("Trigger the build")
    await place.done("integrate")
    head = place.operator.on_remote()
    await place.done("integrate")
    assert place.operator.on_remote() == head


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"hot.txt": "fix\n"}, "with that it is not the good tree, plan again"),
        ({"gas.toml": "cap = 5\n"}, "our commit does not go on top of that, plan again"),
    ],
    ids=["a change beside ours", "a change against ours"],
)
async def test_integrate_refuses_somebodys_change_and_says_whose_it_is(
    place: Place, files: dict[str, str], why: str
) -> None:
    """With it the branch would not build the good tree, and without it their work would be lost unseen."""
    await place.done("restore-tree")
    place.operator.push("Trigger the build")
    theirs = place.operator.push("Hotfix for the cap", files)
    assert (await found(place, "integrate")).found == "not done"
    words = await refusal(place, "integrate")
    who = "eng-2 (Hotfix for the cap), eng-2 (Trigger the build)"
    assert words.startswith(f"develop has moved to {short(theirs)}, by {who}: {why}")
    assert place.operator.on_remote() == theirs
    commit, _, clean = await place.clone.state_of(place.worktree)
    assert (commit, clean) == (place.inputs.code.restored, True)
    assert [path.name for path in place.world.worktrees.iterdir()] == [place.worktree.name]


async def test_integrate_leaves_a_branch_that_builds_the_good_tree_by_other_means(place: Place) -> None:
    """Somebody was faster by hand: there is nothing left to push."""
    await place.done("restore-tree")
    operator = place.operator
    operator.git("checkout", "--quiet", "v1.5.0", "--", ".")
    operator.git("rm", "--quiet", "cap.txt", "README")
    theirs = operator.commit("Roll back by hand")
    operator.git("push", "--quiet", "origin", "develop")
    assert (await found(place, "integrate")).found == "done"
    await place.done("integrate")
    assert operator.on_remote() == theirs


async def test_a_change_on_top_of_our_push_is_not_the_good_tree_any_more(place: Place) -> None:
    await place.done("restore-tree", "integrate")
    theirs = place.operator.push("Straight back in", {"hot.txt": "fix\n"})
    assert (await found(place, "integrate")).found == "not done"
    with pytest.raises(ActionError, match=f"develop is at {short(theirs)}, which is not the good tree"):
        await place.action("integrate").verify()
    assert short(theirs) in await refusal(place, "integrate")
    assert place.operator.on_remote() == theirs


async def test_a_branch_that_was_taken_back_is_not_pushed_over(place: Place) -> None:
    await place.done("restore-tree")
    operator = place.operator
    operator.git("push", "--quiet", "--force", "origin", "v1.5.1^{commit}:refs/heads/develop")
    before = operator.on_remote()
    assert before is not None
    words = await refusal(place, "integrate")
    assert words.startswith(f"develop has moved to {short(before)}: ")
    assert operator.on_remote() == before


async def test_a_branch_that_is_gone_cannot_be_told_and_is_not_made_anew(place: Place) -> None:
    await place.done("restore-tree")
    place.operator.delete("develop")
    assert await found(place, "integrate") == Finding("cannot tell", "the remote has no develop any more")
    assert "has no branch develop" in await refusal(place, "integrate")
    assert place.operator.on_remote() is None


async def test_a_push_in_the_last_moment_refuses_ours_by_the_lease(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody pushes right after the remote was asked where the branch is."""
    await place.done("restore-tree")
    ask, theirs = place.clone.on_remote, []

    async def overtaken(ref: str) -> str | None:
        found = await ask(ref)
        theirs.append(place.operator.push("Faster", {"f": "1\n"}))
        return found

    monkeypatch.setattr(place.clone, "on_remote", overtaken)
    assert "stale info" in await refusal(place, "integrate")
    assert [place.operator.on_remote()] == theirs


async def test_integrate_needs_no_worktree_of_its_own_plan(place: Place) -> None:
    """It may have been taken away by hand meanwhile; the commit is in the clone."""
    await place.done("restore-tree")
    shutil.rmtree(place.worktree)
    place.operator.push("Trigger the build")
    await place.done("integrate")
    head = place.operator.on_remote()
    assert head is not None
    assert place.operator.tree(head) == place.inputs.code.target.tree


# -- tidy ---------------------------------------------------------------------------------------------


async def test_tidy_removes_our_worktree_and_no_other_and_keeps_the_branch(place: Place) -> None:
    await place.done("restore-tree")
    other = place.world.worktrees / "somebody-elses"
    await place.clone.add_worktree(other, "other", place.inputs.code.restored)
    assert (await found(place, "tidy")).found == "not done"
    await place.done("tidy")
    assert (await found(place, "tidy")).found == "done"
    assert not place.worktree.exists()
    assert (await place.clone.state_of(other))[2] is True
    local = Operator(place.folder).git("rev-parse", REF, cwd=place.clone.folder)
    assert local == place.inputs.code.restored


async def test_tidy_twice_is_harmless_and_takes_what_a_killed_engine_left(place: Place) -> None:
    await place.done("restore-tree")
    picking = place.world.picking(BRANCH)
    picking.mkdir()
    (picking / "half.txt").write_text("x")
    await place.done("tidy", "tidy")
    assert list(place.world.worktrees.iterdir()) == []


async def test_tidy_is_not_done_while_something_is_there(place: Place) -> None:
    await place.done("restore-tree")
    with pytest.raises(ActionError, match="is still there"):
        await place.action("tidy").verify()
