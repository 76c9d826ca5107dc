"""The repository, and the releases that somebody recorded: only asked, never written to."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from console.config.mistakes import ConfigError
from console.core.checked import Remark, good, lack, note, warn
from console.core.format import count, short
from console.core.naming import nearest, quoted
from console.core.releases import Known, OnRecord
from console.engine.checks.case import Case
from console.targets.git import Clone, GitError

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
    target = "releases"
    try:
        record = await asyncio.to_thread(case.ledger().read)
    except ConfigError as error:
        return [lack(target, words) for words in str(error).splitlines()]
    remarks = [_judged(target, record)]
    clone = case.clone()
    try:
        refs = await clone.refs_on_remote(LIMIT_S)
    except GitError:
        return [*remarks, note(target, "whether the remote has them waits for the repository")]
    return [*remarks, *_on_remote(target, record.known, refs, clone)]


def _judged(target: str, record: OnRecord) -> Remark:
    """Whether one of them can be proposed."""
    good_ones = [release.tag for release in record.known if release.verdict == "good"]
    if good_ones:
        told = count(len(record.known), "release")
        return good(target, f"{record.words}: {told}, {good_ones[-1]} is the newest good one")
    if record.source == "git":
        words = "no release is on record: only git tags can be named, and nobody has judged them"
        return lack(target, words, "have the deploy pipeline call `warroom release record`, and judge one")
    words = f"{record.words} has no release that was judged good"
    return lack(target, words, "judge one, or record one: it is the way back")


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
