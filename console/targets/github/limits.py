"""How long something may take: whatever tells how many seconds are left, and a box of our own."""

from typing import Protocol

from console.core.clock import Clock


class Limit(Protocol):
    """Tells how long there is yet; the report of a step is one."""

    @property
    def left_s(self) -> float:
        """Seconds that are left; 0 when there are none."""
        ...


class Box:
    """So many seconds from now on."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since = clock.now()

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._seconds - self._clock.now().seconds_since(self._since))


class Reserving:
    """Another limit, less what is needed after it to say where things stand."""

    def __init__(self, limit: Limit, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds

    @property
    def left_s(self) -> float:
        """Seconds that are left before the reserve."""
        return max(0.0, self._limit.left_s - self._seconds)
