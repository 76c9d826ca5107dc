"""NEXT: one sentence and one key, for somebody who has never seen this screen and is in a hurry."""

from msgspec import Struct

from console.core.automatic_words import next_words, told_now
from console.core.calling import nobody_is_asked, to_ask
from console.core.calling_words import state_words
from console.core.clock import Stamp
from console.core.commanding import to_allow
from console.core.format import clock, count, left
from console.core.freshness import rungs_now, unwatched
from console.core.metrics import Rung
from console.core.mitigating import MITIGATIONS
from console.core.next_line import NextStep
from console.core.next_mitigation import advice, lasting, remark
from console.core.next_undo import key_step, undo_step
from console.core.plan import Phase, Plan, Step
from console.core.policy import (
    by_hand,
    missing,
    prerequisites,
    refused,
    too_old,
    unfit,
    unproven,
    unrecovered,
)
from console.core.presence import Presence, hanging, presence, silent_for
from console.core.protocols import Snapshot
from console.core.receipt import HELD_TO_CEILING, beyond, told
from console.core.roles import COMMANDER, offered
from console.core.roster import Roster
from console.core.standing import (
    distrusted,
    healthy_at,
    must_say_yes,
    open_items,
    remaining,
    says_plan_again,
    spent,
)
from console.core.state import Incident, Status
from console.core.strategy import Environment
from console.core.summons import may_say_yes, whose_yes
from console.core.summons_by_hand import proposed
from console.core.undoing import refused as undo_refused
from console.core.whereabouts import whereabouts
from console.core.words import duration, took

HANGS_AFTER_S = 15.0
"""An engine that is silent for so long is not just slow."""
NAMED_METRICS = 2
"""More than so many metrics are counted, not named."""


class Viewer(Struct, frozen=True):
    """Who looks, and who else there is."""

    actor: str = ""
    roster: Roster | None = None
    """None where it is not at hand: then nobody is named who has not been asked."""


def next_step(snapshot: Snapshot, environment: Environment, viewer: Viewer = Viewer()) -> NextStep:  # noqa: B008 - frozen
    """What the person at this console should do next; when that is nothing, what is waited for."""
    if kind := snapshot.state.unknown_critical:
        return NextStep(f"the journal holds {kind}, unknown to this warroom: use a newer one", None)
    if snapshot.trouble:
        return NextStep(f"the journal cannot be read any further: {snapshot.trouble}", None)
    if presence(snapshot) is not Presence.ALIVE:
        return _without_engine(snapshot, environment)
    incident = snapshot.state.incident
    if incident is None:
        return _quiet(snapshot, environment)
    if incident.status == "resolved":
        return _still_frozen(snapshot, environment) or _resolved(incident)
    if incident.status == "suspected":
        return _suspected(snapshot, incident, environment, viewer)
    return _declared(snapshot, incident, environment, viewer)


# -- before an incident, and after it ---------------------------------------------------------------


def _without_engine(snapshot: Snapshot, environment: Environment) -> NextStep:
    engine = snapshot.state.engine
    if pid := hanging(snapshot):
        return _hanging(pid, silent_for(snapshot), environment)
    match presence(snapshot):
        case Presence.NEVER:
            why = "none has run here yet"
        case Presence.STOPPED:
            why = f"the last one ended ({engine.stopped if engine else 'no reason given'})"
        case Presence.GONE:
            why = "the last one is gone"
        case _:
            why = f"the last one is silent for {duration(silent_for(snapshot))}"
    waits = f"; {count(len(snapshot.pending), 'request')} queued" if snapshot.pending else ""
    if environment.engine == "external":
        return NextStep(f"have the service manager start an engine: {why}{waits}", None)
    return NextStep(f"start an engine: {why}{waits}", "engine")


