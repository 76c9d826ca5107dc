"""What waits for the commander's yes alone: steps of a plan that stop other people's work. Pure."""

from console.core.plan import Authority, Step
from console.core.state import Incident, Status


def allowed(incident: Incident, step: Step) -> bool:
    """Whether the step needs no commander, or they said yes to exactly what it does.

    An automatic rollback that runs has no commander to ask: whoever signed for it beforehand, or lets it run
    unsigned, did so for the runbook of that strategy with this step in it.
    """
    if step.authority is not Authority.COMMANDER or incident.allowed.get(step.id) == step.effects:
        return True
    run = incident.automatic
    return run is not None and run.active and run.mode == "runs" and incident.commander is None


def to_allow(incident: Incident) -> tuple[Step, ...]:
    """The steps that could run now but for the commander's yes, in the order of the plan."""
    if incident.plan is None or incident.planning or incident.aborted is not None:
        return ()
    phase = incident.phase
    return tuple(
        step
        for step in incident.plan.steps
        if step.phase is phase
        and incident.step(step.id).status is Status.WAITING
        and not allowed(incident, step)
        and all(incident.step(need).status.settled for need in step.needs)
    )
