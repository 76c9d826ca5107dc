"""The kill switch of automatic rollback: off is anybody's, on is theirs who would have to say yes."""

from console.core import events as ev
from console.core import requests as rq
from console.core.automatic import off
from console.core.events import Body
from console.engine.grants.case import Case, RefusedError, grant


@grant.register
def _(ask: rq.SwitchAutomatic, case: Case) -> tuple[Body, ...]:
    rule, switched_off = case.environment.automatic, "person" in case.state.automatic_off
    if rule is None:
        raise RefusedError(f"{case.name} has no automatic rollback: the strategy has no `automatic` section")
    if not ask.reason.strip():
        raise RefusedError("automatic rollback is switched with a reason: give one")
    if not ask.on and switched_off:
        raise RefusedError(f"automatic rollback is off already, {off(case.state, case.environment)}")
    if ask.on and not switched_off:
        why = off(case.state, case.environment)
        raise RefusedError(f"nobody has switched it off by hand{f'; it is off, {why}' if why else ''}")
    if ask.on:
        case.counts(case.actor)
        roles = tuple(dict.fromkeys(rule.role for rule in case.environment.authorisation.approvers))
        case.holds_one_of(roles, "switch automatic rollback on")
    return (ev.AutomaticSwitched(ask.on, "person", ask.reason),)
