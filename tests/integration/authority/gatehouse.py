"""A production gate in front of nothing: real engine, journal and ssh-keygen, and a clock moved by hand."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol, cast

from msgspec import Raw
from msgspec.structs import replace
from ruamel.yaml import YAML

from actions.action import World
from actions.registry import ACTIONS
from console.authority.office import Office
from console.authority.ssh import NAMESPACE
from console.config.loader import load_strategy
from console.config.paths import BUNDLED
from console.config.roster import LoadedRoster, load_roster
from console.core import events as ev
from console.core import requests as rq
from console.core.asking import asked
from console.core.clock import Stamp
from console.core.events import Body, Draft, Event
from console.core.keys import public_key
from console.core.live import Live
from console.core.paging import every_event
from console.core.plan import Need, Plan, Step, digest, frozen
from console.core.requests import AnyAsk, Request
from console.core.state import Incident, State
from console.core.statement import Statement, parse, signed_text, split
from console.drill.keyring import Keyring
from console.engine.board import Board
from console.engine.book import Book
from console.engine.desk import Desk
from console.engine.docket import Docket
from console.engine.engine import Engine
from console.engine.lookout import Lookout
from console.engine.pager import Means
from console.engine.runner import Runner
from console.engine.sampling import Sampler
from console.store.bell import Bell
from console.store.inbox import FolderInbox
from console.store.journal import SqliteReader, SqliteWriter
from console.store.layout import Layout
from console.store.lease import Lease
from console.targets.process import Finished, Programs
from tests.unit.core.kit import INCIDENT, NOON_US, at, step
from tests.unit.core.kit import plan as a_plan

NAME = "production"
PRODUCTION = load_strategy(BUNDLED / "strategy.yaml", ACTIONS).strategy.environments[NAME]
SIX = ("eng-1", "eng-2", "sec-1", "ops-1", "exec-1", "pm-1")
"""Two engineers, one of whom is the commander; and everybody else that production asks."""
COMMANDER = "eng-1"
STRATEGY = "5" * 64
"""What every engine says that its strategy's digest is, unless a test says otherwise."""
LIMIT_S = 20.0


class HandClock:
    """A wall clock and a boot clock, each moved by hand."""

    def __init__(self) -> None:
        self.wall_s = 0.0
        self.boot_s = 0.0
        self.boot = "boot"

    def now(self) -> Stamp:
        return Stamp(NOON_US + round(self.wall_s * 1e6), self.boot, 7_200_000_000 + round(self.boot_s * 1e6))

    async def sleep(self, seconds: float) -> None:
        """Who waits by this clock makes it move."""
        self.pass_by(seconds)
        await asyncio.sleep(0)

    def pass_by(self, seconds: float) -> None:
        """Time goes by."""
        self.wall_s += seconds
        self.boot_s += seconds


class Watched(Programs):
    """Runs programs; a test can hold them up, and knows how many are under way."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"PATH": os.environ["PATH"]}, tag=folder)
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.ran = 0
        self.before: Callable[[], None] = lambda: None
        """Called before each."""
        self._under_way = 0
        self._moved = asyncio.Condition()

    async def run(self, argv: Sequence[str], **how: Any) -> Finished:
        self.ran += 1
        self.before()
        await self._count(1)
        try:
            done = await super().run(argv, **how)
            await self.go_on.wait()
            return done
        finally:
            await self._count(-1)

    async def _count(self, more: int) -> None:
        async with self._moved:
            self._under_way += more
            self._moved.notify_all()

    async def under_way(self, *numbers: int) -> None:
        """Return when one of those numbers of programs is under way."""
        async with asyncio.timeout(LIMIT_S), self._moved:
            await self._moved.wait_for(lambda: self._under_way in numbers)


class Rings(Protocol):
    """What wakes the engine."""

    def ring(self, _seq: int = 0) -> None: ...

    async def wait(self, _timeout_s: float, /) -> None: ...


class Ring:
    """The engine's bell, without a socket."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self, _seq: int = 0) -> None:
        self._rung.set()

    async def wait(self, _timeout_s: float) -> None:
        await self._rung.wait()
        self._rung.clear()


