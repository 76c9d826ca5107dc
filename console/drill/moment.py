"""The time of this machine, for the one process that has to ask for it."""

import time
from functools import cache
from pathlib import Path

from console.targets.keeper import Moment


def now() -> Moment:
    """This moment, by both clocks."""
    return Moment(
        utc_us=time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000,
        boot_id=_boot_id(),
        boot_us=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000,
    )


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
