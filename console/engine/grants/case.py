"""A case: one request, with everything that decides whether it is granted; and where each kind is decided."""

from collections.abc import Sequence
from functools import singledispatch

from msgspec import Struct

from console.core import requests as rq
from console.core.clock import Stamp
from console.core.errors import StatedError
from console.core.events import Body
from console.core.roster import Roster
from console.core.standing_authorisation import Terms
from console.core.state import Incident, State
from console.core.strategy import Environment


class RefusedError(StatedError):
    """A request that is not granted; the message is the reason, as the asker sees it."""


class Case(Struct, frozen=True):
    """Who asks, when, and in what state of things."""

    terms: Terms
    """What is loaded here: the environment, and the files that it and its people come from."""
    roster: Roster
    state: State
    actor: str
    now: Stamp
    head: str = ""
    """Hash of the journal's newest event, in hex."""

    @property
    def name(self) -> str:
        """The environment's."""
        return self.terms.name

    @property
    def environment(self) -> Environment:
        """As the strategy has it."""
        return self.terms.environment

    @property
    def roster_sha256(self) -> str:
        """The roster file's."""
        return self.terms.roster

    def incident(self) -> Incident:
        """The open incident; RefusedError when none is."""
        incident = self.state.open_incident
        if incident is None:
            raise RefusedError("no incident is open: declare one first")
        return incident

    def declared(self) -> Incident:
        """The open incident that somebody commands; RefusedError when nobody does."""
        incident = self.incident()
        if incident.status != "declared":
            raise RefusedError(f"{incident.id} is only suspected: declare it first")
        return incident

    def settled_plan(self) -> Incident:
        """The declared incident, whose plan is not about to be replaced."""
        incident = self.declared()
        if incident.planning:
            raise RefusedError("a plan is being made: wait for it")
        return incident

    def counts(self, person: str) -> None:
        """Refuses somebody whose word does not count today, by the roster's dates."""
        known = self.roster.person(person)
        if known is not None and (why := known.not_valid(self.now.utc_us)):
            raise RefusedError(f"{person} {why}, says the roster")

    def holds_one_of(self, roles: Sequence[str], act: str) -> None:
        """Refuses whoever asks, unless they hold one of these roles or there are none to hold."""
        held = self.roster.roles_of(self.actor)
        if roles and not set(roles) & set(held):
            words = ", ".join(held) or "nobody"
            raise RefusedError(f"{self.actor} is {words}; {' or '.join(roles)} may {act}")


@singledispatch
def grant(ask: rq.Ask, case: Case) -> tuple[Body, ...]:
    """The events that grant what is asked; RefusedError otherwise. Each kind registers where it belongs."""
    raise RefusedError(f"this engine does not know how to {type(ask).__name__.lower()}")