def _hanging(pid: int, silent: float, environment: Environment) -> NextStep:
    if silent < HANGS_AFTER_S:
        return NextStep(f"wait: the engine is silent for {duration(silent)}, its process is there", None)
    then = "its service manager" if environment.engine == "external" else "E"
    return NextStep(f"end process {pid}: silent for {duration(silent)}; then {then} starts an engine", None)


def _quiet(snapshot: Snapshot, environment: Environment) -> NextStep:
    rungs = rungs_now(snapshot, environment)

    def titles(*wanted: Rung) -> str:
        return _named([environment.metrics[name].title for name, rung in rungs.items() if rung in wanted])

    if not snapshot.rows:
        return NextStep("wait: the engine has taken no sample yet", None)
    if unwatched(snapshot, environment):
        age = duration(snapshot.at.seconds_since(snapshot.rows[-1].at))
        return NextStep(f"wait: no sample for {age}, so nobody can say that all is well", None)
    if firing := titles(Rung.MANDATORY, Rung.AUTOMATIC):
        return NextStep(f"declare the incident: the rule for {firing} fires", "declare")
    if stale := titles(Rung.STALE):
        return NextStep(f"wait: no fresh data of {stale}: it may not be well", None)
    if set(rungs.values()) <= {Rung.WAITING, Rung.NO_SOURCE}:
        return NextStep("wait: nothing has been measured yet", None)
    if warned := titles(Rung.WARN):
        return NextStep(f"nothing to do: {warned} warns, nothing asks for a rollback", None)
    return NextStep("nothing to do: no metric asks for anything", None)


def _named(titles: list[str]) -> str:
    return ", ".join(titles) if len(titles) <= NAMED_METRICS else count(len(titles), "metric")


def _suspected(snapshot: Snapshot, incident: Incident, environment: Environment, viewer: Viewer) -> NextStep:
    """Take command; whoever was asked to and is silent, and whom else `p` asks."""
    why = incident.triggers[0] if incident.triggers else "a rule"
    on = told_now(snapshot, environment).word == "on"
    alone = "; until you do, automatic rollback may begin" if on else ""
    take = f"declare the incident: {why} since {clock(incident.onset)}{alone}"
    silent = [
        f"{person} {state_words(called, snapshot.at)}"
        for person, called in incident.called.items()
        if called.passed is None and person != viewer.actor
    ]
    if not silent:
        return NextStep(take, "declare")
    return NextStep(f"{take}; {silent[-1]}{_other(snapshot, incident, environment, viewer)}", "declare")


def _other(snapshot: Snapshot, incident: Incident, environment: Environment, viewer: Viewer) -> str:
    """Whom `p` asks, where it is known who there is."""
    if viewer.roster is None or nobody_is_asked(environment):
        return ""
    duty = snapshot.live.on_call if snapshot.live else None
    person = to_ask(incident, environment, viewer.roster, duty, snapshot.at, besides=viewer.actor)
    return f" (p asks {person})" if person else ""


def _still_frozen(snapshot: Snapshot, environment: Environment) -> NextStep | None:
    """What the incident has left frozen; None when nothing, or it is being seen to."""
    if not snapshot.state.frozen or snapshot.state.open_errand is not None:
        return None
    held = next(iter(snapshot.state.frozen.values()))
    words = f"{held.workflow} of {held.repository} is still frozen, since {clock(held.since)}"
    if environment.ci is None:
        return NextStep(f"enable it by hand: {words}, and the strategy names no `ci`", None)
    return NextStep(f"unfreeze the CI: {words}", "unfreeze")


def _resolved(incident: Incident) -> NextStep:
    if incident.outcome == "recovered" and incident.first_opened and (healthy := healthy_at(incident)):
        recovered = took(healthy.seconds_since(incident.first_opened))
        return NextStep(f"done: recovered in {recovered}; q leaves this console", "quit")
    return NextStep(f"done: {incident.outcome or 'resolved'}; q leaves this console", "quit")


# -- the declared incident --------------------------------------------------------------------------


