"""Who may open the gate, and what may go on without anybody: pure decisions over the folded state."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from console.core import glass
from console.core.clock import Stamp
from console.core.mitigating import MITIGATIONS
from console.core.plan import Phase, Plan, Predicate, Step
from console.core.prerequisites import Judged, judge, waived_slots
from console.core.redeploy import redeploying
from console.core.requests import Choice
from console.core.schema_verdict import closes
from console.core.seats import unfilled
from console.core.state import Approval, Evidence, Incident, Refusal, Status, StepState
from console.core.strategy import Environment
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


def gate(incident: Incident, now: Stamp, *, automatic: bool = False) -> Gate:
    """Judge the gate of the incident's plan: quorum on its hash, every predicate, every prerequisite.

    An automatic rollback needs the predicates alone: it is authorised beforehand, and what people do before
    the gate of a manual one is not asked. A no of somebody who was asked keeps it closed all the same.
    """
    plan = incident.plan
    if plan is None:
        return Gate(closed=("there is no plan yet",), approvers=())
    short = Counter(missing(incident, now))
    wanted = tuple(f"{count} {role} must say yes" for role, count in short.items())
    said_no = tuple(f"{no.person} said no: {no.because}" for no in refused(incident))
    closed = (
        *((why,) if (why := unfit(plan)) else ()),
        *_unready(incident, plan),
        *said_no,
        *_unproven(plan, incident, now),
        *(f"{step.title}: before the last yes, and looked at once more" for step in outrun(incident, now)),
        *(() if automatic else (*_open_prerequisites(incident, now), *wanted)),
    )
    return Gate(closed=closed, approvers=tuple(a.person for a in said_yes(incident, now)))


def refused(incident: Incident) -> tuple[Refusal, ...]:
    """Who said no to this very plan: one of them is enough."""
    return tuple(no for no in incident.refusals if no.plan_hash == incident.plan_hash)


def demanded(plan: Plan, incident: Incident) -> tuple[Predicate, ...]:
    """The predicates that the gate demands: all but those whose proof somebody waived."""
    waived = waived_slots(plan, incident)
    return tuple(predicate for predicate in plan.predicates if predicate.slot not in waived)


def unproven(plan: Plan, incident: Incident, now: Stamp) -> tuple[tuple[Predicate, str], ...]:
    """The predicates that are demanded and do not hold, each with why."""
    judged = ((p, _why_not(p, incident.evidence.get(p.slot), now)) for p in demanded(plan, incident))
    return tuple((predicate, why) for predicate, why in judged if why)


def prerequisites(incident: Incident, now: Stamp) -> tuple[Judged, ...]:
    """Every prerequisite of the plan, met or not; none without a plan."""
    plan = incident.plan
    if plan is None:
        return ()
    said = said_yes(incident, now)
    broken = {predicate.slot: why for predicate, why in unproven(plan, incident, now)}
    return tuple(judge(item, plan, incident, said, broken) for item in plan.prerequisites)


def by_hand(incident: Incident, now: Stamp) -> tuple[Judged, ...]:
    """The prerequisites that wait for somebody to tick them."""
    return tuple(one for one in prerequisites(incident, now) if not one.met and one.item.proof == "hand")


def opens_by(incident: Incident, now: Stamp, *, automatic: bool = False) -> tuple[str, ...]:
    """What the gate has seen when it opens, a line for each demand."""
    if incident.plan is None:
        return ()
    asked = () if automatic else prerequisites(incident, now)
    met = (f"{one.item.title}: {one.words}" for one in asked)
    return (*(predicate.words for predicate in demanded(incident.plan, incident)), *met)


def unfit(plan: Plan) -> str:
    """Why the gate stays closed whoever says yes: the target cannot work with today's schema; else empty."""
    return closes(plan.code.schema) if plan.code else ""


def _unready(incident: Incident, plan: Plan) -> tuple[str, ...]:
    steps = plan.of_phase(Phase.PREPARE)
    waiting = [step.id for step in steps if not incident.step(step.id).status.settled]
    return (f"prepare is not done: {', '.join(waiting)}",) if waiting else ()


def _unproven(plan: Plan, incident: Incident, now: Stamp) -> tuple[str, ...]:
    if not incident.settled(Phase.PREPARE):
        return ()
    return tuple(f"{predicate.words}: {why}" for predicate, why in unproven(plan, incident, now))


def _open_prerequisites(incident: Incident, now: Stamp) -> Iterator[str]:
    """Those that are open, but for what a predicate of the plan says already."""
    said = {predicate.slot for predicate in incident.plan.predicates} if incident.plan else set()
    for one in prerequisites(incident, now):
        by_predicates = bool(one.item.slots) and said.issuperset(one.item.slots)
        if not one.met and not by_predicates:
            yield f"{one.item.title}: {one.words}"


def _why_not(predicate: Predicate, evidence: Evidence | None, now: Stamp) -> str:
    if evidence is None:
        return "not proven yet"
    if not evidence.holds:
        return evidence.words
    if predicate.max_age_s is None:
        return ""
    since = now.seconds_since(evidence.at)
    if since < 0:  # only across a reboot: within one boot time does not run backwards
        return "proven at a time that has not come yet: the clock was moved"
    age = since + evidence.age_s
    if age > predicate.max_age_s:
        return f"{duration(age)} old, at most {duration(predicate.max_age_s)} wanted"
    return ""


