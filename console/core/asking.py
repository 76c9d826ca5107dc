"""Asking for a signature: the statement about a plan, and whether one that comes back is still about it.

Both sides make it from the journal alone, so that a text which somebody changed on the way is no other plan:
it is no plan at all.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from console.core.clock import Stamp
from console.core.format import plain
from console.core.plan import Phase, Plan
from console.core.plan_words import code_words, data_words, glass_words
from console.core.policy import said_yes
from console.core.protocols import Head
from console.core.single_rows import signed
from console.core.state import Incident
from console.core.statement import Decision, Statement, out_of_time

LONGEST_S = 1800.0
"""A signature counts for half an hour at most (STRATEGY 3)."""


def asked(
    incident: Incident,
    plan: Plan,
    person: str,
    roles: Sequence[str],
    *,
    head: Head,
    now: Stamp,
    within_s: float,
) -> Statement:
    """What that person is asked to sign now; `within_s` is the environment's limit, 0 where it has none."""
    issued = now.utc_us // 1_000_000 * 1_000_000
    return Statement(
        environment=plan.environment,
        incident=incident.id,
        decision="yes",
        because="",
        person=person,
        roles=", ".join(roles),
        plan=incident.plan_hash or "",
        does=tuple(map(plain, (*_does(plan), *signed(incident), *_without(incident)))),
        before=", ".join(yes.person for yes in said_yes(incident, now)),
        journal=f"{head.seq} {head.hash.hex()}",
        roster=incident.roster,
        issued=issued,
        expires=issued + round(1e6 * (min(within_s, LONGEST_S) or LONGEST_S)),
    )


def refusing(statement: Statement, because: str) -> Statement:
    """The same plan, and no: with the reason, on one line."""
    decision: Decision = "no"
    return replace(statement, decision=decision, because=plain(because))


def unlike(
    statement: Statement, incident: Incident, roles: Sequence[str], now: Stamp, within_s: float
) -> str:
    """Why a statement is not one about the incident's plan of now; empty when it is.

    What it says of the journal and of those before is compared with nothing here: see `journal_of`.
    """
    plan = incident.plan
    if plan is None:
        return "there is no plan to say yes or no to"
    wanted = asked(
        incident, plan, statement.person, roles, head=Head(0, bytes(32)), now=now, within_s=within_s
    )
    for name, why in (
        ("environment", "it is about another environment"),
        ("incident", "it is about another incident"),
        ("plan", "the plan has changed since it was signed: ask again"),
        ("roster", "it was signed under another roster"),
        ("roles", "the roles are not those of the roster"),
        ("does", "its words are not those of the plan"),
    ):
        if (said := getattr(statement, name)) != (expected := getattr(wanted, name)):
            return f"{why} (it says {_short(said)}, and it is {_short(expected)})"
    longest_s = min(within_s, LONGEST_S) or LONGEST_S
    return out_of_time(statement.issued, statement.expires, now.utc_us, longest_s)


def journal_of(statement: Statement) -> Head:
    """The event of the journal that it was made at; ValueError when it names none."""
    seq, _, digest = statement.journal.partition(" ")
    head = Head(int(seq), bytes.fromhex(digest))
    if not 1 <= head.seq < 2**63 or len(head.hash) != 32:
        raise ValueError(f"{statement.journal!r} is no event of a journal")
    return head


def _does(plan: Plan) -> tuple[str, ...]:
    """The plan in a few lines."""
    switch = [step.title for step in plan.of_phase(Phase.SWITCH)]
    return (
        code_words(plan.code),
        f"data {data_words(plan)}",
        *((f"also {plan.verb}",) if plan.verb else ()),
        *((glass_words(plan.glass),) if plan.glass else ()),
        f"switches by: {', then '.join(switch)}",
    )


def _without(incident: Incident) -> tuple[str, ...]:
    """What the gate does not ask for any more: whoever says yes says it to that too."""
    return tuple(
        f"without {item}, waived by {waiver.by}: {waiver.reason}" for item, waiver in incident.waived.items()
    )


def _short(said: object) -> str:
    """Enough of a value to tell it from another."""
    text = (
        said if isinstance(said, str) else "; ".join(map(str, said)) if isinstance(said, tuple) else str(said)
    )
    return text if len(text) <= 80 else f"{text[:12]}..."
