"""Asking somebody for their yes by hand: whether they can be asked now, and who is the one to ask. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from console.core import events as ev
from console.core.clock import Stamp
from console.core.policy import refused, said_yes
from console.core.roster import Person, Roster
from console.core.state import Asked, Incident
from console.core.strategy import Environment
from console.core.summons import barred, callable_today, is_over, silence, wanting
from console.core.words import duration

SOONEST_S = 10.0
"""Nobody is asked by hand before so much time has gone by since they were asked last."""
OFTEN = 2
"""Holders of a role that were asked so often do not answer: it is its deputies' turn."""


def by_hand(
    incident: Incident, environment: Environment, roster: Roster, handle: str, now: Stamp
) -> ev.GateAsked | str:
    """How somebody is asked because a person wants it now; or why they are not, in one sentence."""
    if why_not := nobody_is_asked(incident, environment, now):
        return why_not
    person = roster.person(handle)
    if person is None:
        return f"{handle} is not in the roster; there are {', '.join(roster.handles())}"
    if why := person.not_valid(now.utc_us):
        return f"{handle} {why}, says the roster"
    if handle in {yes.person for yes in said_yes(incident, now)}:
        return f"{handle} has said yes already: there is nothing to ask"
    if no := next((one for one in refused(incident) if one.person == handle), None):
        return f"{handle} has said no, {no.because}: only another plan asks them anew"
    roles = _roles(incident, environment, person, now)
    if not roles:
        return _of_no_use(incident, environment, person, now)
    asked = incident.asked.get(handle)
    if asked is not None and not is_over(asked.last, SOONEST_S, now):
        ago = duration(now.seconds_since(asked.last))
        return f"{handle} was asked {ago} ago: wait {SOONEST_S:g} seconds"
    return ev.GateAsked(incident.plan_hash or "", handle, roles, "by hand")


def nobody_is_asked(incident: Incident, environment: Environment, now: Stamp) -> str:
    """Why nobody at all can be asked now, in one sentence; empty when somebody may be."""
    if environment.authorisation.paging is None:
        return "the strategy names no `paging` of this environment: nobody would hear of it"
    if incident.gate_opened is not None:
        return "the gate is open already: nobody is waited for"
    if incident.planning:
        return "a plan is being made: wait for it"
    if incident.plan is None:
        return "there is no plan yet to say yes to"
    if incident.aborted is not None:
        return "the run is stopped: X goes on with it, T plans anew"
    return "" if wanting(incident, now) else "nobody's yes is missing: there is nobody to ask"


def _roles(incident: Incident, environment: Environment, person: Person, now: Stamp) -> tuple[str, ...]:
    """What they can be asked as: roles that are missing, or else their level of the escalation path."""
    if person.handle not in barred(incident, environment):
        held = {*person.roles, *person.deputy_for}
        if roles := tuple(role for role in wanting(incident, now) if role in held):
            return roles
    path = environment.authorisation.escalation
    return tuple(role for role in path.roles if role in person.roles) if path else ()


def _of_no_use(incident: Incident, environment: Environment, person: Person, now: Stamp) -> str:
    wanted, held = wanting(incident, now), dict.fromkeys((*person.roles, *person.deputy_for))
    if person.handle in barred(incident, environment) and held.keys() & set(wanted):
        return f"{person.handle} asked for the rollback: here somebody else must say yes"
    return f"{person.handle} is {', '.join(held) or 'nobody'}; {' and '.join(wanted)} must say yes"


# -- whom to ask --------------------------------------------------------------------------------------


class Proposed(Struct, frozen=True):
    """Whom to ask by hand, and why, as NEXT says it."""

    person: str
    words: str


def proposed(
    incident: Incident, environment: Environment, roster: Roster, now: Stamp, besides: str = ""
) -> Proposed | None:
    """Who is to be asked by hand; None while everybody was asked only lately, or nobody can be.

    A deputy, where everybody who holds a missing role was asked twice and is silent; else whoever is silent
    for longest, and was asked longer ago than `again`. Never `besides`, who looks at the screen.
    """
    paging = environment.authorisation.paging
    if paging is None or nobody_is_asked(incident, environment, now):
        return None
    people = [one for one in callable_today(incident, environment, roster, now) if one.handle != besides]
    for role in wanting(incident, now):
        if found := _deputy(incident, people, role):
            return found
    handle = _silent_for_longest(incident, environment, roster, now, paging.again, besides)
    if handle is None:
        return None
    silent = duration(silence(incident.asked[handle], now))
    return Proposed(handle, f"{handle} does not answer for {silent}: page {handle} again")


def to_ask(
    incident: Incident, environment: Environment, roster: Roster, now: Stamp, besides: str = ""
) -> str | None:
    """Whom a person asks who does not say whom: the one who is proposed, or else is silent for longest."""
    if found := proposed(incident, environment, roster, now, besides):
        return found.person
    return _silent_for_longest(incident, environment, roster, now, SOONEST_S, besides)


def _silent_for_longest(
    incident: Incident, environment: Environment, roster: Roster, now: Stamp, since_s: float, besides: str
) -> str | None:
    """Of those who could be asked now and were asked at least so many seconds ago."""
    silent = [
        (silence(asked, now), handle)
        for handle, asked in incident.asked.items()
        if handle != besides and is_over(asked.last, since_s, now)
        if isinstance(by_hand(incident, environment, roster, handle, now), ev.GateAsked)
    ]
    return max(silent, key=lambda one: one[0])[1] if silent else None


def _deputy(incident: Incident, people: Sequence[Person], role: str) -> Proposed | None:
    """The first deputy of a role whose holders were all asked often, and none of them reads."""
    holders = [one.handle for one in people if role in one.roles]
    asked = [incident.asked.get(handle) for handle in holders]
    if not holders or not all(one is not None and _does_not_answer(one) for one in asked):
        return None
    person = next((p.handle for p in people if role in p.deputy_for and p.handle not in incident.asked), None)
    if person is None:
        return None
    silent = f"{' and '.join(holders)} {'does' if len(holders) == 1 else 'do'} not answer"
    return Proposed(person, f"{silent}: page {person}, deputy for {role}")


def _does_not_answer(asked: Asked) -> bool:
    return asked.times >= OFTEN and asked.seen is None
