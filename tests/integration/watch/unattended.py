"""What an automatic rollback decides about what a watch sees, tick by tick; nothing is carried out."""

from console.core.automatic import Seen, due
from console.core.automatic_run import AutomaticRun
from console.core.clock import Clock
from console.core.deploys import Attribution, Landing, attribution
from console.core.metrics import Rung
from console.core.roster import Roster
from console.core.second_path import Second, second
from console.core.state import Incident
from console.core.strategy import Environment
from console.engine.book import Book
from console.engine.sampling import Tick

LANDED_S = 3600
"""How long before it all a release has landed, so that a rollback may help."""


class Unattended:
    """Journals what is due of an automatic rollback, and plans nothing."""

    def __init__(self, watched: Environment, book: Book, clock: Clock) -> None:
        self._watched = watched
        self._book = book
        self._clock = clock
        self._landed = Landing("v1.5.0", None, clock.now().utc_us - LANDED_S * 1_000_000, "seen")

    @property
    def run(self) -> AutomaticRun | None:
        """How far it is; None while none has begun."""
        incident = self._book.state.open_incident
        return incident.automatic if incident else None

    def take(self, tick: Tick) -> None:
        """One more tick."""
        while bodies := due(self._seen(tick)):
            self._book.say(*bodies)

    def _seen(self, tick: Tick) -> Seen:
        state = self._book.state
        firing = {name: one for name, one in tick.standings.items() if one.rung is Rung.AUTOMATIC}
        return Seen(
            now=self._clock.now(),
            state=state,
            environment=self._watched,
            roster=Roster.model_construct(people=[]),
            firing=firing,
            second=self._second(tick, list(firing)),
            attribution=self._attribution(state.open_incident),
        )

    def _second(self, tick: Tick, firing: list[str]) -> dict[str, Second]:
        run = self.run
        return {name: second(self._watched, name, tick.row, run.began) for name in firing} if run else {}

    def _attribution(self, incident: Incident | None) -> Attribution | None:
        if incident is None:
            return None
        return attribution([self._landed], incident.onset.utc_us, within_s=2 * LANDED_S)
