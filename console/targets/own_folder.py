"""A folder that is ours while we live: gone at the end, or with the next one after a kill -9."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = "own-"


@contextmanager
def own_folder(work: Path) -> Iterator[Path]:
    """A folder of our own below `work`, gone at the end; what a killed engine left there goes first."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in work.glob(f"{_FOLDER}*"):
        with _held(left) as ours:
            if ours:
                shutil.rmtree(left)
    own = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=work))
    with _held(own):
        try:
            yield own
        finally:
            shutil.rmtree(own)


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Hold a folder for as long as we live; whether nobody else does."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)
