"""Reverting commits: a real remote with a merge, planned without a worktree, made as it was planned."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from actions.action import Action
from actions.registry import ACTIONS
from console.core.errors import StatedError
from console.core.format import short
from console.core.plan import Plan, thaw
from console.engine.planner import make_plan
from tests.integration.actions.kit import TOKEN, Operator, Said
from tests.integration.actions.test_planner import Office, run_of


@pytest.fixture
def office(tmp_path: Path, operator: Operator) -> Office:
    """A world whose service tells its commit, and whose tree says its version in a file."""
    made = Office(tmp_path, operator)
    repository = made.world.environment.repository.model_copy(update={"version": "VERSION"})
    environment = made.world.environment.model_copy(update={"repository": repository})
    made.world = dataclasses.replace(made.world, environment=environment)
    return made


async def planned(office: Office, **wish: Any) -> Plan:
    run = run_of("eng-1", wish.pop("target", None), **wish)
    frozen = await make_plan(office.world, run, lambda _line: None)
    return thaw(bytes(frozen.plan))


async def refused(office: Office, **wish: Any) -> str:
    """Why there is no such plan; nothing is checked out, and the clone has no worktree."""
    with pytest.raises(StatedError) as refusal:
        await planned(office, **wish)
    assert not office.world.worktrees.exists()
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def step(office: Office, plan: Plan, name: str = "revert-commits") -> Action:
    """That step of the plan, as the runner makes it."""
    (found,) = [one for one in plan.steps if one.action == name]
    return ACTIONS[name](found.params, office.world, TOKEN)


def commit(operator: Operator, revision: str) -> str:
    return operator.git("rev-parse", f"{revision}^{{commit}}")


def by_git(operator: Operator, *words: str) -> str:
    """The tree that `git revert` itself comes to, in a worktree of the operator's."""
    operator.git("checkout", "--quiet", "--detach", "origin/develop")
    operator.git("revert", "--no-edit", *words)
    return operator.git("rev-parse", "HEAD^{tree}")


async def test_undoing_all_since_a_release_comes_to_exactly_its_tree(office: Office) -> None:
    """Along first parents, the merge by its first: a bad release becomes the good one without a restore."""
    plan = await planned(office, way="revert commits")
    code, operator = plan.code, office.operator
    assert code is not None
    assert (code.way, code.target.tag, code.verdict) == ("revert commits", "v1.5.0", "good")
    assert code.target.tree == operator.tree("v1.5.0")
    assert [one.summary for one in code.reverts] == [
        "Release v1.5.3",
        "Merge the cap",
        "Say more",
        "Release v1.5.1",
    ]
    assert [one.mainline for one in code.reverts] == [None, 1, None, None]
    assert code.answers == "v1.5.0"


async def test_what_was_planned_is_what_is_made_and_the_history_says_it(office: Office) -> None:
    plan = await planned(office, way="revert commits")
    assert plan.code is not None
    action = step(office, plan)
    assert (await action.probe()).found == "not done"
    await action.perform(Said())
    proof = await action.verify()
    assert (await action.probe()).found == "done"
    assert proof.facts["commit"] == plan.code.restored
    made = office.world.clone.log(plan.code.running.commit, plan.code.restored, 10)
    assert [one.id for one in reversed(made)] == [one.made for one in plan.code.reverts]
    assert [one.summary for one in made][-1] == 'Revert "Release v1.5.3"'
    assert {one.author for one in made} == {"eng-1"}
    shown = office.operator.git(
        "--git-dir",
        str(office.world.clone.folder),
        "show",
        "-s",
        "--format=%B",
        plan.code.reverts[1].made or "",
    )
    merge = commit(office.operator, "v1.5.2")
    first = commit(office.operator, "v1.5.2^1")
    assert f"This reverts commit {merge}, reversing\nchanges made to {first}." in shown


