"""What each kind of request leads to, or why it is refused; a module for each part of an incident."""

from console.engine.grants import (
    asking,
    automatic,
    gate,
    incident,
    mitigating,
    planning,
    review,
    run,
    staff,
    standing,
    undo,
)
from console.engine.grants.case import Case, RefusedError, grant

__all__ = [
    "Case",
    "RefusedError",
    "asking",
    "automatic",
    "gate",
    "grant",
    "incident",
    "mitigating",
    "planning",
    "review",
    "run",
    "staff",
    "standing",
    "undo",
]
