"""The fold: what each kind of event changes in the state. Pure, and total: no event makes it fail."""

from functools import singledispatch
from typing import TypedDict

from msgspec.structs import replace

from console.core import events as ev
from console.core.plan import thaw
from console.core.requests import Choice
from console.core.state import (
    Approval,
    EngineInfo,
    Evidence,
    Incident,
    ItemTick,
    Refusal,
    RungState,
    RunningRelease,
    Signed,
    State,
    Status,
    Waiver,
)


class _Said(TypedDict):
    """Fields of an incident that tell who said what at its gate."""

    approvals: tuple[Approval, ...]
    refusals: tuple[Refusal, ...]
    spoke: dict[str, int]


REMEMBERED_REQUESTS = 256
"""How many requests are remembered as answered; a request file outlives its answer by a crash only."""


def fold(state: State, event: ev.Event) -> State:
    """The state after one more event."""
    after = apply(event.body, event, state)
    answered = after.answered
    if event.request and event.request not in answered:
        answered = (*answered, event.request)[-REMEMBERED_REQUESTS:]
    return replace(after, seq=event.seq, answered=answered)


@singledispatch
def apply(body: ev.Body, event: ev.Event, state: State) -> State:
    """What one kind of event changes; kinds that change nothing are told on the timeline alone."""
    if isinstance(body, ev.Unknown) and event.critical:
        return replace(state, unknown_critical=f"{event.kind} version {event.version}")
    return state


def _run(state: State, event: ev.Event) -> Incident | None:
    """The open run that an event is about: the errand of that id, else the incident."""
    if state.open_errand is not None and state.open_errand.id == event.incident:
        return state.open_errand
    return state.open_incident


def _changed(state: State, event: ev.Event, **changes: object) -> State:
    """The state with that run changed; unchanged where none is open: what is resolved stays so."""
    run = _run(state, event)
    if run is None:
        return state
    after = replace(run, **changes)
    return replace(state, errand=after) if run is state.open_errand else replace(state, incident=after)


def _step(state: State, event: ev.Event, step: str, **changes: object) -> State:
    run = _run(state, event)
    if run is None:
        return state
    return _changed(state, event, steps={**run.steps, step: replace(run.step(step), **changes)})


def _is_present(state: State, event: ev.Event, step: str, attempt: int) -> bool:
    """Whether an event is about the step's present attempt; one about an earlier attempt changes nothing."""
    run = _run(state, event)
    return run is not None and run.step(step).attempt == attempt


@apply.register
def _(body: ev.EngineStarted, event: ev.Event, state: State) -> State:
    engine = EngineInfo(body.pid, body.epoch, body.mode, event.at, body.strategy_hash)
    state = replace(state, engine=engine, epoch=body.epoch)
    incident, errand = state.open_incident, state.open_errand
    return replace(
        state,
        incident=_cut_off(incident) if incident else state.incident,
        errand=_cut_off(errand) if errand else state.errand,
    )


def _cut_off(run: Incident) -> Incident:
    """The run when its engine has gone: also what an earlier engine found was true then only."""
    words = "the engine ended in the middle of it"
    unclear = {
        step: replace(known, status=Status.UNKNOWN, words=words, finding=None)
        for step, known in run.steps.items()
        if known.status in (Status.RUNNING, Status.UNKNOWN)
    }
    return replace(run, steps={**run.steps, **unclear})


@apply.register
def _(body: ev.EngineStopped, event: ev.Event, state: State) -> State:
    return replace(state, engine=replace(state.engine, stopped=body.reason)) if state.engine else state


@apply.register
def _(body: ev.RungChanged, event: ev.Event, state: State) -> State:
    rung = RungState(body.after, event.at, body.value, body.rule, body.title)
    return replace(state, rungs={**state.rungs, body.metric: rung})


@apply.register
def _(body: ev.ReleaseSeen, event: ev.Event, state: State) -> State:
    before = state.running.release if state.running else None
    return replace(state, running=RunningRelease(body.release, body.commit, event.at, before))


