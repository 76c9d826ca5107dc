"""Whether a process of this machine still runs."""

from pathlib import Path

_ENDED = {"Z", "X"}
"""States of a process that has ended and was not waited for yet."""


def runs(pid: int) -> bool:
    """Whether there is a process of that number which has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in _ENDED
