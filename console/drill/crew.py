"""The crew of a headless drill: the people who would sit there, as a pure choice of who asks what next."""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from console.core import events as ev
from console.core import requests as rq
from console.core.automatic_run import AutomaticRun
from console.core.clock import Stamp
from console.core.commanding import to_allow
from console.core.events import Event
from console.core.mitigating import covering, firing
from console.core.next_mitigation import CLOSE, advice
from console.core.plan import Phase, Plan, Step, Wish
from console.core.policy import (
    by_hand,
    gate,
    may_initiator,
    missing,
    prerequisites,
    said_yes,
    too_old,
    unattended,
)
from console.core.protocols import Snapshot
from console.core.recommendation import grounds
from console.core.redeploy import behind
from console.core.requests import AnyAsk, Choice
from console.core.schema_verdict import closes
from console.core.standing import says_plan_again
from console.core.state import Incident, Status, StepState
from console.core.strategy import Environment
from console.core.undoing import failed as not_taken_back
from console.core.undoing import is_back, is_undone, refused

CrewChoice = Literal["auto", "manual"]
"""Whether the others sign by themselves, or the player signs as each of them."""
_ATTEMPTS = 2
_PLANS = 4
"""How many plans they ask for before they say that somebody has to look."""
REHEARSED = "rehearsed: nobody outside this drill is told"
"""The note with which the crew ticks what must be done before the gate."""


class Crew(Struct, frozen=True):
    """Who they are, and what they want."""

    commander: str
    """Handle of whoever asks for everything but a yes."""
    roles: dict[str, tuple[str, ...]]
    """What everybody may say yes as, by handle."""
    environment: Environment
    hands_off: bool = False
    """Whether they leave it to automatic rollback, for as long as that goes on."""
    wish: Wish = Wish()
    """The plan that they want, where it is not the one that is made by itself."""
    another_way: bool = False
    """Whether they do what NEXT says before the way back, and say yes to no plan."""
    takes_back: bool = False
    """Whether they take back a release that proves sick too, and plan again with the next good one."""


class Act(Struct, frozen=True):
    """Somebody asks for something."""

    actor: str
    ask: AnyAsk


def next_act(snapshot: Snapshot, crew: Crew) -> Act | None:
    """What would be asked for now, and by whom; None when there is nothing to ask for."""
    incident = snapshot.state.open_incident
    if incident is None or _left_alone(incident, crew):
        return None
    if crew.another_way and incident.status == "declared":
        return _another_way(snapshot, incident, crew)
    ask = _command(incident, crew)
    if ask is not None:
        return Act(crew.commander, ask)
    signs = incident.plan is not None and incident.plan.proof == "signature"
    for tick in _ticks(incident, crew, snapshot.at):
        if not signs or tick.actor == crew.commander:
            return tick
    approver = approver_of(incident, crew, snapshot.at)
    return None if approver is None or signs else Act(approver, _yes(incident))


def _another_way(snapshot: Snapshot, incident: Incident, crew: Crew) -> Act | None:
    """What NEXT says, as long as it is not to roll back: a mitigation, and the end when it has helped."""
    said = advice(snapshot, incident, crew.environment, crew.commander)
    match said.command if said else None:
        case "mitigate":
            known = grounds(snapshot, crew.environment)
            fires = firing(crew.environment, known.rungs, known.declared)
            return Act(crew.commander, rq.Mitigate(covering(crew.environment, fires)[0]))
        case "resolve":
            note = said.sentence.removeprefix(CLOSE) if said else ""
            return Act(crew.commander, rq.Resolve("mitigated", note))
    return None


def _command(incident: Incident, crew: Crew) -> AnyAsk | None:
    """What the commander asks for. An unclear step is decided by the rule for runs without a person
    (DESIGN 3); a failed one is not, but for a second attempt before the gate.
    """
    if incident.commander is None:
        return rq.Declare(note="the drill's crew takes command")
    if incident.plan is None or incident.planning:
        return None
    if wish := _wanted(incident, crew):
        return _replan(incident, wish)
    if _outdated(incident):
        return None if incident.running() else rq.Replan(incident.wish)
    if crew.takes_back and (ask := _take_back(incident, incident.plan)):
        return ask
    if incident.aborted is not None:
        return None
    if incident.asking():
        return _decision(incident)
    if waiting := to_allow(incident):
        return rq.Allow(waiting[0].id, incident.plan_hash or "", incident.plan.environment)
    if incident.finished:
        return rq.Resolve(outcome="recovered", note="every step of the plan is proven")
    return None


