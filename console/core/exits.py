"""Exit codes of the command line (DESIGN 5)."""

from enum import IntEnum


class Exit(IntEnum):
    """What a pipeline can tell from the code alone."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """Usage, or the strategy file."""
    UNAUTHORISED = 3
    UNHEALTHY = 4
    INCOMPLETE = 5
    """A person is needed: the rollback is incomplete, or it cannot be told whether the service is healthy."""
    INTERRUPTED = 130
