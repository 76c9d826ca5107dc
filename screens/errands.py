"""What this console has asked for and not been answered yet; pure bookkeeping over snapshots."""

from msgspec import Struct

from console.core.clock import Stamp
from console.core.events import RequestRefused
from console.core.protocols import Snapshot
from console.core.words import duration


class Errand(Struct, frozen=True):
    """A request on its way."""

    id: str
    what: str
    """The command's name, `go`."""
    sent: Stamp | None


class Errands:
    """Requests of this console: queued until an event with their id appears."""

    def __init__(self) -> None:
        self._open: dict[str, Errand] = {}

    def send(self, request: str, what: str, at: Stamp | None) -> None:
        """Remember a request that has been put into the inbox."""
        self._open[request] = Errand(request, what, at)

    def under_way(self, what: str) -> bool:
        """Whether a request of that name waits for its answer."""
        return any(errand.what == what for errand in self._open.values())

    def heed(self, snapshot: Snapshot) -> list[str]:
        """Strike what has been answered; the refusals among the answers, a sentence each."""
        answered = [request for request in self._open if request in snapshot.state.answered]
        if not answered:
            return []
        refused = {
            event.request: event.body.reason
            for event in snapshot.events
            if event.request in answered and isinstance(event.body, RequestRefused)
        }
        done = [self._open.pop(request) for request in answered]
        return [f"REFUSED {errand.what}: {refused[errand.id]}" for errand in done if errand.id in refused]

    def queued(self, now: Stamp) -> str:
        """What is still waited for, in a sentence; empty when everything has been answered."""
        if not self._open:
            return ""
        oldest = next(iter(self._open.values()))
        names = ", ".join(errand.what for errand in self._open.values())
        waited = now.seconds_since(oldest.sent) if oldest.sent else 0.0
        since = f", asked {duration(waited)} ago" if waited >= 1 else ""
        return f"queued: {names}; the engine has not answered yet{since}"
