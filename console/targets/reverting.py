"""Reverts made without a worktree: each a merge of three trees in our own clone, and a commit of the result.

To undo a commit is to bring what changed from it to its parent into what there is now, as `git revert` does.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from console.core.format import short
from console.core.plan import Revert
from console.core.reverting import Pick, Reverting, message
from console.targets.git import Clone, Commit, GitError, commit_bytes


class RevertError(GitError):
    """These commits cannot be undone, not so; no branch and no worktree was touched."""


class Reverted(Struct, frozen=True):
    """What the reverts come to."""

    commit: str
    """Full id of the last of them."""
    tree: str
    reverts: tuple[Revert, ...]


def since(clone: Clone, good: str, head: str, tag: str) -> tuple[Pick, ...]:
    """All between a good commit and the head of its branch, newest first: undone, it is the good tree."""
    line = clone.lineage(head, first_parents=True)
    if good not in line:
        raise RevertError(
            f"the branch did not come from {tag} by its first parents: restore the tree, or name the commits"
        )
    commits = clone.commits(line[: line.index(good)])
    return tuple(Pick(one.id, 1 if len(one.parents) > 1 else None) for one in commits)


def resolved(clone: Clone, named: Sequence[Pick], head: str, branch: str) -> tuple[Pick, ...]:
    """The commits that somebody named, by full ids, newest first; RevertError for what the branch has not."""
    order = {commit: place for place, commit in enumerate(clone.lineage(head))}
    found: dict[str, Pick] = {}
    for pick in named:
        commit = clone.commit_named(pick.commit)
        if commit not in order:
            raise RevertError(f"{short(commit)} is not in {branch}: nothing of it can be undone there")
        if found.setdefault(commit, replace(pick, commit=commit)).mainline != pick.mainline:
            raise RevertError(f"{short(commit)} is named twice, with two parents that stay: name one")
    return tuple(sorted(found.values(), key=lambda pick: order[pick.commit]))


async def revert(clone: Clone, what: Reverting) -> Reverted:
    """Undo one after the other; RevertError names the files where that conflicts."""
    head, tree = what.onto, clone.tree_of(what.onto)
    reverts: list[Revert] = []
    commits = clone.commits([pick.commit for pick in what.picks])
    for pick, commit in zip(what.picks, commits, strict=True):
        parent = _stays(clone, commit, pick.mainline)
        after = await _undone(clone, commit, parent, tree)
        made = None
        if after != tree:
            words = message(commit.summary, pick, parent, what.note)
            raw = commit_bytes(after, head, what.author, what.at, words)
            made = head = await clone.write_commit(raw, keep=True)
        tree = after
        reverts.append(Revert(commit.id, commit.summary, commit.author, pick.mainline, made))
    return Reverted(head, tree, tuple(reverts))


async def _undone(clone: Clone, commit: Commit, parent: str, tree: str) -> str:
    """The tree without what that commit changed."""
    merged = await clone.merged(clone.tree_of(commit.id), tree, clone.tree_of(parent))
    if merged.conflicts:
        raise RevertError(
            f"{short(commit.id)} ({commit.summary}) cannot be undone by itself, it conflicts in"
            f" {', '.join(merged.conflicts)}: undo what came after it there too, or restore the tree"
        )
    return merged.tree


def _stays(clone: Clone, commit: Commit, mainline: int | None) -> str:
    """The parent that is gone back to; of a merge somebody must say which."""
    parents = commit.parents
    if not parents:
        raise RevertError(f"{short(commit.id)} is the first commit: there is nothing before it")
    if mainline is not None and (len(parents) == 1 or mainline > len(parents)):
        why = "is no merge" if len(parents) == 1 else f"has {len(parents)} parents"
        raise RevertError(f"{short(commit.id)} ({commit.summary}) {why}: no parent {mainline} can stay")
    if mainline is None and len(parents) > 1:
        sides = (
            f"{short(commit.id)}^{place} keeps {one.summary} ({short(one.id)}, {one.author})"
            for place, one in enumerate(clone.commits(parents), start=1)
        )
        raise RevertError(
            f"{short(commit.id)} ({commit.summary}) is a merge, say which parent stays: {'; '.join(sides)}"
        )
    return parents[(mainline or 1) - 1]
