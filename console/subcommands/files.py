"""The files that people write: made to start from, and checked."""

import sys
from pathlib import Path

from actions.registry import ACTIONS
from console.config.check import check_files, summary
from console.config.check import init as write_files
from console.config.loader import load_strategy
from console.config.paths import roster_path, strategy_path
from console.core.exits import Exit
from console.store.clock import SystemClock


def init(directory: Path = Path()) -> None:
    """Write strategy.yaml and roster.yaml to start from, never over a file.

    Parameters
    ----------
    directory
        Where to; here, if none is named.
    """
    for path in write_files(directory):
        print(f"wrote {path}")


def check(file: Path | None = None, *, roster: Path | None = None) -> int:
    """Check a strategy file and the roster beside it: every mistake at once, with file, line and column.

    Parameters
    ----------
    file
        The strategy file; the one that would be used, if none is named.
    """
    path = strategy_path(file)
    people = roster_path(path, roster)
    mistakes = check_files(path, people if people.exists() or roster else None, ACTIONS)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        return Exit.USAGE
    for line in summary(load_strategy(path), SystemClock().now()):
        print(line)
    return Exit.DONE