def too_old(incident: Incident, now: Stamp, *, automatic: bool = False) -> tuple[Step, ...]:
    """Steps of *prepare* that are done again once everybody has said yes, if nothing else is in the way.

    Whoever waits at the gate need not do anything about them: they can be done again.
    """
    plan = incident.plan
    if plan is None or not incident.settled(Phase.PREPARE) or (missing(incident, now) and not automatic):
        return ()
    broken = [predicate for predicate, _ in unproven(plan, incident, now)]
    held = (incident.evidence.get(predicate.slot) for predicate in broken)
    if not all(evidence is not None and evidence.holds for evidence in held):
        return ()
    slots = {predicate.slot for predicate in broken}
    again = {step.id for step in outrun(incident, now)}
    return tuple(
        step
        for step in plan.of_phase(Phase.PREPARE)
        if step.id in again or (step.repeatable and slots & set(step.fills))
    )


def outrun(incident: Incident, now: Stamp) -> tuple[Step, ...]:
    """Steps whose look at the world is older than the last yes; none while anybody's yes is missing."""
    plan, yes = incident.plan, said_yes(incident, now)
    if plan is None or not yes or missing(incident, now):
        return ()
    done = {step.id: state.ended for step, state in _done(incident, plan) if step.again}
    return tuple(
        step
        for step in plan.of_phase(Phase.PREPARE)
        if (ended := done.get(step.id)) is not None and ended.seconds_since(yes[-1].at) < 0
    )


def _done(incident: Incident, plan: Plan) -> Iterator[tuple[Step, StepState]]:
    known = ((step, incident.step(step.id)) for step in plan.of_phase(Phase.PREPARE))
    return ((step, state) for step, state in known if state.status is Status.DONE)


def asked_for(plan: Plan) -> tuple[str, ...]:
    """The roles whose yes the gate needs: those of the matrix, then those of the prerequisites."""
    also = (role for item in plan.prerequisites if item.proof == "approval" for role in item.roles)
    needs = plan.needs if plan.glass is None else plan.glass.matrix
    return tuple(dict.fromkeys((*(need.role for need in needs), *also)))


def said_yes(incident: Incident, now: Stamp) -> tuple[Approval, ...]:
    """Whose yes to this very plan counts at `now`, in the order in which they said it.

    In the way that the plan asks for, not expired, and with a key that nobody before them has signed with.
    """
    keys: set[str] = set()
    counted: list[Approval] = []
    for yes in incident.approvals:
        if yes.plan_hash != incident.plan_hash or incident.plan is None or yes.proof != incident.plan.proof:
            continue
        if yes.signed is not None and (yes.signed.key in keys or expired(yes, now)):
            continue
        keys |= {yes.signed.key} if yes.signed else set()
        counted.append(yes)
    return tuple(counted)


def expired(yes: Approval, now: Stamp) -> bool:
    """Whether what was signed has run out, by the wall clock or, if that was moved, by time that went by."""
    if yes.signed is None:
        return False
    left_s = (yes.signed.expires - yes.at.utc_us) / 1e6
    return now.utc_us >= yes.signed.expires or not 0 <= now.seconds_since(yes.at) < left_s


def may_initiator(environment: Environment, plan: Plan | None) -> bool:
    """Whether the commander, and whoever asked for this plan, count among those who say yes to it."""
    rule = environment.authorisation.initiator_may_approve
    keeps_data = plan is None or (plan.data is None and plan.rows is None)
    return rule == "always" or (rule == "code only" and keeps_data)


def missing(incident: Incident, now: Stamp) -> tuple[str, ...]:
    """Roles that are short of people who said yes, each as often as one is missing.

    A person counts once, whatever roles they hold; they are counted where that leaves the fewest missing,
    and where it matters, for the role that the plan names first.
    """
    plan = incident.plan
    if plan is None:
        return ()
    roles = {approval.person: approval.roles for approval in said_yes(incident, now)}
    if plan.glass is not None:
        return glass.missing(plan.glass, roles)
    seats = [need.role for need in plan.needs for _ in range(need.count)]
    return unfilled(seats, roles)


def wanted(incident: Incident, now: Stamp) -> tuple[str, ...]:
    """The roles whose yes is still missing; where any of several would do, all of them."""
    short = missing(incident, now)
    plan = incident.plan
    if plan is not None and plan.glass is not None:
        return glass.wanted(plan.glass, short)
    return tuple(dict.fromkeys(short))


def to_review(incident: Incident, now: Stamp) -> tuple[str, ...]:
    """The seats of the matrix that nobody sat on who opened the gate by breaking the glass."""
    plan = incident.plan
    if plan is None or plan.glass is None:
        return ()
    roles = {approval.person: approval.roles for approval in said_yes(incident, now)}
    return unfilled([need.role for need in plan.glass.matrix for _ in range(need.count)], roles)


def unrecovered(incident: Incident) -> str:
    """Why nobody may call the incident recovered yet, in a few words; empty when they may.

    A step of *prove* can be skipped by name, but what it would have proven is then not proven.
    """
    if incident.plan is None or not incident.finished:
        return "the plan has not been carried out"
    if incident.plan.verb in MITIGATIONS:
        return "the plan that was carried out is a mitigation"
    slots = [slot for step in incident.plan.of_phase(Phase.PROVE) for slot in step.fills]
    lacking = [slot for slot in slots if not (known := incident.evidence.get(slot)) or not known.holds]
    return f"not proven: {', '.join(lacking)}" if lacking else ""


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
        return (*redeploying(incident, step), Choice.RETRY, Choice.SKIP, Choice.ABORT)
    if state.status is Status.UNKNOWN and state.finding is not None:
        return (Choice.CONTINUE, Choice.RETRY, Choice.SKIP, Choice.ABORT)
    return ()
