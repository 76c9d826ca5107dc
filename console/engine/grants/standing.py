"""Standing authorisations: who may sign one, and who may take it back."""

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.standing_authorisation import parse, unfit
from console.core.state import Standing
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.SignStanding, case: Case) -> tuple[Body, ...]:
    return ()  # what was signed is told by `sign`, once it is verified


def sign(case: Case, ask: rq.SignStanding, key: str) -> tuple[Body, ...]:
    """The event of a standing authorisation whose signature was verified with `key`; RefusedError otherwise.

    All is judged by the state of now: somebody else may have signed while it was verified, or revoked it.
    """
    event = counted(case, ask, key)
    known = case.state.standing.get(event.id)
    if known is not None:
        _may_be_joined(known, event)
    return (event,)


def _may_be_joined(known: Standing, event: ev.StandingSigned) -> None:
    """Refuses a signature under what does not wait for that one."""
    if known.text != event.text:
        raise RefusedError(f"another text is known as {event.id}: make a new one")
    if known.ended:
        raise RefusedError(f"{event.id} has ended, {known.ended}: make a new one")
    keys = {yes.signed.key: yes.person for yes in known.signed if yes.signed}
    if event.person in keys.values():
        raise RefusedError(f"{event.person} has signed {event.id} already")
    if event.key in keys:
        raise RefusedError(f"{keys[event.key]} has signed with that key already: a key counts once")


def counted(case: Case, ask: rq.SignStanding, key: str) -> ev.StandingSigned:
    """The event of a signature under these terms, made good at `case.now`; StatedError if it is none.

    Whoever wrote an event of that kind into the journal, this is what it must say.
    """
    found = parse(ask.text)
    if why := unfit(found, case.terms, case.now):
        raise RefusedError(f"what {ask.person} signed does not count: {why}")
    roles, needed = case.roster.roles_of(ask.person), _seats(case)
    if not set(needed) & set(roles):
        raise RefusedError(f"{ask.person} is {', '.join(roles) or 'nobody'}; {' or '.join(needed)} must sign")
    return ev.StandingSigned(
        id=found.id, person=ask.person, roles=roles, key=key, text=ask.text, signature=ask.signature
    )


@grant.register
def _(ask: rq.RevokeStanding, case: Case) -> tuple[Body, ...]:
    known = case.state.standing
    if ask.id not in known:
        raise RefusedError(f"no standing authorisation {ask.id}; there are {', '.join(known) or 'none'}")
    if known[ask.id].ended:
        raise RefusedError(f"{ask.id} has ended already: {known[ask.id].ended}")
    if case.actor not in {yes.person for yes in known[ask.id].signed}:
        case.holds_one_of(_seats(case), f"revoke {ask.id}, and whoever has signed it")
    if not ask.reason.strip():
        raise RefusedError("a standing authorisation is taken back with a reason: give one")
    return (ev.StandingRevoked(ask.id, ask.reason),)


def _seats(case: Case) -> tuple[str, ...]:
    """The roles that are asked here."""
    return tuple(dict.fromkeys(rule.role for rule in case.environment.authorisation.approvers))
