"""The folder of the backups: whether one can be put there, and read again."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from console.core.checked import Remark, good, lack, note, warn
from console.core.data import Recipient, SnapshotPoint
from console.core.format import size
from console.engine.checks.case import Case
from console.engine.checks.database import size_of

TARGET = "backups"


async def backups(case: Case) -> list[Remark]:
    """Whether there is a place for them with room enough; nothing where the strategy names none."""
    rules = case.environment.backups
    if rules is None:
        return []
    remarks = list(_folder(case.means.folder / rules.folder, await size_of(case)))
    if rules.recipient is not None:
        remarks += _sealed(rules.recipient)
    if isinstance(rules.restorable, SnapshotPoint) and shutil.which(rules.restorable.argv[0]) is None:
        words = f"`{rules.restorable.argv[0]}`, which makes the restorable point, is not on PATH"
        remarks.append(lack(TARGET, words, "install it, or name another in `backups.restorable`"))
    return remarks


def _folder(folder: Path, needed: int | None) -> Iterator[Remark]:
    """The folder itself, or where it would be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        yield lack(TARGET, f"{there} is no folder", "name another in `backups.folder`")
        return
    if not os.access(there, os.W_OK | os.X_OK):
        yield lack(TARGET, f"{there} is not ours to write to", "have its owner let us, or name another")
        return
    if there != folder:
        yield note(TARGET, f"{folder} is not there yet: the first backup makes it")
    free = shutil.disk_usage(there).free
    if needed is None:
        yield good(TARGET, f"{size(free)} free in {folder}; how much a backup needs is not known")
    elif free < needed:
        words = f"{size(free)} free in {folder}, and the database has {size(needed)}"
        yield warn(TARGET, words, f"make room for {size(needed - free)}, or name another in `backups.folder`")
    else:
        yield good(TARGET, f"{size(free)} free in {folder}, for a database of {size(needed)}")


def _sealed(recipient: Recipient) -> Iterator[Remark]:
    if shutil.which(recipient.program) is None:
        words = f"`{recipient.program}`, which encrypts them, is not on PATH"
        yield lack(TARGET, words, f"install {recipient.program}, or no backup is made")
    else:
        yield good(TARGET, f"encrypted by {recipient.program}")
