"""The loss receipt in words: which rows go when the data goes back, and whether the ceiling holds."""

from console.core.loss import Ceiling
from console.core.plan import DataChange, Phase
from console.core.plan_words import moment
from console.core.protocols import Snapshot
from console.core.receipt import Told, beyond, told
from console.core.state import Incident
from console.core.words import duration
from screens.lines import Line, Role, blank, cell, labelled, span, wrap


def swap_lines(snapshot: Snapshot, incident: Incident, data: DataChange, width: int) -> list[Line]:
    """What a swap takes, for whoever says yes to it."""
    to = moment(data.recovery_point, snapshot.at.utc_us)
    words = f"The data goes back to {to}. What was written since goes, and what was deleted comes back."
    keeps = "The database of now stays beside it, so that it can be swapped back."
    return [
        *wrap(words, width, Role.STRONG),
        *wrap(keeps, width),
        *loss_lines(snapshot, incident, data, width),
    ]


def loss_lines(snapshot: Snapshot, incident: Incident, data: DataChange, width: int) -> list[Line]:
    """The receipt of the incident's plan; without one, when it comes."""
    found = told(incident)
    if found is None:
        words = "It comes when the candidate stands beside the live database: both are compared by key."
        return [*wrap(words, width, Role.WARN), *labelled("Ceiling", Ceiling.of(data).words, width)]
    lines = [*labelled("Rows", found.rows, width, Role.STRONG), *_tables(found, width)]
    if found.chain:
        lines += labelled("Chain", f"{found.chain}. Their ids lie apart.", width, Role.WARN)
    if found.path:
        lines += labelled("Files", found.path, width)
    return [*lines, *_ceiling(incident, data, found, width), *_compared(snapshot, incident, found, width)]


def _tables(found: Told, width: int) -> list[Line]:
    names = [span(f"  {name}") for name, _ in found.tables]
    cells = min(max((name.cells for name in names), default=0), width // 2)
    lines: list[Line] = []
    for name, (_, words) in zip(names, found.tables, strict=True):
        first, *more = wrap(words, width - cells - 2)
        lines += [(*cell(name, cells), blank(2), *first), *((blank(cells + 2), *row) for row in more)]
    return lines


def _ceiling(incident: Incident, data: DataChange, found: Told, width: int) -> list[Line]:
    signed = Ceiling.of(data).words
    if too_much := beyond(incident, found):
        return labelled("Ceiling", f"{signed}: {too_much}", width, Role.BAD)
    return labelled("Ceiling", f"{signed}: it holds", width, Role.GOOD)


def _compared(snapshot: Snapshot, incident: Incident, found: Told, width: int) -> list[Line]:
    ended = incident.step(found.step.id).ended
    ago = f"{duration(snapshot.at.seconds_since(ended))} ago" if ended else "just now"
    again = "; once more when the writers have stopped" if found.step.phase is Phase.PREPARE else ""
    return labelled("Compared", f"{ago}{again}", width, Role.DIM)