def _wanted(incident: Incident, crew: Crew) -> Wish | None:
    """What another plan is to be about; None where the one there is will do."""
    if _lacks_wish(incident, crew):
        return crew.wish
    nearest = _nearest(incident)
    return replace(crew.wish, target=nearest) if nearest else None


def _take_back(incident: Incident, plan: Plan) -> AnyAsk | None:
    """All that was switched, where it does not prove itself; another plan, once that is done."""
    if is_undone(incident) and is_back(incident) and not incident.running():
        return rq.Replan()
    if _is_sick(incident) and not refused(incident):
        return rq.Undo(incident.plan_hash or "", plan.environment, reason="it is sick too")
    return None


def _is_sick(incident: Incident) -> bool:
    """Whether what was switched to has failed its proof."""
    failed = (s for s in incident.asking() if incident.step(s.id).status is Status.FAILED)
    return any(step.phase is Phase.PROVE for step in failed)


def _left_alone(incident: Incident, crew: Crew) -> bool:
    """Whether nobody does anything: an automatic rollback goes on, or has yet to begin."""
    run = incident.automatic
    return crew.hands_off and incident.commander is None and (run is None or _goes_on(run))


def _goes_on(run: AutomaticRun) -> bool:
    return run.active and run.mode in ("validating", "runs")


def _replan(incident: Incident, wish: Wish) -> AnyAsk | None:
    """Another plan; what is under way for the one that nobody wants is stopped first."""
    if not incident.running():
        return rq.Replan(wish)
    return rq.Abort(reason="another plan is wanted") if incident.aborted is None else None


def _lacks_wish(incident: Incident, crew: Crew) -> bool:
    """Whether the plan is not about what they want; to which release it goes, a verdict may have changed."""
    aimed = replace(crew.wish, target=crew.wish.target or incident.wish.target)
    return incident.wish != aimed and incident.gate_opened is None


def _outdated(incident: Incident) -> bool:
    """Whether a step has found, before the gate, that the plan does not fit any more."""
    if incident.gate_opened is not None or incident.plans >= _PLANS:
        return False
    return any(says_plan_again(incident.step(step.id)) for step in incident.asking())


def _nearest(incident: Incident) -> str:
    """The release that the plan itself offers instead, because today's schema closes the way to its own."""
    verdict = incident.plan.code.schema if incident.plan and incident.plan.code else None
    if verdict is None or incident.gate_opened is not None or not closes(verdict):
        return ""
    return verdict.nearest


def _ticks(incident: Incident, crew: Crew, now: Stamp) -> Iterator[Act]:
    """What must be done before the gate and only a person can say, each by whoever may say it."""
    if incident.plan is None or not _waits_for_people(incident):
        return
    for one in by_hand(incident, now):
        wanted = set(one.item.roles)
        holders = [who for who, roles in crew.roles.items() if wanted & set(roles)]
        for who in holders[:1] if wanted else (crew.commander,):
            yield Act(who, rq.Tick(one.item.id, note=REHEARSED))


def confirmation(snapshot: Snapshot, crew: Crew) -> Act | None:
    """What only another than the commander may say before the gate, said as signatures are: by themselves."""
    incident = snapshot.state.open_incident
    if incident is None or incident.plan is None or incident.plan.proof != "signature":
        return None
    ticks = _ticks(incident, crew, snapshot.at)
    return next((tick for tick in ticks if tick.actor != crew.commander), None)


def _waits_for_people(incident: Incident) -> bool:
    """Whether something can be done for the gate of the plan that there is."""
    return incident.gate_opened is None and not incident.planning and incident.aborted is None


def approver_of(incident: Incident, crew: Crew, now: Stamp) -> str | None:
    """Who says yes next: somebody who has not, in a role that is still short of people.

    Those first who hold a role that a prerequisite names too: so nobody has to say it beside the matrix.
    """
    if not _at_gate(incident) or not _waits_for_people(incident):
        return None
    open_items = (one.item for one in prerequisites(incident, now) if not one.met)
    also = {role for item in open_items if item.proof == "approval" for role in item.roles}
    short = {*missing(incident, now), *also}
    said = {yes.person for yes in said_yes(incident, now)}
    if not may_initiator(crew.environment, incident.plan):
        said |= {crew.commander, incident.asked_by or crew.commander}
    asked = [who for who, roles in crew.roles.items() if who not in said and short & set(roles)]
    return min(asked, key=lambda who: not also & set(crew.roles[who]), default=None)


