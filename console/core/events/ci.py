"""The CI frozen, and as it was again; remembered beyond the incident."""

from console.core.events.body import Body


class CiFrozen(Body, frozen=True):
    """A workflow is about to be disabled, or was found so: committed before the effect, to outlive us."""

    kind = "ci.frozen"
    repository: str
    """`owner/name`."""
    workflow: str
    """As the strategy names it."""
    before: str
    """Its state before anything was done to it, in GitHub's words: `active`, `disabled_manually`, ..."""


class CiUnfrozen(Body, frozen=True):
    """The workflow is as it was before, or nothing was done to it after all."""

    kind = "ci.unfrozen"
    repository: str
    workflow: str
    state: str
    """What it is now, in GitHub's words."""


KINDS: tuple[type[Body], ...] = (CiFrozen, CiUnfrozen)
