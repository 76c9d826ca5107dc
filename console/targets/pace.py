"""A rate that is kept on average: so many bytes a second since it began, and no more."""

import asyncio
import time


class Pace:
    """What has been taken, against what may have been taken by now."""

    def __init__(self, rate: int | None) -> None:
        """`rate` in bytes a second; None: as fast as it goes."""
        self._rate = rate
        self._began = time.monotonic()
        self._taken = 0

    @property
    def ahead_s(self) -> float:
        """How many seconds to wait until the rate is kept; 0 where it is."""
        if self._rate is None:
            return 0.0
        return max(0.0, self._taken / self._rate - (time.monotonic() - self._began))

    def took(self, count: int) -> None:
        """So many bytes more were taken."""
        self._taken += count

    async def take(self, count: int) -> None:
        """Return when so many bytes more may be taken."""
        await asyncio.sleep(self.ahead_s)
        self.took(count)
