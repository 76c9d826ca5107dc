"""Files and folders that only the account we run under can open, and renames that survive a power failure."""

import os
from pathlib import Path

FILE = 0o600
FOLDER = 0o700


def make_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, closed to other accounts. OSError when that cannot be."""
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(FOLDER)


def sync_folder(folder: Path) -> None:
    """Return when names that were made, changed or removed in `folder` are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
