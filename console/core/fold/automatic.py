"""Automatic rollback: how far it is, and whether it is switched on."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.automatic_run import AutomaticRun, RolledBack, Stage, StageState, Switch, paging_key
from console.core.fold.base import apply, changed
from console.core.state import Incident, State


@apply.register
def _(body: ev.AutomaticBegan, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None or incident.automatic is not None:
        return state
    run = AutomaticRun(event.at, body.triggers, body.rules)
    return changed(
        state,
        event,
        automatic=run,
        status="declared",
        declared=incident.declared or event.at,
        severity=incident.severity or body.severity,
        roster=incident.roster or body.roster,
    )


@apply.register
def _(body: ev.StageBegan, event: ev.Event, state: State) -> State:
    return _stage(state, event, body.stage, StageState(body.since or event.at, body.budget_s))


@apply.register
def _(body: ev.StageOverran, event: ev.Event, state: State) -> State:
    known = _known(state, body.stage)
    return state if known is None else _stage(state, event, body.stage, replace(known, overran=True))


@apply.register
def _(body: ev.StageEnded, event: ev.Event, state: State) -> State:
    known = _known(state, body.stage)
    if known is None:
        return state
    return _stage(state, event, body.stage, replace(known, seconds=body.seconds, words=body.words))


@apply.register
def _(body: ev.AutomaticDecided, event: ev.Event, state: State) -> State:
    kept = {"trigger": body.trigger, "standing": body.standing} if body.mode == "runs" else {}
    return _run(state, event, mode=body.mode, why=body.why, **kept)


@apply.register
def _(body: ev.AutomaticEnded, event: ev.Event, state: State) -> State:
    return _run(state, event, outcome=body.outcome, words=body.words, ended=event.at)


@apply.register
def _(body: ev.AutomaticPaged, event: ev.Event, state: State) -> State:
    run = state.open_incident.automatic if state.open_incident else None
    if run is None:
        return state
    key = paging_key(body.about, body.person)
    return _run(state, event, paged={**run.paged, key: body.delivered})


@apply.register
def _(body: ev.AutomaticSwitched, event: ev.Event, state: State) -> State:
    off = {by: switch for by, switch in state.automatic_off.items() if by != body.by}
    if not body.on:
        off[body.by] = Switch(event.actor, body.reason, event.at)
    return replace(state, automatic_off=off)


def opened(state: State, event: ev.Event, body: ev.GateOpened, incident: Incident) -> State:
    """The state when a gate has opened by itself: who is put there, and by which plan."""
    run, code = incident.automatic, incident.plan.code if incident.plan else None
    if run is None or code is None:
        return state
    back = RolledBack(incident.id, code.target.tag, code.target.commit, code.restored, event.at)
    return _run(replace(state, rolled_back=back), event, opened=body.plan_hash, standing=body.standing)


def _known(state: State, stage: Stage) -> StageState | None:
    run = state.open_incident.automatic if state.open_incident else None
    return run.stages.get(stage) if run else None


def _stage(state: State, event: ev.Event, stage: Stage, known: StageState) -> State:
    run = state.open_incident.automatic if state.open_incident else None
    return state if run is None else _run(state, event, stages={**run.stages, stage: known})


def _run(state: State, event: ev.Event, **changes: object) -> State:
    """The state with the open incident's automatic rollback changed; unchanged where there is none."""
    incident = state.open_incident
    if incident is None or incident.automatic is None:
        return state
    return changed(state, event, automatic=replace(incident.automatic, **changes))
