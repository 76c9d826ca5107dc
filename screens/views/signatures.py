"""The gate's people: who signed, and for how long it counts; who said no; who was asked and is silent."""

from console.core import events as ev
from console.core.format import clock, short
from console.core.page_words import state_words
from console.core.plan import Plan
from console.core.plan_words import way
from console.core.policy import expired, missing, prerequisites, refused, said_yes
from console.core.protocols import Snapshot
from console.core.roster import Roster
from console.core.state import Approval, Incident
from console.core.strategy import Environment
from console.core.summons import Waited, escalates_in, waited_for
from console.core.words import duration
from screens.lines import Line, Role, blank, fit, span, wrap
from screens.views.prerequisites import prerequisite_lines


def signature_lines(
    snapshot: Snapshot,
    incident: Incident,
    plan: Plan,
    width: int,
    environment: Environment,
    roster: Roster | None = None,
) -> list[Line]:
    """The plan in a line, then a line for each person or role; the roster says who is a deputy."""
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
    lines += _asked_rows(snapshot, incident, environment, roster, width)
    return [*lines, *prerequisite_lines(prerequisites(incident, snapshot.at), width)]


def _asked_rows(
    snapshot: Snapshot, incident: Incident, environment: Environment, roster: Roster | None, width: int
) -> list[Line]:
    """Who is waited for, a line each; the roles for which nobody was asked; and what happens then."""
    asked = waited_for(incident, snapshot.at)
    lines: list[Line] = []
    for person in asked:
        sign, role = ("!", Role.WARN) if person.asked.delivered is False else ("…", Role.WARN)
        words = f"{_as_what(person, roster)}: {state_words(person.asked, snapshot.at)}"
        lines.append(fit((span(f"{sign} ", role), span(words)), width))
    covered = {name for person in asked for name in person.asked.roles}
    for name in missing(incident, snapshot.at):
        if name not in covered:
            lines += _row("…", Role.WARN, f"{name}: nobody yet", width)
    return [*lines, *_escalation(snapshot, incident, environment, width)]


def _as_what(person: Waited, roster: Roster | None) -> str:
    known = roster.person(person.handle) if roster else None
    stands_in = known is not None and not set(person.asked.roles) & set(known.roles)
    roles = ", ".join(person.asked.roles)
    return f"{person.handle}, deputy for {roles}" if stands_in else f"{person.handle}, {roles}"


def _escalation(snapshot: Snapshot, incident: Incident, environment: Environment, width: int) -> list[Line]:
    """How far the path has been walked, and when it is walked on."""
    level, left = incident.escalated, escalates_in(incident, environment, snapshot.at)
    told = ""
    if level is not None:
        who = ", ".join(level.people) or "nobody holds it"
        told = f"level {level.level}, {level.role} ({who}), told at {clock(level.at)}"
    ahead = f"{'the next' if told else 'the escalation path is told'} in {duration(left)}" if left else ""
    words = "; ".join(filter(None, (told, ahead)))
    return _row("!" if told else "·", Role.BAD if told else Role.DIM, words, width) if words else []


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
    return f"key {yes.signed.key[:17]} at {clock(yes.at)}, counts for {duration(left)}"


def _row(sign: str, role: Role, words: str, width: int) -> list[Line]:
    first, *more = wrap(words, width - 2)
    return [(span(f"{sign} ", role), *first), *((blank(2), *row) for row in more)]
