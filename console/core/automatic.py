"""Automatic rollback: what is to be said next of it, from what is known at one moment. Pure.

Nothing here acts. `due` says which events follow from the state, the metrics and the clock; `opens` whether
the gate may be opened with nobody's yes. The engine journals the one and asks the other (engine.automatic).
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from console.core import events as ev
from console.core.automatic_run import AutomaticRun, Mode, Outcome, RolledBack, Stage, paging_key
from console.core.clock import Stamp
from console.core.conditions import Condition, Held, Node
from console.core.deploys import Attribution
from console.core.events import Body
from console.core.format import clock, count
from console.core.glass import unsafe
from console.core.plan import Phase, Wish
from console.core.policy import unattended
from console.core.roster import Roster
from console.core.rules import Standing
from console.core.second_path import Second
from console.core.severity import severity
from console.core.state import Incident, RunningRelease, State, Status
from console.core.strategy import Automatic, Environment
from console.core.words import duration

ENGINE = "engine"
"""Who asks for the plan of an automatic rollback, as the journal has it."""


class Seen(Struct, frozen=True):
    """What is known at one moment."""

    now: Stamp
    state: State
    environment: Environment
    roster: Roster
    roster_sha256: str = ""
    file: str | None = None
    """What the file says that switches it off; None where there is none."""
    firing: Mapping[str, Standing] = {}
    """The metrics on their automatic rung."""
    second: Mapping[str, Second] = {}
    """What the second paths say, by metric."""
    attribution: Attribution | None = None
    """None: nobody has looked yet."""
    in_vain: str = ""
    """Why no rollback helps against what fires, by what is measured; empty where one may."""
    covered: Mapping[str, str] = {}
    """Id of the standing authorisation in force that names a metric's trigger, by metric."""
    verified: frozenset[str] = frozenset()
    """Ids of those of which every signature holds now."""


def off(state: State, environment: Environment) -> str:
    """Why automatic rollback is switched off; empty where it is on."""
    rule = environment.automatic
    if rule is None:
        return "the strategy has no `automatic` section"
    if not rule.enabled:
        return "the strategy says `enabled: false`"
    switches = (state.automatic_off.get("person"), state.automatic_off.get("file"))
    return "; ".join(f"{one.by}: {one.reason}" for one in switches if one)


def due(seen: Seen) -> tuple[Body, ...]:
    """What is to be journalled now. Often nothing; what follows from it is due once it is in the state."""
    if flipped := _file(seen):
        return flipped
    rule, incident = seen.environment.automatic, seen.state.open_incident
    if rule is None or incident is None:
        return ()
    run = incident.automatic
    if run is None:
        return tuple(_begun(seen, rule, incident))
    if late := tuple(_overruns(seen, run)):
        return late
    if alerted := tuple(_alerted(seen, run)):
        return alerted
    if not run.active:
        return ()
    if over := _over(seen, incident, run):
        return tuple(_ended(seen, run, *over))
    if run.mode == "validating":
        return tuple(_validated(seen, rule, run))
    return tuple(_carried_out(seen, incident, run)) if run.mode == "runs" else ()


def _file(seen: Seen) -> tuple[Body, ...]:
    """The file has appeared, or is gone."""
    known = "file" in seen.state.automatic_off
    if known is (seen.file is not None):
        return ()
    return (ev.AutomaticSwitched(on=known, by="file", reason=seen.file or ""),)


# -- the beginning ----------------------------------------------------------------------------------


def _begun(seen: Seen, rule: Automatic, incident: Incident) -> Iterator[Body]:
    """A rule holds that may start one, and nobody commands yet."""
    if incident.status != "suspected" or not seen.firing or off(seen.state, seen.environment):
        return
    first = min(seen.firing, key=lambda name: (seen.firing[name].onset or incident.onset).boot_us)
    since = seen.firing[first].onset or incident.onset
    budget = rule.stages.detection + window_s(seen.environment, first)
    spent = seen.now.seconds_since(since)
    yield ev.AutomaticBegan(
        triggers=tuple(seen.firing),
        rules=tuple(" ".join(one.rule.split()) for one in seen.firing.values()),
        severity=severity(seen.environment, seen.state.rungs, incident.triggers),
        roster=seen.roster_sha256,
    )
    yield ev.StageBegan("detection", budget, since)
    if spent > budget:
        yield ev.StageOverran("detection", budget)
    yield ev.StageEnded("detection", spent, budget, ", ".join(seen.firing))
    yield ev.StageBegan("alert", rule.stages.alert)
    yield ev.StageBegan("validation", rule.stages.validation)


def window_s(environment: Environment, metric: str) -> float:
    """Seconds that the rules themselves wait before a metric's automatic rung holds: nobody is late then."""
    rungs = environment.metrics[metric].rungs
    return max(_longest(rungs.mandatory), _longest(rungs.automatic))


def _longest(condition: Condition | None) -> float:
    return _waits(condition.node) if condition else 0.0


