"""Roles of an incident, and its tasks: each task is open, done or dropped, and stays so once it has ended."""

from typing import Any

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply, changed
from console.core.staff import Held, Offer, Task
from console.core.state import Incident, State


@apply.register
def _(body: ev.RoleTaken, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    return changed(state, event, **_has(incident, body.role, event)) if incident else state


@apply.register
def _(body: ev.RoleOffered, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None:
        return state
    offer = Offer(body.to, event.actor, event.at)
    return changed(state, event, offers={**incident.offers, body.role: offer})


@apply.register
def _(body: ev.RoleAccepted, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    offer = incident.offers.get(body.role) if incident else None
    if incident is None or offer is None or offer.to != event.actor:
        return state
    return changed(state, event, **_has(incident, body.role, event))


@apply.register
def _(body: ev.RoleDeclined, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    return changed(state, event, offers=_without(incident, body.role)) if incident else state


@apply.register
def _(body: ev.TaskAssigned, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None:
        return state
    given = {one.id: Task(one.to, one.what, event.actor, event.at, one.within_s) for one in body.tasks}
    return changed(state, event, tasks={**given, **incident.tasks})


@apply.register
def _(body: ev.TaskDone, event: ev.Event, state: State) -> State:
    return _task(state, event, body.id, status="done", ended=event.at, words=body.words)


@apply.register
def _(body: ev.TaskDropped, event: ev.Event, state: State) -> State:
    return _task(state, event, body.id, status="dropped", ended=event.at, words=body.reason)


@apply.register
def _(body: ev.TaskOverdue, event: ev.Event, state: State) -> State:
    return _task(state, event, body.id, overdue=True)


def _has(incident: Incident, role: str, event: ev.Event) -> dict[str, Any]:
    """What changes when the event's actor has the role; the command is somebody's from the declaration on."""
    offers = _without(incident, role)
    if role != "commander":
        return {"offers": offers, "roles": {**incident.roles, role: Held(event.actor, event.at)}}
    if incident.commander is None:
        return {"offers": offers}
    return {"offers": offers, "commander": event.actor, "commanding": event.at}


def _without(incident: Incident, role: str) -> dict[str, Offer]:
    return {name: offer for name, offer in incident.offers.items() if name != role}


def _task(state: State, event: ev.Event, name: str, **changes: Any) -> State:
    incident = state.open_incident
    task = incident.tasks.get(name) if incident else None
    if incident is None or task is None or task.status != "open":
        return state
    return changed(state, event, tasks={**incident.tasks, name: replace(task, **changes)})
