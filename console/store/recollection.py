"""The file of what a source recorded before the engine looked: beside the samples, and replaced whole."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.core.course import Piece
from console.store.private import PRIVATE, Sharing

NAME = "recollection.msgpack"
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(dict[str, tuple[Piece, ...]]).decode


class Recollection:
    """Written by the engine alone, read by anybody."""

    def __init__(self, samples: Path, sharing: Sharing = PRIVATE) -> None:
        """`samples` is the folder of the samples."""
        self._path = samples / NAME
        self._sharing = sharing

    def write(self, told: Mapping[str, tuple[Piece, ...]]) -> None:
        """Replace what there is, by metric; OSError from the disk."""
        self._sharing.make_folder(self._path.parent)
        unborn = self._path.with_name(f"{NAME}.new")
        with open(unborn, "wb", opener=self._sharing.open) as file:
            file.truncate()
            file.write(_encode(told))
        unborn.replace(self._path)

    def of(self, metric: str) -> tuple[Piece, ...]:
        """What was told of a metric, oldest first; nothing where nobody told, or what is there is torn."""
        try:
            told: dict[str, tuple[Piece, ...]] = _decode(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            # A power failure may leave an empty file; the next engine asks again.
            return ()
        return told.get(metric, ())
