"""The releases on record, each with what speaks for or against going back to it, in lines. Pure."""

from console.core.proposal import Weighed
from console.core.protocols import Snapshot
from screens.lines import Line, Role, blank, span, wrap

SHOWN = 6
"""Releases that are shown, the newest; those before them are counted."""


def release_lines(snapshot: Snapshot, width: int) -> list[Line]:
    """Newest first, the proposed one marked; nothing while no engine has looked."""
    changes = snapshot.live.changes if snapshot.live else None
    if changes is None or not changes.weighed:
        return []
    lines = [row for one in changes.weighed[:SHOWN] for row in _release(one, width)]
    more = len(changes.weighed) - SHOWN
    if more > 0:
        lines += wrap(f"and {more} older: `warroom release list`", width, Role.DIM)
    return [*wrap(f"By {changes.record}, newest first:", width, Role.DIM), *lines]


def _release(one: Weighed, width: int) -> list[Line]:
    sign, role = _SIGNS[one.proposed, one.may_be_chosen]
    first, *more = wrap(f"{one.tag} {one.why}", width - 2, role)
    return [(span(f"{sign} ", role), *first), *((blank(2), *row) for row in more)]


_SIGNS = {
    (True, True): ("✓", Role.GOOD),
    (False, True): ("·", Role.PLAIN),
    (False, False): ("✗", Role.DIM),
}
"""By whether it is proposed, and whether it can be named."""
