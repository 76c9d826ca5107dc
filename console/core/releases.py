"""Known releases with their verdicts, and which of them is the one to go back to."""

from collections.abc import Sequence
from typing import Literal

from console.core.errors import StatedError
from console.core.fields import CommitId, Model, Text


class ReleaseError(StatedError):
    """There is no release to go back to, or not the one that was asked for."""


class Known(Model):
    """A release that somebody recorded."""

    tag: Text
    commit: CommitId
    """The commit that the verdict is about."""
    verdict: Literal["good", "unproven", "bad"]
    said_by: Text
    deployed: Text
    """When it was deployed, ISO 8601 in UTC."""


class ReleaseList(Model):
    """The file that stands in for a release ledger, in order of deployment."""

    releases: list[Known]


def propose(known: Sequence[Known], running: str, wanted: str | None) -> Known:
    """The release to go back to: the one wanted, or the newest good one before what runs.

    `known` is in order of deployment. A release that was judged bad is never gone back to.
    """
    tags = [release.tag for release in known]
    if wanted is not None and wanted not in tags:
        raise ReleaseError(f"no release {wanted} is recorded; there are {', '.join(tags) or 'none'}")
    before = known[: tags.index(running)] if running in tags else known
    if wanted is not None:
        chosen = known[tags.index(wanted)]
        if chosen.verdict == "bad":
            raise ReleaseError(f"{wanted} was judged bad by {chosen.said_by}: choose another")
        return chosen
    good = [release for release in before if release.verdict == "good"]
    if not good:
        raise ReleaseError(f"no release before {running} was judged good: name one with `warroom run --to TAG`")
    return good[-1]
