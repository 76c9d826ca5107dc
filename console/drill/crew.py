"""The crew of a headless drill: the people who would sit there, as a pure choice of the next request."""

from collections.abc import Sequence

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Event
from console.core.plan import Phase
from console.core.policy import gate, unattended
from console.core.protocols import Snapshot
from console.core.requests import AnyAsk, Choice
from console.core.state import Incident, Status


def next_ask(snapshot: Snapshot) -> AnyAsk | None:
    """What somebody would ask for now; None when there is nothing to ask for.

    An unclear step is decided by the rule for runs without a person (DESIGN 3); a failed one is not.
    """
    incident = snapshot.state.open_incident
    if incident is None:
        return None
    if incident.status == "suspected":
        return rq.Declare(note="the drill's crew takes command")
    if incident.plan is None or incident.aborted is not None:
        return None
    if incident.asking():
        return _decision(incident)
    if incident.finished:
        return rq.Resolve(outcome="recovered", note="every step of the plan is proven")
    if _at_gate(incident) and not _has_said_yes(incident) and incident.plan_hash:
        return rq.Go(plan_hash=incident.plan_hash, typed=incident.plan.environment)
    return None


def stuck(snapshot: Snapshot) -> str | None:
    """Why a person is needed, in a sentence; None while the run can go on by itself."""
    incident = snapshot.state.open_incident
    if incident is None or incident.status == "suspected":
        return None
    if incident.planning_failed:
        return f"no plan: {incident.planning_failed}"
    if incident.aborted is not None:
        return f"aborted: {incident.aborted}"
    for step in incident.asking():
        state = incident.step(step.id)
        looked = state.status is Status.FAILED or state.finding is not None
        if looked and _decision(incident) is None:
            return f"{step.id} {state.status}: {state.words}"
        if refusal := _refusal(snapshot.events):
            return f"{step.id} {state.status}: {refusal}"
    if _at_gate(incident) and _has_said_yes(incident) and (closed := gate(incident, snapshot.at).closed):
        return f"the gate stays closed: {'; '.join(closed)}"
    return None


def _decision(incident: Incident) -> AnyAsk | None:
    for step in incident.asking():
        state = incident.step(step.id)
        if state.status is not Status.UNKNOWN or state.finding is None:
            continue
        choice = unattended(state.finding, repeatable=step.repeatable, attempt=state.attempt)
        if choice in (Choice.CONTINUE, Choice.RETRY):
            return rq.Decide(step.id, choice, reason=f"the probe says {state.finding}")
    return None


def _refusal(events: Sequence[Event]) -> str | None:
    """Why the last decision was refused, if nothing was found out or begun since: it would be again."""
    for event in reversed(events):
        match event.body:
            case ev.RequestRefused(ask="decide", reason=reason):
                return reason
            case ev.StepProbed() | ev.StepIntent():
                return None
    return None


def _at_gate(incident: Incident) -> bool:
    return incident.phase is Phase.SWITCH and incident.gate_opened is None


def _has_said_yes(incident: Incident) -> bool:
    """Whether the crew did; it is one person, so that a second yes would change nothing."""
    return any(approval.plan_hash == incident.plan_hash for approval in incident.approvals)