async def test_the_same_plan_gives_the_same_ids_also_in_a_clone_made_anew(office: Office) -> None:
    """Whatever the plan's merges left in the clone, the step needs none of it."""
    one, other = await planned(office, way="revert commits"), await planned(office, way="revert commits")
    assert one == other
    shutil.rmtree(office.world.clone.folder)
    await office.world.clone.fetch(lambda _line: None, 60)
    action = step(office, one)
    await action.perform(Said())
    await action.verify()


async def test_named_commits_alone_are_undone_and_the_rest_stays(office: Office) -> None:
    """What comes out was never released: it is unproven, has a name of its own, and a version by its file."""
    office.operator.push("Say even more", {"README": "even more\n"})
    bad = commit(office.operator, "v1.5.3")
    plan = await planned(office, commits=(bad[:10],))
    code = plan.code
    assert code is not None
    assert (code.verdict, code.images, code.releases_back) == ("unproven", {}, 0)
    assert code.target.tag == f"{short(code.running.commit)} less 1 commit"
    assert (code.target.commit, code.answers) == (code.restored, "v1.5.1")
    assert code.target.tree == by_git(office.operator, bad)
    health = plan.step("prove-health").params
    assert (health["version"], health["branch"]) == ("v1.5.1", "develop")
    await step(office, plan).perform(Said())
    assert (office.world.worktree(code.branch) / "README").read_text() == "even more\n"


async def test_a_known_tree_is_the_release_that_it_is(office: Office) -> None:
    """Undone to what was released before, it is that release, and answers as it does."""
    bad, merge = commit(office.operator, "v1.5.3"), commit(office.operator, "v1.5.2")
    more = commit(office.operator, "v1.5.2^1")
    plan = await planned(office, commits=(merge + "^1", more, bad))
    assert plan.code is not None
    assert (plan.code.target.tag, plan.code.verdict) == ("v1.5.1", "unproven")
    assert [one.commit for one in plan.code.reverts] == [bad, merge, more]


async def test_what_would_leave_a_release_that_was_judged_bad_is_refused(office: Office) -> None:
    words = await refused(office, commits=(commit(office.operator, "v1.5.3"),))
    assert words == "what that leaves is the tree of v1.5.2, judged bad by ops-lead: undo more"


@pytest.mark.parametrize(("mainline", "kept"), [(1, "more"), (2, "cap")])
async def test_a_merge_is_undone_towards_the_parent_that_is_named(
    office: Office, mainline: int, kept: str
) -> None:
    merge = commit(office.operator, "v1.5.2")
    office.operator.push("Something else", {"else.txt": "else\n"})
    bad = commit(office.operator, "v1.5.3")
    plan = await planned(office, commits=(f"{merge[:12]}^{mainline}", bad))
    assert plan.code is not None
    assert plan.code.reverts[1].mainline == mainline
    assert plan.code.target.tree != plan.code.running.tree
    office.operator.git("checkout", "--quiet", "--detach", "origin/develop")
    office.operator.git("revert", "--no-edit", bad)
    office.operator.git("revert", "--no-edit", "-m", str(mainline), merge)
    assert plan.code.target.tree == office.operator.git("rev-parse", "HEAD^{tree}"), kept


async def test_a_merge_without_a_parent_named_is_refused_with_both_in_words(office: Office) -> None:
    merge = commit(office.operator, "v1.5.2")
    words = await refused(office, commits=(merge,))
    assert words.startswith(f"{short(merge)} (Merge the cap) is a merge, say which parent stays: ")
    assert f"{short(merge)}^1 keeps Say more" in words
    assert f"{short(merge)}^2 keeps Cap the gas" in words


async def test_a_parent_that_there_is_not_is_refused(office: Office) -> None:
    bad, merge = commit(office.operator, "v1.5.3"), commit(office.operator, "v1.5.2")
    assert "is no merge: no parent 1 can stay" in await refused(office, commits=(f"{bad}^1",))
    assert "has 2 parents: no parent 3 can stay" in await refused(office, commits=(f"{merge}^3",))


