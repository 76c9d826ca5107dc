"""The desk: answers each request of a console, by the events it leads to or by a refusal with its reason."""

from collections.abc import Callable

from console.core.clock import Stamp
from console.core.events import Body
from console.core.ids import errand_id, incident_id
from console.core.requests import Request
from console.core.roster import Roster
from console.core.standing_authorisation import Terms
from console.core.state import State
from console.core.strategy import Environment
from console.engine import grants
from console.engine.grants import Case, RefusedError


class Desk:
    """Knows the environment and its people. Reads the state; the engine commits what it answers."""

    def __init__(
        self,
        name: str,
        environment: Environment,
        roster: Roster,
        state: Callable[[], State],
        *,
        roster_sha256: str = "",
        strategy_sha256: str = "",
    ) -> None:
        """The digests are those of the files; the roster's is pinned when an incident is declared."""
        self.terms = Terms(name, environment, strategy_sha256, roster_sha256)
        """What a standing authorisation must be about to count here."""
        self._roster = roster
        self._state = state

    def answer(self, request: Request, now: Stamp, head: str) -> tuple[Body, ...]:
        """The events that grant `request`; raises RefusedError otherwise.

        What a decision or a plan needs from the world beside its events is the engine's to do.
        """
        if request.environment != self.terms.name:
            raise RefusedError(f"this is the engine of {self.terms.name}, not of {request.environment}")
        if unknown := self._state().unknown_critical:
            raise RefusedError(f"the journal holds {unknown}, which a newer Warroom wrote")
        if request.actor not in self._roster.handles():
            raise RefusedError(f"{request.actor} is not in the roster: act as one who is, with --as HANDLE")
        return grants.grant(request.ask, self.case(request.actor, now, head))

    def case(self, actor: str, now: Stamp, head: str = "") -> Case:
        """What decides whether that person is granted something now."""
        return Case(self.terms, self._roster, self._state(), actor, now, head)


def new_incident(state: State, now: Stamp) -> str:
    """The id that the next incident of this environment gets."""
    return incident_id(state.environment, state.incidents + 1, now)


def new_errand(state: State, now: Stamp) -> str:
    """The id that the next verb by itself gets."""
    return errand_id(state.environment, state.errands + 1, now)
