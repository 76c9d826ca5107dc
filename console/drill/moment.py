"""This machine's time, in the form in which the keeper writes it down."""

from functools import cache

from console.store.clock import SystemClock
from console.targets.keeper import Moment


def now() -> Moment:
    """This moment, by both clocks."""
    stamp = _clock().now()
    return Moment(utc_us=stamp.utc_us, boot_id=stamp.boot_id, boot_us=stamp.boot_us)


_clock = cache(SystemClock)
