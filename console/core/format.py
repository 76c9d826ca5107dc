"""Numbers, times and foreign text as people read them: the same on screens and in reports."""

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from console.core.clock import Stamp
from console.core.watched import Unit
from console.core.words import duration

SHORT_HASH = 8
"""How many hex digits of a hash or commit id people get to see."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SELECTORS = {chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))}


def clock(stamp: Stamp) -> str:
    """The stamp's time of day in UTC, `14:09:17`."""
    return (_EPOCH + timedelta(microseconds=stamp.utc_us)).strftime("%H:%M:%S")


def value(number: float | None, unit: Unit) -> str:
    """A metric's value with its unit, at most seven characters wide below a million."""
    if number is None:
        return "-"
    if unit == "flag":
        return "raised" if number else "clear"
    if unit == "%":
        return f"{number:.0f} %" if number >= 100 else f"{number:.1f} %"
    if unit == "s":
        return f"{number * 1000:.0f} ms" if number < 1 else f"{number:.1f} s"
    return f"{number:.0f}" if number < 10_000 else f"{number / 1000:.1f}k"


def left(seconds: float) -> str:
    """How long something is expected to take yet, `~00:05`; never less than a second."""
    return f"~{duration(max(1.0, seconds))}"


def short(digest: str) -> str:
    """The part of a hash that people compare by eye."""
    return digest[:SHORT_HASH]


def count(number: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(number: int) -> str:
    """A number of bytes, `1.2 GB`."""
    if number < 1000:
        return count(number, "byte")
    amount, unit = number / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if amount >= 100 else f"{amount:.1f} {unit}"


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Text from outside as one line that a terminal can only show.

    Whatever would move the cursor, hide or reorder text is written out (`\\x1b`, `\\u200b`, `\\n`);
    variation selectors, which only change a sign's width, are dropped.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, unicodedata.normalize("NFC", text)))


def _visible(char: str) -> str:
    if char in _SELECTORS:
        return ""
    if unicodedata.category(char) in _HIDDEN:
        return char.encode("unicode_escape").decode("ascii")
    return char
