"""Signatures at the gate: looked at again before it opens, since keys are revoked and rows forged."""

from console.authority.office import Office
from console.authority.ssh import SignatureError
from console.core import events as ev
from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.policy import said_yes
from console.core.state import Approval, Incident
from console.core.statement import parse
from console.engine.book import Book
from console.engine.tasks import Tasks


class Signatures:
    """Every yes at the gate was verified by this engine, against the revocations of now; or it is again."""

    def __init__(self, book: Book, office: Office, clock: Clock, tasks: Tasks) -> None:
        self._book = book
        self._office = office
        self._clock = clock
        self._tasks = tasks

    def hold(self, incident: Incident) -> bool:
        """Whether all that count are known to hold; what is not known begins to be looked at."""
        doubtful = [yes for yes in said_yes(incident, self._clock.now()) if not self._office.holds(yes)]
        for yes in doubtful:
            name = f"signature of {yes.person}"
            if name not in self._tasks:
                self._tasks.start(name, self._look_again(incident, yes))
        return not doubtful

    async def _look_again(self, incident: Incident, yes: Approval) -> None:
        try:
            await self._verify(incident, yes)
        except StatedError as error:
            self._book.say(ev.GateWithdrawn(yes.person, str(error)))

    async def _verify(self, incident: Incident, yes: Approval) -> None:
        if incident.roster != self._office.sha256:
            raise SignatureError("the roster is not the one that was pinned when the incident was declared")
        assert yes.signed is not None  # noqa: S101 - a claim holds by itself
        statement = parse(yes.signed.text)
        if (statement.person, statement.decision, statement.plan) != (yes.person, "yes", yes.plan_hash):
            raise SignatureError("the journal says that somebody signed what they did not sign")
        await self._office.key_of(statement, yes.signed.signature, self._clock.now().utc_us)
