"""The data screen in words: where things stand, what can be gone back to, and what that takes. Pure."""

from console.core.errands import errand_now
from console.core.loss import Ceiling
from console.core.plan_words import data_to, data_words, moment
from console.core.protocols import Snapshot
from console.core.receipt import beyond, told
from console.core.standing import distrusted
from console.core.state import Incident
from console.core.strategy import Environment
from console.core.words import duration
from screens.lines import ROLE_OF, Line, Role, labelled, rule, span, wrap
from screens.views.candidates import Listed, candidate_list
from screens.views.loss import loss_lines


def data_view(snapshot: Snapshot, environment: Environment, chosen: str, width: int) -> Listed:
    """Everything that the screen says, in lines of `width` cells, and where the chosen row is."""
    above = [*_where(snapshot, environment, width), *_beside(snapshot, width)]
    listed = candidate_list(snapshot, chosen, width)
    lines = (*above, *listed.lines, *_receipt(snapshot, width))
    return Listed(lines, listed.first + len(above), listed.last + len(above))


def _where(snapshot: Snapshot, environment: Environment, width: int) -> list[Line]:
    incident = snapshot.state.open_incident
    if incident is None:
        return wrap("No incident is open: nothing goes back. A backup can be taken, and verified.", width)
    lines: list[Line] = []
    if said := distrusted(incident, environment):
        lines += wrap(f"It was declared: {said}. The plan keeps the data as it is.", width, Role.BAD)
    recovery = environment.recovery
    before = f"; the strategy goes back {duration(recovery.before)} before it" if recovery else ""
    ago = duration(snapshot.at.seconds_since(incident.onset))
    onset = f"{moment(incident.onset.utc_us, snapshot.at.utc_us)}, {ago} ago{before}"
    return [*lines, *labelled("Onset", onset, width), *_plan(incident, width)]


def _plan(incident: Incident, width: int) -> list[Line]:
    if incident.planning:
        return labelled("Plan", "another is being made", width, Role.ACT)
    if incident.planning_failed is not None:
        return labelled("Plan", incident.planning_failed, width, Role.BAD)
    data = incident.plan.data if incident.plan else None
    if data is None:
        return labelled("Plan", f"data {data_words(incident.plan)}", width) if incident.plan else []
    goes = f"data {data_to(data)}; {Ceiling.of(data).words} may be lost"
    return [*labelled("Plan", goes, width), *_loss(incident, width)]


def _loss(incident: Incident, width: int) -> list[Line]:
    """What the receipt below comes to."""
    found = told(incident)
    if found is None:
        return []
    too_much = beyond(incident, found)
    return labelled("Loss", too_much or found.rows, width, Role.BAD if too_much else Role.PLAIN)


def _beside(snapshot: Snapshot, width: int) -> list[Line]:
    """The verb that runs beside, and why the list may not be whole."""
    catalogue = snapshot.live.catalogue if snapshot.live else None
    errand = errand_now(snapshot)
    lines = labelled("Beside", errand.words, width, ROLE_OF[errand.tone]) if errand else []
    trouble = catalogue.trouble if catalogue else ""
    return [*lines, *(wrap(trouble, width, Role.WARN) if trouble else ())]


def _receipt(snapshot: Snapshot, width: int) -> list[Line]:
    incident = snapshot.state.open_incident
    data = incident.plan.data if incident and incident.plan else None
    if incident is None or data is None:
        return []
    head = rule(width, span("LOSS RECEIPT", Role.STRONG))
    return [head, *loss_lines(snapshot, incident, data, width)]
