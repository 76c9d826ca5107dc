"""The gate: who may say yes or no to a plan, take it back, or let a prerequisite go."""

from console.core import events as ev
from console.core import requests as rq
from console.core.asking import unlike
from console.core.events import Body
from console.core.policy import asked_for, may_initiator, prerequisites, said_yes
from console.core.single_rows import not_shown
from console.core.state import Incident
from console.core.statement import Statement
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.Go, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    if incident.plan is None:
        raise RefusedError("there is no plan yet")
    if ask.plan_hash != incident.plan_hash:
        raise RefusedError("the plan has changed since you read it: look at the new one and say yes to that")
    if ask.typed != case.name:
        raise RefusedError(f"typed {ask.typed!r}, but this is {case.name}")
    if incident.plan.data is not None and ask.typed_again != case.name:
        raise RefusedError(f"this plan swaps data: type {case.name} once more")
    if incident.plan.proof != "claim":
        raise RefusedError("this environment asks for signatures, not for a typed name: A asks for one")
    if incident.gate_opened is not None:
        raise RefusedError("the gate is open already")
    roles = case.roster.roles_of(case.actor)
    _has_a_seat(case, case.actor, roles, incident)
    _may_say_yes(case, case.actor, incident)
    _is_not_the_initiator(case, case.actor, incident)
    return (ev.GateClaimed(plan_hash=ask.plan_hash, roles=tuple(roles)),)


@grant.register
def _(ask: rq.Approve, case: Case) -> tuple[Body, ...]:
    case.settled_plan()
    return ()  # what was signed is told by `sign`, once it is verified


def sign(case: Case, statement: Statement, signature: str, key: str) -> tuple[Body, ...]:
    """The event of a statement whose signature was verified with `key`; RefusedError otherwise.

    All is judged by the state of now, since the plan may have changed while it was verified.
    """
    incident, person = case.settled_plan(), statement.person
    event = counted(case, statement, signature, key)
    if incident.gate_opened is not None:
        raise RefusedError("the gate is open already")
    if statement.decision == "yes":
        _may_say_yes(case, person, incident)
        others = {yes.signed.key: yes.person for yes in said_yes(incident, case.now) if yes.signed}
        if key in others:
            raise RefusedError(f"{others[key]} has signed with that key already: a key counts once")
    return (event,)


def counted(case: Case, statement: Statement, signature: str, key: str) -> ev.GateSigned:
    """The event of a statement about the plan of now, made good at `case.now`; RefusedError if it is none.

    Whoever wrote an event of that kind into the journal, this is what it must say.
    """
    incident = case.settled_plan()
    person, roles = statement.person, case.roster.roles_of(statement.person)
    if incident.roster != case.roster_sha256:
        raise RefusedError("the roster is not the one that was pinned when the incident was declared")
    if why := unlike(statement, incident, roles, case.now, case.environment.authorisation.within):
        raise RefusedError(f"what {person} signed does not count: {why}")
    _has_a_seat(case, person, roles, incident)
    if statement.decision == "yes":
        _is_not_the_initiator(case, person, incident)
    return ev.GateSigned(
        plan_hash=statement.plan,
        person=person,
        roles=tuple(roles),
        key=key,
        because=statement.because,
        expires=statement.expires,
        text=statement.text,
        signature=signature,
    )


@grant.register
def _(ask: rq.Withdraw, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    if incident.gate_opened is not None:
        raise RefusedError("the gate is open already: x stops the run")
    if case.actor not in {yes.person for yes in incident.approvals}:
        raise RefusedError(f"{case.actor} has not said yes")
    return (ev.GateWithdrawn(case.actor, ask.reason or "taken back"),)


@grant.register
def _(ask: rq.Waive, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    if incident.gate_opened is not None:
        raise RefusedError("the gate is open already")
    known = {one.item.id: one for one in prerequisites(incident, case.now)}
    if ask.item not in known:
        raise RefusedError(f"no prerequisite {ask.item}; there are {', '.join(known) or 'none'}")
    one = known[ask.item]
    if not one.item.waived_by:
        data = incident.plan is not None and incident.plan.data is not None
        raise RefusedError(f"{ask.item} cannot be waived{' where data goes back' if data else ''}")
    case.counts(case.actor)
    case.holds_one_of(one.item.waived_by, f"waive {ask.item}")
    if one.met:
        raise RefusedError(f"{ask.item} is met, by {one.words}: there is nothing to waive")
    if not ask.reason.strip():
        raise RefusedError("a prerequisite is waived by name and with a reason: give one")
    return (ev.ItemWaived(item=ask.item, plan_hash=incident.plan_hash or "", reason=ask.reason),)


def _has_a_seat(case: Case, person: str, roles: tuple[str, ...], incident: Incident) -> None:
    """Refuses somebody whom nobody asks."""
    needed = dict.fromkeys(asked_for(incident.plan) if incident.plan else ())
    if not needed.keys() & set(roles):
        raise RefusedError(f"{person} is {', '.join(roles) or 'nobody'}; {' or '.join(needed)} must say yes")


def _may_say_yes(case: Case, actor: str, incident: Incident) -> None:
    case.counts(actor)
    if why := not_shown(incident):
        raise RefusedError(why)
    if actor in {yes.person for yes in said_yes(incident, case.now)}:
        raise RefusedError(f"{actor} has said yes to this plan already")


def _is_not_the_initiator(case: Case, actor: str, incident: Incident) -> None:
    initiators = (incident.commander, incident.asked_by)
    if actor in initiators and not may_initiator(case.environment, incident.plan):
        raise RefusedError(f"{actor} asked for the rollback: here somebody else must say yes")
