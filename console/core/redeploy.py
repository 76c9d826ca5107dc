"""Deploying again, when the proof says that not every instance took the deployment. Pure."""

from console.core.instances import BEHIND
from console.core.requests import Choice
from console.core.state import Incident, Status

DEPLOY, PROVE_HEALTH = "deploy", "prove-health"
"""The action that is done again, and the one that asks whether it has been."""


def deploys_of(incident: Incident, step_id: str) -> tuple[str, ...]:
    """Steps that would be deployed again for a proof that has failed; none where that is no way on."""
    if incident.plan is None or incident.step(step_id).status is not Status.FAILED:
        return ()
    step = incident.plan.step(step_id)
    if step.action != PROVE_HEALTH:
        return ()
    needed, ahead = set[str](), list(step.needs)
    while ahead:
        need = ahead.pop()
        if need not in needed:
            needed.add(need)
            ahead.extend(incident.plan.step(need).needs)
    return tuple(
        one.id
        for one in incident.plan.steps
        if one.id in needed and one.action == DEPLOY and incident.step(one.id).status is Status.DONE
    )


def behind(incident: Incident, step_id: str) -> str:
    """`4 of 6 on v1.5.0: app-5, app-6 on v1.5.3`, where a proof has failed for that; empty otherwise."""
    return incident.step(step_id).facts.get(BEHIND, "") if deploys_of(incident, step_id) else ""


def redeploying(incident: Incident, step_id: str) -> tuple[Choice, ...]:
    """The choice to deploy again, where there is one."""
    return (Choice.REDEPLOY,) if deploys_of(incident, step_id) else ()
