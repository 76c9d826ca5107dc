"""Proof that a saved cache is whole: checked, loaded into a scratch server, compared with its record."""

from pathlib import Path

from console.core.backups import CacheFacts
from console.targets.process import Programs
from console.targets.progress import Progress


async def verify(
    folder: Path, facts: CacheFacts, programs: Programs, work: Path, report: Progress
) -> str:
    """What was proven of `cache.rdb` in `folder` (plain, not sealed), in words, ready for Proof.words.

    `facts` is the manifest's `cache`. A scratch server of ours runs below `work` meanwhile (a folder of the
    engine's, not the backup's); nothing in `folder` is changed. Raises NotProvenError with one sentence
    for what is wrong: no file, empty, truncated, damaged, of another server, too new for any program here,
    other counts, other values or other expiry times than when it was saved.
    """
    raise NotImplementedError
