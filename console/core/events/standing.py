"""Standing authorisations: what was signed beforehand for automatic rollback, and what ends it."""

from typing import Literal

from console.core.events.body import Body


class StandingSigned(Body, frozen=True):
    """Somebody signed a standing authorisation; the engine has verified it when this is committed."""

    kind = "standing.signed"
    id: str
    """The first 12 hex digits of the SHA-256 of its text."""
    person: str
    roles: tuple[str, ...]
    key: str
    """Fingerprint of the key."""
    text: str
    """The same for everybody who signs it (see core.standing_authorisation)."""
    signature: str


class StandingRevoked(Body, frozen=True):
    """Somebody took it back: it never counts again."""

    kind = "standing.revoked"
    id: str
    reason: str


class StandingEnded(Body, frozen=True):
    """It does not count any more, though nobody took it back."""

    kind = "standing.ended"
    id: str
    why: Literal["expired", "disarmed"]
    """Disarmed: the strategy or the roster is not the one it was signed for, or a signature does not hold."""
    reason: str


KINDS: tuple[type[Body], ...] = (
    StandingSigned,
    StandingRevoked,
    StandingEnded,
)