def _waits(node: Node) -> float:
    if isinstance(node, Held):
        return node.seconds + _waits(node.condition)
    parts: tuple[Node, ...] = getattr(node, "parts", ())
    return max(map(_waits, parts), default=0.0)


def called_up(environment: Environment, roster: Roster, now: Stamp) -> tuple[str, ...]:
    """Who is paged: everybody who would have to say yes; nobody where the strategy has no means to."""
    rule = environment.authorisation
    if rule.paging is None or rule.paging.command is None:
        return ()
    asked = {approver.role for approver in rule.approvers}
    people = (one for one in roster.people if not one.not_valid(now.utc_us))
    return tuple(one.handle for one in people if asked & set(one.roles))


def _alerted(seen: Seen, run: AutomaticRun) -> Iterator[Body]:
    """The alert is over when every page has an end; nothing waits for it."""
    if not run.under_way("alert"):
        return
    people = called_up(seen.environment, seen.roster, seen.now)
    told = [run.paged.get(paging_key("begun", person)) for person in people]
    if None in told:
        return
    failed = told.count(False)
    words = f"{count(len(told) - failed, 'page')} delivered" if told else "nobody is paged here"
    yield _stage_ended(seen, run, "alert", f"{words}, {failed} failed" if failed else words)


# -- clocks -----------------------------------------------------------------------------------------


def _overruns(seen: Seen, run: AutomaticRun) -> Iterator[Body]:
    for stage, state in run.stages.items():
        if state.seconds is None and not state.overran and state.spent_s(seen.now) > state.budget_s:
            yield ev.StageOverran(stage, state.budget_s)


def _stage_ended(seen: Seen, run: AutomaticRun, stage: Stage, words: str) -> ev.StageEnded:
    state = run.stages[stage]
    return ev.StageEnded(stage, round(state.spent_s(seen.now), 6), state.budget_s, words)


def _is_late(seen: Seen, run: AutomaticRun, stage: Stage) -> bool:
    state = run.stages.get(stage)
    return state is not None and state.spent_s(seen.now) > state.budget_s


# -- the end ----------------------------------------------------------------------------------------


def _over(seen: Seen, incident: Incident, run: AutomaticRun) -> tuple[Outcome, str] | None:
    """Why it does nothing more, in a word and in a sentence; None while it goes on."""
    if not run.opened and incident.commander is not None:
        return "taken", f"{incident.commander} commands"
    if incident.planning_for not in (None, ENGINE):
        return "taken", f"{incident.planning_for} plans anew"
    if incident.aborted is not None:
        return "stopped", f"the run was stopped: {incident.aborted}"
    if not run.opened:
        if incident.gate_opened is not None:
            return "taken", "people said yes, and the gate is open"
        if run.mode != "held" and (why := off(seen.state, seen.environment)):
            return "off", why
    elif incident.gate_opened is None:
        return "stopped", "its gate was closed again"
    if incident.planning_failed is not None and not incident.planning:
        return "stopped", f"no plan: {incident.planning_failed}"
    return _failed(incident)


def _failed(incident: Incident) -> tuple[Outcome, str] | None:
    """A step that failed, or of which nobody can tell; whoever commands decides about it."""
    outcome: Outcome = "stopped" if incident.commander is None else "taken"
    for step in incident.asking():
        state = incident.step(step.id)
        if state.status is Status.FAILED:
            return outcome, f"{step.title} failed: {state.words}"
        if state.finding is None:
            continue
        if unattended(state.finding, repeatable=step.repeatable, attempt=state.attempt) is None:
            return outcome, f"{step.title} was cut off, {state.finding}: {state.words}"
    return None


def _ended(seen: Seen, run: AutomaticRun, outcome: Outcome, words: str) -> Iterator[Body]:
    for stage in run.stages:
        if stage != "alert" and run.under_way(stage):
            yield _stage_ended(seen, run, stage, words)
    yield ev.AutomaticEnded(outcome, words)


# -- validation -------------------------------------------------------------------------------------


def _validated(seen: Seen, rule: Automatic, run: AutomaticRun) -> Iterator[Body]:
    """A second source agrees and a release may be the cause; else it is held, or prepared and no more."""
    if why := blocked(seen.state, rule, seen.now):
        yield from _decided(seen, run, "held", why)
        return
    agreed = confirmed(seen)
    if not agreed:
        if _is_late(seen, run, "validation"):
            yield from _decided(seen, run, "held", _unconfirmed(seen, run))
        return
    cause = seen.attribution
    if cause is None:
        return
    trigger = next((name for name in agreed if name in seen.covered), agreed[0])
    standing = seen.covered.get(trigger, "")
    grounds = f"{cause.words}; {seen.second[trigger].words}"
    if seen.in_vain:
        yield from _decided(seen, run, "arms", f"a rollback will not help: {seen.in_vain}")
    elif cause.may_help is not True:
        yield from _decided(seen, run, "arms", f"a rollback will not help: {grounds}")
    elif standing and standing not in seen.verified:
        return  # its signatures are being looked at
    elif standing or rule.unsigned == "runs":
        yield from _decided(seen, run, "runs", grounds, trigger, standing)
        yield ev.StageBegan("execution", rule.stages.execution)
    else:
        unsigned = f"no standing authorisation covers {trigger}"
        yield from _decided(seen, run, "arms", f"{unsigned}; {grounds}")
    yield ev.PlanningStarted(Wish())


