"""Which samples are kept, and for how long: those that a report needs always, others while there is room."""

from collections.abc import Callable
from pathlib import Path

import structlog

from console.core.clock import Stamp
from console.core.state import Incident, State
from console.store.samples import files, hour

KEPT_S = 14 * 86_400.0
"""How long samples are kept that no report needs."""
MOST_BYTES = 1 << 30
"""How much of the disk they may take; the oldest go first."""
BEFORE_S = 3600.0
"""How long before its onset an incident's samples begin: what calm looked like belongs to the report."""
AFTER_S = 4 * 3600.0
"""How long after its end they go on: the watch."""
REPORT_S = 24 * 3600.0
"""How long after that the report may take."""

log = structlog.get_logger()


def needed_since(state: State, now: Stamp) -> Stamp | None:
    """From when on every sample must stay, for the last incident's report; None where it needs none."""
    incident = state.incident
    if incident is None or _reported(incident, now):
        return None
    return incident.onset.before(BEFORE_S)


def _reported(incident: Incident, now: Stamp) -> bool:
    return incident.resolved is not None and now.seconds_since(incident.resolved) > AFTER_S + REPORT_S


class Retention:
    """Removes whole files; what cannot be removed is said in the log, and stops nobody."""

    def __init__(
        self,
        folder: Path,
        needed: Callable[[Stamp], Stamp | None],
        *,
        kept_s: float = KEPT_S,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`needed` says from when on every sample must stay; None where none must."""
        self._folder = folder
        self._needed = needed
        self._kept_s = kept_s
        self._most_bytes = most_bytes

    def __call__(self, now: Stamp) -> None:
        """Remove what is too old, or too much; never the newest file."""
        for path in self._spare(now):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("samples.not_removed", path=str(path), why=error.strerror)
                return

    def _spare(self, now: Stamp) -> list[Path]:
        """Files that can go, the oldest first."""
        everything = files(self._folder)
        needed = self._needed(now)
        kept_from = hour(needed) if needed else ""
        free = [path for path in everything[:-1] if not needed or path.name < kept_from]
        old = hour(now.before(self._kept_s))
        size = sum(_size(path) for path in everything)
        spare = []
        for path in free:
            if path.name >= old and size <= self._most_bytes:
                break
            size -= _size(path)
            spare.append(path)
        return spare


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
