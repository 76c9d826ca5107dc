"""Under whose name keys are pressed at this console, and whether somebody still sits there. Pure bookkeeping.

The name is this console's own matter: no event tells of it, and every request carries it as a claim.
"""

from console.core.clock import Stamp


class Acting:
    """Whoever sits at the keys, until a key has not been pressed for too long."""

    def __init__(self, handle: str, ask_again_s: float | None = None) -> None:
        """`ask_again_s`: after so long without a key nobody knows who is there; None: that is never asked."""
        self.handle = handle
        self._ask_again_s = ask_again_s
        self._last: Stamp | None = None
        self._away = False

    def is_away(self, now: Stamp) -> bool:
        """Whether nobody has pressed a key for so long that it has to be asked who is there."""
        if self._last is None:
            self._last = now
        quiet = now.seconds_since(self._last)
        self._away = self._away or (self._ask_again_s is not None and quiet >= self._ask_again_s)
        return self._away

    def pressed(self, now: Stamp) -> bool:
        """A key is pressed: whether it is known whose that is; if it is not, the key does nothing else."""
        if self.is_away(now):
            return False
        self._last = now
        return True

    def sits(self, handle: str, now: Stamp) -> None:
        """Somebody says who they are."""
        self.handle, self._last, self._away = handle, now, False
