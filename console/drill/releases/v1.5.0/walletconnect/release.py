"""Which release this is: what the tree says of itself, and what git says of the tree."""

import subprocess
from pathlib import Path

from msgspec import Struct


class Release(Struct, frozen=True):
    """A release as it answers for itself; `commit` and `tree` are full git ids."""

    version: str
    commit: str
    tree: str


def read_release(root: Path) -> Release:
    """Ask the tree below `root`, and git, what it is."""
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD", "HEAD^{tree}"], cwd=root, check=True, capture_output=True, text=True
    )
    commit, tree = answer.stdout.split()
    return Release((root / "VERSION").read_text(encoding="utf-8").strip(), commit, tree)
