"""The conductor: decides which steps may start now, opens the gate, and keeps every run in one flight."""

import asyncio
from collections.abc import Callable, Coroutine

import structlog
from msgspec import Struct

from console.core import events as ev
from console.core.clock import Clock, Stamp
from console.core.commanding import allowed
from console.core.pacing import released
from console.core.plan import Authority, Pace, Step
from console.core.policy import gate, opens_by, to_review, too_old
from console.core.state import Incident, Status
from console.core.undoing import next_to_undo
from console.engine import crash
from console.engine.board import one_line
from console.engine.docket import Docket
from console.engine.runner import Runner

log = structlog.get_logger()


class Startable(Struct, frozen=True):
    """Steps that may start now; those behind the gate only in the transaction that opens it."""

    steps: tuple[Step, ...]
    behind_gate: bool


def startable(incident: Incident | None, pace: Pace = "phase") -> Startable:
    """Of the first phase that is not settled: waiting steps whose needs are settled.

    Nothing starts while a step waits for a person's decision, after an abort, or in an incident that
    nobody has declared; nor, by the pace of the strategy or the incident, before its own key.
    """
    nothing = Startable((), behind_gate=False)
    if incident is None or incident.plan is None or incident.status != "declared":
        return nothing
    phase = incident.phase
    if phase is None or incident.planning or incident.aborted is not None or incident.asking():
        return nothing
    steps = tuple(step for step in incident.plan.of_phase(phase) if _free(incident, step, pace))
    behind = incident.gate_opened is None and any(step.authority is Authority.MATRIX for step in steps)
    return Startable(steps, behind_gate=behind)


def _opened_by_itself(incident: Incident, standing: str, now: Stamp) -> ev.GateOpened:
    """The opening with nobody's yes, by that standing authorisation; "": where the strategy asks for none."""
    seen = opens_by(incident, now, automatic=True)
    return ev.GateOpened(incident.plan_hash or "", (), seen, automatic=True, standing=standing)


def _opened(incident: Incident, approvers: tuple[str, ...], now: Stamp) -> ev.GateOpened:
    """The gate's opening, and by when those review it who were passed over because the glass was broken."""
    glass = incident.plan.glass if incident.plan else None
    return ev.GateOpened(
        plan_hash=incident.plan_hash or "",
        approvers=approvers,
        predicates=opens_by(incident, now),
        reviews=to_review(incident, now),
        review_by=0 if glass is None else now.utc_us + round(1e6 * glass.review_within_s),
    )


def _free(incident: Incident, step: Step, pace: Pace) -> bool:
    waiting = incident.step(step.id).status is Status.WAITING
    may = allowed(incident, step) and released(incident, step, pace)
    return waiting and may and all(incident.step(need).status.settled for need in step.needs)


class Conductor:
    """Starts what may start, each time the state has changed."""

    def __init__(
        self,
        docket: Docket,
        runner: Runner,
        clock: Clock,
        *,
        drain: Callable[[], None],
        still_ours: Callable[[], None],
        fault: Callable[[str], None],
        settled: Callable[[], None] = lambda: None,
        signed: Callable[[Incident], bool] = lambda _: True,
        automatic: Callable[[Incident], str | None] = lambda _: None,
        pace: Pace = "phase",
    ) -> None:
        """`drain` empties the inbox, `still_ours` raises when the lease is gone, `fault` ends the engine.

        `signed` says whether every signature still holds; where it cannot say yet, it asks for another look.
        `automatic` says by which standing authorisation the gate opens with nobody's yes ("": by none), or
        None where people open it.
        `pace` is how far one key goes, where the incident does not say.
        `settled` is called after each step, and whenever there may be nothing left to do.
        """
        self._docket = docket
        self._runner = runner
        self._clock = clock
        self._drain = drain
        self._fault = fault
        self._still_ours = still_ours
        self._settled = settled
        self._signed = signed
        self._automatic = automatic
        self._pace = pace
        self._running: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    @property
    def busy(self) -> bool:
        """Whether a step is under way in this engine."""
        return bool(self._running)

    def closed(self) -> str:
        """Why the gate is closed, in a sentence; empty when there is none, or it has opened."""
        incident = self._docket.run
        if incident is None or incident.plan is None or incident.gate_opened is not None:
            return ""
        by_itself = self._automatic(incident) is not None
        return "; ".join(gate(incident, self._clock.now(), automatic=by_itself).closed)

    def advance(self) -> None:
        """Start every step that may start; opens the gate when the first of them is behind it."""
        if self._closing:
            return
        ready = startable(self._docket.run, self._pace)
        if (undone := next_to_undo(self._docket.run)) is not None:
            self._take_back(undone)
        elif ready.steps and ready.behind_gate:
            self._open_gate()
        elif ready.steps:
            for step in ready.steps:
                self._start(step)
        else:
            self._settled()

    def close(self) -> None:
        """Start nothing any more."""
        self._closing = True

    async def idle(self) -> None:
        """Return when no step is under way."""
        while self._running:
            await asyncio.wait(self._running.values())

    def _open_gate(self) -> None:
        """Judge the gate on what is known after the inbox is empty, and commit it with the first intent."""
        self._drain()
        incident = self._docket.run
        ready = startable(incident, self._pace)
        if self._closing or incident is None or not (ready.steps and ready.behind_gate):
            return
        now, standing = self._clock.now(), self._automatic(incident)
        by_itself = standing is not None
        verdict = gate(incident, now, automatic=by_itself)
        if not verdict.may_open:
            for step in too_old(incident, now, automatic=by_itself):
                self._start(step)
            return
        if standing is not None:
            self._start(ready.steps[0], _opened_by_itself(incident, standing, now))
        elif self._signed(incident):
            self._start(ready.steps[0], _opened(incident, verdict.approvers, now))
        else:
            return
        self.advance()

    def _start(self, step: Step, *before: ev.Body) -> None:
        crash.reached(step.id, "intent.before")
        self._still_ours()
        self._docket.say(*before, self._runner.intent(step))
        self._watch(step, self._runner.run(step, self._stopping))

    def _watch(self, step: Step, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._fly(step, work), name=f"step {step.id}")
        self._running[step.id] = task
        task.add_done_callback(lambda ended: self._ended(step, ended))

    def _take_back(self, step: Step) -> None:
        crash.reached(f"undo-{step.id}", "intent.before")
        self._still_ours()
        self._docket.say(self._runner.undo_intent(step))
        self._watch(step, self._runner.undo(step, lambda: self._closing))

    async def _fly(self, step: Step, work: Coroutine[None, None, None]) -> None:
        """Run a step, or take it back, and start what may start after it."""
        try:
            await work
        finally:
            del self._running[step.id]
        self.advance()

    def _ended(self, step: Step, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("step.failed", step=step.id, exc_info=error)
            self._fault(
                f"the run cannot go on after {step.id}: {one_line(str(error)) or type(error).__name__}"
            )

    def _stopping(self) -> bool:
        incident = self._docket.run
        return self._closing or incident is None or incident.aborted is not None
