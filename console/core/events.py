"""The kinds of event that a journal holds, and how one is written to bytes and read back."""

from typing import ClassVar, Literal

import msgspec
from msgspec import Raw, Struct

from console.core.clock import Stamp
from console.core.metrics import Rung
from console.core.plan import Wish
from console.core.requests import Choice


class Body(Struct, frozen=True):
    """The part of an event that differs from kind to kind."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    critical: ClassVar[bool] = True
    """Whether a program that does not know this kind must stop writing (DESIGN 2)."""


class EngineStarted(Body, frozen=True):
    """An engine took the lease of the environment."""

    kind = "engine.started"
    pid: int
    epoch: int
    warroom: str
    strategy_hash: str
    roster_hash: str
    mode: Literal["cooperative", "separated"]


class EngineStopped(Body, frozen=True):
    """The engine ended of its own accord; a killed one leaves no such event."""

    kind = "engine.stopped"
    critical = False
    reason: str


class RungChanged(Body, frozen=True):
    """A metric moved on its ladder."""

    kind = "metric.rung"
    metric: str
    title: str
    before: Rung
    after: Rung
    value: float | None
    count: int | None
    unit: str
    rule: str
    """The rule's own words, `error_rate > 5%`; empty where no rule decided."""


class ReleaseSeen(Body, frozen=True):
    """The service answers another version than before: a deployment has landed, ours or somebody else's."""

    kind = "release.seen"
    critical = False
    release: str
    """The version as the service tells it."""
    commit: str | None
    """Full commit id, where the service tells it."""


class IncidentSuspected(Body, frozen=True):
    """The first mandatory rung: the engine thinks that a release is bad."""

    kind = "incident.suspected"
    triggers: tuple[str, ...]
    """The rules that fire, in their own words."""
    onset: Stamp
    """When the first of them began to be true."""
    samples_from: Stamp
    """The first sample that led here."""


class IncidentDeclared(Body, frozen=True):
    """A person took command of an incident."""

    kind = "incident.declared"
    commander: str
    severity: str
    note: str
    triggers: tuple[str, ...]
    onset: Stamp
    samples_from: Stamp
    roster: str = ""
    """SHA-256 of the roster by which this incident's signatures are counted."""


class OnsetMoved(Body, frozen=True):
    """Somebody said when it really began: what data may go back to ends before."""

    kind = "onset.moved"
    onset: Stamp
    reason: str


class ErrandBegun(Body, frozen=True):
    """A verb was asked for by itself: it has a plan of its own, beside any incident's."""

    kind = "errand.begun"
    wish: Wish


class ErrandEnded(Body, frozen=True):
    """The verb has come to its end."""

    kind = "errand.ended"
    outcome: Literal["done", "failed"]
    words: str


class PlanningStarted(Body, frozen=True):
    """A plan was asked for; until it is there, or cannot be made, an earlier one is not gone on with."""

    kind = "planning.started"
    wish: Wish


class PlanningFailed(Body, frozen=True):
    """No plan could be made; nothing was changed."""

    kind = "planning.failed"
    reason: str


class PlanFrozen(Body, frozen=True):
    """A plan, as the bytes that were hashed; it replaces any before it, and voids what was said to that."""

    kind = "plan.frozen"
    digest: str
    plan: Raw
    voids: tuple[str, ...] = ()
    """Who had said yes to the plan before it, and is to be asked again."""


class StepIntent(Body, frozen=True):
    """Committed before an effect: from here on it may have happened."""

    kind = "step.intent"
    step: str
    attempt: int
    epoch: int
    plan_hash: str


class StepOutcome(Body, frozen=True):
    """Committed after an effect: how it ended."""

    kind = "step.outcome"
    step: str
    attempt: int
    status: Literal["done", "failed"]
    words: str
    """The proof in a few words, or the reason of the failure."""
    seconds: float
    facts: dict[str, str] = {}
    """What was measured, by name."""
    output: str | None = None
    """File of its output, relative to the state folder."""
    output_sha256: str | None = None


class StepProbed(Body, frozen=True):
    """What was found when an intent without an outcome was looked into."""

    kind = "step.probed"
    step: str
    attempt: int
    finding: Literal["done", "not done", "cannot tell"]
    words: str


class StepDecided(Body, frozen=True):
    """What a person decided about a step that failed or whose end was unclear."""

    kind = "step.decided"
    step: str
    attempt: int
    choice: Choice
    reason: str


class EvidenceRecorded(Body, frozen=True):
    """A slot of evidence was filled (or emptied again, when it no longer holds)."""

    kind = "evidence.recorded"
    slot: str
    holds: bool
    words: str
    inputs: str
    """Digest of what it was measured on, so that another plan can use it."""
    age_s: float = 0.0
    """How old what it shows was already."""


class GateClaimed(Body, frozen=True):
    """Somebody said yes to a plan by typing the environment's name."""

    kind = "gate.claimed"
    plan_hash: str
    roles: tuple[str, ...]


