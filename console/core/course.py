"""The course of one metric: pieces of time with their extremes; what nobody measured stays a gap. Pure."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from console.core.clock import Stamp
from console.core.metrics import UNMEASURED, URGENCY, Reading, Row, Rung


class Piece(Struct, frozen=True):
    """What a metric was for a while; of a single sample, low and high are the same, and so are both ends."""

    since: Stamp
    until: Stamp
    low: float | None
    high: float | None
    """In the metric's own unit; None, both of them, where nothing was known."""
    rung: Rung
    """The most urgent of those that it stood on."""
    told: bool = False
    """Whether its source told of it afterwards, from its own record: no rung was judged then (NO_SOURCE)."""


class Span(Struct, frozen=True):
    """The time that is drawn."""

    now: Stamp
    seconds: float
    """How far it goes back, above zero."""
    gap_s: float
    """Samples that are further apart than this have a gap between them."""

    def place(self, stamp: Stamp, count: int) -> int:
        """In which of `count` equal parts a moment lies; below 0 before them, the last after them."""
        return min(count - 1, math.floor((1 - self.now.seconds_since(stamp) / self.seconds) * count))


class Column(Struct, frozen=True):
    """One of the equal parts that a span is drawn in."""

    low: float | None
    high: float | None
    """None, both of them, where nothing was known."""
    rung: Rung
    joined: bool = False
    """Whether its value goes on from the column before without a gap."""
    told: bool = False


def known(reading: Reading) -> float | None:
    """The value, where it says what is so now: what is stale has none, whatever its last value was."""
    value = reading.value
    if value is None or reading.rung in UNMEASURED or math.isnan(value):
        return None
    return value


def sampled(at: Stamp, reading: Reading) -> Piece:
    """One sample."""
    value = known(reading)
    return Piece(at, at, value, value, reading.rung)


def course(rows: Iterable[Row], metric: str) -> Iterator[Piece]:
    """The samples of one metric, in the order of the rows; its place among the readings mostly stays."""
    place = 0
    for row in rows:
        readings = row.readings
        if place >= len(readings) or readings[place].metric != metric:
            place = next((at for at, one in enumerate(readings) if one.metric == metric), len(readings))
        if place < len(readings):
            yield sampled(row.at, readings[place])


def thinned(pieces: Iterable[Piece], since: Stamp, width_s: float) -> Iterator[Piece]:
    """The pieces with all that lie in the same `width_s` put together, counted from `since`; in their order.

    Extremes are kept. Of each width there is at most one piece that is known and one that is not.
    """
    seen: Piece | None = None
    blind: Piece | None = None
    place = 0
    for piece in pieces:
        here = math.floor(piece.since.seconds_since(since) / width_s)
        if here != place:
            yield from _both(seen, blind)
            seen, blind, place = None, None, here
        if piece.low is None:
            blind = _together(blind, piece) if blind else piece
        else:
            seen = _together(seen, piece) if seen else piece
    yield from _both(seen, blind)


def _both(seen: Piece | None, blind: Piece | None) -> Iterator[Piece]:
    found = [piece for piece in (seen, blind) if piece]
    yield from sorted(found, key=lambda piece: (piece.since.utc_us, piece.until.utc_us))


def _together(first: Piece, then: Piece) -> Piece:
    """Both of them known, or neither."""
    low, high, rung = first.low, first.high, first.rung
    if low is not None and then.low is not None and then.low < low:
        low = then.low
    if high is not None and then.high is not None and then.high > high:
        high = then.high
    if then.rung is not rung:
        rung = most_urgent(rung, then.rung)
    return Piece(first.since, then.until, low, high, rung, first.told and then.told)


def filled(own: Sequence[Piece], told: Iterable[Piece], now: Stamp) -> list[Piece]:
    """Our own samples, and where there is none of them what a source has told of that time."""
    ends = [-now.seconds_since(piece.until) for piece in own]
    both = list(own)
    for piece in told:
        index = bisect_left(ends, -now.seconds_since(piece.since))
        following = own[index] if index < len(own) else None
        if following is None or following.since.seconds_since(piece.until) >= 0:
            both.append(piece)
        elif following.since.seconds_since(piece.since) > 0:
            both.append(replace(piece, until=following.since))
    return sorted(both, key=lambda piece: -now.seconds_since(piece.since))


def most_urgent(*rungs: Rung) -> Rung:
    """Which of them somebody should look at first."""
    return min(rungs, key=URGENCY.index)


def columns(pieces: Sequence[Piece], span: Span, count: int) -> tuple[Column | None, ...]:
    """What was in each of `count` equal parts of the span, the newest last; None where there is no sample.

    No extreme is lost. Parts between two samples that are no further apart than a gap hold what the first of
    them did; parts in a gap, and those where nothing was known, hold nothing.
    """
    found: list[Column | None] = [None] * count
    before: Piece | None = None
    for piece in pieces:
        if span.now.seconds_since(piece.since) < -span.gap_s:
            break  # after the end of what is drawn
        first, last = max(0, span.place(piece.since, count)), span.place(piece.until, count)
        if last < 0 or piece.low is None:
            near = None
        else:
            near = before if before and piece.since.seconds_since(before.until) <= span.gap_s else None
        start = max(0, span.place(near.until, count)) if near else first
        if near:
            for index in range(start + 1, first):
                found[index] = _added(found[index], near, joined=True)
        for index in range(first, last + 1):
            found[index] = _added(found[index], piece, joined=index > start)
        before = piece if last >= 0 and piece.low is not None else None
    return tuple(found)


def _added(column: Column | None, piece: Piece, *, joined: bool) -> Column:
    """The column with one piece more in it."""
    if column is None:
        return Column(piece.low, piece.high, piece.rung, joined, piece.told)
    if piece.low is None or piece.high is None:
        return replace(column, rung=most_urgent(column.rung, piece.rung))
    return Column(
        low=piece.low if column.low is None else min(column.low, piece.low),
        high=piece.high if column.high is None else max(column.high, piece.high),
        rung=most_urgent(column.rung, piece.rung),
        joined=column.joined or joined,
        told=column.told and piece.told,
    )
