"""The override that pins images: laid over the project's own files, and without a secret in it.

A file's `build` is left alone: version 1 takes no null there, and `up --no-build` builds nothing in either.
What Compose resolves is never written down, because it has the values of variables in it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from console.targets.compose.cli import ComposeError, Program


def content(
    program: Program, images: Mapping[str, str], volumes: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> bytes:
    """The override for images, and for what is mounted instead of the same places, by service."""
    services: dict[str, dict[str, object]] = {
        service: {"image": image, **program.never_pulls} for service, image in images.items()
    }
    for service in volumes.keys() & services.keys():
        services[service]["volumes"] = volumes[service]
    return msgspec.json.format(msgspec.json.encode({"services": services}, order="sorted")) + b"\n"


def path_of(folder: Path, images: Mapping[str, str]) -> Path:
    """Where the override for those images is: the same images, the same file."""
    mark = hashlib.sha256(msgspec.json.encode(dict(images), order="sorted")).hexdigest()[:12]
    return folder / f"pinned-{mark}.json"


def write(
    folder: Path, program: Program, images: Mapping[str, str], volumes: Mapping[str, Sequence[str]]
) -> Path:
    """Write it. It stays: the containers' labels name it as one of the files that they were made of."""
    path = path_of(folder, images)
    partial = path.with_suffix(".partial")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_bytes(content(program, images, volumes))
        partial.replace(path)
    except OSError as error:
        raise ComposeError(f"cannot write {path}: {error.strerror}") from error
    return path
