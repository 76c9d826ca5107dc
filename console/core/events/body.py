"""What every kind of event has in common."""

from typing import ClassVar

from msgspec import Struct


class Body(Struct, frozen=True):
    """The part of an event that differs from kind to kind."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    critical: ClassVar[bool] = True
    """Whether a program that does not know this kind must stop writing (DESIGN 2)."""
