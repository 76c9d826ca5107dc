"""A room without an engine: it folds the events it is given, and keeps what is asked of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Raw
from msgspec.structs import replace

from console.core import events as ev
from console.core.clock import Stamp
from console.core.course import Piece, course, thinned
from console.core.fold import fold
from console.core.live import Live, Progress
from console.core.metrics import Reading, Row, Rung
from console.core.plan import Wish, digest, frozen
from console.core.protocols import Snapshot
from console.core.requests import AnyAsk
from console.core.state import Incident, State
from console.core.strategy import Environment
from tests.ui import place

START_US = 1_772_028_557_000_000
"""2026-02-25 14:09:17 UTC."""
INCIDENT = "INC-7QK2"
KEPT_EVENTS = 500
"""A snapshot holds so many of the newest; what is older is asked for."""


class FakeRoom:
    """The Room of the tests. Time stands still unless `wait` moves it."""

    def __init__(self, environment: Environment | None = None, *, engine: bool = True) -> None:
        self.environment = environment or place.environment()
        self.name = "testnet"
        self.actor = "eng-1"
        self.state = State(environment=self.name)
        self.events: list[ev.Event] = []
        self.rows: list[Row] = []
        self.past: list[Row] = []
        """Rows that a snapshot has let go of."""
        self.live: Live | None = None
        self.silent_s: float | None = None
        self.gone = False
        """Whether the engine's process has been seen to be gone."""
        self.sampling = True
        """Whether there is a sample whenever time passes, once there has been one."""
        self._lost: Stamp | None = None
        self.pending: list[str] = []
        self.asked: list[AnyAsk] = []
        self.by: list[str] = []
        """In whose name each was asked."""
        self.started = 0
        self.trouble: Exception | None = None
        self.answer: Callable[[AnyAsk, str], None] | None = None
        """What an engine would do about a request and its id; None: nobody takes it."""
        self._seconds = 0.0
        self._rung = asyncio.Event()
        if engine:
            self.start_engine()
            self.started = 0

    # -- the protocol -------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        if self.trouble is not None:
            raise self.trouble
        return Snapshot(
            at=self.now,
            state=self.state,
            events=tuple(self.events[-KEPT_EVENTS:]),
            rows=tuple(self.rows),
            live=self.live,
            engine_silent_s=self._silent_s(),
            pending=tuple(self.pending),
            head="0" * 64,
            engine_gone=self.gone,
        )

    async def changed(self, timeout_s: float) -> None:
        try:
            await asyncio.wait_for(self._rung.wait(), timeout_s)
        except TimeoutError:
            return
        self._rung.clear()

    def submit(self, ask: AnyAsk, actor: str | None = None) -> str:
        request = f"r-{len(self.asked) + 1}"
        self.asked.append(ask)
        self.by.append(actor or self.actor)
        if self.answer is None:
            self.pending.append(request)
        else:
            self.answer(ask, request)
        self.ring()
        return request

    def timeline(self, before: int, count: int) -> Sequence[ev.Event]:
        return self.events[max(0, before - 1 - count) : max(0, before - 1)]

    async def course(self, metric: str, since: Stamp, until: Stamp, width_s: float) -> Sequence[Piece]:
        rows = (
            row
            for row in (*self.past, *self.rows)
            if row.at.seconds_since(since) >= 0 and until.seconds_since(row.at) >= 0
        )
        return list(thinned(course(rows, metric), since, width_s))

    def start_engine(self) -> None:
        self.started += 1
        self.gone, self.sampling, self._lost = False, True, None
        epoch = self.state.epoch + 1
        self.say(ev.EngineStarted(4711, epoch, "0.1.0", "5" * 64, "6" * 64, "cooperative"))
        self.live, self.silent_s = Live(4711, epoch, self.now), 0.2

    @property
    def incident(self) -> Incident:
        """The incident that there is."""
        assert self.state.incident is not None
        return self.state.incident

    @property
    def plan_hash(self) -> str:
        """The hash of the plan that there is."""
        assert self.incident.plan_hash is not None
        return self.incident.plan_hash

    # -- what a test does with it -------------------------------------------------------------------

    @property
    def now(self) -> Stamp:
        microseconds = int(self._seconds * 1e6)
        return Stamp(START_US + microseconds, "boot", 1_000_000_000 + microseconds)

    def wait(self, seconds: float) -> None:
        """Let time pass. While there is sampling, everything stays as it was measured last."""
        self._seconds += seconds
        if self.rows and self.sampling:
            last = self.rows[-1]
            fresh = [
                replace(reading, measured=self.now) if reading.measured == last.at else reading
                for reading in last.readings
            ]
            self.rows.append(Row(self.now, tuple(fresh)))

    def lose_engine(self, *, gone: bool = True) -> None:
        """The engine is killed; or, where it is not `gone`, falls silent."""
        self.gone, self.sampling, self._lost = gone, False, self.now

    def _silent_s(self) -> float | None:
        return self.silent_s if self._lost is None else self.now.seconds_since(self._lost)

    def ring(self) -> None:
        self._rung.set()

    def say(
        self, body: ev.Body, actor: str = "engine", request: str | None = None, incident: str | None = None
    ) -> None:
        """Append an event: encoded, decoded and folded as by the real journal."""
        known = self.state.open_incident
        starts = isinstance(body, ev.IncidentSuspected | ev.IncidentDeclared)
        name = incident or (INCIDENT if starts else (known.id if known else None))
        draft = ev.Draft(body, self.now, name, actor, request)
        event = ev.decode(ev.encode(draft, self.name, self.state.seq + 1))
        self.events.append(event)
        self.state = fold(self.state, event)
        self.ring()

    def show(self, **changes: Any) -> None:
        """Change what the engine says of itself."""
        assert self.live is not None
        self.live = replace(self.live, beat=self.now, **changes)
        self.ring()

    def progress(self, step: str, words: str, done: float | None = None, total: float | None = None) -> None:
        """A step says how far it is."""
        state = self.state.incident.step(step) if self.state.incident else None
        since = (state.began if state else None) or self.now
        output = tuple(f"{step}: line {number} of its output" for number in range(1, 7))
        self.show(steps={step: Progress(words, since, done, total, "tries" if total else "", output)})

    def sample(
        self,
        seconds: int = 60,
        arming: Mapping[str, float] | None = None,
        **last: tuple[float | None, Rung],
    ) -> None:
        """A row a second, each metric moving from calm to the value given; the others stay calm.

        `arming` says of metrics in how many seconds their mandatory rung holds.
        """
        calm = {"connection_success_rate": 99.5, "transaction_signing_rate": 99.8, "memory_usage": 41.0}
        calm |= {"response_time_p99": 0.24, "error_rate": 0.02, "database_health": 0.0, "health_check": 0.0}
        for second in range(seconds):
            part = second / max(1, seconds - 1)
            self._seconds += 1
            readings = [
                self._reading(name, value, part, last.get(name, (value, Rung.OK)))
                for name, value in calm.items()
            ]
            self.rows.append(Row(self.now, tuple(readings)))
        for name, left_s in (arming or {}).items():
            self._arm(name, left_s)
        self.ring()

    def _arm(self, name: str, left_s: float) -> None:
        last = self.rows[-1]
        readings = [
            replace(reading, arms=Rung.MANDATORY, arms_in_s=left_s) if reading.metric == name else reading
            for reading in last.readings
        ]
        self.rows[-1] = Row(last.at, tuple(readings))

    def _reading(self, name: str, calm: float, part: float, last: tuple[float | None, Rung]) -> Reading:
        value, rung = last
        if value is None:
            ago = Stamp(self.now.utc_us - 14_000_000, "boot", self.now.boot_us - 14_000_000)
            return Reading(name, None, None, None if rung is Rung.WAITING else ago, rung)
        grown = calm + (value - calm) * part
        return Reading(name, grown if rung is not Rung.OK else value, 120, self.now, rung)

    # -- the chapters of an incident ----------------------------------------------------------------

    def suspect(self) -> None:
        rule = "error_rate > 5%"
        self.say(ev.RungChanged("error_rate", "errors", Rung.OK, Rung.MANDATORY, 12.4, 240, "%", rule))
        self.say(ev.IncidentSuspected((rule, "transaction_signing_rate = 0%"), self.now, self.now))

    def declare(self, note: str = "gas settings look wrong since v1.5.2", request: str | None = None) -> None:
        known = self.state.open_incident
        onset = known.onset if known else self.now
        triggers = known.triggers if known else ()
        body = ev.IncidentDeclared("eng-1", "SEV-3", note, triggers, onset, onset)
        self.say(body, actor="eng-1", request=request)
        self.say(ev.PlanningStarted(Wish()), actor="eng-1", request=request)

    def freeze(self, **changes: Any) -> str:
        raw = frozen(place.plan(INCIDENT, **changes))
        self.say(ev.PlanFrozen(digest(raw), Raw(raw)))
        return digest(raw)

    def begin(self, step: str) -> None:
        attempt = self.incident.step(step).attempt + 1
        self.say(ev.StepIntent(step, attempt, self.state.epoch, self.plan_hash))

    def end(
        self, step: str, words: str, facts: dict[str, str] | None = None, *, failed: bool = False
    ) -> None:
        state = self.incident.step(step)
        seconds = self.now.seconds_since(state.began) if state.began else 0.0
        status: Literal["done", "failed"] = "failed" if failed else "done"
        self.say(ev.StepOutcome(step, state.attempt, status, words, seconds, facts or {}))
        if self.live is not None:
            self.show(steps={})

    def run(self, step: str, seconds: float, words: str, facts: dict[str, str] | None = None) -> None:
        self.begin(step)
        self.wait(seconds)
        self.end(step, words, facts)

    def prepare(self) -> None:
        self.run("fetch", 1, "develop at 33333333")
        self.run("rows-before", 1, "120 users, 4,312 transactions")
        self.say(ev.EvidenceRecorded("rows", holds=True, words="4,432 rows", inputs="1"))
        self.run("restore-tree", 2, "9c1f0000 = tree of v1.5.0")
        self.say(ev.EvidenceRecorded("good-tree", holds=True, words="9c1f0000 = tree of v1.5.0", inputs="2"))
        self.run("push-branch", 2, "on the remote at 9c1f0000")

    def open_gate(self, request: str | None = None) -> None:
        self.say(ev.GateClaimed(self.plan_hash, ("engineer",)), actor="eng-1", request=request)
        self.say(ev.GateOpened(self.plan_hash, ("eng-1",), ("the rows are counted",)))

    def switch(self) -> None:
        self.run("integrate", 3, "develop at 9c1f0000, the good tree")
        self.run("deploy", 6, "runs 9c1f0000")
        self.runs("v1.5.0")

    def prove(self) -> None:
        first = {"first_good_utc_us": str(self.now.utc_us), "first_good_boot_us": str(self.now.boot_us)}
        self.run("health", 4, "3 good in a row, v1.5.0", {"version": "v1.5.0", **first})
        self.say(ev.EvidenceRecorded("healthy", holds=True, words="3 good in a row, v1.5.0", inputs="3"))
        for item in ("accessible", "consistent"):
            self.say(ev.ItemTicked(item, done=True, note="3 good in a row, v1.5.0", step="health"))
        self.run("validate", 7, "passed: 14 checks")
        self.run("rows-kept", 1, "4,432 rows, none gone")
        self.run("tidy", 1, "worktree removed")

    def resolve(self, request: str | None = None) -> None:
        self.say(ev.IncidentResolved("recovered", "", "0" * 64), actor="eng-1", request=request)

    def probed(self, step: str, finding: Literal["done", "not done", "cannot tell"], words: str) -> None:
        self.say(ev.StepProbed(step, self.incident.step(step).attempt, finding, words))

    def runs(self, release: str) -> None:
        """The service answers that it runs that release."""
        self.say(ev.ReleaseSeen(release, None))

    def separate(self, *, supervised: bool = True) -> None:
        """The engine runs under an account of its own, perhaps under a service manager."""
        epoch = self.state.epoch + 1
        started = ev.EngineStarted(
            4711, epoch, "0.1.0", "5" * 64, "6" * 64, "separated", supervised=supervised
        )
        self.say(started)
