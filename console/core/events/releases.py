"""The release ledger: what was deployed, and what people think of it. It outlives incidents."""

from typing import Literal

from console.core.events.body import Body


class ReleaseRecorded(Body, frozen=True):
    """A release was put on record, as a rule by the pipeline that deployed it."""

    kind = "release.recorded"
    tag: str
    commit: str
    """Full id; git has its tag there."""
    images: dict[str, str]
    """Of each component, pinned by digest or image id."""
    migrations: tuple[str, ...]
    config_keys: tuple[str, ...]
    """Names of configuration keys that it reads; no value of any."""
    deployed: int
    """UTC microseconds."""
    again: bool = False
    """Whether it was on record already, just so: then nothing changes."""


class ReleaseMarked(Body, frozen=True):
    """Somebody said what they think of a release on record."""

    kind = "release.marked"
    tag: str
    verdict: Literal["good", "unproven", "bad"]
    reason: str


KINDS: tuple[type[Body], ...] = (ReleaseRecorded, ReleaseMarked)