def _decided(
    seen: Seen, run: AutomaticRun, mode: Mode, why: str, trigger: str = "", standing: str = ""
) -> Iterator[Body]:
    yield _stage_ended(seen, run, "validation", {"held": "held", "arms": "armed"}.get(mode, "confirmed"))
    yield ev.AutomaticDecided(mode, why, trigger, standing)


def confirmed(seen: Seen) -> tuple[str, ...]:
    """The metrics on their automatic rung whose second path agrees."""
    return tuple(name for name in seen.firing if (found := seen.second.get(name)) and found.agrees)


def _unconfirmed(seen: Seen, run: AutomaticRun) -> str:
    words = [found.words for name, found in seen.second.items() if name in seen.firing]
    return "; ".join(words) or f"{', '.join(run.triggers)} does not hold any more"


def blocked(state: State, rule: Automatic, now: Stamp) -> str:
    """Why none may run now, whatever fires; empty when one may."""
    last, running = state.rolled_back, state.running
    if last is None:
        return ""
    if running is not None and _is_the_one(running, last):
        return (
            f"{last.release} was put there by an automatic rollback, in {last.incident}: not away from that"
        )
    ago = now.seconds_since(last.at)
    if 0 <= ago < rule.cool_down:
        left = duration(rule.cool_down - ago)
        return f"the last one was at {clock(last.at)}Z, in {last.incident}: none for another {left}"
    return ""


def _is_the_one(running: RunningRelease, put: RolledBack) -> bool:
    """By commit where the service tells one, perhaps abbreviated: the release's, or that of the way back."""
    if not running.commit:
        return running.release == put.release
    return any(commit.startswith(running.commit) for commit in (put.commit, put.restored))


# -- execution and verification ---------------------------------------------------------------------


def _carried_out(seen: Seen, incident: Incident, run: AutomaticRun) -> Iterator[Body]:
    plan, rule = incident.plan, seen.environment.automatic
    if plan is None or rule is None or incident.planning:
        return
    if incident.gate_opened is None:
        if incident.settled(Phase.PREPARE) and (why := _must_wait(seen, incident, run)):
            yield _stage_ended(seen, run, "execution", "waits at the gate")
            yield ev.AutomaticDecided("arms", why)
    elif run.under_way("execution") and incident.settled(Phase.SWITCH):
        yield _stage_ended(seen, run, "execution", "switched")
        yield ev.StageBegan("verification", rule.stages.verification)
    elif run.under_way("verification") and incident.settled(Phase.PROVE):
        back = plan.code.target.tag if plan.code else "the release"
        yield _stage_ended(seen, run, "verification", "proven")
        yield ev.AutomaticEnded("rolled back", f"{back} runs and is healthy")


def _must_wait(seen: Seen, incident: Incident, run: AutomaticRun) -> str:
    """Why the gate is people's to open after all; empty while it may open by itself, or soon."""
    if why := unfit(seen.environment, incident, run):
        return why
    if run.standing and seen.covered.get(run.trigger) != run.standing:
        return f"standing authorisation {run.standing} does not count any more"
    if not confirmed(seen) and _is_late(seen, run, "execution"):
        return f"not confirmed at the gate: {_unconfirmed(seen, run)}"
    return ""


def unfit(environment: Environment, incident: Incident, run: AutomaticRun) -> str:
    """Why this plan is none that may run by itself, whatever was signed; empty when it is one."""
    rule, plan = environment.automatic, incident.plan
    code = plan.code if plan else None
    if rule is None or plan is None or incident.asked_by != ENGINE:
        return "automatic rollback has not asked for this plan"
    if code is None or plan.data is not None or plan.rows is not None or plan.verb is not None:
        return "the plan is not of the code alone"
    if code.verdict != "good":
        return f"{code.target.tag} is {code.verdict}: only a good release is gone back to automatically"
    if not run.standing and rule.unsigned != "runs":
        return "no standing authorisation was in force"
    return unsafe(code)


def opens(seen: Seen, incident: Incident) -> str | None:
    """By which standing authorisation the gate may open with nobody's yes, "" by none; None: it may not."""
    run = incident.automatic
    if run is None or not run.by_itself or run.opened or incident.planning:
        return None
    if _over(seen, incident, run) is not None:
        return None
    if not confirmed(seen) or unfit(seen.environment, incident, run):
        return None
    if run.standing and not (seen.covered.get(run.trigger) == run.standing and run.standing in seen.verified):
        return None
    return run.standing
