"""The kinds of event that a journal holds, and how one is written to bytes and read back."""

from console.core.events.body import Body
from console.core.events.engine import EngineStarted, EngineStopped, ReleaseSeen, RequestRefused, RungChanged
from console.core.events.gate import (
    GateClaimed,
    GateClosed,
    GateOpened,
    GateSigned,
    GateWithdrawn,
    ItemWaived,
)
from console.core.events.incident import (
    ErrandBegun,
    ErrandEnded,
    IncidentDeclared,
    IncidentResolved,
    IncidentSuspected,
    ItemTicked,
    NoteAdded,
    OnsetMoved,
)
from console.core.events.plan import (
    EvidenceRecorded,
    PlanFrozen,
    PlanningFailed,
    PlanningStarted,
    RunAborted,
    RunResumed,
    StepDecided,
    StepIntent,
    StepOutcome,
    StepProbed,
)
from console.core.events.wire import KNOWN, Draft, Event, Unknown, decode, encode

__all__ = [
    "KNOWN",
    "Body",
    "Draft",
    "EngineStarted",
    "EngineStopped",
    "ErrandBegun",
    "ErrandEnded",
    "Event",
    "EvidenceRecorded",
    "GateClaimed",
    "GateClosed",
    "GateOpened",
    "GateSigned",
    "GateWithdrawn",
    "IncidentDeclared",
    "IncidentResolved",
    "IncidentSuspected",
    "ItemTicked",
    "ItemWaived",
    "NoteAdded",
    "OnsetMoved",
    "PlanFrozen",
    "PlanningFailed",
    "PlanningStarted",
    "ReleaseSeen",
    "RequestRefused",
    "RunAborted",
    "RunResumed",
    "RungChanged",
    "StepDecided",
    "StepIntent",
    "StepOutcome",
    "StepProbed",
    "Unknown",
    "decode",
    "encode",
]
