"""The course of one metric out of the samples' files, however long: one row in memory at a time."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from console.core.clock import Stamp
from console.core.course import Piece, sampled, thinned
from console.core.metrics import Reading
from console.store.samples import files, hour, raw_rows

_decode_row = msgspec.msgpack.Decoder(tuple[Stamp, list[msgspec.Raw]]).decode
_decode_reading = msgspec.msgpack.Decoder(Reading).decode


def read_course(folder: Path, metric: str, since: Stamp, width_s: float) -> list[Piece]:
    """What the metric was from `since` on, oldest first; see core.course.thinned. OSError from the disk."""
    return list(thinned(_samples(folder, metric, since), since, width_s))


def _samples(folder: Path, metric: str, since: Stamp) -> Iterator[Piece]:
    """Of each row the one reading alone is decoded: where it stood in the row before, mostly."""
    place = 0
    for path in files(folder, hour(since)):
        try:
            file = path.open("rb")
        except FileNotFoundError:  # too old to be kept, and removed this moment
            continue
        with file:
            for raw in raw_rows(file, since):
                try:
                    at, readings = _decode_row(raw)
                    found = _place(readings, metric, place)
                    if found is None:
                        continue
                    place = found
                    yield sampled(at, _decode_reading(readings[place]))
                except (ValueError, RecursionError):
                    break  # what a power failure left at the end of its file


def _place(readings: list[msgspec.Raw], metric: str, guess: int) -> int | None:
    """Where the metric's reading is."""
    everywhere = (guess, *range(len(readings)))
    return next(
        (at for at in everywhere if at < len(readings) and _decode_reading(readings[at]).metric == metric),
        None,
    )
