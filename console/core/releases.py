"""Releases on record with their verdicts, wherever that is written, and the terms of the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from console.core.errors import StatedError
from console.core.fields import CommitId, Model, Name, Text

Verdict = Literal["good", "unproven", "bad"]
Source = Literal["ledger", "file", "git"]


class ReleaseError(StatedError):
    """There is no release to go back to, or not the one that was asked for."""


class Known(Model):
    """A release that somebody recorded."""

    tag: Text
    commit: CommitId
    """The commit that the verdict is about."""
    verdict: Verdict
    said_by: Text
    deployed: Text
    """When it was deployed, ISO 8601 in UTC."""
    images: dict[Name, Text] = Field(default_factory=dict)
    """Of each component, pinned: `repository@sha256:...`, or `sha256:...` where it never left its machine."""
    reason: str = ""
    """Why it is judged so; empty where nobody said."""


class ReleaseList(Model):
    """A file of releases, in order of deployment."""

    releases: list[Known]


@dataclass(frozen=True, slots=True)
class OnRecord:
    """Everything that is on record, and what a release must be like to be gone back to."""

    known: tuple[Known, ...]
    """In order of deployment."""
    source: Source
    words: str
    """Where it is written: `the release ledger`, `releases.yaml`, `git tags, which nobody has judged`."""
    matching: str = ""
    """A regular expression that is found in the tag of each candidate; empty: all are candidates."""
    contracted: Mapping[str, str] = field(default_factory=dict)
    """Commits that a plan of the open incident found the schema contracted for, each with the digest of the
    live schema that it was compared with."""


def place(known: Sequence[Known], commit: str) -> int | None:
    """Where in the list a commit is; None when nobody recorded it."""
    return next((index for index, release in enumerate(known) if release.commit == commit), None)
