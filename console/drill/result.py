"""The result of a drill: one document in which every number was measured (DESIGN 10)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Event
from console.core.plan import Phase
from console.core.standing import healthy_at
from console.core.state import Incident, State

SCHEMA = "warroom.drill/1"


class ReleaseFacts(Struct, frozen=True):
    """Tags; `running` is what the service itself answered at the end."""

    bad: str | None
    target: str | None
    running: str | None


class ClockFacts(Struct, frozen=True):
    """Seconds since the fault was injected; None where the moment does not exist."""

    detected_s: float | None = None
    declared_s: float | None = None
    authorised_s: float | None = None
    switch_s: float | None = None
    healthy_s: float | None = None
    resolved_s: float | None = None


class RecoveryFacts(Struct, frozen=True):
    """From the gate's opening to the first of the good answers, against the strategy's target."""

    target_s: float
    taken_s: float | None
    met: bool


class StepFacts(Struct, frozen=True):
    """How a step ended; `seconds` of its last attempt, None when it has no outcome."""

    id: str
    phase: str
    status: str
    seconds: float | None


class DataFacts(Struct, frozen=True):
    """Rows at the switch and when healthy; `rows_discarded` are keys that were there and are not any more."""

    rows_before: int | None = None
    rows_after: int | None = None
    rows_discarded: int | None = None


class JournalFacts(Struct, frozen=True):
    """The journal as verified from its file after the engine had ended."""

    path: str
    events: int
    head: str
    valid: bool


class DrillResult(Struct, frozen=True, kw_only=True):
    """The document that `warroom drill --headless --json` prints."""

    schema: str = SCHEMA
    incident: str | None
    environment: str
    scenario: str
    outcome: Literal["recovered", "incomplete", "failed"]
    release: ReleaseFacts
    clock: ClockFacts
    recovery: RecoveryFacts
    steps: tuple[StepFacts, ...]
    data: DataFacts
    journal: JournalFacts
    artifacts: tuple[str, ...]
    reason: str | None
    """Why it is not recovered, in a sentence."""


def clock_facts(events: Iterable[Event], fault: Stamp, incident: Incident | None) -> ClockFacts:
    """The moments that the journal holds, counted from the fault."""
    moments: dict[str, float] = {}
    switch = (
        {step.id for step in incident.plan.of_phase(Phase.SWITCH)} if incident and incident.plan else set()
    )
    for event in events:
        if incident is None or event.incident != incident.id:
            continue  # an earlier incident has moments of its own
        since = round(event.at.seconds_since(fault), 3)
        match event.body:
            case ev.IncidentSuspected():
                moments["detected_s"] = since
            case ev.IncidentDeclared():
                moments["declared_s"] = since
            case ev.GateOpened():
                moments["authorised_s"] = since
            case ev.StepOutcome(step=step, status="done") if step in switch:
                moments["switch_s"] = since
            case ev.IncidentResolved():
                moments["resolved_s"] = since
            case _:
                pass
    if incident and (good := healthy_at(incident)):
        moments["healthy_s"] = round(good.seconds_since(fault), 3)
    return ClockFacts(**moments)


def recovery_facts(incident: Incident | None, target_s: float) -> RecoveryFacts:
    """Gate to first good answer."""
    good = healthy_at(incident) if incident else None
    if incident is None or incident.gate_opened is None or good is None:
        return RecoveryFacts(target_s, None, met=False)
    taken = round(good.seconds_since(incident.gate_opened), 3)
    return RecoveryFacts(target_s, taken, met=taken <= target_s)


def step_facts(incident: Incident | None) -> tuple[StepFacts, ...]:
    """Every step of the plan, in its order."""
    if incident is None or incident.plan is None:
        return ()
    return tuple(
        StepFacts(step.id, step.phase, incident.step(step.id).status, incident.step(step.id).seconds)
        for step in incident.plan.steps
    )


def data_facts(incident: Incident | None) -> DataFacts:
    """What the steps that count and compare rows have measured."""
    facts: dict[str, str] = {}
    for state in incident.steps.values() if incident else ():
        facts.update(
            {key: value for key, value in state.facts.items() if key in ("rows", "after", "missing")}
        )
    names = {"rows_before": "rows", "rows_after": "after", "rows_discarded": "missing"}
    return DataFacts(**{name: int(facts[key]) for name, key in names.items() if key in facts})


def outcome_of(state: State, running: str | None) -> Literal["recovered", "incomplete", "failed"]:
    """Recovered only when it was resolved so and the service itself answers the target's version."""
    incident = state.incident
    if incident is None:
        return "failed"
    target = incident.plan.code.target.tag if incident.plan and incident.plan.code else None
    resolved = incident.status == "resolved" and incident.outcome == "recovered"
    return "recovered" if resolved and running is not None and running == target else "incomplete"


def artifacts(paths: Iterable[Path]) -> tuple[str, ...]:
    """Those of the files that exist."""
    return tuple(str(path) for path in paths if path.exists())
