"""Time as the domain sees it: stamps that measure durations across a moved wall clock."""

from typing import Protocol

from msgspec import Struct


class Stamp(Struct, frozen=True, array_like=True):
    """One moment, as the engine's machine saw it.

    `utc_us` is CLOCK_REALTIME and `boot_us` CLOCK_BOOTTIME, both in microseconds;
    `boot_id` names the boot that `boot_us` counts from.
    """

    utc_us: int
    boot_id: str
    boot_us: int

    def seconds_since(self, earlier: "Stamp") -> float:
        """Seconds from `earlier` to here; the wall clock counts only across a reboot."""
        if self.boot_id == earlier.boot_id:
            return (self.boot_us - earlier.boot_us) / 1e6
        return (self.utc_us - earlier.utc_us) / 1e6

    def before(self, seconds: float) -> "Stamp":
        """The moment so many seconds earlier, by both clocks."""
        microseconds = round(seconds * 1e6)
        return Stamp(self.utc_us - microseconds, self.boot_id, self.boot_us - microseconds)

    def on_wall(self, utc_us: int) -> "Stamp":
        """The moment that the wall clock shows as `utc_us` (UTC microseconds), if it runs as it does here."""
        return Stamp(utc_us, self.boot_id, self.boot_us - (self.utc_us - utc_us))


class Clock(Protocol):
    """Where the time comes from; the system's own, or one that a test moves."""

    def now(self) -> Stamp:
        """The present moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of this clock's time."""
        ...
