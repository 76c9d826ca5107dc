"""An incident, or a verb by itself, from its beginning to its end."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply, changed
from console.core.state import Incident, ItemTick, State


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
        declared=known.declared or event.at,
        commander=body.commander,
        commanding=event.at,
        severity=body.severity,
        triggers=body.triggers,
        onset=body.onset,
        roster=body.roster,
    )
    return replace(state, incident=declared)


@apply.register
def _(body: ev.SeverityChanged, event: ev.Event, state: State) -> State:
    return changed(state, event, severity=body.severity)


@apply.register
def _(body: ev.OnsetMoved, event: ev.Event, state: State) -> State:
    return changed(state, event, onset=body.onset)


@apply.register
def _(body: ev.ItemTicked, event: ev.Event, state: State) -> State:
    if state.open_incident is None:
        return state
    items = {key: tick for key, tick in state.open_incident.items.items() if key != body.item}
    if body.done:
        items[body.item] = ItemTick(event.actor, body.note, event.at, body.step)
    return changed(state, event, items=items)


@apply.register
def _(body: ev.IncidentResolved, event: ev.Event, state: State) -> State:
    return changed(state, event, status="resolved", resolved=event.at, outcome=body.outcome)


@apply.register
def _(body: ev.RollbackAdvised, event: ev.Event, state: State) -> State:
    held = {"held": body.cause} if body.cause else {}
    return changed(state, event, advised=body.level, **held)


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
    return changed(state, event, status="resolved", resolved=event.at, outcome=body.outcome)
