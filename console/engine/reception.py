"""The reception: takes requests out of the inbox, has the desk answer them, and commits the answers."""

from collections.abc import Callable, Sequence
from typing import Any

from console.authority.office import Office
from console.authority.ssh import REVIEW, STANDING
from console.core import events as ev
from console.core.clock import Clock
from console.core.errors import StatedError
from console.core.events import Draft
from console.core.plan import Step, Wish
from console.core.requests import (
    Approve,
    Ask,
    Choice,
    Decide,
    RecordRelease,
    Request,
    SignReview,
    SignStanding,
)
from console.core.state import Incident
from console.core.statement import parse
from console.engine import recording
from console.engine.book import Book
from console.engine.desk import Desk, new_errand, new_incident
from console.engine.grants import Case, RefusedError, gate, review, standing
from console.engine.runner import Runner
from console.engine.signatures import check_last_word
from console.engine.tasks import Tasks
from console.store.inbox import FolderInbox, Taken
from console.targets.git import Clone

_OF_KIND: dict[type[Ask], tuple[str, Callable[[Case, Any, str], tuple[ev.Body, ...]]]] = {
    SignStanding: (STANDING, standing.sign),
    SignReview: (REVIEW, review.sign),
}
"""What is signed beside a yes or a no: the namespace of its signature, and who judges it."""


class Reception:
    """Every request is answered once: by the events it leads to, or by a refusal."""

    def __init__(
        self,
        book: Book,
        desk: Desk,
        office: Office,
        runner: Runner,
        inbox: FolderInbox,
        clone: Clone,
        clock: Clock,
        tasks: Tasks,
        stop: Callable[[str], None],
    ) -> None:
        self._book = book
        self._desk = desk
        self._office = office
        self._runner = runner
        self._inbox = inbox
        self._clone = clone
        self._clock = clock
        self._tasks = tasks
        self._stop = stop
        self._verifying: set[str] = set()

    @property
    def verifying(self) -> bool:
        """Whether something signed is being verified: it may be a no, or void a yes."""
        return bool(self._verifying)

    def drain(self) -> None:
        """Answer every request that lies in the inbox."""
        for taken in self._inbox.take_all():
            if taken.request is None:
                self._book.say(ev.RequestRefused(ask="unreadable", reason=taken.reason))
                self._inbox.done(taken)
            elif taken.request.id in self._book.state.answered:
                self._inbox.done(taken)
            elif _name(taken.request) not in self._tasks:
                self._answer(taken, taken.request)

    def _answer(self, taken: Taken, request: Request) -> None:
        try:
            bodies = self._desk.answer(request, self._clock.now(), self._book.head)
        except RefusedError as refused:
            self._refuse(taken, request, str(refused))
            return
        match request.ask:
            case Approve(text=text, signature=signature):
                self._verifying.add(request.id)
                self._tasks.start(_name(request), self._sign(taken, request, text, signature))
            case SignStanding() | SignReview() as ask:
                self._tasks.start(_name(request), self._sign_document(taken, request, ask))
            case RecordRelease() as ask:
                self._tasks.start(_name(request), self._record(taken, request, ask))
            case Decide(step=step_id, choice=Choice.CONTINUE):
                step = self._planned(step_id)
                self._tasks.start(_name(request), self._accept(taken, request, step, bodies))
            case _:
                self._commit(taken, request, bodies)

    def _planned(self, step_id: str) -> Step:
        """The step as the plan has it that the desk has just looked at."""
        incident = self._book.state.open_incident
        assert incident is not None  # noqa: S101 - the desk has looked
        assert incident.plan is not None  # noqa: S101 - the desk has looked
        return incident.plan.step(step_id)

    def _commit(self, taken: Taken, request: Request, bodies: Sequence[ev.Body]) -> None:
        now, state = self._clock.now(), self._book.state
        incident = state.open_incident.id if state.open_incident else None
        if any(isinstance(body, ev.ErrandBegun) for body in bodies):
            incident = new_errand(state, now)
        if any(isinstance(body, ev.IncidentDeclared) for body in bodies):
            incident = incident or new_incident(state, now)
            bodies = (*bodies, *_first_plan(state.open_incident))
        self._book.append(*(Draft(body, now, incident, request.actor, request.id) for body in bodies))
        self._inbox.done(taken)
        if any(isinstance(body, ev.EngineStopped) for body in bodies):
            self._stop(f"{request.actor} asked for it")

    def _refuse(self, taken: Taken, request: Request, reason: str) -> None:
        body = ev.RequestRefused(ask=type(request.ask).__name__.lower(), reason=reason)
        self._book.append(self._book.draft(body, actor=request.actor, request=request.id))
        self._inbox.done(taken)

    async def _sign(self, taken: Taken, request: Request, text: str, signature: str) -> None:
        """A signature is verified first; whether it is about the plan is judged by the state of then."""
        try:
            statement = parse(text)
            now = self._clock.now().utc_us
            key = await self._office.key_of(statement.person, statement.text, signature, now)
            case = self._desk.case(statement.person, self._clock.now())
            bodies = gate.sign(case, statement, signature, key.fingerprint)
            incident = self._book.state.open_incident
            check_last_word(statement, self._book, incident.spoke.get(statement.person, 0) if incident else 0)
        except StatedError as error:
            self._refuse(taken, request, str(error))
        else:
            self._commit(taken, request, bodies)
        finally:
            self._verifying.discard(request.id)

    async def _sign_document(self, taken: Taken, request: Request, ask: SignStanding | SignReview) -> None:
        """As a yes at the gate: verified first, and judged by the state of then."""
        namespace, judged = _OF_KIND[type(ask)]
        try:
            now = self._clock.now().utc_us
            key = await self._office.key_of(ask.person, ask.text, ask.signature, now, namespace)
            bodies = judged(self._desk.case(ask.person, self._clock.now()), ask, key.fingerprint)
        except StatedError as error:
            self._refuse(taken, request, str(error))
        else:
            self._commit(taken, request, bodies)

    async def _record(self, taken: Taken, request: Request, ask: RecordRelease) -> None:
        """Git is asked first; whether it goes with what is on record is judged by the state of then."""
        try:
            await recording.check(self._clone, ask)
            bodies = self._desk.answer(request, self._clock.now(), self._book.head)
        except StatedError as error:
            self._refuse(taken, request, str(error))
        else:
            self._commit(taken, request, bodies)

    async def _accept(self, taken: Taken, request: Request, step: Step, bodies: Sequence[ev.Body]) -> None:
        """An unclear step is taken as done only with its proof, in one transaction with the decision."""
        try:
            proven = await self._runner.accept(step)
        except (StatedError, TimeoutError) as error:
            why = str(error) or "no proof in time"
            self._refuse(taken, request, f"{step.id} cannot be taken as done: {why}")
        else:
            self._commit(taken, request, (*bodies, *proven))


def _first_plan(known: Incident | None) -> tuple[ev.Body, ...]:
    """The plan that a declaration asks for; an automatic rollback may have asked for one before."""
    if known is not None and (known.plan is not None or known.planning):
        return ()
    return (ev.PlanningStarted(Wish()),)


def _name(request: Request) -> str:
    return f"request {request.id}"