def _yes(incident: Incident) -> AnyAsk:
    assert incident.plan is not None  # noqa: S101 - there is a gate
    name = incident.plan.environment
    again = name if incident.plan.data is not None else ""
    return rq.Go(plan_hash=incident.plan_hash or "", typed=name, typed_again=again)


def stuck(snapshot: Snapshot, crew: Crew) -> str | None:
    """Why a person is needed, in a sentence; None while the run can go on by itself."""
    incident = snapshot.state.open_incident
    if incident is None or incident.status == "suspected" or crew.another_way:
        return None  # where they do not roll back, nothing that becomes of the plan holds them up
    run = incident.automatic if crew.hands_off else None
    if run is not None and (run.outcome == "stopped" or run.mode == "held" or _goes_on(run)):
        return (
            None if _goes_on(run) else f"automatic rollback {run.outcome or run.mode}: {run.words or run.why}"
        )
    if incident.planning_failed:
        return f"no plan: {incident.planning_failed}"
    if incident.planning or _lacks_wish(incident, crew) or _nearest(incident) or _outdated(incident):
        return None  # the plan that there is will be replaced
    if crew.takes_back and (is_undone(incident) or incident.undos or _is_sick(incident)):
        return _stuck_going_back(incident)
    if incident.aborted is not None:
        return f"aborted: {incident.aborted}"
    for step in incident.asking():
        state = incident.step(step.id)
        looked = state.status is Status.FAILED or state.finding is not None
        if looked and _decision(incident) is None:
            return f"{step.id} {state.status}: {state.words}"
        if refusal := _refusal(snapshot.events):
            return f"{step.id} {state.status}: {refusal}"
    return _stuck_at_gate(snapshot, incident, crew)


def _stuck_going_back(incident: Incident) -> str | None:
    """A step could not be taken back; else that goes on, and another plan follows."""
    step = not_taken_back(incident)
    return f"{step.id} was not taken back: {incident.undos[step.id].words}" if step else None


def _stuck_at_gate(snapshot: Snapshot, incident: Incident, crew: Crew) -> str | None:
    """The gate is closed, everybody who can has said yes, and the engine cannot open it either."""
    if not _at_gate(incident) or approver_of(incident, crew, snapshot.at):
        return None
    if any(_ticks(incident, crew, snapshot.at)):
        return None
    closed = gate(incident, snapshot.at).closed
    if not closed or incident.running() or too_old(incident, snapshot.at):
        return None
    return f"the gate stays closed: {'; '.join(closed)}"


def _decision(incident: Incident) -> AnyAsk | None:
    for step in incident.asking():
        state = incident.step(step.id)
        if behind(incident, step.id) and state.attempt < _ATTEMPTS:
            return rq.Decide(step.id, Choice.REDEPLOY, reason="not every instance took the deployment")
        if _may_be_tried_again(step, state):
            return rq.Decide(step.id, Choice.RETRY, reason="it changes nothing that users touch")
        if state.status is not Status.UNKNOWN or state.finding is None:
            continue
        choice = unattended(state.finding, repeatable=step.repeatable, attempt=state.attempt)
        if choice in (Choice.CONTINUE, Choice.RETRY):
            return rq.Decide(step.id, choice, reason=f"the probe says {state.finding}")
    return None


def _may_be_tried_again(step: Step, state: StepState) -> bool:
    """Whether it failed before the gate for the first time, as a backup that gives way to users does."""
    failed = state.status is Status.FAILED and step.phase is Phase.PREPARE
    return failed and step.repeatable and state.attempt < _ATTEMPTS


def _refusal(events: Sequence[Event]) -> str | None:
    """Why the last decision was refused, if nothing was found out or begun since: it would be again."""
    for event in reversed(events):
        match event.body:
            case ev.RequestRefused(ask="decide", reason=reason):
                return reason
            case ev.StepProbed() | ev.StepIntent():
                return None
    return None


def _at_gate(incident: Incident) -> bool:
    return incident.phase is Phase.SWITCH and incident.gate_opened is None
