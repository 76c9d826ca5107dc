"""The journal by itself: is every event of it still what was written?"""

from pathlib import Path

import msgspec
from cyclopts import App

from console.core.exits import Exit
from console.store.layout import Layout
from console.store.verify import verify as verify_file
from console.subcommands.where import Where, find

journal = App(name="journal", help="The journal by itself.")


@journal.command
def verify(path: Path | None = None, *, json: bool = False, where: Where = Where()) -> int:  # noqa: B008 - frozen
    """Recompute every hash; names the first event that does not hold.

    Parameters
    ----------
    path
        A journal's file; the environment's own otherwise.
    """
    verdict = verify_file(path or Layout(find(where).state).journal)
    print(msgspec.json.encode(verdict).decode() if json else verdict.words)
    return Exit.DONE if verdict.ok else Exit.FAILED
