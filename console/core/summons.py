"""Who is asked for a yes, when, and whom the escalation path tells: pure decisions over the folded state."""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Body
from console.core.policy import may_initiator, prerequisites, refused, said_yes, unfit, wanted
from console.core.roster import Person, Roster
from console.core.state import Asked, Incident
from console.core.strategy import Environment, EscalationPath, Paging


def due(incident: Incident | None, environment: Environment, roster: Roster, now: Stamp) -> tuple[Body, ...]:
    """What is to be journalled now: who is asked, and which level of the path is told. Often nothing.

    What follows from it is due only once it is in the state: called again at the same moment, nothing is.
    """
    paging = environment.authorisation.paging
    if incident is None or paging is None or not waits(incident):
        return ()
    told = tuple(_escalations(incident, environment, roster, now))
    spoken = have_spoken(incident, now)
    above = {person: level.role for level in told for person in level.people if person not in spoken}
    plan_hash = incident.plan_hash or ""
    asked = (ev.GateAsked(plan_hash, person, (role,), "escalation") for person, role in above.items())
    calls = _calls(incident, environment, roster, paging, now)
    return (*told, *asked, *(call for call in calls if call.person not in above))


def waits(incident: Incident) -> bool:
    """Whether there is a plan whose gate somebody's yes opens, and nothing that comes in its place."""
    return (
        incident.status == "declared"
        and incident.plan is not None
        and not unfit(incident.plan)
        and incident.planned is not None
        and not incident.planning
        and incident.gate_opened is None
        and incident.aborted is None
        and not (incident.automatic is not None and incident.automatic.by_itself)
    )


def wanting(incident: Incident, now: Stamp) -> tuple[str, ...]:
    """The roles whose yes is still missing, each once: of the matrix, then of open prerequisites."""
    open_items = (
        one.item for one in prerequisites(incident, now) if not one.met and one.item.proof == "approval"
    )
    also = (role for item in open_items for role in item.roles)
    return tuple(dict.fromkeys((*wanted(incident, now), *also)))


def have_spoken(incident: Incident, now: Stamp) -> frozenset[str]:
    """Who has said yes or no to the present plan, as far as that counts."""
    return frozenset(
        (*(yes.person for yes in said_yes(incident, now)), *(no.person for no in refused(incident)))
    )


def unheard(incident: Incident, now: Stamp) -> tuple[tuple[str, Asked], ...]:
    """Who was asked and whose page has no end, because it is under way or its engine was killed."""
    if not waits(incident):
        return ()
    spoken = have_spoken(incident, now)
    return tuple(
        (person, asked)
        for person, asked in incident.asked.items()
        if asked.delivered is None and person not in spoken
    )


def _calls(
    incident: Incident, environment: Environment, roster: Roster, paging: Paging, now: Stamp
) -> Iterator[ev.GateAsked]:
    """Holders at once, deputies later; whoever was asked and is silent, again."""
    lacking = wanting(incident, now)
    late = tuple(role for role in lacking if _deputies_turn(incident, environment, roster, paging, role, now))
    for person in callable_today(incident, environment, roster, now):
        own = tuple(role for role in lacking if role in person.roles)
        stands_in = tuple(role for role in late if role in person.deputy_for and role not in own)
        if not own and not stands_in:
            continue
        asked = incident.asked.get(person.handle)
        if asked is not None and not is_over(silent_since(asked), paging.again, now):
            continue
        roles = (*own, *stands_in)
        yield ev.GateAsked(incident.plan_hash or "", person.handle, roles, _why(asked, own, stands_in))


def _why(
    asked: Asked | None, own: Sequence[str], stands_in: Sequence[str]
) -> Literal["role", "again", "deputy"]:
    """Why somebody is asked; as something that they have not been asked as, it is not `again`."""
    if asked is not None and {*own, *stands_in} & set(asked.roles):
        return "again"
    return "role" if own else "deputy"


def callable_today(
    incident: Incident, environment: Environment, roster: Roster, now: Stamp
) -> Iterator[Person]:
    """Those who count today, may say yes to this plan and have said nothing."""
    spoken = have_spoken(incident, now)
    shut_out = barred(incident, environment)
    for person in roster.people:
        if person.handle not in spoken | shut_out and not person.not_valid(now.utc_us):
            yield person


def barred(incident: Incident, environment: Environment) -> frozenset[str]:
    """Who asked for the rollback, where such people may not say yes to it."""
    if may_initiator(environment, incident.plan):
        return frozenset()
    return frozenset(filter(None, (incident.commander, incident.asked_by)))


