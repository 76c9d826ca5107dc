"""Asking people: who is paged because somebody wants it now, and who has looked at what they are asked."""

from console.core import calling
from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.summons_by_hand import by_hand
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.Page, case: Case) -> tuple[Body, ...]:
    incident = case.incident()
    found: Body | str
    if incident.status == "suspected":
        found = calling.by_hand(incident, case.environment, case.roster, ask.person, case.now)
    else:
        found = by_hand(incident, case.environment, case.roster, ask.person, case.now)
    if isinstance(found, str):
        raise RefusedError(found)
    return (found,)


@grant.register
def _(ask: rq.Seen, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    if ask.plan_hash != incident.plan_hash:
        raise RefusedError("the plan has changed since you looked at it: look at the new one")
    asked = incident.asked.get(case.actor)
    if asked is None:
        raise RefusedError(f"nobody has asked {case.actor} for a yes")
    # A second look is no news: it is answered by nothing, and nobody waits for more.
    return () if asked.seen is not None else (ev.GateSeen(ask.plan_hash),)
