"""The gate's people: who signed when, with which key, for how long it counts; who said no; who is missing."""

from console.core import events as ev
from console.core.format import clock, short
from console.core.plan import Plan
from console.core.plan_words import way
from console.core.policy import expired, missing, prerequisites, refused, said_yes
from console.core.protocols import Snapshot
from console.core.state import Approval, Incident
from console.core.words import duration
from screens.lines import Line, Role, blank, span, wrap
from screens.views.prerequisites import prerequisite_lines


def signature_lines(snapshot: Snapshot, incident: Incident, plan: Plan, width: int) -> list[Line]:
    """The plan in a line, then a line for each person or role."""
    lines = [*wrap(f"plan {short(incident.plan_hash or '')}: {way(plan)}", width, Role.STRONG)]
    counted = said_yes(incident, snapshot.at)
    for no in refused(incident):
        lines += _row("✗", Role.BAD, f"{no.person} said no at {clock(no.at)}: {no.because}", width)
    for yes in counted:
        lines += _row("✓", Role.GOOD, f"{yes.person}, {', '.join(yes.roles)}: {_how(snapshot, yes)}", width)
    for yes in incident.approvals:
        if yes not in counted and yes.plan_hash == incident.plan_hash:
            why = "expired" if expired(yes, snapshot.at) else "does not count"
            lines += _row("!", Role.WARN, f"{yes.person}: {why}, sign again", width)
    for person in _silenced(incident):
        lines += _row("!", Role.WARN, f"{person}: {_why_not(snapshot, person)}", width)
    for role in missing(incident, snapshot.at):
        lines += _row("…", Role.WARN, f"{role}: nobody yet", width)
    return [*lines, *prerequisite_lines(prerequisites(incident, snapshot.at), width)]


def _silenced(incident: Incident) -> list[str]:
    """Those who have said something about this plan that does not stand any more."""
    standing = {yes.person for yes in incident.approvals} | {no.person for no in incident.refusals}
    return [person for person in incident.spoke if person not in standing]


def _why_not(snapshot: Snapshot, person: str) -> str:
    """Why it does not, if that was not too long ago to be at hand."""
    bodies = (event.body for event in reversed(snapshot.events))
    withdrawn = (body for body in bodies if isinstance(body, ev.GateWithdrawn) and body.person == person)
    return next((body.reason for body in withdrawn), "sign again")


def _how(snapshot: Snapshot, yes: Approval) -> str:
    if yes.signed is None:
        return f"by name, at {clock(yes.at)}"
    left = (yes.signed.expires - yes.at.utc_us) / 1e6 - snapshot.at.seconds_since(yes.at)
    return f"key {yes.signed.key[:17]} at {clock(yes.at)}, counts for {duration(left)} more"


def _row(sign: str, role: Role, words: str, width: int) -> list[Line]:
    first, *more = wrap(words, width - 2)
    return [(span(f"{sign} ", role), *first), *((blank(2), *row) for row in more)]