def _declared(snapshot: Snapshot, incident: Incident, environment: Environment, viewer: Viewer) -> NextStep:
    """What comes before the way back; else the way back, with what is to be known beside."""
    if words := next_words(incident, snapshot.at):
        return NextStep(*words)
    if first := advice(snapshot, incident, environment, viewer.actor):
        return NextStep(first.sentence, first.command)
    step = _asked_of_viewer(_way_back(snapshot, incident, environment, viewer), incident, viewer)
    beside = remark(snapshot, incident, environment)
    return NextStep(f"{step.sentence}. {beside}", step.command) if beside else step


def _asked_of_viewer(step: NextStep, incident: Incident, viewer: Viewer) -> NextStep:
    """The same, with the role that was offered to whoever looks: first, where there is nothing to press."""
    mine = offered(incident, viewer.actor)
    if not mine:
        return step
    role = "the command" if mine[0] == COMMANDER else mine[0]
    words = f"{incident.offers[mine[0]].by} asks you to take {role}"
    if step.command is None:
        return NextStep(f"answer: {words}. {step.sentence}", "people")
    return NextStep(f"{step.sentence}. {words} (w)", step.command)


def _way_back(snapshot: Snapshot, incident: Incident, environment: Environment, viewer: Viewer) -> NextStep:
    if incident.planning:
        doing = snapshot.live.planning if snapshot.live else None
        return NextStep(f"wait: planning, {doing.words if doing else 'the engine takes it up'}", None)
    if going_back := undo_step(snapshot, incident, environment):
        return going_back
    if incident.aborted is not None and (running := incident.running()):
        return NextStep(f"wait: stopping, {running[0].title} ends first", None)
    if incident.aborted is not None:
        back = ", take all back (u)" if not undo_refused(incident) else ","
        words = f"go on{back} or plan anew (T): stopped, {incident.aborted}"
        return NextStep(f"{words}{_stands(snapshot, environment)}", "resume")
    if asking := incident.asking():
        return _asking(snapshot, incident, environment, asking[0])
    if incident.plan is None:
        return NextStep(f"plan anew: {incident.planning_failed or 'there is no plan'}", "target")
    if incident.gate_opened is None and (why := unfit(incident.plan)):
        return _unfit(incident, incident.plan, environment, why)
    if incident.phase is None and incident.plan.verb in MITIGATIONS:
        return NextStep("plan the way back", "target")
    if incident.phase is None:
        return _proven(snapshot, incident, environment)
    return _carried_out(snapshot, incident, incident.plan, environment, viewer)


def _carried_out(
    snapshot: Snapshot, incident: Incident, plan: Plan, environment: Environment, viewer: Viewer
) -> NextStep:
    """The plan, with something left to do: who is waited for, or what."""
    if waits := to_allow(incident):
        return _of_commander(incident, waits[0], viewer)
    if keyed := key_step(snapshot, incident, environment):
        return keyed
    if incident.gate_opened is None and incident.phase is not Phase.PREPARE:
        return _armed(incident, _gate(snapshot, incident, plan, environment, viewer))
    return _under_way(snapshot, incident, plan, environment)


def _unfit(incident: Incident, plan: Plan, environment: Environment, why: str) -> NextStep:
    """The code alone cannot go back: where a release or the data can, that is named; v shows every way."""
    verdict = plan.code.schema if plan.code else None
    nearest = verdict.nearest if verdict else ""
    if running := incident.running():
        again = "T" if nearest else "v shows the ways out"
        return NextStep(f"wait: {running[0].title} ends first, then plan anew ({again}): {why}", None)
    if nearest:
        return NextStep(f"plan anew, to {nearest}, whose schema fits: {why}", "target")
    if said := distrusted(incident, environment):
        return NextStep(f"choose what the data goes back to ({said}): {why}", "data")
    return NextStep(f"this gate stays closed, look at the ways out: {why}", "plan")