@apply.register
def _(body: ev.IncidentSuspected, event: ev.Event, state: State) -> State:
    incident = Incident(
        id=event.incident or "",
        status="suspected",
        onset=body.onset,
        triggers=body.triggers,
        suspected=event.at,
    )
    return replace(state, incident=incident, incidents=state.incidents + 1)


@apply.register
def _(body: ev.IncidentDeclared, event: ev.Event, state: State) -> State:
    known = state.open_incident
    if known is None:
        known = Incident(id=event.incident or "", status="declared", onset=body.onset, triggers=body.triggers)
        state = replace(state, incidents=state.incidents + 1)
    declared = replace(
        known,
        status="declared",
        declared=event.at,
        commander=body.commander,
        severity=body.severity,
        triggers=body.triggers,
        onset=body.onset,
        roster=body.roster,
    )
    return replace(state, incident=declared)


@apply.register
def _(body: ev.PlanningFailed, event: ev.Event, state: State) -> State:
    run = _run(state, event)
    wish = {"wish": run.plan_wish} if run and run.plan else {}
    return _changed(state, event, planning=False, planning_failed=body.reason, **wish)


def _without_plan(state: State, event: ev.Event) -> State:
    """Plan, and everything that was said, done and proven under it, forgotten."""
    return _changed(
        state,
        event,
        plan=None,
        plan_hash=None,
        plan_seq=None,
        steps={},
        evidence={},
        approvals=(),
        refusals=(),
        spoke={},
        asked_since=None,
        waived={},
        gate_opened=None,
        aborted=None,
    )


@apply.register
def _(body: ev.PlanningStarted, event: ev.Event, state: State) -> State:
    # The plan before it stays until the new one is frozen: if none can be made, it is still the way back.
    changes = {"planning": True, "planning_for": event.actor, "wish": body.wish, "planning_failed": None}
    return _changed(state, event, **changes)


@apply.register
def _(body: ev.PlanFrozen, event: ev.Event, state: State) -> State:
    try:
        plan = thaw(bytes(body.plan))
    except (ValueError, RecursionError):
        # As unknown as an event of an unknown kind: a plan's shape is not told by the event's version.
        return replace(
            state, unknown_critical=f"{event.kind} version {event.version}, its plan of another shape"
        )
    run = _run(state, event)
    if run is None or plan.incident != run.id:
        return state  # made for an incident that was resolved meanwhile
    return _changed(
        _without_plan(state, event),
        event,
        plan=plan,
        plan_hash=body.digest,
        plan_seq=event.seq,
        asked_by=run.planning_for,
        asked_since=event.seq,
        plan_wish=run.wish,
        planning=False,
        planning_failed=None,
    )


@apply.register
def _(body: ev.StepIntent, event: ev.Event, state: State) -> State:
    return _step(
        state,
        event,
        body.step,
        status=Status.RUNNING,
        attempt=body.attempt,
        began=event.at,
        ended=None,
        seconds=None,
        words="",
        finding=None,
    )


@apply.register
def _(body: ev.StepOutcome, event: ev.Event, state: State) -> State:
    if not _is_present(state, event, body.step, body.attempt):
        return state
    return _step(
        state,
        event,
        body.step,
        status=Status(body.status),
        ended=event.at,
        seconds=body.seconds,
        words=body.words,
        facts=body.facts,
        output=body.output,
    )


@apply.register
def _(body: ev.StepProbed, event: ev.Event, state: State) -> State:
    if not _is_present(state, event, body.step, body.attempt):
        return state
    return _step(state, event, body.step, finding=body.finding, words=body.words)


_DECIDED = {Choice.RETRY: Status.WAITING, Choice.SKIP: Status.SKIPPED}


@apply.register
def _(body: ev.StepDecided, event: ev.Event, state: State) -> State:
    if body.choice is Choice.ABORT:
        return _changed(state, event, aborted=body.reason or f"{body.step} was given up")
    if body.choice is Choice.CONTINUE:
        return state  # the outcome that was verified follows in the same transaction
    if not _is_present(state, event, body.step, body.attempt):
        return state
    return _step(state, event, body.step, status=_DECIDED[body.choice], ended=event.at)


