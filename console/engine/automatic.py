"""Automatic rollback while an engine runs: journals what is due, pages people, and decides unclear steps.

What is to happen is decided in core.automatic; the plan that it asks for is made, prepared, opened and
carried out like any other, by planner and conductor.
"""

from collections.abc import Mapping
from pathlib import Path

import structlog
from msgspec.structs import replace

from actions.action import World
from console.core import automatic
from console.core import events as ev
from console.core.automatic import Seen
from console.core.automatic_run import About, AutomaticRun, paging_key
from console.core.automatic_words import page_text
from console.core.changes import Deployed
from console.core.deploys import Attribution, attributed, line_of_deploys
from console.core.errors import StatedError
from console.core.metrics import Row, Rung
from console.core.plan import Step
from console.core.policy import unattended
from console.core.recommendation import will_not_help
from console.core.requests import Choice
from console.core.rules import Standing
from console.core.second_path import Second, second
from console.core.standing_authorisation import parse
from console.core.state import Incident, Status
from console.core.statement import StatementError
from console.engine import crash
from console.engine.adviser import Adviser
from console.engine.board import one_line
from console.engine.book import Book
from console.engine.comparison import recorded
from console.engine.desk import Desk
from console.engine.pager import Means, send
from console.engine.runner import Runner
from console.engine.sampling import Tick
from console.engine.standing_orders import StandingOrders
from console.engine.tasks import Tasks

POINT = "automatic"
"""What the points are called at which a test has the engine die: `automatic:validation`."""
LONGEST_FILE = 200
"""Bytes of what the file says that are told."""

log = structlog.get_logger()


