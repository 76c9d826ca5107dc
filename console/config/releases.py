"""The file that stands in for a release ledger: which releases there were, and what is known of each."""

from pathlib import Path

from console.config.examined import examine, without_mistakes
from console.core.releases import Known, ReleaseList

_HINT = "it lists the releases under `releases`, oldest first: tag, commit, verdict, said_by, deployed"


def load_releases(path: Path) -> tuple[Known, ...]:
    """The releases in a file, oldest first. Raises ConfigError with every mistake in it."""
    releases, _, _ = without_mistakes(examine(path, ReleaseList, lambda _document: iter(()), hint=_HINT))
    return tuple(releases.releases)