_SWITCHED = (Phase.SWITCH, Phase.PROVE)
"""Phases in which users may not be on the release that they were on."""


def _stands(snapshot: Snapshot, environment: Environment) -> str:
    """Where the service stands, as the end of a sentence; empty where no release is changed."""
    found = whereabouts(snapshot, environment)
    return f". {found.sentence}" if found else ""


def _asking(snapshot: Snapshot, incident: Incident, environment: Environment, step: Step) -> NextStep:
    state = incident.step(step.id)
    if says_plan_again(state):
        of_data = step.action in HELD_TO_CEILING
        if running := incident.running():
            again = "b" if of_data else "T"
            return NextStep(f"wait: {running[0].title} ends first, then plan again ({again})", None)
        if of_data:
            return NextStep(f"{_CHOOSE_ANEW}: {state.words}", "data")
        return NextStep(f"plan again: {step.title} failed, to retry it is no use", "target")
    if state.status is Status.FAILED:
        back = "stop, or take all back (u)" if not undo_refused(incident) else "or stop"
        now = _stands(snapshot, environment) if step.phase in _SWITCHED else ""
        return NextStep(f"decide: {step.title} failed; retry it, skip it, {back}{now}", "decide")
    if state.finding is None:
        return NextStep(f"wait: {step.title} was cut off, the engine looks what became of it", None)
    found = {"done": "but is done", "not done": "and is not done", "cannot tell": "and may be done or not"}
    return NextStep(f"decide: {step.title} was cut off {found[state.finding]}", "decide")


def _of_commander(incident: Incident, step: Step, viewer: Viewer) -> NextStep:
    """A step that the commander has to allow, beside whatever runs meanwhile."""
    if viewer.actor and viewer.actor != incident.commander:
        return NextStep(f"wait: {incident.commander}, who commands, says yes to: {step.title}", None)
    return NextStep(f"say yes, as commander, to: {step.title}", "allow")


_CHOOSE_ANEW = "plan again with a higher ceiling or another candidate"


def _under_way(snapshot: Snapshot, incident: Incident, plan: Plan, environment: Environment) -> NextStep:
    after = _after(incident, plan, snapshot.at) + _of_kept_data(incident, environment)
    if running := incident.running():
        step = running[0]
        return NextStep(f"wait: {step.title}, {_how_far(snapshot, incident, step)}{after}", None)
    return NextStep(f"wait: the engine takes up the next step{after}", None)


def _how_far(snapshot: Snapshot, incident: Incident, step: Step) -> str:
    expected = remaining(snapshot, incident, step)
    if expected > 0:
        return f"{left(expected)} left"
    return f"{duration(spent(snapshot, incident, step))}, limit {duration(step.limit_s)}"


def _after(incident: Incident, plan: Plan, now: Stamp) -> str:
    """What comes when the running steps are done, in the words of the NEXT line."""
    waiting = [step for step in plan.steps if incident.step(step.id).status is Status.WAITING]
    if not waiting:
        return "; then R closes the incident"
    if incident.gate_opened is None and waiting[0].phase is not Phase.PREPARE:
        return "; then the gate asks you (g)" if missing(incident, now) else "; then the gate"
    return f"; then {waiting[0].title}"


def _of_kept_data(incident: Incident, environment: Environment) -> str:
    """What is said against keeping the data, while that can still be changed."""
    if incident.gate_opened is not None or not (said := distrusted(incident, environment)):
        return ""
    return f". The data is kept, though it was said: {said}; b shows what it can go back to"


# -- the gate ---------------------------------------------------------------------------------------


def _armed(incident: Incident, step: NextStep) -> NextStep:
    """The same, and why an automatic rollback waits for it."""
    run = incident.automatic
    if run is None or not run.active or run.mode != "arms":
        return step
    return NextStep(f"{step.sentence}; armed, not run: {run.why}", step.command)