class AutomaticRollback:
    """The one of the open incident, if there is one; knows the newest tick."""

    def __init__(
        self,
        book: Book,
        desk: Desk,
        world: World,
        means: Means,
        orders: StandingOrders,
        adviser: Adviser,
        runner: Runner,
        tasks: Tasks,
        off: Path | None,
    ) -> None:
        """`off` is the file that switches it off; None where there is no place for one."""
        self._book = book
        self._terms = desk.terms
        self._world = world
        self._means = means
        self._orders = orders
        self._adviser = adviser
        self._runner = runner
        self._tasks = tasks
        self._off = off
        self._row: Row | None = None
        self._firing: Mapping[str, Standing] = {}

    def take(self, tick: Tick) -> None:
        """One more tick."""
        self._row = tick.row
        self._firing = {
            name: standing for name, standing in tick.standings.items() if standing.rung is Rung.AUTOMATIC
        }

    def look(self) -> None:
        """Journal what is due, page whom it concerns, and take up steps that were cut off."""
        while bodies := automatic.due(self._seen()):
            self._book.say(*bodies)
            for body in bodies:
                if isinstance(body, ev.StageBegan):
                    crash.reached(POINT, body.stage)
        incident = self._book.state.open_incident
        run = incident.automatic if incident else None
        if incident is not None and run is not None:
            self._page(incident, run)
            if run.active and incident.commander is None:
                self._take_up(incident)

    def opens(self, incident: Incident) -> str | None:
        """By which standing authorisation the gate opens with nobody's yes, "" by none; None: not so."""
        return automatic.opens(self._seen(), incident)

    async def look_at_open_gate(self) -> None:
        """See that the gate that an engine before this one has opened by itself was its to open.

        As with one that people opened, what has ended since does not matter: the switch may be under way.
        """
        incident = self._book.state.open_incident
        run = incident.automatic if incident else None
        if incident is None or run is None or incident.gate_opened is None or incident.planning:
            return
        if run.opened != incident.plan_hash:
            return
        if self._is_of_other_files(run):
            log.warning("gate.not_looked_at", why="strategy or roster is not what was signed for")
            return
        why = automatic.unfit(self._terms.environment, incident, run)
        if not why and run.standing:
            why = await self._orders.stood(run.standing, incident.gate_opened)
        if why:
            self._book.say(ev.GateClosed(f"the journal says that it opened by itself, but {why}"))

    def _is_of_other_files(self, run: AutomaticRun) -> bool:
        known = self._book.state.standing.get(run.standing)
        try:
            signed = parse(known.text) if known else None
        except StatementError:
            return False
        return signed is not None and (signed.strategy, signed.roster) != (
            self._terms.strategy,
            self._terms.roster,
        )

    # -- what is known ------------------------------------------------------------------------------

    def _seen(self) -> Seen:
        """What is known now; git, files and signatures are looked at only where that decides something."""
        state, now = self._book.state, self._world.clock.now()
        seen = Seen(
            now=now,
            state=state,
            environment=self._terms.environment,
            roster=self._means.roster,
            roster_sha256=self._terms.roster,
            file=self._file(),
            firing=self._firing,
        )
        incident = state.open_incident
        run = incident.automatic if incident else None
        if incident is None or run is None or not run.active:
            return seen
        again = self._second(run)
        agreed = any(found.agrees for found in again.values())
        looks = run.mode == "validating" and agreed
        return replace(
            seen,
            second=again,
            attribution=self._attribution(incident) if looks else None,
            in_vain=self._in_vain() if looks else "",
            covered=self._orders.covering,
            verified=self._orders.verified,
        )

    def _second(self, run: AutomaticRun) -> dict[str, Second]:
        """What the second paths of the metrics on their rung say of what was measured since the alarm."""
        row = self._row
        if row is None:
            return {}
        return {name: second(self._terms.environment, name, row, run.began) for name in self._firing}

    def _in_vain(self) -> str:
        """What the adviser would say against it."""
        if self._row is None:
            return ""
        return will_not_help(self._terms.environment, self._adviser.grounds(self._row))

    def _attribution(self, incident: Incident) -> Attribution:
        """By what the service was seen to run, and by the releases that are on record."""
        known: tuple[Deployed, ...] = ()
        now = self._world.clock.now()
        try:
            record = self._world.releases()
        except StatedError as error:
            log.warning("automatic.releases_unread", why=str(error))
        else:
            known = recorded(record, now)
        line = line_of_deploys(known, self._book.state.landed)
        return attributed(self._terms.environment, line, incident.onset.utc_us)

    def _file(self) -> str | None:
        """What the file says that switches it off; None where there is none."""
        if self._off is None or not self._off.exists():
            return None
        said = ""
        try:
            with self._off.open("rb") as file:
                said = one_line(file.read(LONGEST_FILE).decode(errors="replace"))
        except OSError as error:
            log.warning("automatic.file_unread", why=str(error))
        return f"the file {self._off.name} is there{f', {said}' if said else ''}"

    # -- paging -------------------------------------------------------------------------------------

    def _page(self, incident: Incident, run: AutomaticRun) -> None:
        """Page everybody who was not, about whatever there is to tell them."""
        paging = self._terms.environment.authorisation.paging
        if paging is None or paging.command is None:
            return
        about: list[About] = ["begun"]
        if run.mode == "held" and run.active:
            about.append("held")
        if run.outcome == "stopped":
            about.append("stopped")
        people = automatic.called_up(self._terms.environment, self._means.roster, self._world.clock.now())
        for what in about:
            for person in people:
                name = f"page {incident.id} {paging_key(what, person)}"
                if paging_key(what, person) not in run.paged and name not in self._tasks:
                    self._tasks.start(name, self._call(incident, run, what, person))

    async def _call(self, incident: Incident, run: AutomaticRun, about: About, person: str) -> None:
        paging = self._terms.environment.authorisation.paging
        if paging is None or paging.command is None:
            return
        text = page_text(self._terms.name, incident, run, about, person)
        called = await send(self._means, person, text)
        now = self._book.state.open_incident
        if now is not None and now.id == incident.id:
            self._book.say(ev.AutomaticPaged(person, about, called.delivered, called.words))

    # -- steps that were cut off --------------------------------------------------------------------

    def _take_up(self, incident: Incident) -> None:
        """Decide about a step whose engine has died, by the rule for runs without a person (DESIGN 3)."""
        for step in incident.asking():
            state = incident.step(step.id)
            if state.status is not Status.UNKNOWN or state.finding is None:
                continue
            choice = unattended(state.finding, repeatable=step.repeatable, attempt=state.attempt)
            if choice is Choice.RETRY:
                self._book.say(_decided(incident, step, choice))
            elif choice is Choice.CONTINUE and f"accept {step.id}" not in self._tasks:
                self._tasks.start(f"accept {step.id}", self._accept(incident, step))

    async def _accept(self, incident: Incident, step: Step) -> None:
        """It is taken as done only with its proof."""
        try:
            proven = await self._runner.accept(step)
        except (StatedError, TimeoutError) as error:
            now = self._book.state.open_incident
            if now is not None and now.id == incident.id and now.automatic and now.automatic.active:
                words = f"{step.title} cannot be taken as done: {str(error) or 'no proof in time'}"
                self._book.say(ev.AutomaticEnded("stopped", words))
        else:
            self._book.say(_decided(incident, step, Choice.CONTINUE), *proven)


def _decided(incident: Incident, step: Step, choice: Choice) -> ev.StepDecided:
    state = incident.step(step.id)
    reason = f"automatic rollback: its probe says {state.finding}"
    return ev.StepDecided(step.id, state.attempt, choice, reason)
