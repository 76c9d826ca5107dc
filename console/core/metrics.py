"""What a metric can be: readings, rungs of the ladder, and what the engine keeps of each tick."""

from enum import StrEnum

from msgspec import Struct

from console.core.clock import Stamp


class Rung(StrEnum):
    """Where a metric stands on the ladder (STRATEGY 1), or why that cannot be said."""

    RECOVERED = "recovered"
    OK = "ok"
    WARN = "warn"
    MANDATORY = "mandatory"
    AUTOMATIC = "automatic"
    STALE = "stale"
    NO_SOURCE = "no source"
    WAITING = "waiting"
    """Measured, but with fewer samples than the rule asks for, or not for long enough yet."""

    @property
    def says_roll_back(self) -> bool:
        """Whether this rung demands a rollback."""
        return self in (Rung.MANDATORY, Rung.AUTOMATIC)

    @property
    def is_trouble(self) -> bool:
        """Whether somebody should look."""
        return self is Rung.WARN or self.says_roll_back

    def is_worse_than(self, other: "Rung") -> bool:
        """Whether it stands higher on the ladder; what was not measured is compared as if it were ok."""
        return _height(self) > _height(other)


def _height(rung: Rung) -> int:
    return LADDER.index(rung) if rung in LADDER else LADDER.index(Rung.OK)


LADDER = (Rung.RECOVERED, Rung.OK, Rung.WARN, Rung.MANDATORY, Rung.AUTOMATIC)
URGENCY = (
    Rung.AUTOMATIC,
    Rung.MANDATORY,
    Rung.WARN,
    Rung.STALE,
    Rung.WAITING,
    Rung.OK,
    Rung.RECOVERED,
    Rung.NO_SOURCE,
)
"""What somebody should look at first; what nobody knows comes before what is well."""
UNMEASURED = (Rung.STALE, Rung.NO_SOURCE)
"""Rungs of what nobody measures now: a value beside them is one of the past."""


class Reading(Struct, frozen=True, array_like=True):
    """One metric at one tick."""

    metric: str
    value: float | None
    """In the metric's own unit; None when nothing could be measured."""
    count: int | None
    """How many requests, tries or probes the value rests on, where that means something."""
    measured: Stamp | None
    """When the value was taken at its source; None when never."""
    rung: Rung
    failed: int = 0
    """Failures counted by this metric since the engine started, for those that count failures."""
    arms: Rung | None = None
    """The rung above, whose `for` window is under way."""
    arms_in_s: float | None = None
    """Seconds until that rung holds if nothing changes."""


class Row(Struct, frozen=True, array_like=True):
    """All readings of one tick: what a console draws and the report keeps."""

    at: Stamp
    readings: tuple[Reading, ...]

    def reading(self, metric: str) -> Reading | None:
        """That metric's reading, if the tick has one."""
        return next((reading for reading in self.readings if reading.metric == metric), None)

    def by_metric(self) -> dict[str, Reading]:
        """All readings, each by its metric's name: for whoever wants more than one."""
        return {reading.metric: reading for reading in self.readings}