class Hands:
    """Runs every step at once, and with success."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket

    def intent(self, step: Step) -> ev.StepIntent:
        run = self._docket.run
        assert run is not None
        return ev.StepIntent(step.id, run.step(step.id).attempt + 1, 1, run.plan_hash or "")

    async def run(self, step: Step, _stopping: object) -> None:
        run = self._docket.run
        assert run is not None
        filled = (ev.EvidenceRecorded(slot, holds=True, words="so it is", inputs="x") for slot in step.fills)
        done = ev.StepOutcome(step.id, run.step(step.id).attempt, "done", f"{step.id} is done", 0.1)
        self._docket.say(done, *filled)


class Silent:
    """Neither samples nor judges anything."""

    async def ticks(self) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    def recall(self) -> None:
        """There is nothing to remember."""


class Gatehouse:
    """Everything around one gate. Time, roster and journal are what the test makes of them."""

    def __init__(
        self, folder: Path, keys: Keyring, people: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`people` are names of keys by handle, where they are not everybody's own."""
        self.folder = folder
        self.keys = keys
        self.environment = PRODUCTION
        self.strategy_sha256 = STRATEGY
        self.clock = HandClock()
        self.programs = Watched(folder)
        self.pages = Programs({"PATH": os.environ["PATH"]}, tag=folder)
        """What runs the command that pages people; those who verify signatures are watched by themselves."""
        self.redact: Callable[[str], str] = str
        """Takes secrets out of what that command says."""
        self.revoked = folder / "revoked_keys"
        self.revoked.touch()
        self.roster = self.make_roster(people or {})
        self.layout = Layout(folder / "state")
        self.hang(Ring())
        self.book: Book | None = None
        self.fault = ""
        self._serving: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._asked = 0

    # -- who there is -------------------------------------------------------------------------------

    def make_roster(self, people: Mapping[str, Sequence[str]], name: str = "roster.yaml") -> LoadedRoster:
        """The bundled people with a key each, or with those named here."""
        yaml, path = YAML(), self.folder / name
        document = yaml.load(BUNDLED / "roster.yaml")
        for person in document["people"]:
            handle = person["handle"]
            person["keys"] = [self.keys.public(key) for key in people.get(handle, (handle,))]
        with path.open("w", encoding="utf-8") as file:
            yaml.dump(document, file)
        return load_roster(path)

    def reload(self) -> LoadedRoster:
        """The roster file as it is now."""
        return load_roster(self.folder / "roster.yaml")

    def revoke(self, *names: str) -> None:
        """Those keys do not count from now on."""
        self.revoked.write_text("".join(f"{self.keys.public(name)}\n" for name in names))

    # -- the engine ---------------------------------------------------------------------------------

    def hang(self, bell: "Rings") -> None:
        """By which the engine hears of requests."""
        self.bell = bell
        self.inbox = FolderInbox(self.layout.inbox, ring=bell.ring)

    def heard(self, _seq: int) -> None:
        """The journal has something new, on disk."""
        self._changed.set()

    @asynccontextmanager
    async def engine(self, roster: LoadedRoster | None = None) -> AsyncIterator["Gatehouse"]:
        """An engine at work on the journal that there is."""
        roster = roster or self.roster
        writer = SqliteWriter(self.layout, NAME)
        book = self.book = Book(writer, NAME, self.clock, self.heard)
        engine = self._engine(book, roster)
        epoch = book.state.epoch + 1
        started = ev.EngineStarted(1, epoch, "0", self.strategy_sha256, roster.sha256, "cooperative")
        self._serving = asyncio.create_task(engine.serve(started))
        try:
            yield self
        finally:
            engine.stop("the test is over")
            await self._serving
            writer.close()

    def _engine(self, book: Book, loaded: LoadedRoster) -> Engine:
        roster, sha256 = loaded.roster, loaded.sha256
        live = Live(pid=1, epoch=book.state.epoch + 1, beat=self.clock.now())
        return Engine(
            book=book,
            world=cast("World", SimpleNamespace(clock=self.clock, environment=self.environment, clone=None)),
            desk=Desk(
                NAME,
                self.environment,
                roster,
                lambda: book.state,
                roster_sha256=sha256,
                strategy_sha256=self.strategy_sha256,
            ),
            office=Office(self.programs, roster, sha256, self.folder),
            runner=lambda docket: cast("Runner", Hands(docket)),
            board=Board(live, self.clock, lambda _live: None),
            sampler=cast("Sampler", Silent()),
            lookout=cast("Lookout", Silent()),
            inbox=self.inbox,
            bell=cast("Bell", self.bell),
            lease=cast("Lease", SimpleNamespace(check=lambda: None)),
            cataloguer=None,
            changes=None,
            means=Means(self.environment, roster, self.pages, self.folder, self.redact),
        )

    @asynccontextmanager
    async def at_gate(self, **changes: Any) -> AsyncIterator["Gatehouse"]:
        """An engine, an incident that the commander declared, and a plan that is prepared."""
        async with self.engine():
            await self.until(lambda state: state.engine is not None)
            self.declare()
            await self.freeze(**changes)
            yield self

    def declare(self, incident: str = INCIDENT) -> None:
        """The commander declares; the roster of now is pinned."""
        now = self.clock.now()
        body = ev.IncidentDeclared(COMMANDER, "SEV-1", "", (), now, now, self.roster.sha256)
        self.said.append(Draft(body, now, incident, COMMANDER))

    async def freeze(self, **changes: Any) -> str:
        """A plan; its hash, when it is prepared."""
        raw = frozen(self.plan(**changes))
        self.say(ev.PlanFrozen(digest(raw), Raw(raw)))
        self.bell.ring()
        await self.until(lambda state: _prepared(state, digest(raw)))
        return digest(raw)

    def plan(self, **changes: Any) -> Plan:
        """The way back, with some of its fields changed."""
        steps = (step("worktree", fills=("good-tree",)), step("push", "switch"))
        needs = tuple(Need(rule.role, rule.count) for rule in self.environment.authorisation.approvers)
        fields = {"environment": NAME, "incident": self.incident.id, "steps": steps, "needs": needs}
        return a_plan(**{**fields, "proof": "signature", **changes})

    @property
    def said(self) -> Book:
        """The engine's book."""
        assert self.book is not None
        return self.book

    def say(self, *bodies: Body) -> None:
        """The engine says so."""
        self.said.append(*(self.said.draft(body) for body in bodies))

    @property
    def incident(self) -> Incident:
        """The open incident."""
        incident = self.said.state.open_incident
        assert incident is not None
        return incident

    @property
    def opened(self) -> bool:
        """Whether the gate is open, or anything behind it has begun."""
        incident = self.said.state.open_incident
        return incident is not None and (incident.gate_opened is not None or "push" in incident.steps)

    async def until(self, holds: Any) -> None:
        """Wait until the state is like that."""
        assert self._serving is not None
        async with asyncio.timeout(LIMIT_S):
            while not holds(self.said.state):
                assert not self._serving.done(), f"the engine has ended: {self.said.state.engine}"
                self._changed.clear()
                await asyncio.wait((asyncio.ensure_future(self._changed.wait()),), timeout=0.05)

    async def quiet(self) -> None:
        """The engine has seen everything, and verifies nothing any more."""
        for _ in range(2):
            await self.ask(rq.Note("is anything left to do?"))
            await self.programs.under_way(0)

    # -- what people do -----------------------------------------------------------------------------

    def put(self, ask: AnyAsk, actor: str = COMMANDER) -> str:
        """Leave a request in the inbox; its id."""
        self._asked += 1
        request = Request(f"r-{self._asked}", NAME, actor, at(self._asked), ask)
        self.inbox.put(request)
        return request.id

    async def ask(self, ask: AnyAsk, actor: str = COMMANDER) -> Body:
        """Ask for something; how it was answered."""
        return await self.answer(self.put(ask, actor))

    async def answer(self, request: str) -> Body:
        """The first event that answers a request."""
        await self.until(lambda state: request in state.answered)
        return next(event.body for event in self.events() if event.request == request)

    def statement(self, person: str, **changes: Any) -> Statement:
        """What that person is asked to sign now, with some of its fields changed."""
        incident = self.incident
        assert incident.plan is not None
        made = asked(
            incident,
            incident.plan,
            person,
            self.roster.roster.roles_of(person),
            head=self.said.last(),
            now=self.clock.now(),
            within_s=self.environment.authorisation.within,
        )
        return replace(made, **changes)

    def signature(self, text: str, key: str, namespace: str = NAMESPACE) -> str:
        """Signed with plain ssh-keygen."""
        argv = ["ssh-keygen", "-Y", "sign", "-f", str(self.keys.private(key)), "-n", namespace]
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=True)
        return done.stdout

    def signed(self, person: str, *, key: str | None = None, **changes: Any) -> str:
        """A statement of that person with its signature, as it is sent."""
        return self.sealed(self.statement(person, **changes).text, key or person)

    def sealed(self, text: str, key: str) -> str:
        """That text with a signature."""
        return signed_text(text, self.signature(text, key))

    def made(self, person: str, *, key: str | None = None, **changes: Any) -> ev.GateSigned:
        """The row that an engine would write for such a statement; it is written nowhere."""
        text, signature = split(self.signed(person, key=key, **changes))
        said = parse(text)
        public = public_key(self.keys.public(key or person))
        roles = self.roster.roster.roles_of(person)
        return ev.GateSigned(
            said.plan, person, roles, public.fingerprint, said.because, said.expires, text, signature
        )

    async def hand_in(self, document: str, actor: str = COMMANDER) -> Body:
        """Hand in what was signed; how it was answered."""
        return await self.ask(rq.Approve(*split(document)), actor)

    def put_signed(self, person: str) -> str:
        """Leave what that person signs now in the inbox; the request's id."""
        return self.put(rq.Approve(*split(self.signed(person))))

    async def sign(self, *people: str) -> None:
        """They sign what they are asked now, and it is taken."""
        for person in people:
            body = await self.hand_in(self.signed(person))
            assert isinstance(body, ev.GateSigned), body

    # -- what came of it ----------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """The whole journal, from its file."""
        reader = SqliteReader(self.layout.journal, NAME)
        try:
            return list(every_event(reader))
        finally:
            reader.close()

    def reasons(self) -> list[str]:
        """Why something did not count, or does not any more, in order."""
        bodies = (event.body for event in self.events())
        return [body.reason for body in bodies if isinstance(body, ev.RequestRefused | ev.GateWithdrawn)]

    async def stays_closed(self, why: str) -> None:
        """The gate does not open, and the newest reason in the journal says why."""
        await self.quiet()
        assert not self.opened
        assert why in (self.reasons() or [""])[-1]

    async def opens(self) -> None:
        """The gate opens, in the transaction of the first step behind it."""
        await self.until(lambda _state: self.opened)
        kinds = [event.body.kind for event in self.events()]
        last = max(number for number, kind in enumerate(kinds) if kind == "gate.opened")
        assert kinds[last + 1] == "step.intent"

    async def foils(self, document: str, why: str) -> None:
        """What is handed in is refused for that reason, on one line, and the gate stays closed."""
        answer = await self.hand_in(document)
        assert isinstance(answer, ev.RequestRefused), answer
        assert why in answer.reason
        assert "\n" not in answer.reason
        await self.stays_closed(why)

    def forge(self, *bodies: Body, actor: str = "engine") -> None:
        """Somebody with the journal's file writes rows into it, hash chain and all; no engine runs."""
        writer = SqliteWriter(self.layout, NAME)
        try:
            writer.append([Draft(body, self.clock.now(), INCIDENT, actor) for body in bodies])
        finally:
            writer.close()


def _prepared(state: State, plan_hash: str) -> bool:
    incident = state.open_incident
    if incident is None or incident.plan_hash != plan_hash:
        return False
    return "good-tree" in incident.evidence


def without(people: Iterable[str], *gone: str) -> tuple[str, ...]:
    """Those people but for some."""
    return tuple(person for person in people if person not in gone)
