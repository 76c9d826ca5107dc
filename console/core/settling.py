"""How a metric comes down its ladder: up at once, down when it has been better for a while (hysteresis)."""

from msgspec import Struct

from console.core.clock import Stamp
from console.core.metrics import Rung


class Verdict(Struct, frozen=True):
    """What one moment says of a metric."""

    rung: Rung
    rule: str = ""
    onset: Stamp | None = None
    judged: bool = True
    """Whether its value was known and judged."""


class Settling:
    """One metric on its way down.

    A metric that comes and goes every few seconds is not a new trouble each time, and not over in between:

    - as long as the window of a rule that brought it where it stands is under way again, it is not better;
    - whoever went silent in trouble does not come back recovered, but waits until it has been better for as
      long as anybody else. It does not come back in trouble either, of which nothing shows.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._stood: Verdict | None = None
        """Where it stood when it was judged last."""
        self._silent = False
        """Whether it was not judged since then, or has not settled since."""
        self._better: Stamp | None = None

    def settled(self, verdict: Verdict, arms: Rung | None, at: Stamp) -> Verdict:
        """Where it stands at `at`, of which one moment says `verdict`, and that `arms` is under way."""
        if not verdict.judged:
            self._silent, self._better = True, None
            return verdict
        if self._stood is not None and self._holds(self._stood.rung, verdict.rung, arms, at):
            return Verdict(Rung.WAITING) if self._silent else self._stood
        self._stood, self._silent, self._better = verdict, False, None
        return verdict

    def late(self) -> None:
        """Nobody knows this moment: what has been better so far begins anew."""
        self._better = None

    def _holds(self, stood: Rung, now: Rung, arms: Rung | None, at: Stamp) -> bool:
        """Whether it must not come down yet."""
        if self._settle_s <= 0 or not stood.is_worse_than(now) or (self._silent and not stood.is_trouble):
            return False
        if arms is not None and not stood.is_worse_than(arms):
            self._better = None
            return True
        self._better = self._better or at
        return at.seconds_since(self._better) < self._settle_s
