"""What the data can go back to, as a list: newest first, the onset in its place, with proof and price."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from console.core.live import Candidate
from console.core.plan import POINT_IN_TIME
from console.core.plan_words import moment
from console.core.protocols import Snapshot
from console.core.words import age
from screens.lines import Line, Role, blank, cell, fit, flush, line, rule, span, text, wrap

KEPT = ""
"""Stands for the id of the row that is no candidate: the data as it is."""
_WAY_BACK = "the way back"
"""Stands in the reason why a backup that was taken in this incident is no candidate."""
_AGE_CELLS, _PROOF_CELLS, _LOSS_CELLS, _GAP = 8, 12, 10, 2
_SIGN_CELLS = 3
_SET_IN = 4
"""Cells by which the words under the chosen row are set in."""


class Listed(Struct, frozen=True):
    """The list, and where in it the chosen row is."""

    lines: tuple[Line, ...]
    first: int
    last: int


class _Columns(Struct, frozen=True):
    """Cells of the columns that differ from list to list."""

    ends: int
    what: int
    rest: int
    """All that follows the age."""


def choices(snapshot: Snapshot) -> tuple[str, ...]:
    """Ids of what can be chosen: in an incident the data as it is, then every state that is known."""
    kept = (KEPT,) if snapshot.state.open_incident is not None else ()
    return (*kept, *(one.id for one in _known(snapshot)))


def candidate(snapshot: Snapshot, chosen: str) -> Candidate | None:
    """The candidate of that id; None for the data as it is, and for one that is not there any more."""
    return next((one for one in _known(snapshot) if one.id == chosen), None)


def proposed(snapshot: Snapshot) -> str:
    """The row to begin with: what the plan goes back to, else the newest that can be gone back to."""
    ids = [one.id for one in _known(snapshot) if one.id == _planned(snapshot) or not one.why_not]
    planned = [each for each in ids if each == _planned(snapshot)]
    return next(iter((*planned, *ids, *choices(snapshot))), KEPT)


def candidate_list(snapshot: Snapshot, chosen: str, width: int) -> Listed:
    """Every row on a line; the chosen one with all that is known of it below."""
    columns = _columns(snapshot, width)
    lines = _head(snapshot, columns, width)
    first = last = 0
    if KEPT in choices(snapshot):
        first = last = len(lines)
        lines += _kept_row(snapshot, columns, width, chosen=chosen == KEPT)
    for one, drawn in _rows(snapshot, chosen, columns, width):
        if one == chosen:
            first, last = len(lines), len(lines) + len(drawn) - 1
        lines += drawn
    return Listed(tuple(lines), first, last)


def _known(snapshot: Snapshot) -> Sequence[Candidate]:
    catalogue = snapshot.live.catalogue if snapshot.live else None
    return catalogue.candidates if catalogue else ()


def _planned(snapshot: Snapshot) -> str:
    """What the plan takes data or rows from, or that it keeps them; a word that is no id without a plan."""
    plan = snapshot.state.open_incident.plan if snapshot.state.open_incident else None
    if plan is None:
        return "no plan"
    source = plan.data or plan.rows
    return source.candidate if source else KEPT


# -- to lines ---------------------------------------------------------------------------------------


def _columns(snapshot: Snapshot, width: int) -> _Columns:
    known = _known(snapshot)
    ends = max((len(_ends(one, snapshot)) for one in known), default=9)
    rest = width - _SIGN_CELLS - ends - _AGE_CELLS - _GAP
    longest = max((span(one.what).cells for one in known), default=0)
    return _Columns(ends, max(0, min(longest, rest - _GAP - _PROOF_CELLS - 1 - _LOSS_CELLS)), rest)


def _head(snapshot: Snapshot, columns: _Columns, width: int) -> list[Line]:
    if snapshot.live is None or snapshot.live.catalogue is None:
        return wrap("No engine has looked yet what there is to go back to.", width, Role.WARN)
    if not snapshot.live.catalogue.candidates:
        return wrap("There is no backup yet.", width, Role.WARN)
    words = (
        blank(_SIGN_CELLS),
        *cell(span("ends"), columns.ends),
        *cell(span("age"), _AGE_CELLS, right=True),
        blank(_GAP),
        *cell(span("what"), columns.what),
        blank(_GAP),
        span("proof"),
    )
    return [_all(Role.DIM, flush(words, (span("rows lost"),), width))]


def _rows(snapshot: Snapshot, chosen: str, columns: _Columns, width: int) -> Iterator[tuple[str, list[Line]]]:
    """The candidates, and the onset as a line of its own between what ends after it and before it."""
    onset = snapshot.state.open_incident.onset.utc_us if snapshot.state.open_incident else None
    for one in _known(snapshot):
        if onset is not None and one.ends < onset:
            yield "onset", [_onset(snapshot, onset, width)]
            onset = None
        yield one.id, _row(snapshot, one, columns, width, chosen=one.id == chosen)
    if onset is not None:
        yield "onset", [_onset(snapshot, onset, width)]


def _onset(snapshot: Snapshot, onset: int, width: int) -> Line:
    at = moment(onset, snapshot.at.utc_us)
    return rule(width, span(f"onset {at}: only what ends before it can be gone back to", Role.WARN))


def _kept_row(snapshot: Snapshot, columns: _Columns, width: int, *, chosen: bool) -> list[Line]:
    planned = _planned(snapshot) == KEPT
    words = line(
        *cell(span("now"), columns.ends + _AGE_CELLS),
        blank(_GAP),
        span("the data as it is: no row is touched"),
    )
    return [_one_line("→" if planned else "·", Role.PLAIN, words, width, chosen=chosen)]


def _row(snapshot: Snapshot, one: Candidate, columns: _Columns, width: int, *, chosen: bool) -> list[Line]:
    sign, role = _sign(one, _planned(snapshot))
    old = age((snapshot.at.utc_us - one.ends) / 1e6) if one.ends else "?"
    words = line(
        *cell(span(_ends(one, snapshot)), columns.ends),
        *cell(span(old), _AGE_CELLS, right=True),
        blank(_GAP),
        *_told(one, columns),
    )
    drawn = _one_line(sign, role, words, width, chosen=chosen)
    if chosen:
        return [drawn, *_in_full(one, width)]
    return [_all(Role.DIM, drawn) if one.why_not else drawn]


def _one_line(sign: str, role: Role, words: Line, width: int, *, chosen: bool) -> Line:
    if chosen:
        return _all(Role.PRESS, fit((span(f"▸{sign} "), *words), width))
    return fit((blank(1), span(sign, role), blank(1), *words), width)


def _sign(one: Candidate, planned: str) -> tuple[str, Role]:
    if one.id == planned:
        return "→", Role.ACT
    if one.why_not:
        return ("«" if _WAY_BACK in one.why_not else "✗"), Role.DIM
    return ("✓", Role.GOOD) if _proof(one)[1] is Role.GOOD else ("·", Role.PLAIN)


def _told(one: Candidate, columns: _Columns) -> Line:
    """What it is, with proof and price; or why it is no candidate, with what it is where there is room."""
    if one.why_not:
        reason = _WAY_BACK if _WAY_BACK in one.why_not else one.why_not
        told = line(*cell(span(one.what), columns.what), blank(_GAP), reason)
        roomy = sum(part.cells for part in told) <= columns.rest
        return fit(told if roomy else line(reason), columns.rest)
    proof, role = _proof(one)
    left = line(*cell(span(one.what), columns.what), blank(_GAP), span(proof, role))
    return flush(left, line(_loss(one)), columns.rest)


def _proof(one: Candidate) -> tuple[str, Role]:
    if one.id == POINT_IN_TIME:
        return "when built", Role.PLAIN
    return ("verified", Role.GOOD) if one.proof else ("not verified", Role.WARN)


def _loss(one: Candidate) -> str:
    return "once built" if one.loss is None else f"~{one.loss:,}"


def _in_full(one: Candidate, width: int) -> list[Line]:
    """All that is known of the chosen one, below it."""
    proof = one.proof or "nobody has verified it: v does"
    words = " · ".join(filter(None, (one.id, one.what, one.why_not or proof)))
    return [(blank(_SET_IN), *row) for row in wrap(words, width - _SET_IN, Role.DIM)]


def _ends(one: Candidate, snapshot: Snapshot) -> str:
    """`14:10:32Z`; of another day `02-22 14:10Z`, where a second does not matter."""
    if not one.ends:
        return "?"
    at = moment(one.ends, snapshot.at.utc_us)
    return at if " " not in at else f"{at[: at.rindex(':')]}Z"


def _all(role: Role, words: Line) -> Line:
    """The same words, all of one role."""
    return (span(text(words), role),)
