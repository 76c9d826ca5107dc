"""Standing authorisations while an engine runs: what is past, edited or does not hold is ended, and told."""

import asyncio
from collections.abc import Iterator
from typing import Literal

from console.authority.office import Office
from console.authority.ssh import STANDING, SignatureError
from console.core import events as ev
from console.core.clock import Clock, Stamp
from console.core.errors import StatedError
from console.core.moments import written
from console.core.requests import SignStanding
from console.core.standing_authorisation import (
    has_run_out,
    in_force_until,
    lacking,
    not_in_force,
    parse,
    unlike,
)
from console.core.state import Approval, Standing
from console.engine.book import Book
from console.engine.desk import Desk
from console.engine.grants import standing
from console.engine.tasks import Tasks


class StandingOrders:
    """Every signature under what has not ended was verified by this engine, or what it signed ends."""

    def __init__(self, book: Book, desk: Desk, office: Office, clock: Clock, tasks: Tasks) -> None:
        self._book = book
        self._desk = desk
        self._office = office
        self._clock = clock
        self._tasks = tasks

    async def look_at_all(self) -> None:
        """At an engine's start: it has read its files anew, and a row may be somebody's own work."""
        self._end_what_is_over()
        every = [(known, yes) for known, one in self._open() for yes in one.signed]
        await asyncio.gather(*(self._look_at(known, yes) for known, yes in every))

    def lapse(self) -> None:
        """End what is over, and begin to look again at what the revocations of now may undo."""
        self._end_what_is_over()
        now = self._clock.now().utc_us
        for known, one in self._open():
            for yes in one.signed:
                name = f"signature of {yes.person} under {known}"
                if name not in self._tasks and not self._holds(yes, now):
                    self._tasks.start(name, self._look_at(known, yes))

    @property
    def until(self) -> str:
        """Until when this engine may roll back by itself; empty when it may not."""
        return in_force_until(self._book.state.standing.values(), self._desk.terms, self._clock.now())

    @property
    def covering(self) -> dict[str, str]:
        """By metric, the one in force that names its trigger and counts longest."""
        now = self._clock.now()
        counting = [
            (parse(one.text), known)
            for known, one in self._book.state.standing.items()
            if not not_in_force(one, self._desk.terms, now)
        ]
        counting.sort(key=lambda found: found[0].expires)
        return {metric: known for found, known in counting for metric in found.metrics}

    @property
    def verified(self) -> frozenset[str]:
        """Those under which every signature was verified against the revocations of now."""
        now = self._clock.now().utc_us
        return frozenset(known for known, one in self._open() if all(self._holds(y, now) for y in one.signed))

    async def stood(self, known: str, at: Stamp) -> str:
        """Why a gate could not be opened by it at `at`, whatever became of it since; empty when it could."""
        standing = self._book.state.standing.get(known)
        if standing is None:
            return f"nobody has signed standing authorisation {known}"
        try:
            if at.utc_us >= parse(standing.text).expires:
                return f"standing authorisation {known} had run out"
            for yes in standing.signed:
                await verify(self._desk, self._office, known, yes, yes.at.utc_us, of_then=True)
        except StatedError as error:
            return str(error)
        return lacking(standing, self._desk.terms.environment)

    def _open(self) -> Iterator[tuple[str, Standing]]:
        """What has not ended, by id."""
        return ((known, one) for known, one in tuple(self._book.state.standing.items()) if not one.ended)

    def _end_what_is_over(self) -> None:
        for known, one in self._open():
            if over := self._over(one):
                self._book.say(ev.StandingEnded(known, *over))

    def _over(self, standing: Standing) -> tuple[Literal["expired", "disarmed"], str] | None:
        """Why it cannot count any more, whoever signed it."""
        try:
            found = parse(standing.text)
        except StatedError as error:
            return "disarmed", str(error)
        if has_run_out(standing, found, self._clock.now()):
            return "expired", f"it was signed until {written(found.expires)}"
        if why := unlike(found, self._desk.terms):
            return "disarmed", why
        return None

    def _holds(self, yes: Approval, now: int) -> bool:
        return yes.signed is not None and self._office.holds(yes.signed, now, STANDING)

    async def _look_at(self, known: str, yes: Approval) -> None:
        """Disarm it, if this signature does not hold or its row says something else."""
        try:
            await verify(self._desk, self._office, known, yes, self._clock.now().utc_us)
        except StatedError as error:
            if known in dict(self._open()):
                self._book.say(ev.StandingEnded(known, "disarmed", f"signed by {yes.person}, and {error}"))


async def verify(
    desk: Desk, office: Office, known: str, yes: Approval, now: int, *, of_then: bool = False
) -> None:
    """StatedError where the journal says of that signature what an engine would not say at `now` (UTC us).

    `known` is the id under which the journal has it; `of_then`: whatever has become of the key since.
    """
    signed = yes.signed
    if signed is None:
        raise SignatureError("there is no signature")
    ask = SignStanding(yes.person, signed.text, signed.signature)
    said = ev.StandingSigned(known, yes.person, yes.roles, signed.key, signed.text, signed.signature)
    if standing.counted(desk.case(yes.person, yes.at), ask, signed.key) != said:
        raise SignatureError("the journal says that they signed what they did not sign")
    look = office.made_by if of_then else office.key_of
    key = await look(yes.person, signed.text, signed.signature, now, STANDING)
    if key.fingerprint != signed.key:
        raise SignatureError(f"the journal says {signed.key}, and it was signed with {key.fingerprint}")