async def test_a_conflict_names_the_files_and_leaves_nothing(office: Office) -> None:
    """Nothing was checked out, so nothing is half done; no branch and no worktree is there."""
    cap = commit(office.operator, "v1.5.2^2")
    before = office.operator.git("--git-dir", str(office.world.clone.folder), "for-each-ref")
    words = await refused(office, commits=(cap,))
    assert words == (
        f"{short(cap)} (Cap the gas) cannot be undone by itself, it conflicts in gas.toml:"
        " undo what came after it there too, or restore the tree"
    )
    assert office.operator.git("--git-dir", str(office.world.clone.folder), "for-each-ref") == before
    listed = office.operator.git("--git-dir", str(office.world.clone.folder), "worktree", "list")
    assert len(listed.splitlines()) == 1


async def test_what_is_undone_already_is_said_and_alone_makes_no_plan(office: Office) -> None:
    bad = commit(office.operator, "v1.5.3")
    office.operator.git("fetch", "--quiet", "origin")
    office.operator.git("reset", "--quiet", "--hard", "origin/develop")
    office.operator.git("revert", "--no-edit", bad)
    office.operator.git("push", "--quiet", "origin", "develop")
    words = await refused(office, commits=(bad,))
    assert words == f"develop would stay as it is: nothing of {short(bad)} is left to undo"
    plan = await planned(office, commits=(bad, commit(office.operator, "v1.5.2^1")))
    assert plan.code is not None
    assert [one.made is None for one in plan.code.reverts] == [True, False]
    assert "undone already" in plan.step("restore-tree").effects[0]


async def test_commits_that_undo_each_other_make_no_plan(office: Office) -> None:
    bad = commit(office.operator, "v1.5.3")
    office.operator.git("revert", "--no-edit", bad)
    office.operator.git("push", "--quiet", "origin", "develop")
    both = (bad, commit(office.operator, "develop"))
    assert await refused(office, commits=both) == "develop would stay as it is: they undo each other"


async def test_a_commit_that_is_not_in_the_branch_is_refused(office: Office) -> None:
    office.operator.git("checkout", "--quiet", "-b", "elsewhere", "v1.5.0")
    other = office.operator.commit("Elsewhere", {"other.txt": "x\n"})
    office.operator.git("push", "--quiet", "origin", "elsewhere")
    assert f"{short(other)} is not in develop" in await refused(office, commits=(other,))
    assert "has no commit deadbeef" in await refused(office, commits=("deadbeef" * 5,))
    assert "names no commit" in await refused(office, commits=("--upload-pack=x",))


async def test_a_release_that_is_no_first_parent_is_not_reached_by_undoing(office: Office) -> None:
    side = commit(office.operator, "v1.5.2^2")
    office.operator.git("tag", "v1.5.1-cap", side)
    office.operator.git("push", "--quiet", "--tags", "origin")
    office.record({"v1.5.1-cap": "good"})
    words = await refused(office, way="revert commits")
    assert words.startswith("the branch did not come from v1.5.1-cap by its first parents")
    runbook = [
        one.model_copy(update={"action": "revert-commits"}) if one.action == "restore-tree" else one
        for one in office.world.environment.runbook
    ]
    usual = office.world.environment.model_copy(update={"runbook": runbook})
    office.world = dataclasses.replace(office.world, environment=usual)
    plan = await planned(office)
    assert plan.code is not None
    assert (plan.code.way, plan.steps[1].action) == ("restore tree", "restore-tree")


async def test_the_runbook_names_the_usual_way_and_a_wish_the_other(office: Office) -> None:
    assert [one.action for one in (await planned(office)).steps][1] == "restore-tree"
    made = (await planned(office, way="revert commits")).steps[1]
    assert (made.id, made.action, made.title) == ("restore-tree", "revert-commits", "revert commits")


