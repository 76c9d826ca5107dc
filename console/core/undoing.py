"""Taking steps back: which can be, in what order, what is left to people, and what it came to. Pure."""

from console.core.plan import PHASES, Authority, Phase, Step
from console.core.state import Incident, Status

DEPLOYS = frozenset({"deploy"})
"""Actions that decide which release runs."""


def touched(incident: Incident) -> tuple[Step, ...]:
    """Steps that have been begun and not been taken back since, the newest first.

    One that failed, or was skipped after it had failed, may have left half of its effect.
    """
    plan = incident.plan
    steps = [step for phase in PHASES for step in plan.of_phase(phase)] if plan else []
    states = ((step, incident.step(step.id)) for step in reversed(steps))
    return tuple(step for step, state in states if state.attempt and state.status is not Status.UNDONE)


def undoable(incident: Incident) -> tuple[Step, ...]:
    """Those of them that the engine can take back, in the order in which it does."""
    return tuple(step for step in touched(incident) if step.back is not None and not step.back.by_hand)


def by_hand(incident: Incident) -> tuple[Step, ...]:
    """Those that only a person can take back, in the same order."""
    return tuple(step for step in touched(incident) if step.back is not None and step.back.by_hand)


def order(incident: Incident, down_to: str = "") -> tuple[Step, ...]:
    """What is taken back, in that order: down to that step, else all that was done behind the gate.

    Where nothing was, what *prepare* has done; empty when `down_to` has nothing to take back.
    """
    steps = undoable(incident)
    if down_to:
        ids = [step.id for step in steps]
        return steps[: ids.index(down_to) + 1] if down_to in ids else ()
    return tuple(step for step in steps if step.phase is not Phase.PREPARE) or steps


def refused(incident: Incident) -> str:
    """Why nothing can be taken back now; empty when something can."""
    if incident.plan is None or incident.planning:
        return "a plan is being made: wait for it" if incident.planning else "there is no plan yet"
    if incident.undo:
        return "it is being taken back already"
    if running := incident.running():
        return f"{running[0].title} is under way: wait for it, or stop the run with x first"
    if not undoable(incident):
        left = by_hand(incident)
        return f"only by hand: {left[0].title}, {back_words(left[0])}" if left else "nothing to take back yet"
    if incident.gate_opened is None and any(s.authority is Authority.MATRIX for s in order(incident)):
        return "the gate was closed again: only another plan goes back from here"
    return ""


def may_not(incident: Incident, steps: tuple[Step, ...], actor: str) -> str:
    """Why that person may not take these steps back; empty when they may.

    The commander may, and whoever said yes to the plan: its gate was opened for the way back of the steps
    behind it too. What took the commander's yes alone is the commander's.
    """
    commands = f"{incident.commander or 'nobody'}, who commands {incident.id}"
    if actor == incident.commander:
        return ""
    if any(step.authority is Authority.COMMANDER for step in steps):
        return f"only {commands}, may take back what took their yes"
    if any(yes.person == actor and yes.plan_hash == incident.plan_hash for yes in incident.approvals):
        return ""
    return f"only {commands}, or one of those who said yes to the plan may take it back"


def next_to_undo(incident: Incident | None) -> Step | None:
    """The step that is to be taken back now; None when none is, or one is under way."""
    if incident is None or incident.plan is None or not incident.undo or incident.running():
        return None
    return next((step for step in incident.plan.steps if step.id == incident.undo[0]), None)


def failed(incident: Incident) -> Step | None:
    """The step that could not be taken back, or of which nobody knows, the last time that it was tried."""
    for step in undoable(incident):
        undo = incident.undos.get(step.id)
        if undo is not None and undo.status.asks:
            return step
    return None


def is_undone(incident: Incident) -> bool:
    """Whether something has been taken back, so that only another plan goes on from here."""
    return any(state.status is Status.UNDONE for state in incident.steps.values())


def is_back(incident: Incident) -> bool:
    """Whether all that was done behind the gate has been taken back, but for what only people can."""
    left = (step for step in undoable(incident) if step.phase is not Phase.PREPARE)
    return is_undone(incident) and not incident.undo and next(left, None) is None


def back_words(step: Step) -> str:
    """How the step is taken back, in words; that it changes nothing, where it does not."""
    if step.back is None:
        return "changes nothing that would have to be taken back"
    return f"by hand: {step.back.words}" if step.back.by_hand else step.back.words
