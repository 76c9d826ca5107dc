"""The loss receipt as a console knows it: the numbers that its step leaves among its facts. Pure."""

import msgspec
from msgspec import Struct

from console.core.format import count
from console.core.loss import Ceiling
from console.core.plan import Step
from console.core.state import Incident

JUDGES = ("loss-receipt", "judge-loss", "final-receipt")
"""The actions that compare, in the order in which a plan does."""
HELD_TO_CEILING = (*JUDGES, "swap-database")
"""The actions that fail when more would go than was signed."""
_TABLE = "table:"


class Told(Struct, frozen=True):
    """What a step told of the rows that go (see core.loss for the whole)."""

    step: Step
    gone: int
    """Rows that are there now, and would not be."""
    back: int
    """Rows that were deleted since, and would come back."""
    reverted: int
    """Rows that were changed since, and would be as they were."""
    chain_ids: int
    """Transactions on the chain among them."""
    tables: tuple[tuple[str, str], ...]
    """Each table with what becomes of its rows, in words."""
    path: str
    """Folder of the rows as files that can be loaded again; empty where there is none."""

    @property
    def rows(self) -> str:
        """`40 rows gone, 3 go back to what they were, 1 comes back`."""
        parts = [f"{count(self.gone, 'row') if self.gone else 'no row'} gone"]
        if self.reverted:
            parts.append(f"{self.reverted} {_verb('go', self.reverted)} back to what they were")
        if self.back:
            parts.append(f"{self.back} {_verb('come', self.back)} back")
        return ", ".join(parts)

    @property
    def chain(self) -> str:
        """What is said of the chain; empty when no row that goes is of a transaction there."""
        if not self.chain_ids:
            return ""
        return f"{count(self.chain_ids, 'transaction')} on the chain among them: no restore takes those back"


def _verb(word: str, number: int) -> str:
    """`go`, `goes`; `come`, `comes`."""
    if number != 1:
        return word
    return f"{word}es" if word.endswith("o") else f"{word}s"


class _Facts(Struct, frozen=True):
    """The numbers by their names."""

    rows_gone: int
    rows_back: int = 0
    go_back: int = 0
    chain_ids: int = 0
    path: str = ""


def told(incident: Incident) -> Told | None:
    """What the last comparison of the incident's plan found; None before there is one."""
    steps = incident.plan.steps if incident.plan else ()
    compared = sorted((step for step in steps if step.action in JUDGES), key=lambda s: JUDGES.index(s.action))
    read = (_read(step, incident.step(step.id).facts) for step in compared)
    return next((found for found in reversed(tuple(read)) if found), None)


def _read(step: Step, facts: dict[str, str]) -> Told | None:
    try:
        numbers = msgspec.convert(facts, _Facts, strict=False)
    except msgspec.ValidationError:  # the step has not compared; what it says stands in the runbook
        return None
    return Told(
        step=step,
        gone=numbers.rows_gone,
        back=numbers.rows_back,
        reverted=numbers.go_back,
        chain_ids=numbers.chain_ids,
        tables=tuple((key.removeprefix(_TABLE), facts[key]) for key in facts if key.startswith(_TABLE)),
        path=numbers.path,
    )


def beyond(incident: Incident, found: Told) -> str:
    """Why more would go than the plan's ceiling allows; empty when it does not.

    What the step filled its slot with counts: it has judged table by table.
    """
    judged = (incident.evidence.get(slot) for slot in found.step.fills)
    against = next((each.words for each in judged if each and not each.holds), "")
    data = incident.plan.data if incident.plan else None
    in_short = Ceiling(data.loss_at_most).beyond({"": found.gone}) if data else ""
    return in_short or against
