"""The roster from its file."""

from dataclasses import dataclass
from pathlib import Path

from console.config.examined import Examined, examine, without_mistakes
from console.config.mistakes import ConfigError
from console.core.roster import Roster
from console.core.roster_check import check_roster


@dataclass(frozen=True, slots=True)
class LoadedRoster:
    """A roster, and the very bytes that it was read from."""

    roster: Roster
    path: Path
    raw: bytes
    sha256: str
    """Of `raw`, in hex; pinned when an incident is declared."""


def load_roster(path: Path) -> LoadedRoster:
    """The roster in a file. Raises ConfigError with every mistake in it."""
    roster, raw, sha256 = without_mistakes(examine_roster(path))
    return LoadedRoster(roster, path, raw, sha256)


def people_of(path: Path) -> Roster | None:
    """The roster for whoever only wants to name people; None where it cannot be read.

    Why not is said by what depends on it: the engine does not start with such a roster.
    """
    try:
        return load_roster(path).roster
    except ConfigError:
        return None


def examine_roster(path: Path) -> Examined[Roster]:
    """A roster file with its mistakes; ConfigError when it cannot even be read as YAML."""
    return examine(path, Roster, check_roster)
