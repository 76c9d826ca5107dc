"""The course of one metric out of the samples' files, however long: one row in memory at a time."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from console.core.clock import Stamp
from console.core.course import Piece, filled, sampled, thinned
from console.core.metrics import Reading
from console.store.recollection import Recollection
from console.store.samples import files, hour, offset_since, raw_rows

_decode_row = msgspec.msgpack.Decoder(tuple[Stamp, list[msgspec.Raw]]).decode
_decode_reading = msgspec.msgpack.Decoder(Reading).decode


def read_course(folder: Path, metric: str, since: Stamp, until: Stamp, width_s: float) -> list[Piece]:
    """What the metric was from `since` to `until`, oldest first; see core.course.thinned.

    Where nobody looked, it is what the source has told of that time, if it has. OSError from the disk.
    """
    own = list(thinned(_samples(folder, metric, since, until), since, width_s))
    told = (
        piece
        for piece in Recollection(folder).of(metric)
        if piece.until.seconds_since(since) >= 0 and until.seconds_since(piece.since) >= 0
    )
    return filled(own, told, since)


def _samples(folder: Path, metric: str, since: Stamp, until: Stamp) -> Iterator[Piece]:
    """Of each row the one reading alone is decoded: where it stood in the row before, mostly."""
    place, first = 0, hour(since)
    for path in files(folder, first):
        try:
            file = path.open("rb")
        except FileNotFoundError:  # too old to be kept, and removed this moment
            continue
        with file:
            for raw in raw_rows(file, offset_since(file, since) if path.name == first else 0):
                try:
                    at, readings = _decode_row(raw)
                    if at.seconds_since(until) > 0:
                        return
                    reading = _decode_reading(readings[place]) if place < len(readings) else None
                    if reading is None or reading.metric != metric:
                        place = _place(readings, metric)
                        if place == len(readings):
                            continue
                        reading = _decode_reading(readings[place])
                except (ValueError, RecursionError):
                    break  # what a power failure left at the end of its file
                yield sampled(at, reading)


def _place(readings: list[msgspec.Raw], metric: str) -> int:
    """Where the metric's reading is; behind all of them where it is not."""
    for place, raw in enumerate(readings):
        if _decode_reading(raw).metric == metric:
            return place
    return len(readings)