async def test_where_nobody_can_tell_what_runs_without_them_there_is_no_plan(office: Office) -> None:
    """The version stays what it was, and the health answer names no commit: the bad release would pass."""
    environment = office.world.environment
    repository = environment.repository.model_copy(update={"version": None})
    blind = environment.service.model_copy(update={"commit": None})
    unclear = environment.model_copy(update={"repository": repository, "service": blind})
    office.world = dataclasses.replace(office.world, environment=unclear)
    office.operator.push("Say even more", {"README": "even more\n"})
    words = await refused(office, commits=(commit(office.operator, "v1.5.3"),))
    assert words.startswith("nobody can tell what runs without those commits")


async def test_reverts_go_onto_a_branch_that_moved_only_if_it_is_the_good_tree_still(office: Office) -> None:
    """All of them are picked onto the other's head, not the last alone."""
    plan = await planned(office, way="revert commits")
    await step(office, plan).perform(Said())
    same = office.operator.push("Nothing at all")
    action = step(office, plan, "integrate")
    await action.perform(Said())
    await action.verify()
    head = office.operator.on_remote()
    assert head is not None
    clone = office.world.clone
    assert plan.code is not None
    assert clone.tree_of(head) == plan.code.target.tree
    assert len(clone.log(same, head, 10)) == len(plan.code.reverts)


async def test_reverts_do_not_deploy_what_somebody_else_pushed_meanwhile(office: Office) -> None:
    plan = await planned(office, way="revert commits")
    await step(office, plan).perform(Said())
    office.operator.push("Hotfix", {"hot.txt": "fix\n"})
    with pytest.raises(StatedError, match=r"develop has moved to .*Hotfix.*not the good tree, plan again"):
        await step(office, plan, "integrate").perform(Said())


DEPLOY = """
name: Deploy
on:
  push:
    branches: [develop]
jobs:
  staging: {runs-on: x, needs: testnet, environment: mainnet-staging}
  testnet: {runs-on: x, environment: testnet}
"""


async def test_what_the_pushes_set_off_is_read_from_the_tree_that_is_pushed(office: Office) -> None:
    """Not from the bad release's; a file that is no YAML is said, and stops nothing."""
    operator = office.operator
    (operator.work / ".github/workflows").mkdir(parents=True)
    files = {
        ".github/workflows/deploy.yml": DEPLOY,
        ".github/workflows/branches.yaml": "on: {push: {branches: ['rollback/**']}}\njobs: {a: {}}\n",
        ".github/workflows/broken.yml": "on: [push\njobs:\n",
        ".github/workflows/README.md": "none of them\n",
    }
    good = operator.push("Deploy by a push", files)
    operator.git("tag", "v1.5.4", good)
    bad = operator.push(
        "Deploy nothing", {".github/workflows/deploy.yml": "on: pull_request\njobs: {a: {}}\n"}
    )
    operator.git("push", "--quiet", "--tags", "origin")
    office.record({"v1.5.4": "good"})
    plan = await planned(office)
    assert plan.code is not None
    found = plan.code.triggers
    assert found is not None
    assert plan.code.running.commit == bad
    assert [(run.workflow, run.ref) for run in found.runs] == [
        (".github/workflows/branches.yaml", plan.code.branch),
        ("Deploy", "develop"),
    ]
    assert [job.environment for job in found.runs[1].jobs] == ["testnet", "mainnet-staging"]
    assert found.unsure == (".github/workflows/broken.yml is no YAML in line 2: GitHub runs nothing of it",)


async def test_a_revert_of_what_was_not_to_be_built_is_built(office: Office) -> None:
    """GitHub starts nothing for a message that says so, also where the words are only quoted."""
    bad = office.operator.push("Less gas [skip ci]", {"README": "less\n"})
    plan = await planned(office, commits=(bad, commit(office.operator, "v1.5.2^1")))
    assert plan.code is not None
    assert plan.code.reverts[0].made is not None
    clone = office.world.clone
    (made,) = clone.commits([plan.code.reverts[0].made])
    assert made.summary == 'Revert "Less gas (skip ci)"'
