"""The console for terminals without Unicode: every sign has a stand-in of the same width."""

import locale
import os
from collections.abc import Mapping
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_STAND_INS = str.maketrans(
    {
        "◆": "#",
        "▲": "^",
        "○": "o",
        "◌": "o",
        "✓": "+",
        "✗": "x",
        "▸": ">",
        "»": ">",
        "«": "<",
        "→": ">",
        "↑": "^",
        "·": "-",
        "…": "~",
        "─": "-",
        "│": "|",
        "┌": "+",
        "┐": "+",
        "└": "+",
        "┘": "+",
        "▁": "_",
        "▂": ".",
        "▃": ",",
        "▄": "-",
        "▅": "=",
        "▆": "+",
        "▇": "*",
        "█": "#",
        "▐": "[",
        "▌": "]",
        "┤": "|",
        "┄": ".",
        "┊": ":",
    }
)
_UPPER, _LOWER = 0b00011011, 0b11100100
"""Dots of the upper and of the lower half of a braille sign, as Unicode numbers them."""


def _braille(dots: int) -> str:
    """What stands in for a braille sign: where in the cell its dots are."""
    if not dots:
        return " "
    if dots & _UPPER and dots & _LOWER:
        return "|" if dots & 0b01001001 == 0b01001001 or dots & 0b11000000 else "-"
    return "'" if dots & _UPPER else "_"


_STAND_INS |= {0x2800 + dots: _braille(dots) for dots in range(256)}


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to do without Unicode: asked for by WARROOM_ASCII=1, or the terminal's locale has none."""
    asked = environment.get("WARROOM_ASCII", "")
    if asked in ("0", "1"):
        return asked == "1"
    if environment.get("TERM") in ("dumb", "linux", "vt100", "vt220"):
        return True
    return locale.getpreferredencoding(do_setlocale=False).lower().replace("-", "") != "utf8"


@lru_cache(maxsize=4096)
def to_ascii(text: str) -> str:
    """The text in ASCII, as wide as before; foreign letters become question marks."""
    if text.isascii():
        return text
    stood_in = text.translate(_STAND_INS)
    return "".join(char if char.isascii() else "?" * cell_len(char) for char in stood_in)


class AsciiFilter(LineFilter):
    """Applied by textual to every line it draws, so that no widget has to know."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - textual's signature
        """The same segments, in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]
