"""Who is asked to take command of a suspected incident, and when: pure decisions over the folded state.

First whoever is on call; again while they are silent; then one level of the escalation path after the other,
until somebody takes command or the incident is closed.
"""

from collections.abc import Iterator

from console.core import events as ev
from console.core.clock import Stamp
from console.core.live import OnDuty
from console.core.on_duty import by_roster, source_words
from console.core.roster import Roster
from console.core.state import Called, Incident
from console.core.strategy import Environment, Paging
from console.core.summons import is_over
from console.core.words import duration

SOONEST_S = 10.0
"""Nobody is asked by hand before so much time has gone by since they were asked last."""
PATIENCE_S = 5.0
"""How much longer than its limit whoever says who is on call is waited for."""
FIRST = "on call"


def due(
    incident: Incident | None, environment: Environment, roster: Roster, duty: OnDuty | None, now: Stamp
) -> tuple[ev.CommandAsked, ...]:
    """Who is to be asked now; often nobody. `duty` is what is known of who is on call.

    What follows from it is due only once it is in the state: called again at the same moment, nothing is.
    """
    paging = environment.authorisation.paging
    if incident is None or incident.status != "suspected" or paging is None:
        return ()
    if incident.level_since is None:
        return _first(incident, environment, roster, duty, now)
    told = (
        _next_level(incident, environment, roster, now) if _level_is_over(incident, environment, now) else ()
    )
    again = (one for one in _again(incident, paging, now) if one.person not in {o.person for o in told})
    return (*told, *again)


def _first(
    incident: Incident, environment: Environment, roster: Roster, duty: OnDuty | None, now: Stamp
) -> tuple[ev.CommandAsked, ...]:
    """Whoever is on call; nobody while that is being asked. Where nobody is: the first level of the path."""
    if _is_being_asked(incident, environment, duty, now):
        return ()
    known = duty or by_roster(environment, roster, now)
    words = source_words(known, now)
    asked = tuple(ev.CommandAsked(person, FIRST, 0, "on call", f"({words})") for person in known.people)
    return asked or _next_level(incident, environment, roster, now)


def _is_being_asked(incident: Incident, environment: Environment, duty: OnDuty | None, now: Stamp) -> bool:
    """Whether what is known is older than the suspicion, and the source may still say something newer."""
    source, since = environment.on_call, incident.suspected
    if source is None or since is None:
        return False
    old = duty is None or since.seconds_since(duty.at) > 0
    return old and not is_over(since, source.limit + PATIENCE_S, now)


def _level_is_over(incident: Incident, environment: Environment, now: Stamp) -> bool:
    path = environment.authorisation.escalation
    return (
        path is not None
        and incident.level_since is not None
        and is_over(incident.level_since, path.every, now)
    )


def _next_level(
    incident: Incident, environment: Environment, roster: Roster, now: Stamp
) -> tuple[ev.CommandAsked, ...]:
    """The next level with somebody in it who was not asked yet; none when the path is walked to its end."""
    path = environment.authorisation.escalation
    for level, role in enumerate(path.roles[incident.level :] if path else (), incident.level + 1):
        people = [person for person in _holders(roster, role, now) if person not in incident.called]
        if people:
            return tuple(ev.CommandAsked(person, role, level, "escalation") for person in people)
    return ()


def _holders(roster: Roster, role: str, now: Stamp) -> Iterator[str]:
    return (p.handle for p in roster.people if role in p.roles and not p.not_valid(now.utc_us))


def _again(incident: Incident, paging: Paging, now: Stamp) -> Iterator[ev.CommandAsked]:
    for person, called in incident.called.items():
        if called.passed is None and is_over(called.last, paging.again, now):
            yield ev.CommandAsked(person, called.role, incident.level, "again")


def unheard(incident: Incident) -> tuple[tuple[str, Called], ...]:
    """Who was asked and whose page has no end, because it is under way or its engine was killed."""
    if incident.status != "suspected":
        return ()
    return tuple((person, called) for person, called in incident.called.items() if called.delivered is None)


def escalates_in(incident: Incident, environment: Environment, roster: Roster, now: Stamp) -> float | None:
    """Seconds until the next level is asked, not below 0; None where none will be."""
    path = environment.authorisation.escalation
    if path is None or incident.level_since is None or not _next_level(incident, environment, roster, now):
        return None
    return max(0.0, path.every - now.seconds_since(incident.level_since))


# -- by hand ----------------------------------------------------------------------------------------


def by_hand(
    incident: Incident, environment: Environment, roster: Roster, handle: str, now: Stamp
) -> ev.CommandAsked | str:
    """How somebody is asked because a person wants it now; or why they are not, in one sentence."""
    if why_not := nobody_is_asked(environment):
        return why_not
    person = roster.person(handle)
    if person is None:
        return f"{handle} is not in the roster; there are {', '.join(roster.handles())}"
    if why := person.not_valid(now.utc_us):
        return f"{handle} {why}, says the roster"
    called = incident.called.get(handle)
    if called is not None and not is_over(called.last, SOONEST_S, now):
        ago = duration(now.seconds_since(called.last))
        return f"{handle} was asked {ago} ago: wait {SOONEST_S:g} seconds"
    role = called.role if called else next(iter((*person.roles, *person.deputy_for)), "member of the roster")
    return ev.CommandAsked(handle, role, _level_of(environment, role, incident.level), "by hand")


def nobody_is_asked(environment: Environment) -> str:
    """Why nobody at all can be asked; empty when somebody may be."""
    if environment.authorisation.paging is None:
        return "the strategy names no `paging` of this environment: nobody would hear of it"
    return ""


def _level_of(environment: Environment, role: str, known: int) -> int:
    """How far the path is walked once that role is asked."""
    path = environment.authorisation.escalation
    roles = path.roles if path else []
    return max(known, roles.index(role) + 1) if role in roles else known


def to_ask(
    incident: Incident,
    environment: Environment,
    roster: Roster,
    duty: OnDuty | None,
    now: Stamp,
    besides: str = "",
) -> str | None:
    """Whom a person asks who does not say whom: never themselves.

    Whoever is on call and was not asked; the next level of the path; a deputy of whom was asked; else whoever
    is silent for longest. None when everybody was asked only now.
    """
    known = duty or by_roster(environment, roster, now)
    level = [one.person for one in _next_level(incident, environment, roster, now)]
    asked = {called.role for called in incident.called.values()}
    deputies = [p.handle for p in roster.people if asked & set(p.deputy_for)]
    silent = sorted(incident.called, key=lambda person: -now.seconds_since(incident.called[person].last))
    fresh = [person for person in (*known.people, *level, *deputies) if person not in incident.called]
    for person in (*fresh, *silent):
        if person != besides and isinstance(
            by_hand(incident, environment, roster, person, now), ev.CommandAsked
        ):
            return person
    return None