def _deputies_turn(
    incident: Incident, environment: Environment, roster: Roster, paging: Paging, role: str, now: Stamp
) -> bool:
    """Whether nobody holds the role who could say yes, or those who do were asked long ago."""
    shut_out = barred(incident, environment)
    holders = [person for person in _holders(roster, role, now) if person not in shut_out]
    if not holders:
        return True
    spoken = have_spoken(incident, now)
    if any(person not in incident.asked and person not in spoken for person in holders):
        return False  # asked in this very moment
    first = [incident.asked[person].first for person in holders if person in incident.asked]
    since = max(first, key=now.seconds_since) if first else incident.planned
    return since is None or is_over(since, paging.deputy_after, now)


def _holders(roster: Roster, role: str, now: Stamp) -> tuple[str, ...]:
    """Who holds the role itself today."""
    return tuple(
        person.handle for person in roster.people if role in person.roles and not person.not_valid(now.utc_us)
    )


def is_over(since: Stamp, limit_s: float, now: Stamp) -> bool:
    """Whether that time has gone by; also when it cannot be told, because the clock was moved in a reboot."""
    return not 0 <= now.seconds_since(since) < limit_s


def silent_since(asked: Asked) -> Stamp:
    """When somebody who has not answered was asked last, or looked at what they are asked."""
    return asked.last if asked.seen is None or asked.last.seconds_since(asked.seen) > 0 else asked.seen


class Waited(Struct, frozen=True):
    """Somebody who was asked and has not answered."""

    handle: str
    asked: Asked


def waited_for(incident: Incident, now: Stamp) -> tuple[Waited, ...]:
    """Who was asked, has not answered, and would fill a role that is missing; or was told as a level."""
    if not waits(incident):
        return ()
    spoken, roles = have_spoken(incident, now), set(wanting(incident, now))
    return tuple(
        Waited(person, asked)
        for person, asked in incident.asked.items()
        if person not in spoken and roles and (roles & set(asked.roles) or asked.why == "escalation")
    )


def silence(asked: Asked, now: Stamp) -> float:
    """Seconds for which somebody who was asked has given no sign, not below 0."""
    return max(0.0, now.seconds_since(asked.seen or asked.first))


def may_say_yes(
    incident: Incident, environment: Environment, roster: Roster, handle: str, now: Stamp
) -> bool:
    """Whether that person's yes would fill a role that is missing."""
    return handle in whose_yes(incident, environment, roster, now)


def whose_yes(incident: Incident, environment: Environment, roster: Roster, now: Stamp) -> tuple[str, ...]:
    """Everybody whose yes would fill a role that is missing, those who hold it before its deputies."""
    lacking = set(wanting(incident, now))
    people = list(callable_today(incident, environment, roster, now))
    own = [one.handle for one in people if lacking & set(one.roles)]
    deputies = [one.handle for one in people if lacking & set(one.deputy_for)]
    return tuple(dict.fromkeys((*own, *deputies)))


# -- the escalation path ------------------------------------------------------------------------------


def _escalations(
    incident: Incident, environment: Environment, roster: Roster, now: Stamp
) -> Iterator[ev.GateEscalated]:
    """The next level, when it is its turn; before it, those that nobody holds."""
    path, lacking = environment.authorisation.escalation, wanting(incident, now)
    if path is None or not lacking or not _level_is_due(incident, environment, path, now):
        return
    told = incident.escalated.level if incident.escalated else 0
    for level, role in enumerate(path.roles[told:], told + 1):
        people = _holders(roster, role, now)
        yield ev.GateEscalated(incident.plan_hash or "", level, role, people, lacking)
        if people:
            return


def _level_is_due(incident: Incident, environment: Environment, path: EscalationPath, now: Stamp) -> bool:
    last, within = incident.escalated, environment.authorisation.within
    if last is not None:
        return not last.people or is_over(last.at, path.every, now)
    return within > 0 and incident.planned is not None and is_over(incident.planned, within, now)


def escalates_in(incident: Incident, environment: Environment, now: Stamp) -> float | None:
    """Seconds until the next level of the path is told, not below 0; None where none will be."""
    rule, last = environment.authorisation, incident.escalated
    if rule.paging is None or rule.escalation is None or not waits(incident) or not wanting(incident, now):
        return None
    if last is not None:
        told = last.level >= len(rule.escalation.roles)
        return None if told else max(0.0, rule.escalation.every - now.seconds_since(last.at))
    if not rule.within or incident.planned is None:
        return None
    return max(0.0, rule.within - now.seconds_since(incident.planned))
