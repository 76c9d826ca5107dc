"""An incident: declaring it, what is said of it, ticking its checklist, closing it."""

from typing import Literal, get_args

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Body
from console.core.mitigating import in_force
from console.core.on_duty import ON_CALL
from console.core.policy import unrecovered
from console.core.severity import severity
from console.core.state import Incident
from console.core.strategy import ByHand, PrerequisiteRule, Severity
from console.engine.grants.case import Case, RefusedError, grant
from console.engine.grants.staff import staffing

Outcome = Literal["recovered", "mitigated", "false alarm"]
_SHOWN_BY = {
    "evidence": "what a step proves",
    "approval": "the yes of somebody who holds the role",
    "plan": "the plan itself",
}


@grant.register
def _(ask: rq.Declare, case: Case) -> tuple[Body, ...]:
    state = case.state
    known = state.open_incident
    if known is not None and known.commander is not None:
        raise RefusedError(f"{known.id} is declared already, by {known.commander}")
    unknown = [name for name in ask.triggers if name not in case.environment.triggers]
    if unknown:
        raise RefusedError(
            f"no trigger {', '.join(unknown)}; there are {', '.join(case.environment.triggers)}"
        )
    onset = known.onset if known else case.now
    triggers = tuple(dict.fromkeys((*(known.triggers if known else ()), *ask.triggers)))
    return (
        ev.IncidentDeclared(
            commander=case.actor,
            severity=severity(case.environment, state.rungs, triggers),
            note=ask.note,
            triggers=triggers,
            onset=onset,
            samples_from=onset,
            roster=case.roster_sha256,
        ),
        *staffing(case, known, ask.roles),
    )


@grant.register
def _(ask: rq.ChangeSeverity, case: Case) -> tuple[Body, ...]:
    incident = case.declared()
    if ask.severity not in get_args(Severity):
        raise RefusedError(f"no severity {ask.severity}; there are {', '.join(get_args(Severity))}")
    if not ask.reason.strip():
        raise RefusedError("a severity is changed with a reason: give one")
    if ask.severity == incident.severity:
        raise RefusedError(f"{incident.id} is {incident.severity} already")
    if case.actor != incident.commander:
        case.holds_one_of([ON_CALL], "change the severity, beside the commander")
    return (ev.SeverityChanged(ask.severity, ask.reason),)


@grant.register
def _(ask: rq.MoveOnset, case: Case) -> tuple[Body, ...]:
    incident = case.settled_plan()
    if not ask.reason.strip():
        raise RefusedError("the onset is moved with a reason: give one")
    if ask.utc_us > case.now.utc_us:
        raise RefusedError("the onset cannot lie in the future")
    if incident.gate_opened is not None:
        raise RefusedError("the gate is open: what data goes back to is decided")
    moved = case.now.on_wall(ask.utc_us)
    plan = incident.plan
    restores = plan is not None and (plan.data is not None or plan.rows is not None)
    again = (ev.PlanningStarted(incident.wish),) if restores and not incident.running() else ()
    return (ev.OnsetMoved(moved, ask.reason), *again)


@grant.register
def _(ask: rq.Note, case: Case) -> tuple[Body, ...]:
    if not ask.text.strip():
        raise RefusedError("an empty note says nothing")
    return (ev.NoteAdded(text=ask.text),)


@grant.register
def _(ask: rq.Tick, case: Case) -> tuple[Body, ...]:
    incident = case.incident()
    rules = {rule.id: rule for rule in case.environment.prerequisites}
    items = [*rules, *(item.id for item in case.environment.checklist)]
    if ask.item in rules:
        case.counts(case.actor)
        _may_tick(case, ask, rules[ask.item], case.actor, incident)
    if ask.item not in items:
        raise RefusedError(f"no item {ask.item} on the checklist; there are {', '.join(items)}")
    if ask.done is (ask.item in incident.items):
        raise RefusedError(f"{ask.item} is {'ticked already' if ask.done else 'not ticked'}")
    return (ev.ItemTicked(item=ask.item, done=ask.done, note=ask.note),)


def _may_tick(case: Case, ask: rq.Tick, rule: PrerequisiteRule, actor: str, incident: Incident) -> None:
    """Refuses a tick before the gate that is not that person's to give, or says nothing."""
    if incident.gate_opened is not None:
        raise RefusedError("the gate is open: what had to be done before it is decided")
    if not isinstance(rule.proof, ByHand):
        raise RefusedError(f"{rule.id} is not ticked by hand: it is shown by {_SHOWN_BY[rule.proof.kind]}")
    case.holds_one_of(rule.proof.roles, f"tick {rule.id}")
    if ask.done and not ask.note.strip():
        raise RefusedError(f"{rule.id} is ticked with a note: say how you know")


@grant.register
def _(ask: rq.Resolve, case: Case) -> tuple[Body, ...]:
    incident = case.incident()
    outcome = next((known for known in get_args(Outcome) if known == ask.outcome), None)
    if outcome is None:
        raise RefusedError(f"an incident ends as {', '.join(get_args(Outcome))}, not as {ask.outcome!r}")
    if incident.running():
        raise RefusedError(f"{incident.running()[0].id} is under way: wait for it, or abort")
    if outcome == "recovered" and (lacking := unrecovered(incident)):
        raise RefusedError(f"{lacking}: it can end as mitigated or as a false alarm")
    if outcome != "recovered" and not ask.note.strip():
        raise RefusedError(f"to end as {outcome} it takes a note that says why")
    lasts = in_force(case.state, case.environment)
    return (ev.IncidentResolved(outcome=outcome, note=ask.note, head=case.head, in_force=lasts),)
