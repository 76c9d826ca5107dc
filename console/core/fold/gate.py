"""Who said what at the gate, and when it opened."""

from typing import TypedDict

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold import automatic
from console.core.fold.base import apply, changed, run_of
from console.core.state import Approval, Asked, Escalation, Incident, Refusal, Review, Signed, State, Waiver


class _Said(TypedDict):
    """Fields of an incident that tell who said what at its gate."""

    approvals: tuple[Approval, ...]
    refusals: tuple[Refusal, ...]
    spoke: dict[str, int]


@apply.register
def _(body: ev.GateClaimed, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    approval = Approval(event.actor, body.roles, "claim", body.plan_hash, event.at)
    others = _unsaid(state.open_incident, event, event.actor)
    return changed(state, event, **{**others, "approvals": (*others["approvals"], approval)})


@apply.register
def _(body: ev.GateSigned, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    others = _unsaid(state.open_incident, event, body.person)
    if body.because:
        refusal = Refusal(body.person, body.because, body.plan_hash, event.at)
        return changed(state, event, **{**others, "refusals": (*others["refusals"], refusal)})
    signed = Signed(body.key, body.expires, body.text, body.signature)
    after = state.open_incident.spoke.get(body.person, 0)
    approval = Approval(body.person, body.roles, "signature", body.plan_hash, event.at, signed, after)
    return changed(state, event, **{**others, "approvals": (*others["approvals"], approval)})


@apply.register
def _(body: ev.GateWithdrawn, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    return changed(state, event, **_unsaid(state.open_incident, event, body.person))


def _unsaid(incident: Incident, event: ev.Event, person: str) -> _Said:
    """What has been said at the gate, without that person; it is they who speak in this event."""
    return {
        "approvals": tuple(one for one in incident.approvals if one.person != person),
        "refusals": tuple(one for one in incident.refusals if one.person != person),
        "spoke": {**incident.spoke, person: event.seq},
    }


@apply.register
def _(body: ev.GateOpened, event: ev.Event, state: State) -> State:
    run = run_of(state, event)
    if run is not None and body.reviews:
        review = Review(body.plan_hash, body.approvers, body.reviews, body.review_by)
        state = replace(state, reviews={**state.reviews, run.id: review})
    if run is not None and body.automatic:
        state = automatic.opened(state, event, body, run)
    first = {"first_opened": event.at} if run and run.first_opened is None and _goes_back(run) else {}
    return changed(state, event, gate_opened=event.at, switched=event.at, **first)


def _goes_back(run: Incident) -> bool:
    """Whether its plan is the way back, and no mitigation or single verb."""
    return run.plan is not None and (run.plan.code is not None or run.plan.data is not None)


@apply.register
def _(body: ev.GateClosed, event: ev.Event, state: State) -> State:
    return changed(state, event, gate_opened=None)


@apply.register
def _(body: ev.ItemWaived, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None or incident.plan_hash != body.plan_hash:
        return state
    waived = {**incident.waived, body.item: Waiver(event.actor, body.reason, event.at)}
    # Whoever said yes relied on what was demanded then: they are asked again.
    return changed(state, event, waived=waived, approvals=(), asked_since=event.seq)


@apply.register
def _(body: ev.GateAsked, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None or incident.plan_hash != body.plan_hash:
        return state
    before = incident.asked.get(body.person)
    now = Asked(
        body.roles,
        body.why,
        first=before.first if before else event.at,
        last=event.at,
        times=before.times + 1 if before else 1,
        seen=before.seen if before else None,
    )
    return changed(state, event, asked={**incident.asked, body.person: now})


@apply.register
def _(body: ev.GatePaged, event: ev.Event, state: State) -> State:
    return _of_asked(state, event, body.person, delivered=body.delivered, words=body.words)


@apply.register
def _(body: ev.GateSeen, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None or incident.plan_hash != body.plan_hash:
        return state
    return _of_asked(state, event, event.actor, seen=event.at)


@apply.register
def _(body: ev.GateEscalated, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None or incident.plan_hash != body.plan_hash:
        return state
    return changed(state, event, escalated=Escalation(body.level, body.role, body.people, event.at))


def _of_asked(state: State, event: ev.Event, person: str, **changes: object) -> State:
    """What is known of somebody who was asked, changed; nothing where nobody asked them."""
    incident = state.open_incident
    if incident is None or person not in incident.asked:
        return state
    known = replace(incident.asked[person], **changes)
    return changed(state, event, asked={**incident.asked, person: known})
