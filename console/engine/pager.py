"""The pager: journals who is asked for a yes, and runs the strategy's command for each of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog
from msgspec import Struct

from console.core import events as ev
from console.core.clock import Clock
from console.core.format import plain
from console.core.live import Impact, OnDuty
from console.core.page_words import page_words
from console.core.plan import Plan
from console.core.roster import Roster
from console.core.state import Asked, Incident
from console.core.strategy import Environment
from console.core.summons import due, unheard
from console.engine.book import Book
from console.engine.tasks import Tasks
from console.targets.process import ProgramError, Programs

AT_ONCE = 4
"""So many commands run beside each other."""
LONGEST = 200
"""Characters of what a command says that are kept."""

log = structlog.get_logger()


def _nobody_was_asked() -> OnDuty | None:
    """Nobody keeps in sight who is on call."""
    return None


def _not_known() -> Impact | None:
    """Nobody measures how bad it is."""
    return None


class Means(Struct, frozen=True):
    """By which people are reached."""

    environment: Environment
    roster: Roster
    programs: Programs
    folder: Path
    """That the command runs in."""
    redact: Callable[[str], str]
    """Takes secrets out of what it says."""
    duty: Callable[[], OnDuty | None] = _nobody_was_asked
    """Who is on call, as far as that is known."""
    impact: Callable[[], Impact | None] = _not_known
    """How bad it is now."""


class Sent(Struct, frozen=True):
    """How a page ended."""

    delivered: bool
    words: str


async def send(means: Means, person: str, text: str) -> Sent:
    """Page somebody by the strategy's command, which must be there, with that text; it never fails."""
    paging = means.environment.authorisation.paging
    assert paging is not None  # noqa: S101 - the caller has looked
    assert paging.command is not None  # noqa: S101 - the caller has looked
    known = means.roster.person(person)
    if known is None or known.contact is None:
        return Sent(delivered=False, words=f"the roster has no contact of {person}")
    argv = [_filled(word, person, known.contact) for word in paging.command]
    try:
        done = await means.programs.run(argv, limit_s=paging.limit, cwd=means.folder, stdin=text.encode())
    except ProgramError as error:
        return Sent(delivered=False, words=_kept(means, str(error)))
    silent = not (done.out.strip() or done.err.strip())
    words = f"{argv[0]} has taken it" if silent and not done.code else done.reason
    return Sent(delivered=not done.code, words=_kept(means, words))


def _kept(means: Means, words: str) -> str:
    """What is journalled of a command's words: one line, without a secret."""
    whole = plain(means.redact(words))
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 3]}..."


class _Page(Struct, frozen=True):
    """One asking of one person."""

    incident: str
    plan_hash: str
    person: str
    times: int

    @property
    def name(self) -> str:
        """Its task's."""
        return f"page {self.person} {self.times} of {self.plan_hash[:8]}"


class Pager:
    """Asks whoever is due, each time it looks; it waits for nobody."""

    def __init__(self, book: Book, means: Means, clock: Clock, tasks: Tasks) -> None:
        self._book = book
        self._means = means
        self._clock = clock
        self._tasks = tasks
        self._free = asyncio.Semaphore(AT_ONCE)

    def look(self) -> None:
        """Say who is due, and page everybody whose page has no end: those too whose engine was killed."""
        incident, now = self._book.state.open_incident, self._clock.now()
        if bodies := due(incident, self._means.environment, self._means.roster, now):
            self._book.say(*bodies)
        incident, paging = self._book.state.open_incident, self._means.environment.authorisation.paging
        if incident is None or paging is None or paging.command is None:
            return
        for person, asked in unheard(incident, now):
            page = _Page(incident.id, incident.plan_hash or "", person, asked.times)
            if page.name not in self._tasks:
                self._tasks.start(page.name, self._send(page))

    async def _send(self, page: _Page) -> None:
        async with self._free:
            found = self._still_asked(page)
            if found is None:
                return
            incident, plan, asked = found
            said = await self._sent(page, incident, plan, asked)
        if self._of_now(page) is None:
            log.info("page.ended_late", person=page.person, delivered=said.delivered, words=said.words)
            return
        self._book.say(said)

    def _still_asked(self, page: _Page) -> tuple[Incident, Plan, Asked] | None:
        """The incident with its plan, while that person's yes to it is asked for."""
        incident = self._of_now(page)
        if incident is None or incident.plan is None:
            return None
        asked = dict(unheard(incident, self._clock.now())).get(page.person)
        return (incident, incident.plan, asked) if asked else None

    def _of_now(self, page: _Page) -> Incident | None:
        """The incident that the page is about, if the plan is still its plan."""
        incident = self._book.state.open_incident
        same = incident and (incident.id, incident.plan_hash) == (page.incident, page.plan_hash)
        return incident if same else None

    async def _sent(self, page: _Page, incident: Incident, plan: Plan, asked: Asked) -> ev.GatePaged:
        """What became of it."""
        means = self._means
        text = page_words(incident, plan, means.environment, page.person, asked, self._clock.now())
        sent = await send(means, page.person, text)
        return ev.GatePaged(page.person, sent.delivered, sent.words)


def _filled(word: str, handle: str, contact: str) -> str:
    """The word with what it names put in; what was put in is not looked at again."""
    before, mark, after = word.partition("{contact}")
    whole = before.replace("{handle}", handle)
    return f"{whole}{contact}{_filled(after, handle, contact)}" if mark else whole
