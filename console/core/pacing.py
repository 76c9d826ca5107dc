"""How far one key goes: through a phase by itself, or one step at a time, each waiting for its key. Pure."""

from console.core.commanding import allowed
from console.core.plan import Authority, Pace, Phase, Step
from console.core.state import Incident, Status
from console.core.undoing import is_undone


def pace_of(incident: Incident | None, usual: Pace) -> Pace:
    """The pace of a run; `usual` is the strategy's.

    An automatic rollback that runs has nobody at the keys, so it goes by phases.
    """
    if incident is None:
        return usual
    run = incident.automatic
    if run is not None and run.active and run.mode == "runs" and incident.commander is None:
        return "phase"
    return incident.pace or usual


def released(incident: Incident, step: Step, usual: Pace) -> bool:
    """Whether a step needs no key of its own, or has had it; the commander's yes is one."""
    if pace_of(incident, usual) == "phase" or step.id in incident.released:
        return True
    return step.authority is Authority.COMMANDER and allowed(incident, step)


def waiting(incident: Incident, usual: Pace) -> tuple[Step, ...]:
    """Steps that could run now but for their key, in the order of the plan."""
    if incident.plan is None or incident.planning or incident.aborted is not None or incident.asking():
        return ()
    return tuple(
        step
        for step in incident.plan.steps
        if step.phase is incident.phase
        and incident.step(step.id).status is Status.WAITING
        and step.authority is not Authority.COMMANDER  # what they say yes to, they start
        and not released(incident, step, usual)
        and all(incident.step(need).status.settled for need in step.needs)
    )


def to_release(incident: Incident, what: str, usual: Pace) -> tuple[str, ...]:
    """The steps that `what` starts: the next (""), one by its id, or a phase; ValueError says why none."""
    if incident.plan is None:
        raise ValueError("there is no plan yet that could be run")
    if is_undone(incident):
        raise ValueError("what was done has been taken back: plan anew (T)")
    if incident.aborted is not None:
        raise ValueError("the run is stopped: X goes on with it, T plans anew")
    ready = [step.id for step in waiting(incident, usual)]
    if not what:
        if ready:
            return (ready[0],)
        raise ValueError(_why_none(incident, usual))
    if what in tuple(Phase):
        return _of_phase(incident, Phase(what))
    if what in ready:
        return (what,)
    raise ValueError(_why_not(incident, what, ready))


def _of_phase(incident: Incident, phase: Phase) -> tuple[str, ...]:
    """Every step of the phase that has not run; it must be the one that is under way."""
    if incident.plan is None or incident.settled(phase):
        raise ValueError(f"{phase} is done already")
    if phase is not incident.phase:
        raise ValueError(f"{incident.phase} comes before {phase}")
    steps = incident.plan.of_phase(phase)
    return tuple(step.id for step in steps if incident.step(step.id).status is Status.WAITING)


def _why_none(incident: Incident, usual: Pace) -> str:
    if running := incident.running():
        return f"{running[0].title} is under way: wait for it"
    if asking := incident.asking():
        return f"{asking[0].title} waits for a decision (r) first"
    if pace_of(incident, usual) == "phase":
        return "no step waits for a key: within a phase they start by themselves (P changes that)"
    return "no step waits for a key"


def _why_not(incident: Incident, what: str, ready: list[str]) -> str:
    known = {step.id: step for step in incident.plan.steps} if incident.plan else {}
    if what not in known:
        return f"no step or phase {what} in the plan; there are {', '.join((*Phase, *known))}"
    status = incident.step(what).status
    if status is not Status.WAITING:
        return f"{what} is {status}"
    lacking = [need for need in known[what].needs if not incident.step(need).status.settled]
    if lacking:
        return f"{what} needs {', '.join(lacking)} first"
    return f"{what} does not wait for a key now; {', '.join(ready) or 'nothing'} does"
