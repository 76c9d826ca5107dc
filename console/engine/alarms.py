"""The alarms: journals what Alertmanager tells, and opens a suspected incident; it can do nothing else."""

from collections.abc import Iterable, Iterator, Sequence

import structlog
from msgspec import Struct

from console.core import events as ev
from console.core.alerts import Told, news, suspects
from console.core.clock import Clock, Stamp
from console.core.events import Draft
from console.core.strategy import Environment
from console.engine.book import Book
from console.engine.lookout import suspicion

News = ev.AlertFired | ev.AlertEnded

log = structlog.get_logger()


class Rate(Struct, frozen=True):
    """How many events something may lead to."""

    at_once: int
    every_s: float
    """After so long there may be one more."""


MAPPED = Rate(at_once=60, every_s=5.0)
"""Of alerts that mean something here."""
UNMAPPED = Rate(at_once=20, every_s=30.0)
"""Of alerts that the strategy does not know: worth a line, and not a thousand."""


class Allowance:
    """Lets so much through at once, and then so much in a while."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._left = float(rate.at_once)
        self._since: Stamp = clock.now()

    def take(self) -> bool:
        """Whether one more may pass; it counts then."""
        now = self._clock.now()
        more = max(0.0, now.seconds_since(self._since)) / self._rate.every_s
        self._left, self._since = min(float(self._rate.at_once), self._left + more), now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Alarms:
    """Hears one message after the other."""

    def __init__(self, book: Book, environment: Environment, clock: Clock) -> None:
        self._book = book
        self._environment = environment
        self._clock = clock
        self._mapped, self._unmapped = Allowance(MAPPED, clock), Allowance(UNMAPPED, clock)
        self.dropped = 0
        """How many alerts were left out of the journal because there were too many."""

    def hear(self, told: Sequence[Told]) -> int:
        """Journal what is news, and suspect an incident where it demands that; how much news there was."""
        now, state = self._clock.now(), self._book.state
        found = news(state, self._environment, told, now)
        suspected = suspicion(state, list(suspects(self._environment, found)), now)
        kept = list(self._kept(found))
        self._note_dropped(len(found) - len(kept))
        opened = state.open_incident.id if state.open_incident else None
        drafts = [Draft(body, now, suspected.incident if suspected else opened) for body in kept]
        if suspected or drafts:
            self._book.append(*((suspected,) if suspected else ()), *drafts)
        return len(found)

    def _kept(self, found: Iterable[News]) -> Iterator[News]:
        """What the allowances let through; an end is told of whatever was begun to be told."""
        begun = set(self._book.state.alerts)
        for body in found:
            if isinstance(body, ev.AlertFired):
                if not (self._mapped if body.means else self._unmapped).take():
                    continue
                begun.add(body.fingerprint)
            if body.fingerprint in begun:
                yield body

    def _note_dropped(self, number: int) -> None:
        if number:
            self.dropped += number
            log.warning("alerts.too_many", left_out=number)
