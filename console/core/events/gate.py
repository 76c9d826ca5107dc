"""The gate: who said what, what was let go, and when it opened."""

from typing import Literal

from console.core.events.body import Body


class GateClaimed(Body, frozen=True):
    """Somebody said yes to a plan by typing the environment's name."""

    kind = "gate.claimed"
    plan_hash: str
    roles: tuple[str, ...]


class GateSigned(Body, frozen=True):
    """Somebody signed a yes or a no to a plan; the engine has verified it when this is committed."""

    kind = "gate.signed"
    plan_hash: str
    person: str
    """Whose signature it is, whoever handed it in."""
    roles: tuple[str, ...]
    key: str
    """Fingerprint of the key."""
    because: str
    """Why not; empty with a yes."""
    expires: int
    """UTC microseconds."""
    text: str
    signature: str


class GateWithdrawn(Body, frozen=True):
    """A yes does not count any more: its signer took it back, or it does not hold when looked at again."""

    kind = "gate.withdrawn"
    person: str
    reason: str


class ItemWaived(Body, frozen=True):
    """A prerequisite of the plan was let go, by name; whoever said yes before it has to say it again."""

    kind = "item.waived"
    item: str
    plan_hash: str
    reason: str


class GateOpened(Body, frozen=True):
    """Quorum and predicates held; committed together with the first intent of the switch."""

    kind = "gate.opened"
    plan_hash: str
    approvers: tuple[str, ...]
    predicates: tuple[str, ...]
    reviews: tuple[str, ...] = ()
    """Seats of the matrix that were empty, because the glass was broken: they review it."""
    review_by: int = 0
    """Until when, UTC microseconds; 0 where there is nothing to review."""
    automatic: bool = False
    """Whether it opened with nobody's yes, by an automatic rollback."""
    standing: str = ""
    """Id of the standing authorisation by which it did; empty where it needs none."""


class GateClosed(Body, frozen=True):
    """An engine takes over, and the gate that the journal calls open was not opened by those who must."""

    kind = "gate.closed"
    reason: str


class GateAsked(Body, frozen=True):
    """Somebody is asked for their yes, or told that it is waited for: GatePaged tells what came of it."""

    kind = "gate.asked"
    plan_hash: str
    person: str
    roles: tuple[str, ...]
    """What they are asked as: roles that are still missing, or their level of the escalation path."""
    why: Literal["role", "again", "deputy", "escalation", "by hand"]


class GatePaged(Body, frozen=True):
    """How the page of somebody who was asked ended."""

    kind = "gate.paged"
    critical = False
    person: str
    delivered: bool
    words: str
    """What the paging command said, or why it could not be run."""


class GateSeen(Body, frozen=True):
    """Whoever says so (a claim) has looked at what they are asked to sign."""

    kind = "gate.seen"
    critical = False
    plan_hash: str


class GateEscalated(Body, frozen=True):
    """The time to say yes is over, and roles are still missing: the next level of the path is told."""

    kind = "gate.escalated"
    plan_hash: str
    level: int
    """From 1."""
    role: str
    people: tuple[str, ...]
    """Who holds that role today; empty: nobody does, and the next level follows."""
    missing: tuple[str, ...]


KINDS: tuple[type[Body], ...] = (
    GateClaimed,
    GateSigned,
    GateWithdrawn,
    ItemWaived,
    GateOpened,
    GateClosed,
    GateAsked,
    GatePaged,
    GateSeen,
    GateEscalated,
)
