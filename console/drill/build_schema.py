"""Brings a scratch database to the schema of the release in the working directory, as its deployment would.

Run as `python -m console.drill.build_schema` with the database in WARROOM_SCRATCH_DSN.
"""

import asyncio
import os
import sys
from pathlib import Path

from console.core.scratch_variables import DSN
from console.drill.migrations import migrate
from console.drill.place import DrillError


def main() -> None:
    """Run every migration of the release, and name each."""
    try:
        asyncio.run(migrate(os.environ[DSN], Path.cwd(), "a scratch schema", _say, lambda: None))
    except DrillError as error:
        sys.exit(str(error))


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")


if __name__ == "__main__":
    main()
