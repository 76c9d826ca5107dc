"""NEXT while steps wait for their keys, while they are taken back, and when they have been. Pure."""

from console.core import undoing
from console.core.clock import Stamp
from console.core.format import left
from console.core.next_line import NextStep
from console.core.pacing import waiting
from console.core.plan import Phase, Step
from console.core.policy import gate, prerequisites, refused, too_old
from console.core.protocols import Snapshot
from console.core.standing import remaining, spent
from console.core.state import Incident, Status
from console.core.strategy import Environment
from console.core.whereabouts import whereabouts
from console.core.words import duration

_ROOM = 90
"""Characters of a step's words that leave room for the rest of the line, on a terminal of 80."""


def key_step(snapshot: Snapshot, incident: Incident, environment: Environment) -> NextStep | None:
    """The step that waits for its key alone; None where none does, or something else is waited for first."""
    ready = waiting(incident, environment.pace)
    if not ready or incident.running():
        return None
    step = ready[0]
    if incident.gate_opened is None and step.phase is Phase.SWITCH:
        again = _looked_at_again(incident, snapshot.at)
        if not again and not gate(incident, snapshot.at).may_open:
            return None
        first = f"; before that {again[0].title} is done once more" if again else ""
        return NextStep(f"open the gate with {step.title}: {_does(step)}{first}", "run")
    return NextStep(f"run {step.title}: {_does(step)}", "run")


def _looked_at_again(incident: Incident, now: Stamp) -> tuple[Step, ...]:
    """What the key sets going before the gate opens, where nothing but its age keeps the gate closed."""
    if refused(incident) or not all(one.met for one in prerequisites(incident, now)):
        return ()
    return too_old(incident, now)


def _does(step: Step) -> str:
    """What the step does, as far as there is room for it; the plan has all of it."""
    words = step.words or step.title
    return words if len(words) <= _ROOM else f"{words[:_ROOM].rsplit(' ', 1)[0]} ... (v shows all)"


def undo_step(snapshot: Snapshot, incident: Incident, environment: Environment) -> NextStep | None:
    """What is being taken back, could not be, or has been; None where nothing was to be."""
    if incident.undo:
        return _under_way(snapshot, incident)
    left_over = undoing.failed(incident)
    if left_over is None and not undoing.is_undone(incident):
        return None
    if running := incident.running():
        return NextStep(f"wait: taking back {running[0].title} ends first", None)
    found = whereabouts(snapshot, environment)
    now = f". {found.sentence}" if found else ""
    if left_over is not None:
        return NextStep(f"{_not_taken_back(incident, left_over)}{now}", "undo")
    hand = "; ".join(f"{step.title}, {undoing.back_words(step)}" for step in undoing.by_hand(incident))
    done = "all is taken back" if undoing.is_back(incident) else "taken back in part, u goes on"
    also = f"; left to do {hand}" if hand else ""
    return NextStep(f"plan anew: {done}{also}{now}", "target")


def _under_way(snapshot: Snapshot, incident: Incident) -> NextStep:
    more = len(incident.undo) - 1
    after = f"; then {more} more" if more > 0 else ""
    running = incident.running()
    if not running:
        return NextStep(f"wait: the engine takes up what is to be taken back{after}", None)
    step = running[0]
    expected = remaining(snapshot, incident, step)
    far = f"{left(expected)} left" if expected > 0 else duration(spent(snapshot, incident, step))
    return NextStep(f"wait: taking back {step.title}, {far}{after}", None)


def _not_taken_back(incident: Incident, step: Step) -> str:
    undo = incident.undos[step.id]
    if undo.status is Status.UNKNOWN:
        return f"take back again: of {step.title} nobody knows how far that came, u looks first"
    return f"take back again: {step.title} was not taken back, {undo.words}"
