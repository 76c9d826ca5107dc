"""Who does what: taking, offering and accepting a role, giving a task and ending it."""

from collections.abc import Iterator, Mapping

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.policy import may_initiator
from console.core.roles import (
    COMMANDER,
    holder,
    may_not_accept,
    may_not_decline,
    may_not_offer,
    may_not_take,
)
from console.core.staff import INCIDENT_ROLES, Assignment, IncidentRole
from console.core.state import Incident
from console.core.tasks import may_not_assign, may_not_drop, may_not_end, numbered, task_id
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.TakeRole, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    case.counts(case.actor)
    _unless(may_not_take(incident, ask.role, case.actor, ask.reason))
    before = holder(incident, ask.role) or ""
    taken = ev.RoleTaken(_role(ask.role), before, ask.reason if before else "")
    return (taken, *_yes_void(case, incident, ask.role))


@grant.register
def _(ask: rq.OfferRole, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    _unless(may_not_offer(incident, ask.role, case.actor, ask.to))
    if ask.to == case.actor:
        raise RefusedError(f"{case.actor} asks nobody else: take {ask.role} instead")
    _is_known(case, ask.to)
    return (ev.RoleOffered(_role(ask.role), ask.to),)


@grant.register
def _(ask: rq.AcceptRole, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    case.counts(case.actor)
    _unless(may_not_accept(incident, ask.role, case.actor))
    accepted = ev.RoleAccepted(_role(ask.role), holder(incident, ask.role) or "")
    return (accepted, *_yes_void(case, incident, ask.role))


@grant.register
def _(ask: rq.DeclineRole, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    _unless(may_not_decline(incident, ask.role, case.actor))
    return (ev.RoleDeclined(_role(ask.role), incident.offers[ask.role].to),)


@grant.register
def _(ask: rq.AssignTask, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    if not ask.what.strip():
        raise RefusedError("a task says what is to be done")
    if ask.within_s is not None and ask.within_s <= 0:
        raise RefusedError("a time box has some length, such as 5m")
    if ask.to not in INCIDENT_ROLES:
        _is_known(case, ask.to)
    _unless(may_not_assign(incident, case.actor, ask.to))
    return (ev.TaskAssigned((Assignment(task_id(incident), ask.to, ask.what, ask.within_s),)),)


@grant.register
def _(ask: rq.EndTask, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    task = incident.tasks.get(ask.task)
    if task is None:
        raise RefusedError(f"no task {ask.task}; there are {', '.join(incident.tasks) or 'none'}")
    if ask.done:
        _unless(may_not_end(incident, task, case.actor))
        return (ev.TaskDone(ask.task, task.what, ask.words),)
    _unless(may_not_drop(incident, task, case.actor))
    if not ask.words.strip():
        raise RefusedError("a task is dropped with a reason: give one")
    return (ev.TaskDropped(ask.task, task.what, ask.words),)


def staffing(case: Case, known: Incident | None, asked: Mapping[str, str]) -> Iterator[Body]:
    """What a declaration says of its people: who takes or is asked to take which role, the first tasks."""
    for role, person in asked.items():
        if role == COMMANDER or role not in INCIDENT_ROLES:
            there = ", ".join(INCIDENT_ROLES[1:])
            raise RefusedError(f"no role {role} to fill beside the commander's; there are {there}")
        _is_known(case, person)
        yield ev.RoleTaken(_role(role)) if person == case.actor else ev.RoleOffered(_role(role), person)
    rule = case.environment.war_room
    if rule is not None and rule.tasks:
        yield ev.TaskAssigned(numbered(known, rule.tasks))


def _yes_void(case: Case, incident: Incident, role: str) -> tuple[Body, ...]:
    """Who commands asks for the rollback from then on: where that person's yes does not count, it is void."""
    said = case.actor in {yes.person for yes in incident.approvals}
    if role != COMMANDER or not said or incident.gate_opened is not None:
        return ()
    if may_initiator(case.environment, incident.plan):
        return ()
    return (ev.GateWithdrawn(case.actor, "commands now, and here somebody else must say yes"),)


def _is_known(case: Case, person: str) -> None:
    if person not in case.roster.handles():
        there = ", ".join(case.roster.handles())
        raise RefusedError(f"{person} is not in the roster; there are {there}")
    case.counts(person)


def _unless(reason: str) -> None:
    if reason:
        raise RefusedError(reason)


def _role(name: str) -> IncidentRole:
    """The role of that name, which has been looked at."""
    return next(role for role in INCIDENT_ROLES if role == name)
