"""Who may open the gate, and what may go on without anybody: pure decisions over the folded state."""

from typing import Literal

from msgspec import Struct

from console.core.clock import Stamp
from console.core.plan import Phase, Plan, Predicate
from console.core.requests import Choice
from console.core.state import Approval, Evidence, Incident, Status
from console.core.words import duration


class Gate(Struct, frozen=True):
    """Whether the gate may open, and everything that is still in the way."""

    closed: tuple[str, ...]
    """Reasons, in the order in which somebody can do something about them; empty when it may open."""
    approvers: tuple[str, ...]

    @property
    def may_open(self) -> bool:
        """Whether nothing is in the way."""
        return not self.closed


def gate(incident: Incident, now: Stamp) -> Gate:
    """Judge the gate of the incident's plan: quorum on its hash, and every predicate."""
    plan = incident.plan
    if plan is None:
        return Gate(closed=("there is no plan yet",), approvers=())
    valid = tuple(
        a for a in incident.approvals if a.plan_hash == incident.plan_hash and a.proof == plan.proof
    )
    closed = (*_unready(incident), *_unproven(plan, incident, now), *_missing(plan, valid))
    return Gate(closed=closed, approvers=tuple(a.person for a in valid))


def unproven(plan: Plan, incident: Incident, now: Stamp) -> tuple[tuple[Predicate, str], ...]:
    """The predicates that do not hold, each with why."""
    judged = ((p, _why_not(p, incident.evidence.get(p.slot), now)) for p in plan.predicates)
    return tuple((predicate, why) for predicate, why in judged if why)


def _unready(incident: Incident) -> tuple[str, ...]:
    if incident.settled(Phase.PREPARE):
        return ()
    assert incident.plan is not None  # noqa: S101 - gate() has looked
    steps = incident.plan.of_phase(Phase.PREPARE)
    waiting = [step.id for step in steps if not incident.step(step.id).status.settled]
    return (f"prepare is not done: {', '.join(waiting)}",)


def _unproven(plan: Plan, incident: Incident, now: Stamp) -> tuple[str, ...]:
    if not incident.settled(Phase.PREPARE):
        return ()
    return tuple(f"{predicate.words}: {why}" for predicate, why in unproven(plan, incident, now))


def _why_not(predicate: Predicate, evidence: Evidence | None, now: Stamp) -> str:
    if evidence is None:
        return "not proven yet"
    if not evidence.holds:
        return evidence.words
    age = now.seconds_since(evidence.at)
    if predicate.max_age_s is not None and age > predicate.max_age_s:
        return f"proven {duration(age)} ago, at most {duration(predicate.max_age_s)} wanted"
    return ""


def _missing(plan: Plan, valid: tuple[Approval, ...]) -> tuple[str, ...]:
    """Roles that are short of people; a person counts once, for the first role that needs them."""
    missing, used = [], set[str]()
    for need in plan.needs:
        able = [a.person for a in valid if need.role in a.roles and a.person not in used][: need.count]
        used.update(able)
        if len(able) < need.count:
            missing.append(f"{need.count - len(able)} {need.role} must say yes")
    return tuple(missing)


def unattended(
    finding: Literal["done", "not done", "cannot tell"], *, repeatable: bool, attempt: int
) -> Choice | None:
    """What may be decided about an unknown step with nobody there (DESIGN 3); None: a person is needed.

    The probe says done: go on. It says not done and the step is declared repeatable: once more, once.
    """
    if finding == "done":
        return Choice.CONTINUE
    if finding == "not done" and repeatable and attempt < 2:
        return Choice.RETRY
    return None


def choices(incident: Incident, step: str) -> tuple[Choice, ...]:
    """What a person may decide about a step now; empty when there is nothing to decide."""
    state = incident.step(step)
    if state.status is Status.FAILED:
        return (Choice.RETRY, Choice.SKIP, Choice.ABORT)
    if state.status is Status.UNKNOWN and state.finding is not None:
        return (Choice.CONTINUE, Choice.RETRY, Choice.SKIP, Choice.ABORT)
    return ()
