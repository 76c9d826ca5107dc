"""Whether a process of this machine still runs."""

import os
from pathlib import Path

_ENDED = {"Z", "X"}
"""States of a process that has ended and was not waited for yet."""


def runs(pid: int) -> bool:
    """Whether there is a process of that number which has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _hidden(pid)
    return stat.rpartition(")")[2].split()[0] not in _ENDED


def _hidden(pid: int) -> bool:
    """Whether it is there all the same: /proc may be mounted so that it hides processes of other accounts."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return False  # ours, and /proc hides none of those: it has just ended
