"""The system's own time, for core.clock.Clock."""

import asyncio
import time
from pathlib import Path

from console.core.clock import Stamp

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """CLOCK_REALTIME for people, CLOCK_BOOTTIME for durations, which also counts while the machine sleeps."""

    def __init__(self) -> None:
        self._boot_id = BOOT_ID.read_text().strip()

    def now(self) -> Stamp:
        """The present moment."""
        utc_us = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000
        boot_us = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        return Stamp(utc_us, self._boot_id, boot_us)

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        await asyncio.sleep(seconds)
