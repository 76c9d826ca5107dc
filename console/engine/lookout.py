"""The lookout: journals what the samples say, and opens a suspected incident."""

from collections.abc import Callable, Sequence

from console.core import events as ev
from console.core.clock import Clock, Stamp
from console.core.events import Draft
from console.core.impact import ImpactTracker
from console.core.live import Impact
from console.core.metrics import Row
from console.core.state import State
from console.engine.book import Book
from console.engine.desk import new_incident
from console.engine.sampling import Tick
from console.store.samples import SampleWriter


def suspicion(state: State, firing: Sequence[tuple[str, Stamp]], now: Stamp) -> Draft | None:
    """A suspected incident for what fires, in words and since when; None while one is open.

    What began before the last incident was resolved was part of that, and opens none.
    """
    if state.open_incident is not None:
        return None
    resolved = state.incident.resolved if state.incident else None
    fresh = [
        (words, since) for words, since in firing if resolved is None or since.seconds_since(resolved) > 0
    ]
    if not fresh:
        return None
    onset = min((since for _, since in fresh), key=lambda since: since.seconds_since(now))
    body = ev.IncidentSuspected(triggers=tuple(words for words, _ in fresh), onset=onset, samples_from=onset)
    return Draft(body, now, new_incident(state, now))


class Lookout:
    """Takes one tick after the other."""

    def __init__(
        self,
        book: Book,
        clock: Clock,
        impact: ImpactTracker,
        samples: SampleWriter,
        recorded: Callable[[Stamp], Sequence[Row]],
    ) -> None:
        """`recorded` yields the rows on record since a moment."""
        self._book = book
        self._clock = clock
        self._impact = impact
        self._samples = samples
        self._recorded = recorded
        self._onset: Stamp | None = None
        self.impact: Impact | None = None
        """As of the last tick; None while no incident is open."""

    def recall(self) -> None:
        """Count on from where an engine before this one stopped: its rows are on record."""
        incident = self._book.state.open_incident
        for row in self._recorded(incident.onset) if incident else ():
            self._impact.observe(row)
        self._follow_incident()

    def take(self, tick: Tick) -> Impact | None:
        """Keep one tick's row, and journal what has changed; the impact, while an incident is open."""
        self._samples.append(tick.row)
        if news := (*self._landed(tick), *tick.changes):
            self._book.say(*news)
        self._suspect(tick)
        self._follow_incident()
        self.impact = self._impact.observe(tick.row)
        return self.impact

    def trouble(self, tick: Tick) -> dict[str, str]:
        """Sources without a good answer, and samples that the disk did not take, each with why."""
        if not self._samples.dropped:
            return dict(tick.trouble)
        return {**tick.trouble, "samples": f"{self._samples.dropped} rows not kept, {self._samples.why}"}

    def _landed(self, tick: Tick) -> tuple[ev.ReleaseSeen, ...]:
        """Another release than the journal knows of."""
        known, seen = self._book.state.running, tick.running
        if seen is None or (
            known
            and (known.release, known.commit, known.instances) == (seen.release, seen.commit, seen.instances)
        ):
            return ()
        return (seen,)

    def _suspect(self, tick: Tick) -> None:
        """Open a suspected incident on a mandatory rung that began after the last one was resolved."""
        firing = [(one.rule, one.onset) for one in tick.mandatory]
        if draft := suspicion(self._book.state, firing, self._clock.now()):
            self._book.append(draft)

    def _follow_incident(self) -> None:
        """Count failures from the onset of the open incident; from nowhere without one."""
        incident = self._book.state.open_incident
        onset = incident.onset if incident else None
        if onset != self._onset:
            self._onset = onset
            self._impact.reset(onset)
