"""The clone against a real remote: what is pushed is exact, what is refused leaves everything as it was."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from console.core.clock import Stamp
from console.targets.git import Clone, GitError, Update, commit_bytes, is_same, remote_at, unlock
from console.targets.process import Programs

NOW = Stamp(1_700_000_000_000_000, "boot", 0)
Git = Callable[..., str]


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git in the operator's own repository, and return what it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        **{
            f"GIT_{who}_{what}": f"{who}@x.invalid"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }

    def run(*words: str, cwd: Path = tmp_path / "work") -> str:
        done = subprocess.run(
            ["git", *words], cwd=cwd, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return run


@pytest.fixture
def remote(tmp_path: Path, git: Git) -> Path:
    """A bare remote: v1 (good) and v2 on develop, and a working clone `work` to push more from."""
    bare, work = tmp_path / "remote.git", tmp_path / "work"
    git("init", "--quiet", "--bare", "--initial-branch=develop", str(bare), cwd=tmp_path)
    git("clone", "--quiet", str(bare), str(work), cwd=tmp_path)
    git("checkout", "--quiet", "-b", "develop")
    for version in ("v1", "v2"):
        (work / "VERSION").write_text(version)
        git("add", "VERSION")
        git("commit", "--quiet", "-m", f"release {version}")
        git("tag", version)
    git("push", "--quiet", "--tags", "origin", "develop")
    return bare


@pytest.fixture
async def clone(tmp_path: Path, remote: Path) -> Clone:
    """Warroom's own clone of the remote, fetched."""
    programs = Programs({"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, tag=tmp_path)
    clone = Clone(tmp_path / "clone.git", str(remote), programs)
    await clone.fetch(quiet, 30)
    return clone


async def restored(clone: Clone, *, keep: bool = True) -> str:
    """A commit with the tree of v1 on top of develop."""
    raw = commit_bytes(clone.release("v1").tree, clone.branch("develop"), "eng-1", NOW, "back to v1")
    return await clone.write_commit(raw, keep=keep)


async def test_a_tag_resolves_to_full_ids(clone: Clone, git: Git) -> None:
    release = clone.release("v1")
    assert (release.tag, release.commit) == ("v1", git("rev-parse", "v1"))
    assert release.tree == git("rev-parse", "v1^{tree}")


@pytest.mark.parametrize("name", ["--upload-pack=x", "v1..v2", "v9", "HEAD@{1}", "", "v1\n", ":/release"])
def test_a_name_that_is_not_a_plain_tag_is_refused_in_one_line(clone: Clone, name: str) -> None:
    with pytest.raises(GitError) as error:
        clone.commit_of(name)
    assert "\n" not in str(error.value)


async def test_the_id_of_the_commit_is_known_before_it_is_made(clone: Clone) -> None:
    """The plan names the commit; making it later gives the same id, and asking made nothing."""
    promised = await restored(clone, keep=False)
    with pytest.raises(GitError):
        clone.tree_of(clone.commit_of(promised))
    assert await restored(clone) == promised
    assert clone.tree_of(promised) == clone.release("v1").tree


async def test_a_worktree_holds_exactly_the_commit(clone: Clone, tmp_path: Path) -> None:
    commit = await restored(clone)
    path = tmp_path / "trees" / "rollback"
    await clone.add_worktree(path, "rollback/testnet-1", commit)
    assert await clone.state_of(path) == (commit, clone.release("v1").tree, True)
    (path / "VERSION").write_text("tampered")
    assert (await clone.state_of(path))[2] is False
    await clone.remove_worktree(path)
    assert not path.exists()
    await clone.add_worktree(path, "rollback/testnet-1", commit)


async def test_a_push_moves_the_branch_forward(clone: Clone, remote: Path, git: Git) -> None:
    old, commit = clone.branch("develop"), await restored(clone)
    updates = [Update("refs/heads/develop", commit, old), Update("refs/heads/rollback/1", commit, None)]
    await clone.push(updates, quiet, 30)
    assert await clone.on_remote("refs/heads/develop") == commit
    assert await clone.on_remote("refs/heads/rollback/1") == commit
    assert git("rev-parse", "develop^", cwd=remote) == old


async def test_a_branch_that_moved_meanwhile_refuses_the_whole_push(clone: Clone, git: Git) -> None:
    """The lease names the old id: not even the ref that could be moved is moved."""
    old, commit = clone.branch("develop"), await restored(clone)
    git("commit", "--quiet", "--allow-empty", "-m", "somebody is faster")
    git("push", "--quiet", "origin", "develop")
    updates = [Update("refs/heads/rollback/1", commit, None), Update("refs/heads/develop", commit, old)]
    with pytest.raises(GitError, match="git push: .*stale info"):
        await clone.push(updates, quiet, 30)
    assert await clone.on_remote("refs/heads/develop") == git("rev-parse", "HEAD")
    assert await clone.on_remote("refs/heads/rollback/1") is None


async def test_a_pick_happens_in_a_worktree_that_is_gone_afterwards(
    clone: Clone, git: Git, tmp_path: Path
) -> None:
    commit, tree, pick = await restored(clone), tmp_path / "tree", tmp_path / "pick"
    await clone.add_worktree(tree, "rollback/1", commit)
    git("commit", "--quiet", "--allow-empty", "-m", "trigger the build")
    git("push", "--quiet", "origin", "develop")
    await clone.fetch(quiet, 30)
    picked = await clone.cherry_pick(pick, clone.branch("develop"), commit, "eng-1")
    assert clone.tree_of(picked) == clone.release("v1").tree
    assert [entry.id for entry in clone.log(clone.branch("develop"), picked, 9)] == [picked]
    assert not pick.exists()
    assert await clone.state_of(tree) == (commit, clone.release("v1").tree, True)


async def test_a_conflicting_pick_leaves_nothing_behind(clone: Clone, git: Git, tmp_path: Path) -> None:
    commit, tree, pick = await restored(clone), tmp_path / "tree", tmp_path / "pick"
    await clone.add_worktree(tree, "rollback/1", commit)
    (tmp_path / "work" / "VERSION").write_text("v3")
    git("commit", "--quiet", "-a", "-m", "release v3")
    git("push", "--quiet", "origin", "develop")
    await clone.fetch(quiet, 30)
    with pytest.raises(GitError, match="CONFLICT|could not apply"):
        await clone.cherry_pick(pick, clone.branch("develop"), commit, "eng-1")
    assert not pick.exists()
    assert await clone.state_of(tree) == (commit, clone.release("v1").tree, True)


async def test_what_a_killed_pick_left_is_not_in_the_way(clone: Clone, git: Git, tmp_path: Path) -> None:
    commit, pick = await restored(clone), tmp_path / "pick"
    await clone.add_worktree(pick, "half", commit)
    (clone.folder / "worktrees" / "pick" / "index.lock").write_text("")
    git("commit", "--quiet", "--allow-empty", "-m", "trigger the build")
    git("push", "--quiet", "origin", "develop")
    await clone.fetch(quiet, 30)
    assert await clone.cherry_pick(pick, clone.branch("develop"), commit, "eng-1")


async def test_a_commit_that_the_clone_does_not_have_is_one_line(clone: Clone) -> None:
    with pytest.raises(GitError, match=r"has no commit f{8,12}$"):
        clone.tree_of("f" * 40)


async def test_a_tag_of_a_file_is_no_release_and_in_nobodys_way(clone: Clone, git: Git) -> None:
    git("tag", "key", "v1:VERSION")
    git("tag", "--annotate", "-m", "the same release", "v1-signed", "v1")
    git("push", "--quiet", "--tags", "origin")
    await clone.fetch(quiet, 30)
    assert clone.release("v1-signed").commit == clone.release("v1").commit
    assert clone.release(clone.commit_of("v1")).tag in ("v1", "v1-signed")
    with pytest.raises(GitError):
        clone.release("key")


@pytest.mark.parametrize(
    ("told", "same"), [("abcdef0", True), ("abcdef0" + "1" * 33, True), ("abcdef", False), ("", False)]
)
def test_a_service_may_abbreviate_its_commit_but_not_beyond_recognition(told: str, *, same: bool) -> None:
    assert is_same(told, "abcdef0" + "1" * 33) is same
    assert not is_same("abcdef02", "abcdef0" + "1" * 33)


async def test_a_remote_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    programs = Programs({"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, tag=tmp_path)
    with pytest.raises(GitError, match="git fetch: fatal: .*nowhere.git"):
        await Clone(tmp_path / "c.git", str(tmp_path / "nowhere.git"), programs).fetch(quiet, 30)


async def test_a_place_where_no_clone_can_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    programs = Programs({"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, tag=tmp_path)
    with pytest.raises(GitError, match="no clone can be made at .*clone.git: Not a directory"):
        await Clone(tmp_path / "file" / "clone.git", str(tmp_path), programs).fetch(quiet, 30)


async def test_hooks_of_the_clone_do_not_run(clone: Clone, tmp_path: Path) -> None:
    """A hook in our own clone would run with the engine's rights."""
    hook = clone.folder / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    await clone.add_worktree(tmp_path / "tree", "rollback/1", await restored(clone))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        (".", "/etc/warroom"),
        ("../remote.git", "/etc/remote.git"),
        ("/srv/remote.git", "/srv/remote.git"),
        ("git@git.invalid:team/service.git", "git@git.invalid:team/service.git"),
        ("https://git.invalid/service.git", "https://git.invalid/service.git"),
    ],
)
def test_a_path_in_the_strategy_is_relative_to_it(remote: str, address: str) -> None:
    """The engine runs somewhere else than the person who wrote the file."""
    assert remote_at(remote, Path("/etc/warroom")) == address


async def test_locks_of_a_killed_git_are_removed(clone: Clone, git: Git, tmp_path: Path) -> None:
    """By the next engine, which knows that none runs: else nothing could be fetched, and nothing planned."""
    await clone.fetch(quiet, 10)
    git("tag", "v3")
    git("push", "--quiet", "--tags", "origin", "HEAD:more")
    left = [clone.folder / "refs" / "remotes" / "origin" / "more.lock", clone.folder / "packed-refs.lock"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.raises(GitError, match="lock"):
        await clone.fetch(quiet, 10)
    assert sorted(unlock(clone.folder)) == sorted(left)
    await clone.fetch(quiet, 10)
    assert clone.branch("more")
    assert unlock(clone.folder) == []
    assert unlock(tmp_path / "no clone yet") == []
