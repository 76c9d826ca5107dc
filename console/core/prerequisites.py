"""What must be so before a rollback: whether each item is met, by what, or what it waits for. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from console.core.plan import Plan, Prerequisite
from console.core.plan_words import way
from console.core.state import Approval, Incident


class Judged(Struct, frozen=True):
    """An item, and what is known of it."""

    item: Prerequisite
    met: bool
    words: str
    """What shows that it is met, or what it waits for."""
    waived: bool = False
    """Whether it is met only because somebody let it go, by name."""


def shown_by(item: Prerequisite) -> str:
    """What would show that it is met, and whether it may be let go."""
    words = {
        "evidence": "shown by evidence",
        "approval": f"by the yes of {' or '.join(item.roles)}",
        "plan": "shown by the plan",
        "hand": f"ticked by {' or '.join(item.roles) or 'hand'}",
    }[item.proof]
    return f"{words}; {' or '.join(item.waived_by)} may waive it" if item.waived_by else words


def waived_slots(plan: Plan, incident: Incident) -> frozenset[str]:
    """Slots of evidence that the gate does not demand any more, because somebody waived what they prove."""
    return frozenset(slot for item in plan.prerequisites if _may_count(item, incident) for slot in item.slots)


def _may_count(item: Prerequisite, incident: Incident) -> bool:
    """Whether it is waived, and this plan lets it be."""
    return item.id in incident.waived and bool(item.waived_by)


def judge(
    item: Prerequisite, plan: Plan, incident: Incident, said: Sequence[Approval], broken: Mapping[str, str]
) -> Judged:
    """Whether an item is met; `said`: whose yes counts, `broken`: why slots that do not hold do not."""
    if _may_count(item, incident):
        waiver = incident.waived[item.id]
        return Judged(item, met=True, words=f"waived by {waiver.by}: {waiver.reason}", waived=True)
    match item.proof:
        case "plan":
            return Judged(item, met=True, words=way(plan))
        case "approval":
            return _by_approval(item, said)
        case "evidence":
            return _by_evidence(item, incident, broken)
        case "hand":
            return _by_hand(item, incident)


def _by_approval(item: Prerequisite, said: Sequence[Approval]) -> Judged:
    who = next((yes.person for yes in said if set(item.roles) & set(yes.roles)), None)
    if who is None:
        return Judged(item, met=False, words=f"no {' or '.join(item.roles)} has said yes")
    return Judged(item, met=True, words=f"{who} said yes")


def _by_evidence(item: Prerequisite, incident: Incident, broken: Mapping[str, str]) -> Judged:
    if not item.slots:
        return Judged(item, met=False, words="no step of this plan proves it")
    for slot in item.slots:
        evidence = incident.evidence.get(slot)
        if slot in broken or evidence is None or not evidence.holds:
            return Judged(item, met=False, words=broken.get(slot, "not proven yet"))
    return Judged(item, met=True, words="; ".join(incident.evidence[slot].words for slot in item.slots))


def _by_hand(item: Prerequisite, incident: Incident) -> Judged:
    tick = incident.items.get(item.id)
    if tick is None:
        who = f" by {' or '.join(item.roles)}" if item.roles else ""
        return Judged(item, met=False, words=f"not ticked yet{who}")
    return Judged(item, met=True, words=f"{tick.by}: {tick.note}")
