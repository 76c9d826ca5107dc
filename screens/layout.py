"""How many lines and cells each part of the war room gets, on any terminal."""

from msgspec import Struct

HEADER_LINES = 4
CAPTION_LINES = 1
CLOCK_LINES = 1
KEYS_LINES = 1
TALL = 40
WIDE = 180
SIDE_CELLS = (26, 52)
"""The least and the most cells of the pane at the right; what it does not need is the runbook's."""
OUTPUT_LINES = 5
"""What the running step prints, with the rule above it."""


class Layout(Struct, frozen=True):
    """Heights in lines, widths in cells."""

    metrics: int
    middle: int
    timeline: int
    side: int
    detail: int
    """0 where there is no room beside the runbook for the step's effects."""


def layout(
    width: int, height: int, *, metrics: int, runbook: int, side: int, bottom: int, calm: bool
) -> Layout:
    """Share out a terminal.

    `metrics` and `runbook` are the lines that these would like, `side` the cells that the pane at the right
    would like, `bottom` the lines that NEXT takes. While nothing is wrong, the metrics come first; in an
    incident, the runbook.
    """
    room = height - HEADER_LINES - CAPTION_LINES - CLOCK_LINES - KEYS_LINES - bottom
    tall = height >= TALL
    stages = (
        (2, 4, 1),
        (metrics, 5, 3) if calm else (3, 8, 4),
        (metrics, runbook if tall else min(runbook, 9), 8),
        (metrics, runbook + OUTPUT_LINES if tall and not calm else 0, 8),
    )
    got = [0, 0, 0]
    for stage in stages:
        for part in (1, 0, 2):
            more = max(0, min(room, stage[part] - got[part]))
            got[part] += more
            room -= more
    beside = max(SIDE_CELLS[0], min(side, width * 2 // 5, SIDE_CELLS[1]))
    detail = (width - beside) // 2 if width >= WIDE else 0
    return Layout(metrics=got[0], middle=got[1], timeline=got[2] + max(0, room), side=beside, detail=detail)
