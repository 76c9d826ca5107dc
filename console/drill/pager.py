"""The stand-in for whatever pages people: `python -m console.drill.pager FOLDER HANDLE CONTACT`.

It writes down each page, with the message that stands on its standard input, and tells nobody. It imports
nothing of the house: everybody is paged at once, and each page is a process.
"""

import json
import sys
from pathlib import Path
from typing import NoReturn

PAGES = "pages.jsonl"
"""Where the pages of a drill are, in its folder: a JSON object a line."""


def record(folder: Path, handle: str, contact: str, message: str) -> None:
    """Write a page down, in one piece: others write beside us. ValueError for a message that says nothing."""
    if not message.strip():
        raise ValueError(f"the page of {handle} says nothing: what to say is read from standard input")
    line = json.dumps({"handle": handle, "contact": contact, "message": message}) + "\n"
    with (folder / PAGES).open("ab", buffering=0) as file:
        file.write(line.encode())


def main(words: list[str]) -> NoReturn:
    """Record one page; ends with 1 and a line on standard error when there is none."""
    if len(words) != 3:
        sys.exit("usage: python -m console.drill.pager FOLDER HANDLE CONTACT")
    folder, handle, contact = words
    try:
        record(Path(folder), handle, contact, sys.stdin.read())
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"written into {PAGES}: nobody outside this drill is told\n")
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
