"""The file that stands in for a release ledger: which releases there were, and what is known of each."""

from pathlib import Path

from console.config.examined import examine, without_mistakes
from console.core.releases import Known, ReleaseList


def load_releases(path: Path) -> tuple[Known, ...]:
    """The releases in a file, oldest first. Raises ConfigError with every mistake in it."""
    releases, _, _ = without_mistakes(examine(path, ReleaseList, lambda _document: iter(())))
    return tuple(releases.releases)
