"""The repository, the releases that somebody recorded, and whoever deploys: only asked, never written to."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from console.config.mistakes import ConfigError
from console.config.releases import load_releases
from console.core.checked import Remark, good, lack, note, warn
from console.core.format import count, short
from console.core.naming import nearest, quoted
from console.core.releases import Known
from console.core.strategy import KeeperDeploy
from console.core.swarm_deploy import SwarmDeploy
from console.engine.checks.case import Case
from console.engine.checks.swarm import swarm
from console.targets.git import Clone, GitError
from console.targets.keeper import Keeper

LIMIT_S = 8.0
_BRANCH, _TAG = "refs/heads/", "refs/tags/"


async def repository(case: Case) -> list[Remark]:
    """Whether the remote answers, and has the branch that is deployed."""
    target, rules, clone = "repository", case.environment.repository, case.clone()
    try:
        refs = await clone.refs_on_remote(LIMIT_S)
    except GitError as error:
        return [
            lack(target, f"{clone.remote}: {error}", "put the repository's address into `repository.remote`")
        ]
    branches = [ref.removeprefix(_BRANCH) for ref in refs if ref.startswith(_BRANCH)]
    if rules.branch not in branches:
        close = nearest(rules.branch, branches)
        near = f": did you mean {quoted(close)}?" if close else ""
        return [
            lack(
                target,
                f"{clone.remote} has no branch {quoted(rules.branch)}{near}",
                "name it in `repository.branch`",
            )
        ]
    told = f"{clone.remote} has {rules.branch}, at {short(refs[_BRANCH + rules.branch])}"
    return [good(target, told), *_push(target, clone.remote)]


def _push(target: str, remote: str) -> Iterator[Remark]:
    """Whether we may push, as far as that can be told without pushing."""
    if not Path(remote).is_dir():
        yield note(
            target, "whether we may push there, only a push tells: `repository.remote` is another machine's"
        )
    elif not os.access(remote, os.W_OK):
        yield lack(
            target, f"{remote} is not ours to write to, so nothing can be pushed", "have its owner let us"
        )


async def releases(case: Case) -> list[Remark]:
    """Whether there is a release to go back to, and the remote still has all of them."""
    target, path = "releases", case.means.folder / case.environment.releases.file
    try:
        known = load_releases(path)
    except ConfigError as error:
        return [lack(target, words) for words in str(error).splitlines()]
    remarks = []
    if not any(release.verdict == "good" for release in known):
        remarks.append(
            lack(target, f"{path.name} has no release that was judged good", "record one: it is the way back")
        )
    else:
        remarks.append(
            good(
                target,
                f"{path.name}: {count(len(known), 'release')}, {_newest(known)} is the newest good one",
            )
        )
    clone = case.clone()
    try:
        refs = await clone.refs_on_remote(LIMIT_S)
    except GitError:
        return [*remarks, note(target, "whether the remote has them waits for the repository")]
    return [*remarks, *_on_remote(target, known, refs, clone)]


def _newest(known: Sequence[Known]) -> str:
    return [release.tag for release in known if release.verdict == "good"][-1]


def _on_remote(
    target: str, known: Sequence[Known], refs: Mapping[str, str], clone: Clone
) -> Iterator[Remark]:
    """Releases that the remote does not have as they were recorded."""
    tips = set(refs.values())
    for release in known:
        found = refs.get(_TAG + release.tag)
        if found is not None and found != release.commit:
            words = f"tag {release.tag} is on {short(found)}, recorded was {short(release.commit)}"
            yield warn(target, words, "somebody has moved the tag: find out which of the two was deployed")
        elif found is None and release.commit not in tips and not _fetched(clone, release.commit):
            words = f"the remote has no tag {release.tag}, and no branch or tag at {short(release.commit)}"
            yield lack(target, words, "push its tag again, or it cannot be gone back to")


def _fetched(clone: Clone, commit: str) -> bool:
    """Whether the engine's clone has that commit: it was there when it was fetched last."""
    try:
        clone.commit_of(commit)
    except GitError:
        return False
    return True


async def deploy(case: Case) -> list[Remark]:
    """Whether whoever deploys answers; of a pipeline there is nothing to be asked."""
    rules = case.environment.deploy
    if isinstance(rules, SwarmDeploy):
        return await swarm(case, rules)
    if not isinstance(rules, KeeperDeploy):
        return [note("deploy", "a push to the branch deploys: whether that works, only a push tells")]
    status = await Keeper(Path(rules.socket)).status(LIMIT_S)
    if status.phase != "ready":
        return [warn("deploy", f"the drill's keeper is {status.phase}", "wait until it is ready")]
    return [good("deploy", f"the drill's keeper answers, {status.version or 'nothing'} is deployed")]