@apply.register
def _(body: ev.EvidenceRecorded, event: ev.Event, state: State) -> State:
    run = _run(state, event)
    if run is None:
        return state
    evidence = Evidence(body.holds, body.words, body.inputs, event.at, body.age_s)
    return _changed(state, event, evidence={**run.evidence, body.slot: evidence})


@apply.register
def _(body: ev.GateClaimed, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    approval = Approval(event.actor, body.roles, "claim", body.plan_hash, event.at)
    others = _unsaid(state.open_incident, event, event.actor)
    return _changed(state, event, **{**others, "approvals": (*others["approvals"], approval)})


@apply.register
def _(body: ev.GateSigned, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    others = _unsaid(state.open_incident, event, body.person)
    if body.because:
        refusal = Refusal(body.person, body.because, body.plan_hash, event.at)
        return _changed(state, event, **{**others, "refusals": (*others["refusals"], refusal)})
    signed = Signed(body.key, body.expires, body.text, body.signature)
    after = state.open_incident.spoke.get(body.person, 0)
    approval = Approval(body.person, body.roles, "signature", body.plan_hash, event.at, signed, after)
    return _changed(state, event, **{**others, "approvals": (*others["approvals"], approval)})


@apply.register
def _(body: ev.GateWithdrawn, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    return _changed(state, event, **_unsaid(state.open_incident, event, body.person))


def _unsaid(incident: Incident, event: ev.Event, person: str) -> _Said:
    """What has been said at the gate, without that person; it is they who speak in this event."""
    return {
        "approvals": tuple(one for one in incident.approvals if one.person != person),
        "refusals": tuple(one for one in incident.refusals if one.person != person),
        "spoke": {**incident.spoke, person: event.seq},
    }


@apply.register
def _(body: ev.GateOpened, event: ev.Event, state: State) -> State:
    return _changed(state, event, gate_opened=event.at)


@apply.register
def _(body: ev.GateClosed, event: ev.Event, state: State) -> State:
    return _changed(state, event, gate_opened=None)


@apply.register
def _(body: ev.RunAborted, event: ev.Event, state: State) -> State:
    return _changed(state, event, aborted=body.reason)


@apply.register
def _(body: ev.RunResumed, event: ev.Event, state: State) -> State:
    return _changed(state, event, aborted=None)


@apply.register
def _(body: ev.ItemTicked, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    items = {key: tick for key, tick in state.open_incident.items.items() if key != body.item}
    if body.done:
        items[body.item] = ItemTick(event.actor, body.note, event.at, body.step)
    return _changed(state, event, items=items)


@apply.register
def _(body: ev.ItemWaived, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None or incident.plan_hash != body.plan_hash:
        return state
    waived = {**incident.waived, body.item: Waiver(event.actor, body.reason, event.at)}
    # Whoever said yes relied on what was demanded then: they are asked again.
    return _changed(state, event, waived=waived, approvals=(), asked_since=event.seq)


@apply.register
def _(body: ev.IncidentResolved, event: ev.Event, state: State) -> State:
    return _changed(state, event, status="resolved", resolved=event.at, outcome=body.outcome)


@apply.register
def _(body: ev.OnsetMoved, event: ev.Event, state: State) -> State:
    return _changed(state, event, onset=body.onset)


@apply.register
def _(body: ev.ErrandBegun, event: ev.Event, state: State) -> State:
    if state.open_errand is not None:
        return state
    errand = Incident(
        id=event.incident or "",
        status="declared",
        onset=event.at,
        triggers=(),
        declared=event.at,
        commander=event.actor,
        planning=True,
        wish=body.wish,
    )
    return replace(state, errand=errand, errands=state.errands + 1)


@apply.register
def _(body: ev.ErrandEnded, event: ev.Event, state: State) -> State:
    if state.open_errand is None or state.open_errand.id != event.incident:
        return state
    return _changed(state, event, status="resolved", resolved=event.at, outcome=body.outcome)
