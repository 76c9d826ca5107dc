"""Names for incidents: short enough to be said on the phone."""

import hashlib

from console.core.clock import Stamp

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = 4


def incident_id(environment: str, number: int, at: Stamp) -> str:
    """`INC-7QK2`: four letters and digits that cannot be misheard, from what makes the incident unique."""
    return "INC-" + _letters(f"{environment}/{number}/{at.utc_us}")


def errand_id(environment: str, number: int, at: Stamp) -> str:
    """`RUN-3HXP`, for a verb that runs by itself."""
    return "RUN-" + _letters(f"{environment}/errand/{number}/{at.utc_us}")


def _letters(seed: str) -> str:
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_LETTERS])
