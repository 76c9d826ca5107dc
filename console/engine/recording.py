"""What git says of a release that is to be recorded: asked beside everything else, before it is on record."""

from console.core.format import short
from console.core.requests import RecordRelease
from console.engine.grants import RefusedError
from console.targets.git import Clone, GitError

LIMIT_S = 12.0
"""How long the remote may take: a pipeline waits for the answer."""


async def check(clone: Clone, ask: RecordRelease) -> None:
    """Refuses a commit that the remote does not have, and a tag that it does not have there."""
    try:
        await clone.look(LIMIT_S)
    except GitError as error:
        why = f"the remote gave no answer, so nobody knows what {ask.tag} is"
        raise RefusedError(f"{why}: {error}; record it again later") from error
    try:
        commit = clone.seen_tag(ask.tag)
    except GitError:
        raise RefusedError(f"{clone.remote} has no tag {ask.tag}: push it, then record the release") from None
    if commit != ask.commit:
        clone.commit_of(ask.commit)  # one that is nowhere is named
        raise RefusedError(
            f"tag {ask.tag} is commit {short(commit)}, not {short(ask.commit)}: find out who moved the tag"
        )
