"""The two ways back in git, worked out beforehand: which commits there will be, and what they come to."""

from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from actions.action import Inputs, World
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.format import count, short
from console.core.plan import CodeChange, Release, Revert, Way, Wish
from console.core.releases import Known
from console.core.reverting import Pick, Reverting, idle_words, picked
from console.core.strategy import Environment, RunbookStep
from console.targets.git import GitError, commit_bytes
from console.targets.github.answers import CiError
from console.targets.github.limits import Box
from console.targets.reverting import Reverted, RevertError, resolved, revert, since

ACTIONS: dict[Way, str] = {"restore tree": "restore-tree", "revert commits": "revert-commits"}
"""The verb of each way."""
_TITLES: dict[Way, str] = {"restore tree": "restore the tree", "revert commits": "revert commits"}
_PROTECTION_S = 15.0
"""How long it may take to learn what protects the branch."""
_VERSION_BYTES = 4096
"""Of a file that says a version."""


class WayError(StatedError):
    """There is no such way back; nothing was changed."""


class Start(Struct, frozen=True):
    """Where the way begins, and who goes it."""

    running: Release
    inputs: Inputs
    at: Stamp


class Made(Struct, frozen=True):
    """A way back, as far as git is concerned."""

    way: Way
    target: Release
    restored: str
    """Full id of its last commit."""
    known: Known | None
    """What is recorded of the target; None: it was never released."""
    commit: str = ""
    """The bytes of the one commit of *restore tree*, as text."""
    reverting: Reverting | None = None
    reverts: tuple[Revert, ...] = ()
    version: str | None = None
    """See CodeChange."""


def way_of(environment: Environment, wish: Wish) -> Way:
    """The way that is wished for, or else the one of the runbook."""
    if wish.way is not None:
        return wish.way
    if wish.commits:
        return "revert commits"
    named = {line.action for line in environment.runbook}
    return next((way for way, action in ACTIONS.items() if action in named), "restore tree")


def in_that_way(line: RunbookStep, change: CodeChange | None) -> RunbookStep:
    """The runbook's line, with the verb of the way that this plan takes."""
    if change is None or line.action not in ACTIONS.values() or line.action == ACTIONS[change.way]:
        return line
    return line.model_copy(update={"action": ACTIONS[change.way], "title": _TITLES[change.way]})


async def to_release(world: World, start: Start, wish: Wish, known: Known, goal: Release) -> Made:
    """The way back to a release: its tree in one commit, or all that came after it undone.

    Where the branch did not come from it by its first parents, and nobody insists, its tree is restored.
    """
    if way_of(world.environment, wish) == "restore tree":
        return await _restored(world, start, known, goal)
    try:
        picks = since(world.clone, goal.commit, start.running.commit, goal.tag)
    except RevertError:
        if wish.way is not None:
            raise
        return await _restored(world, start, known, goal)
    what = _reverting(start, picks)
    done = await revert(world.clone, what)
    if done.tree != goal.tree:
        raise WayError(f"with all of that undone it is not the tree of {goal.tag}: restore the tree instead")
    return Made("revert commits", goal, done.commit, known, reverting=what, reverts=done.reverts)


async def without(world: World, start: Start, wish: Wish, known: Sequence[Known]) -> Made:
    """The way to what runs now without the commits that are named, whether that was released or not."""
    repository = world.environment.repository
    try:
        named = [picked(words) for words in wish.commits]
    except ValueError as error:
        raise WayError(str(error)) from error
    what = _reverting(start, resolved(world.clone, named, start.running.commit, repository.branch))
    done = await revert(world.clone, what)
    if done.tree == start.running.tree:
        why = idle_words(done.reverts) or "they undo each other"
        raise WayError(f"{repository.branch} would stay as it is: {why}")
    released = _released(world, known, done.tree)
    if released is not None:
        return Made(
            "revert commits",
            Release(released.tag, released.commit, done.tree),
            done.commit,
            released,
            reverting=what,
            reverts=done.reverts,
        )
    return Made(
        "revert commits",
        Release(_name(start.running, done), done.commit, done.tree),
        done.commit,
        None,
        reverting=what,
        reverts=done.reverts,
        version=_version(world, done.commit),
    )


async def protection_of(world: World) -> str:
    """What protects the deploy branch, asked now and not at the switch; empty where nothing does."""
    if world.pulls is None:
        return ""
    branch = world.environment.repository.branch
    try:
        return await world.pulls.protection(branch, Box(world.clock, _PROTECTION_S))
    except CiError as error:
        return f"whether {branch} is protected, nobody can say: {error}"


async def _restored(world: World, start: Start, known: Known, goal: Release) -> Made:
    message = (
        f"Roll back {world.name} to {goal.tag} ({start.inputs.incident})\n\n"
        f"The tree of {goal.tag}, {goal.commit}."
    )
    raw = commit_bytes(goal.tree, start.running.commit, start.inputs.author, start.at, message)
    made = await world.clone.write_commit(raw, keep=False)
    return Made("restore tree", goal, made, known, commit=raw.decode())


def _reverting(start: Start, picks: Sequence[Pick]) -> Reverting:
    inputs = start.inputs
    note = f"Rolled back in {inputs.incident}."
    return Reverting(start.running.commit, tuple(picks), inputs.author, start.at, note)


def _name(running: Release, done: Reverted) -> str:
    """What people call a tree that nobody has released: `v1.5.3 less 2 commits`."""
    return f"{running.tag} less {count(sum(one.made is not None for one in done.reverts), 'commit')}"


def _released(world: World, known: Sequence[Known], tree: str) -> Known | None:
    """The newest recorded release of that tree; WayError where that was judged bad."""
    for one in reversed(known):
        with suppress(GitError):  # a release that the remote has no more is not the one
            if world.clone.tree_of(one.commit) == tree:
                if one.verdict == "bad":
                    raise WayError(
                        f"what that leaves is the tree of {one.tag}, judged bad by {one.said_by}: undo more"
                    )
                return one
    return None


def _version(world: World, commit: str) -> str:
    """What the service will say of itself, by the file that the strategy names; empty: its commit tells."""
    path, service = world.environment.repository.version, world.environment.service
    if path is None:
        if service.commit is None:
            raise WayError(
                "nobody can tell what runs without those commits from what runs now: name the file with the"
                " version as `repository.version`, or where the commit is in the health answer as"
                " `service.commit`"
            )
        return ""
    try:
        raw = world.clone.content(commit, path, _VERSION_BYTES)
    except GitError as error:
        raise WayError(f"{path} of {short(commit)} {error}") from error
    if raw is None:
        raise WayError(f"{short(commit)} has no {path}, which `repository.version` names")
    return raw.decode(errors="replace").strip()
