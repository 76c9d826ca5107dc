"""What the NEXT line holds."""

from msgspec import Struct


class NextStep(Struct, frozen=True):
    """What to do next."""

    sentence: str
    command: str | None
    """Id of the command that does it; None when there is nothing to press but to wait."""
