"""The release ledger: what is on record, who judged it, and what incidents have shown of it."""

import msgspec
from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply
from console.core.plan import CodeChange, thaw
from console.core.state import JudgedSchema, Recorded, State


@apply.register
def _(body: ev.ReleaseRecorded, event: ev.Event, state: State) -> State:
    if body.tag in state.ledger:
        return state
    recorded = Recorded(
        tag=body.tag,
        commit=body.commit,
        images=body.images,
        migrations=body.migrations,
        config_keys=body.config_keys,
        deployed=body.deployed,
        by=event.actor,
        at=event.at,
    )
    return _with(state, recorded)


@apply.register
def _(body: ev.ReleaseMarked, event: ev.Event, state: State) -> State:
    known = state.ledger.get(body.tag)
    if known is None:
        return state
    marked = replace(
        known, verdict=body.verdict, said_by=event.actor, reason=body.reason, judged=event.at, recovered=""
    )
    return _with(state, marked)


def follow(state: State, event: ev.Event) -> State:
    """The state with what a plan or the end of an incident says of a release; most events say nothing."""
    match event.body:
        case ev.PlanFrozen(plan=raw):
            return _compared(state, event, bytes(raw))
        case ev.IncidentResolved(outcome="recovered"):
            return _recovered(state)
    return state


def _compared(state: State, event: ev.Event, raw: bytes) -> State:
    try:
        code = thaw(raw).code
    except msgspec.DecodeError:
        return state
    if code is None or code.schema is None:
        return state
    judged = JudgedSchema(code.schema.kind, code.schema.live, event.incident or "", event.at)
    return replace(state, schemas={**state.schemas, code.target.commit: judged})


def _recovered(state: State) -> State:
    """Going back to it was proven to help: that is worth a verdict, which a person gives."""
    code = _gone_back_to(state)
    known = next((one for one in state.ledger.values() if code and one.commit == code.target.commit), None)
    if known is None or known.verdict == "good" or state.incident is None:
        return state
    return _with(state, replace(known, recovered=state.incident.id))


def _gone_back_to(state: State) -> CodeChange | None:
    incident = state.incident
    return incident.plan.code if incident and incident.plan and incident.finished else None


def _with(state: State, recorded: Recorded) -> State:
    return replace(state, ledger={**state.ledger, recorded.tag: recorded})
