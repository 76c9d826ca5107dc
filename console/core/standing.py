"""Where a rollback stands: what is left, whose yes is missing, since when the service is well. Pure."""

from collections import Counter

from msgspec import Struct

from console.core.clock import Stamp
from console.core.format import count
from console.core.plan import Phase, Plan, Step
from console.core.policy import by_hand, choices, missing
from console.core.protocols import Snapshot
from console.core.redeploy import behind
from console.core.requests import Choice
from console.core.state import Incident, Status, StepState
from console.core.strategy import Environment


def spent(snapshot: Snapshot, incident: Incident, step: Step) -> float:
    """Seconds since the step began, or since it is taken back; 0 when it has not."""
    began = _present(incident, step).began
    return snapshot.at.seconds_since(began) if began else 0.0


def _present(incident: Incident, step: Step) -> StepState:
    """The state of the step, or of taking it back while that goes on."""
    undo = incident.undos.get(step.id)
    return undo if undo is not None and undo.status is Status.RUNNING else incident.step(step.id)


def remaining(snapshot: Snapshot, incident: Incident, step: Step) -> float:
    """Seconds that a step is expected to need yet; 0 when it is settled, or over its time."""
    status = _present(incident, step).status
    if status.settled or status is Status.UNDONE:
        return 0.0
    if status is not Status.RUNNING:
        return step.expected_s
    so_far = spent(snapshot, incident, step)
    progress = snapshot.live.steps.get(step.id) if snapshot.live else None
    if progress and progress.total and progress.done:
        return max(0.0, so_far * (progress.total - progress.done) / progress.done)
    return max(0.0, step.expected_s - so_far)


def to_healthy(snapshot: Snapshot, incident: Incident, plan: Plan) -> float:
    """Seconds expected from the gate (or, once it is open, from now) until health is proven."""
    steps = (*plan.of_phase(Phase.SWITCH), *plan.of_phase(Phase.PROVE))
    return sum(remaining(snapshot, incident, step) for step in steps)


class Health(Struct, frozen=True):
    """Health, as it was proven."""

    since: Stamp
    """The first of the good answers."""
    release: str
    """What the service answered that it runs."""


def health(incident: Incident) -> Health | None:
    """How the service's health was proven; None before it is."""
    for step in incident.plan.of_phase(Phase.PROVE) if incident.plan else ():
        state = incident.step(step.id)
        if state.status is Status.DONE and state.ended and "first_good_utc_us" in state.facts:
            first, boot = state.facts["first_good_utc_us"], state.facts["first_good_boot_us"]
            since = Stamp(int(first), state.ended.boot_id, int(boot))
            return Health(since, state.facts.get("version", ""))
    return None


def healthy_at(incident: Incident) -> Stamp | None:
    """When the service gave the first of the good answers that proved it; None before it is proven."""
    proven = health(incident)
    return proven.since if proven else None


def must_say_yes(incident: Incident, now: Stamp) -> str:
    """Whose yes the gate waits for, `1 engineer must say yes`; empty when nobody's."""
    short = Counter(missing(incident, now))
    return f"{', '.join(f'{count} {role}' for role, count in short.items())} must say yes" if short else ""


def gate_waits_for(incident: Incident, now: Stamp) -> str:
    """What people have yet to do before the gate opens, in few words; empty when nothing."""
    undone = by_hand(incident, now)
    ticks = f"{count(len(undone), 'item')} to tick (t)" if undone else ""
    return "; ".join(filter(None, (must_say_yes(incident, now), ticks)))


def open_items(incident: Incident, environment: Environment) -> list[str]:
    """Titles of the checklist's items that nobody has ticked."""
    return [item.title for item in environment.checklist if item.id not in incident.items]


DATA_TRIGGERS = ("database_corrupt", "data_lost_or_inconsistent", "transaction_state_corrupt")
"""The declared triggers that say that the data itself is what is broken."""


def distrusted(incident: Incident, environment: Environment) -> str:
    """What was declared of data that the plan keeps, `database corrupt`; empty when nothing was."""
    plan = incident.plan
    if plan is not None and (plan.data is not None or plan.rows is not None):
        return ""
    said = next((name for name in DATA_TRIGGERS if name in incident.triggers), None)
    known = environment.triggers.get(said) if said else None
    return known.title if known else ""


PLAN_AGAIN = "plan again"
"""What a step's reason says when its plan cannot work any more, so that to retry it would be no use."""


def says_plan_again(state: StepState) -> bool:
    """Whether the step failed because the plan does not fit the world any more."""
    return state.status is Status.FAILED and PLAN_AGAIN in state.words


_CONSEQUENCE = {
    Choice.REDEPLOY: "deploy the same release again, on every instance, and then prove it",
    Choice.CONTINUE: "count it as done: the engine verifies that first",
    Choice.SKIP: "go on without it: what it proves stays unproven; say why",
    Choice.ABORT: "stop here: nothing runs until somebody goes on or plans anew",
}


def advised(incident: Incident, step: Step) -> tuple[tuple[Choice, str], ...]:
    """What may be decided about a step, each with its consequence; the first is the one to take unseen."""
    allowed = choices(incident, step.id)
    first = Choice.REDEPLOY if behind(incident, step.id) else _first_choice(step, incident.step(step.id))
    again = "harmless, it is made to be repeated" if step.repeatable else "its effect may happen twice"
    if says_plan_again(incident.step(step.id)):
        again = "no use, the plan does not fit any more"
    words = {**_CONSEQUENCE, Choice.RETRY: f"do it again: {again}"}
    ordered = sorted(allowed, key=lambda choice: choice is not first)
    return tuple((choice, words[choice]) for choice in ordered)


def _first_choice(step: Step, state: StepState) -> Choice:
    if says_plan_again(state):
        return Choice.ABORT
    if state.status is Status.FAILED or state.finding == "not done":
        return Choice.RETRY
    if state.finding == "done":
        return Choice.CONTINUE
    return Choice.RETRY if step.repeatable else Choice.ABORT
