"""Signatures at the gate: looked at again before it opens, since keys are revoked and rows forged."""

import structlog
from msgspec.structs import replace

from console.authority.office import Office
from console.authority.ssh import SignatureError
from console.core import events as ev
from console.core.asking import journal_of
from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.policy import expired, missing, said_yes
from console.core.state import Approval, Incident
from console.core.statement import Statement, StatementError, parse
from console.engine.book import Book
from console.engine.desk import Desk
from console.engine.grants import gate
from console.engine.tasks import Tasks

log = structlog.get_logger()


class Signatures:
    """Every yes at the gate was verified by this engine, against the revocations of now; or it is again."""

    def __init__(self, book: Book, desk: Desk, office: Office, clock: Clock, tasks: Tasks) -> None:
        self._book = book
        self._desk = desk
        self._office = office
        self._clock = clock
        self._tasks = tasks

    def lapse(self) -> None:
        """Say of each yes that has run out before the gate opened that it has, once."""
        incident, now = self._book.state.open_incident, self._clock.now()
        if incident is None or incident.gate_opened is not None:
            return
        gone = [yes.person for yes in incident.approvals if expired(yes, now)]
        if gone:
            self._book.say(*(ev.GateWithdrawn(person, "it has expired: sign again") for person in gone))

    async def look_at_open_gate(self) -> None:
        """See that the gate which an engine before this one has opened was opened by those whom it asks for.

        What has run out or was revoked since does not matter: the switch may be under way, and nobody is to
        be left with half of it; nor is it while another roster than the pinned one lies there. But a row that
        says so, without people who signed, opens nothing.
        """
        incident = self._book.state.open_incident
        if incident is None or incident.gate_opened is None or incident.plan is None or incident.planning:
            return
        if incident.automatic is not None and incident.automatic.opened == incident.plan_hash:
            return  # nobody signed this plan: what it was opened by is looked at by engine.automatic
        if incident.roster != self._office.sha256:
            log.warning("gate.not_looked_at", why="the roster is not the one that was pinned")
            return
        signed = [yes for yes in incident.approvals if yes.signed is None or await self._was_made(yes)]
        short = missing(replace(incident, approvals=tuple(signed)), incident.gate_opened)
        if short:
            words = f"the journal says that it was opened, but {', '.join(short)} did not sign"
            self._book.say(ev.GateClosed(words))

    async def _was_made(self, yes: Approval) -> bool:
        """Whether that person has signed this very text, and it is about the plan."""
        assert yes.signed is not None  # noqa: S101 - a claim is made by its row
        try:
            statement = self._as_signed(yes)
            await self._office.made_by(statement.person, statement.text, yes.signed.signature, yes.at.utc_us)
        except StatedError as error:
            log.warning("gate.signature_does_not_hold", person=yes.person, why=str(error))
            return False
        return True

    def hold(self, incident: Incident) -> bool:
        """Whether all that count are known to hold; what is not known begins to be looked at."""
        doubtful = [yes for yes in said_yes(incident, self._clock.now()) if not self._holds(yes)]
        for yes in doubtful:
            name = f"signature of {yes.person}"
            if name not in self._tasks:
                self._tasks.start(name, self._look_again(yes))
        return not doubtful

    def _holds(self, yes: Approval) -> bool:
        if yes.signed is None:
            return True
        try:
            self._as_signed(yes)
        except StatedError:
            return False
        return self._office.holds(yes.signed, self._clock.now().utc_us)

    async def _look_again(self, yes: Approval) -> None:
        try:
            await self._verify(yes)
        except StatedError as error:
            incident = self._book.state.open_incident
            if incident is not None and yes in incident.approvals:
                self._book.say(ev.GateWithdrawn(yes.person, str(error)))

    async def _verify(self, yes: Approval) -> None:
        assert yes.signed is not None  # noqa: S101 - a claim holds by itself
        statement = self._as_signed(yes)
        key = await self._office.key_of(
            yes.person, statement.text, yes.signed.signature, self._clock.now().utc_us
        )
        if key.fingerprint != yes.signed.key:
            raise SignatureError(
                f"the journal says {yes.signed.key}, and it was signed with {key.fingerprint}"
            )

    def _as_signed(self, yes: Approval) -> Statement:
        """The statement, if the journal says of it what an engine would have said; else StatedError."""
        assert yes.signed is not None  # noqa: S101 - a claim holds by itself
        signed = yes.signed
        statement = parse(signed.text)
        check_last_word(statement, self._book, yes.after)
        case = self._desk.case(yes.person, yes.at)
        if gate.counted(case, statement, signed.signature, signed.key) != ev.GateSigned(
            plan_hash=yes.plan_hash,
            person=yes.person,
            roles=yes.roles,
            key=signed.key,
            because="",
            expires=signed.expires,
            text=signed.text,
            signature=signed.signature,
        ):
            raise SignatureError("the journal says that somebody signed what they did not sign")
        return statement


def check_last_word(statement: Statement, book: Book, spoke: int) -> None:
    """Refuses what was made before its signer spoke, at event `spoke`: by then it was taken back, or a no.

    StatementError also when it was not made in this journal, or before the plan was as it is now.
    """
    incident = book.state.open_incident
    since = incident.asked_since if incident else None
    try:
        said = journal_of(statement)
    except ValueError as error:
        raise StatementError(f"its line `journal` names no event: {error}") from None
    if since is None or said.seq < since:
        raise StatementError("it was made before the plan was frozen, or a demand waived: ask again")
    if book.hash_at(said.seq) != said.hash:
        raise StatementError(f"it was made in another journal: event {said.seq} is not this one's")
    if said.seq < spoke:
        raise StatementError(f"{statement.person} has said something else since it was made: ask again")
