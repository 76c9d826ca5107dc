"""What those who were not asked say afterwards of a gate that was opened by breaking the glass."""

from console.core.events.body import Body
from console.core.state import Verdict


class ReviewSigned(Body, frozen=True):
    """Somebody signed what they think of it; the engine has verified it when this is committed."""

    kind = "review.signed"
    incident: str
    person: str
    roles: tuple[str, ...]
    verdict: Verdict
    remark: str
    key: str
    """Fingerprint of the key."""
    text: str
    signature: str


class ReviewOverdue(Body, frozen=True):
    """The time to review is over, and some have not done so."""

    kind = "review.overdue"
    incident: str
    missing: tuple[str, ...]


KINDS: tuple[type[Body], ...] = (
    ReviewSigned,
    ReviewOverdue,
)