class GateSigned(Body, frozen=True):
    """Somebody signed a yes or a no to a plan; the engine has verified it when this is committed."""

    kind = "gate.signed"
    plan_hash: str
    person: str
    """Whose signature it is, whoever handed it in."""
    roles: tuple[str, ...]
    key: str
    """Fingerprint of the key."""
    because: str
    """Why not; empty with a yes."""
    expires: int
    """UTC microseconds."""
    text: str
    signature: str


class GateWithdrawn(Body, frozen=True):
    """A yes does not count any more: its signer took it back, or it does not hold when looked at again."""

    kind = "gate.withdrawn"
    person: str
    reason: str


class GateOpened(Body, frozen=True):
    """Quorum and predicates held; committed together with the first intent of the switch."""

    kind = "gate.opened"
    plan_hash: str
    approvers: tuple[str, ...]
    predicates: tuple[str, ...]


class GateClosed(Body, frozen=True):
    """An engine takes over, and the gate that the journal calls open was not opened by those who must."""

    kind = "gate.closed"
    reason: str


class RunAborted(Body, frozen=True):
    """The run stops before its next step."""

    kind = "run.aborted"
    reason: str


class RunResumed(Body, frozen=True):
    """The run goes on after an abort."""

    kind = "run.resumed"


class ItemTicked(Body, frozen=True):
    """An item of the checklist, or a prerequisite, was ticked or unticked."""

    kind = "item.ticked"
    item: str
    done: bool
    note: str
    step: str | None = None
    """The step whose success is the evidence; None when a person ticked it."""


class ItemWaived(Body, frozen=True):
    """A prerequisite of the plan was let go, by name; whoever said yes before it has to say it again."""

    kind = "item.waived"
    item: str
    plan_hash: str
    reason: str


class NoteAdded(Body, frozen=True):
    """Somebody said something."""

    kind = "note.added"
    critical = False
    text: str


class IncidentResolved(Body, frozen=True):
    """The incident is over."""

    kind = "incident.resolved"
    outcome: Literal["recovered", "mitigated", "false alarm"]
    note: str
    head: str
    """The journal's head just before, in hex, so that a cut tail can be noticed."""


class RequestRefused(Body, frozen=True):
    """The engine did not do what was asked."""

    kind = "request.refused"
    critical = False
    ask: str
    reason: str


class Unknown(Body, frozen=True):
    """An event of a kind, or of a version, that this program does not know: kept, and shown raw."""

    kind = "unknown"
    raw: bytes


KNOWN: dict[tuple[str, int], type[Body]] = {
    (cls.kind, cls.version): cls
    for cls in (
        EngineStarted,
        EngineStopped,
        RungChanged,
        ReleaseSeen,
        IncidentSuspected,
        IncidentDeclared,
        OnsetMoved,
        ErrandBegun,
        ErrandEnded,
        PlanningStarted,
        PlanningFailed,
        PlanFrozen,
        StepIntent,
        StepOutcome,
        StepProbed,
        StepDecided,
        EvidenceRecorded,
        GateClaimed,
        GateSigned,
        GateWithdrawn,
        GateOpened,
        GateClosed,
        RunAborted,
        RunResumed,
        ItemTicked,
        ItemWaived,
        NoteAdded,
        IncidentResolved,
        RequestRefused,
    )
}


class Event(Struct, frozen=True):
    """One line of the journal."""

    environment: str
    incident: str | None
    seq: int
    """From 1, without a gap."""
    at: Stamp
    actor: str
    """Handle of the person who asked for it, or `engine`."""
    request: str | None
    """Id of the request that led to it."""
    kind: str
    version: int
    critical: bool
    body: Body


class Draft(Struct, frozen=True):
    """An event before the journal has numbered it."""

    body: Body
    at: Stamp
    incident: str | None = None
    actor: str = "engine"
    request: str | None = None


class _Wire(Struct, frozen=True):
    """An event as it is stored; the body stays as written."""

    environment: str
    incident: str | None
    seq: int
    at: Stamp
    actor: str
    request: str | None
    kind: str
    version: int
    critical: bool
    body: Raw


_wire = msgspec.json.Decoder(_Wire)
_bodies = {key: msgspec.json.Decoder(cls) for key, cls in KNOWN.items()}


def encode(draft: Draft, environment: str, seq: int) -> bytes:
    """The bytes of an event: encoded here once, never again."""
    body = draft.body
    return msgspec.json.encode(
        _Wire(
            environment=environment,
            incident=draft.incident,
            seq=seq,
            at=draft.at,
            actor=draft.actor,
            request=draft.request,
            kind=body.kind,
            version=body.version,
            critical=body.critical,
            body=Raw(msgspec.json.encode(body)),
        )
    )


def decode(raw: bytes) -> Event:
    """The event in those bytes; msgspec.DecodeError when they hold none."""
    wire = _wire.decode(raw)
    decoder = _bodies.get((wire.kind, wire.version))
    body: Body = decoder.decode(wire.body) if decoder else Unknown(raw=bytes(wire.body))
    return Event(
        environment=wire.environment,
        incident=wire.incident,
        seq=wire.seq,
        at=wire.at,
        actor=wire.actor,
        request=wire.request,
        kind=wire.kind,
        version=wire.version,
        critical=wire.critical,
        body=body,
    )
