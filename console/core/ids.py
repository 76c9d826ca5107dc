"""Names for incidents: short enough to be said on the phone."""

import hashlib

from console.core.clock import Stamp

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = 4


def incident_id(environment: str, number: int, at: Stamp) -> str:
    """`INC-7QK2`: four letters and digits that cannot be misheard, from what makes the incident unique."""
    seed = hashlib.sha256(f"{environment}/{number}/{at.utc_us}".encode()).digest()
    return "INC-" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in seed[:_LETTERS])
