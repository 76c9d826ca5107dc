"""A console that reads along and draws into no terminal: `python -m tests.bench.watch_reader STRATEGY`."""

import sys
from pathlib import Path

from console.app import WarRoomApp
from console.subcommands.room import enter
from console.subcommands.where import Where, find


def main() -> None:
    """Look until the process is ended."""
    place = find(Where(strategy=Path(sys.argv[1]), as_="eng-1"))
    WarRoomApp(enter(place)).run(headless=True, size=(120, 40))


if __name__ == "__main__":
    main()
