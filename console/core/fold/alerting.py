"""What others alert us of, and who was asked to take command."""

from msgspec.structs import replace

from console.core import events as ev
from console.core.fold.base import apply, changed
from console.core.state import Alerted, Called, State

ALERTS_KEPT = 256


@apply.register
def _(body: ev.AlertFired, event: ev.Event, state: State) -> State:
    alert = Alerted(body.alert, body.means, body.starts, body.told, body.words)
    others = {key: known for key, known in state.alerts.items() if key != body.fingerprint}
    newest = list({**others, body.fingerprint: alert}.items())[-ALERTS_KEPT:]
    return replace(state, alerts=dict(newest))


@apply.register
def _(body: ev.AlertEnded, event: ev.Event, state: State) -> State:
    known = state.alerts.get(body.fingerprint)
    if known is None:
        return state
    return replace(state, alerts={**state.alerts, body.fingerprint: replace(known, ended=event.at)})


@apply.register
def _(body: ev.CommandAsked, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None:
        return state
    before = incident.called.get(body.person)
    now = Called(
        body.role,
        first=before.first if before else event.at,
        last=event.at,
        times=before.times + 1 if before else 1,
    )
    called = {**incident.called, body.person: now}
    if body.why == "by hand" and event.actor in called and event.actor != body.person:
        called[event.actor] = replace(called[event.actor], passed=event.at)
    walked = body.level > incident.level or incident.level_since is None
    return changed(
        state,
        event,
        called=called,
        level=max(body.level, incident.level),
        level_since=event.at if walked else incident.level_since,
    )


@apply.register
def _(body: ev.CommandPaged, event: ev.Event, state: State) -> State:
    incident = state.open_incident
    if incident is None or body.person not in incident.called:
        return state
    known = replace(incident.called[body.person], delivered=body.delivered, words=body.words)
    return changed(state, event, called={**incident.called, body.person: known})
