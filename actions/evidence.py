"""Files of evidence that a step leaves: there whole or not at all, and only ours to read."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actions.action import ActionError, Inputs, World

_PARTIAL = ".partial"
_FILE = 0o600
_FOLDER = 0o700


def path_of(inputs: Inputs, world: World, name: str) -> Path:
    """Where a plan's evidence of that name is."""
    return world.evidence / f"{inputs.incident}-{inputs.made}-{name}"


def keep(path: Path, content: bytes) -> None:
    """Write a file, in the place of one that was there; ActionError when the disk refuses."""
    partial = path.with_name(path.name + _PARTIAL)
    try:
        path.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise ActionError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill; it gets its name, in the place of one that had it, when nothing went wrong."""
    partial = path.with_name(path.name + _PARTIAL)
    try:
        shutil.rmtree(partial, ignore_errors=True)  # a step that was cut off left it
        partial.mkdir(mode=_FOLDER, parents=True)
        yield partial
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    except OSError as error:
        raise ActionError(f"cannot write {path}: {error.strerror}") from error


def read(path: Path, what: str) -> bytes:
    """The file's content; ActionError, saying that there is no `what`, when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ActionError(f"there is no {what} at {path}: {error.strerror}") from error
