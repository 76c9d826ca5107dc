"""Known releases with their verdicts, and which of them is the one to go back to."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from console.core.errors import StatedError
from console.core.fields import CommitId, Model, Name, Text
from console.core.plan import Release


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
    images: dict[Name, Text] = Field(default_factory=dict)
    """Of each component, pinned: `repository@sha256:...`, or `sha256:...` where it never left its machine."""


class ReleaseList(Model):
    """The file that stands in for a release ledger, in order of deployment."""

    releases: list[Known]


def place(known: Sequence[Known], commit: str) -> int | None:
    """Where in the list a commit is; None when nobody recorded it."""
    return next((index for index, release in enumerate(known) if release.commit == commit), None)


def propose(known: Sequence[Known], running: Release, wanted: str | None) -> Known:
    """The release to go back to: the one wanted, or the newest good one before what runs.

    `known` is in order of deployment. A release that was judged bad is never gone back to.
    """
    tags = [release.tag for release in known]
    if wanted is not None and wanted not in tags:
        raise ReleaseError(f"no release {wanted} is recorded; there are {', '.join(tags) or 'none'}")
    if wanted is not None:
        chosen = known[tags.index(wanted)]
        if chosen.verdict == "bad":
            raise ReleaseError(f"{wanted} was judged bad by {chosen.said_by}: choose another")
        return chosen
    good = [release for release in known[: place(known, running.commit)] if release.verdict == "good"]
    if not good:
        raise ReleaseError(f"no release before {running.tag} was judged good: name one to go back to")
    return good[-1]
