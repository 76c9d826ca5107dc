"""Roles of an incident: who has which, and who may offer, take or accept one. Pure.

Nobody has a role that they did not take or accept themselves. Each reason is one sentence, empty when
there is none.
"""

from collections.abc import Sequence

from console.core.staff import INCIDENT_ROLES, Held, IncidentRole
from console.core.state import Incident

COMMANDER: IncidentRole = "commander"


def held(incident: Incident, role: str) -> Held | None:
    """Who has the role, and since when; None when nobody does."""
    if role != COMMANDER:
        return incident.roles.get(role)
    if incident.commander is None:
        return None
    return Held(incident.commander, incident.commanding or incident.onset)


def holder(incident: Incident, role: str) -> str | None:
    """Who has the role; None when nobody does."""
    known = held(incident, role)
    return known.person if known else None


def roles_of(incident: Incident, person: str) -> tuple[IncidentRole, ...]:
    """The roles that somebody has."""
    return tuple(role for role in INCIDENT_ROLES if holder(incident, role) == person)


def offered(incident: Incident, person: str) -> tuple[IncidentRole, ...]:
    """The roles that somebody is asked to take."""
    return tuple(
        role for role in INCIDENT_ROLES if (offer := incident.offers.get(role)) and offer.to == person
    )


def shown(incident: Incident, wanted: Sequence[str]) -> tuple[IncidentRole, ...]:
    """The roles to speak of: those the strategy wants, and those somebody has or is asked to take."""
    return tuple(
        role
        for role in INCIDENT_ROLES
        if role == COMMANDER or role in wanted or role in incident.offers or holder(incident, role)
    )


def vacant(incident: Incident, wanted: Sequence[str]) -> tuple[IncidentRole, ...]:
    """The roles that the strategy wants and nobody has, nor is asked to take."""
    return tuple(
        role
        for role in INCIDENT_ROLES
        if role in wanted and holder(incident, role) is None and role not in incident.offers
    )


def may_not_offer(incident: Incident, role: str, actor: str, to: str = "") -> str:
    """Why somebody may not ask somebody else to take the role: its holder may, and the commander."""
    if why := _no_role(incident, role):
        return why
    has = holder(incident, role)
    if actor not in (has, incident.commander):
        may = " and ".join(dict.fromkeys(filter(None, (has, incident.commander)))) or "nobody"
        return f"{actor} neither has {role} nor commands {incident.id}: {may} may offer it"
    if to and to == has:
        return f"{to} has {role} already"
    offer = incident.offers.get(role)
    return f"{to} is asked to take {role} already" if to and offer and offer.to == to else ""


def may_not_take(incident: Incident, role: str, actor: str, reason: str) -> str:
    """Why somebody may not take the role: what somebody else has is taken over with a reason."""
    if why := _no_role(incident, role):
        return why
    has = holder(incident, role)
    if has == actor:
        return f"{actor} has {role} already"
    if has is not None and not reason.strip():
        return f"{has} has {role}: it is taken over with a reason, say why"
    return ""


def may_not_accept(incident: Incident, role: str, actor: str) -> str:
    """Why somebody may not accept the role: only who was asked may."""
    if why := _no_role(incident, role):
        return why
    offer = incident.offers.get(role)
    if offer is None:
        return f"nobody was asked to take {role}"
    return "" if offer.to == actor else f"{offer.to} was asked to take {role}, not {actor}"


def may_not_decline(incident: Incident, role: str, actor: str) -> str:
    """Why somebody may not end the offer: who was asked may, who asked, and the commander."""
    if why := _no_role(incident, role):
        return why
    offer = incident.offers.get(role)
    if offer is None:
        return f"nobody was asked to take {role}"
    if actor in (offer.to, offer.by, incident.commander):
        return ""
    return f"{offer.by} asked {offer.to} to take {role}: one of them may end that"


def _no_role(incident: Incident, role: str) -> str:
    if role not in INCIDENT_ROLES:
        return f"no role {role} in an incident; there are {', '.join(INCIDENT_ROLES)}"
    if role == COMMANDER and incident.commander is None:
        return f"nobody commands {incident.id} yet: whoever declares it does"
    return ""
