"""Moments as people type them: a time of day, a whole date, or so long before a moment that is known."""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?Z?")
_SHIFT = re.compile(r"([+-])\s*(\d{1,9})\s*(s|m|h|d)")
_WRITTEN = "%Y-%m-%dT%H:%M:%SZ"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
HOW = "write 14:05:30, a date like 2026-11-23T14:05:30Z, or -30s for so much before the present one"


def moment_of(words: str, *, now: int, known: int) -> int:
    """The moment that the words mean, in UTC microseconds; ValueError with what to write when they mean none.

    A time of day is the last one before `now`; `-30s` and `+2m` count from `known`; a date without a zone
    is in UTC.
    """
    try:
        meant = _meant(words.strip(), now, known)
        written(meant)  # which no clock can show is none
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{words!r} is no moment: {HOW}") from error
    return meant


def _meant(words: str, now: int, known: int) -> int:
    if shift := _SHIFT.fullmatch(words):
        seconds = int(shift[2]) * _SECONDS[shift[3]]
        return known + (seconds if shift[1] == "+" else -seconds) * 1_000_000
    if of_day := _CLOCK.fullmatch(words):
        return _last(of_day, now)
    return _microseconds(datetime.fromisoformat(words))


def written(utc_us: int) -> str:
    """The moment as a whole date that `moment_of` reads: `2026-11-23T14:05:30Z`."""
    return (_EPOCH + timedelta(microseconds=utc_us)).strftime(_WRITTEN)


def from_written(words: str) -> int:
    """The UTC microseconds of what `written` wrote; ValueError for anything else."""
    return _microseconds(datetime.strptime(words, _WRITTEN).replace(tzinfo=UTC))


def _last(of_day: re.Match[str], now: int) -> int:
    """That time of day, today or yesterday."""
    hour, minute, second = (int(part or 0) for part in of_day.groups()[:3])
    fraction = int((of_day[4] or "0").ljust(6, "0"))
    today = _EPOCH + timedelta(microseconds=now)
    meant = today.replace(hour=hour, minute=minute, second=second, microsecond=fraction)
    return _microseconds(meant if meant <= today else meant - timedelta(days=1))


def _microseconds(at: datetime) -> int:
    utc = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (utc - _EPOCH) // timedelta(microseconds=1)
