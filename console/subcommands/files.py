"""The files that people write: made to start from, and checked."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from actions.registry import ACTIONS
from console.config.check import advice, check_files, summary
from console.config.check import init as write_files
from console.config.loader import LoadedStrategy, load_strategy
from console.config.paths import roster_path, strategy_path
from console.config.roster import load_roster
from console.config.secrets import Secrets, child_environment
from console.core.clock import Stamp
from console.core.exits import Exit
from console.engine.archives import archives
from console.store.clock import SystemClock
from console.targets.process import Programs


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

    Of a file without one, the archives that it names are asked next: what can be restored, and what is wrong.
    That changes nothing, and is advice: the exit code is the file's.

    Parameters
    ----------
    file
        The strategy file; the one that would be used, if none is named.
    """
    path = strategy_path(file)
    people = roster_path(path, roster)
    now = SystemClock().now()
    today = datetime.fromtimestamp(now.utc_us / 1e6, tz=UTC).date().isoformat()
    known = people if people.exists() or roster else None
    mistakes = check_files(path, known, ACTIONS, today)
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        return Exit.USAGE
    loaded = load_strategy(path)
    for line in (
        *summary(loaded, now),
        *(advice(loaded.strategy, load_roster(known).roster) if known else ()),
    ):
        print(line, flush=True)  # it need not wait for servers
    for line in asyncio.run(_archives(loaded, now)):
        print(line)
    return Exit.DONE


async def _archives(loaded: LoadedStrategy, now: Stamp) -> list[str]:
    base = loaded.path.absolute().parent
    programs = Programs(child_environment(os.environ), tag=base)
    return await archives(loaded, Secrets(os.environ, base), programs, now.utc_us)
