"""What changed: the release that runs beside the one to go back to, as far as git and people tell. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from console.core.clock import Stamp
from console.core.config_keys import KeyChange
from console.core.proposal import Weighed


class Deployed(Struct, frozen=True):
    """A release as the list of releases has it."""

    tag: str
    commit: str
    verdict: str
    said_by: str
    at: int | None
    """When it was deployed, UTC microseconds; None where what is written there is no moment."""


class Committed(Struct, frozen=True):
    """A commit as people want to read it."""

    id: str
    author: str
    at: int
    """UTC microseconds."""
    summary: str
    tags: tuple[str, ...]


class Folder(Struct, frozen=True):
    """How many files changed in a folder."""

    name: str
    """As git names it; `.` for the topmost."""
    files: int


class Side(Struct, frozen=True):
    """A release that is compared: by what people call it, and by its full id."""

    tag: str
    commit: str


class Branch(Struct, frozen=True):
    """The branch that is deployed, as the remote had it when it was last asked."""

    name: str
    commit: str
    ahead: int
    """Commits that it has beyond the release that is compared."""
    behind: int


class Between(Struct, frozen=True):
    """All that lies between two releases. What was too long to be listed is counted."""

    newer: Side
    older: Side
    why: str
    """Why just these: `the newest good release`, `what the plan goes back to`."""
    commits: tuple[Committed, ...]
    """That the newer has and the older has not, newest first."""
    more_commits: int
    apart: int
    """Commits that the older has and the newer has not."""
    files: int
    folders: tuple[Folder, ...]
    more_folders: int
    migrations: tuple[str, ...] | None
    """Files that migrate the schema and are not the same in both; None where nobody has said which do."""
    more_migrations: int
    keys: tuple[KeyChange, ...] | None
    """Settings that are not the same in both, by name; None where nobody has said where they lie."""
    more_keys: int
    unread: tuple[str, ...]
    """What could not be compared, each with why."""
    branch: Branch | None


class Changes(Struct, frozen=True):
    """What changed, as of one moment."""

    at: Stamp
    """When it was looked at."""
    remote: int | None
    """When the remote was last read, UTC microseconds; None: never."""
    releases: tuple[Deployed, ...]
    """Oldest first."""
    between: Between | None
    """None where one of the two releases is not known."""
    trouble: tuple[str, ...] = ()
    """Why it may not be complete, each in a line."""
    weighed: tuple[Weighed, ...] = ()
    """What speaks for or against going back to each release, newest first."""
    record: str = ""
    """Where the releases are on record."""


def inside(paths: Iterable[str], places: Iterable[str]) -> tuple[str, ...]:
    """Those of the paths that are one of the places (files, or folders) or lie in one."""
    named = tuple(place.strip("/") for place in places)
    folders = tuple(f"{name}/" for name in named)
    return tuple(path for path in paths if path in named or path.startswith(folders))


def by_folder(paths: Iterable[str]) -> tuple[Folder, ...]:
    """How many of the paths lie in each folder; the folder with the most first."""
    counts: dict[str, int] = {}
    for path in paths:
        name = path.rpartition("/")[0] or "."
        counts[name] = counts.get(name, 0) + 1
    return tuple(Folder(name, files) for name, files in sorted(counts.items(), key=lambda c: (-c[1], c[0])))
