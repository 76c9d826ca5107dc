"""The caller: journals who is asked to take command of a suspected incident, and pages each of them."""

import asyncio

import structlog
from msgspec import Struct

from console.core import events as ev
from console.core.calling import due, to_ask, unheard
from console.core.calling_words import command_words
from console.core.clock import Clock
from console.core.severity import severity
from console.core.state import Called, Incident
from console.engine.book import Book
from console.engine.pager import AT_ONCE, Means, send
from console.engine.tasks import Tasks

log = structlog.get_logger()


class _Call(Struct, frozen=True):
    """One asking of one person."""

    incident: str
    person: str
    times: int

    @property
    def name(self) -> str:
        """Its task's."""
        return f"call {self.person} {self.times} to {self.incident}"


class Caller:
    """Asks whoever is due, each time it looks; it waits for nobody."""

    def __init__(self, book: Book, means: Means, clock: Clock, tasks: Tasks) -> None:
        self._book = book
        self._means = means
        self._clock = clock
        self._tasks = tasks
        self._free = asyncio.Semaphore(AT_ONCE)

    def look(self) -> None:
        """Say who is due, and page everybody whose page has no end: those too whose engine was killed."""
        means, now = self._means, self._clock.now()
        incident = self._book.state.open_incident
        if bodies := due(incident, means.environment, means.roster, means.duty(), now):
            self._book.say(*bodies)
        incident, paging = self._book.state.open_incident, means.environment.authorisation.paging
        if incident is None or paging is None or paging.command is None:
            return
        for person, called in unheard(incident):
            call = _Call(incident.id, person, called.times)
            if call.name not in self._tasks:
                self._tasks.start(call.name, self._page(call))

    async def _page(self, call: _Call) -> None:
        async with self._free:
            found = self._still_asked(call)
            if found is None:
                return
            sent = await send(self._means, call.person, self._text(*found, call.person))
        if self._still_asked(call) is None:
            log.info("call.ended_late", person=call.person, delivered=sent.delivered, words=sent.words)
            return
        self._book.say(ev.CommandPaged(call.person, sent.delivered, sent.words))

    def _still_asked(self, call: _Call) -> tuple[Incident, Called] | None:
        """The incident, while it is suspected and that asking is the last one of that person."""
        incident = self._book.state.open_incident
        if incident is None or incident.id != call.incident:
            return None
        called = dict(unheard(incident)).get(call.person)
        return (incident, called) if called and called.times == call.times else None

    def _text(self, incident: Incident, called: Called, person: str) -> str:
        means, now, state = self._means, self._clock.now(), self._book.state
        return command_words(
            incident,
            means.environment,
            state.environment,
            severity=severity(means.environment, state.rungs, incident.triggers),
            person=person,
            called=called,
            impact=means.impact(),
            running=state.running,
            following=to_ask(incident, means.environment, means.roster, means.duty(), now, besides=person),
            now=now,
        )