def _gate(
    snapshot: Snapshot, incident: Incident, plan: Plan, environment: Environment, viewer: Viewer
) -> NextStep:
    found = told(incident)
    if found and (too_much := beyond(incident, found)):
        return NextStep(f"{_CHOOSE_ANEW}: {too_much}", "data")
    broken = [f"{p.words}: {why}" for p, why in unproven(plan, incident, snapshot.at)]
    if no := refused(incident):
        who = no[0]
        return NextStep(f"plan anew, or ask again: {who.person} said no, {who.because}", "target")
    if undone := by_hand(incident, snapshot.at):
        titles = ", ".join(one.item.title for one in undone)
        kept = _of_kept_data(incident, environment)
        return NextStep(f"tick what is done before the gate: {titles}{kept}", "tick")
    if short := must_say_yes(incident, snapshot.at):
        also = f"; the gate also waits for {broken[0]}" if broken else ""
        also += _of_kept_data(incident, environment)
        if waits := _others(snapshot, incident, environment, viewer, short):
            return NextStep(f"{waits.sentence}{also}", waits.command)
        if plan.proof == "claim":
            typed = f"{snapshot.state.environment}{', twice: it swaps data' if plan.data else ''}"
            return NextStep(f"go: say yes to the plan and type {typed}{also}", "go")
        return NextStep(f"sign: {short}, by signature{also}", "sign")
    if lacks := _of_roles(incident, snapshot.at):
        waits = _others(snapshot, incident, environment, viewer, lacks)
        return waits or NextStep(f"say yes too: {lacks}", "go" if plan.proof == "claim" else "sign")
    if again := too_old(incident, snapshot.at):
        return NextStep(f"wait: {again[0].title} is done once more, its proof has grown old", None)
    if broken:
        return NextStep(f"plan anew: the gate is closed, {broken[0]}", "target")
    return NextStep("wait: everybody said yes, the gate opens", None)


def _others(
    snapshot: Snapshot, incident: Incident, environment: Environment, viewer: Viewer, short: str
) -> NextStep | None:
    """What there is to do about others, where whoever looks cannot say yes; None where they can.

    `short` says whose yes is missing, by role. None also while signatures can only be waited for.
    """
    roster, now = viewer.roster, snapshot.at
    if roster is None or may_say_yes(incident, environment, roster, viewer.actor, now):
        return None
    if page := proposed(incident, environment, roster, now, besides=viewer.actor):
        return NextStep(page.words, "page")
    if incident.plan is None or incident.plan.proof == "signature":
        return None
    who = " or ".join(whose_yes(incident, environment, roster, now)) or "nobody in the roster"
    stranger = roster.person(viewer.actor) is None
    you = f"; {viewer.actor} is not in the roster: act as one who is, --as HANDLE" if stranger else ""
    return NextStep(f"wait: {short}; {who} can (g){you}", None)


def _of_roles(incident: Incident, now: Stamp) -> str:
    """Which prerequisite waits for the yes of a role, and of which; empty when none does."""
    open_items = (one for one in prerequisites(incident, now) if not one.met and one.item.proof == "approval")
    return ", ".join(f"{one.item.title}, {one.words}" for one in open_items)


# -- after it ---------------------------------------------------------------------------------------


def _proven(snapshot: Snapshot, incident: Incident, environment: Environment) -> NextStep:
    if why_not := unrecovered(incident):
        return NextStep(f"close the incident as mitigated: {why_not}", "resolve")
    still = len(open_items(incident, environment))
    ticked = f"{count(still, 'item')} not ticked" if still else "every item ticked"
    rungs = rungs_now(snapshot, environment)
    firing = [environment.metrics[name].title for name, rung in rungs.items() if rung.says_roll_back]
    settles = f", {_named(firing)} not calm yet" if firing else ""
    also = lasting(snapshot, environment)
    return NextStep(f"close the incident: proven{settles}; {ticked}{f'; {also}' if also else ''}", "resolve")
