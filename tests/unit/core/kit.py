"""What the core's tests share: a plan, stamps moved by hand, and a journal told event by event."""

from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Body, Draft, Event
from console.core.fold import fold
from console.core.plan import (
    Authority,
    CodeChange,
    Need,
    Phase,
    Plan,
    Predicate,
    Release,
    Step,
    Wish,
    digest,
    frozen,
)
from console.core.protocols import Snapshot
from console.core.state import Incident, State

ENV = "testnet"
INCIDENT = "INC-7QK2"
NOON_US = 1_760_000_400_000_000


def at(seconds: float = 0.0, boot: str = "boot") -> Stamp:
    """So many seconds after the tests' beginning of time."""
    us = int(seconds * 1_000_000)
    return Stamp(NOON_US + us, boot, 7_200_000_000 + us)


def step(id_: str, phase: str = "prepare", **changes: Any) -> Step:
    """A step that does nothing in particular; behind the gate when it belongs to the switch."""
    fields: dict[str, Any] = {
        "action": "fake",
        "title": id_,
        "phase": Phase(phase),
        "authority": Authority.MATRIX if phase == "switch" else Authority.NONE,
        "needs": (),
        "params": {},
        "words": f"do {id_}",
        "effects": (f"{id_} --now",),
        "repeatable": True,
        "expected_s": 1.0,
        "limit_s": 5.0,
    }
    return Step(**{"id": id_, **fields, **changes})


STEPS = (
    step("fetch"),
    step("worktree", needs=("fetch",), fills=("good-tree",)),
    step("push", "switch"),
    step("deploy", "switch", needs=("push",)),
    step("health", "prove", fills=("healthy",), proves=("accessible",)),
    step("tidy", "close"),
)


CODE = CodeChange(
    running=Release("v1.5.3", "3" * 40, "4" * 40),
    target=Release("v1.5.0", "a" * 40, "b" * 40),
    verdict="good",
    releases_back=3,
    way="restore tree",
    branch="rollback/testnet-1760000400",
    restored="c" * 40,
)


def plan(**changes: Any) -> Plan:
    """The way back from v1.5.3 to v1.5.0, with some of its fields changed."""
    of_code = {key: changes.pop(key) for key in CodeChange.__struct_fields__ if key in changes}
    fields: dict[str, Any] = {
        "environment": ENV,
        "incident": INCIDENT,
        "code": replace(CODE, **of_code),
        "data": None,
        "verb": None,
        "steps": STEPS,
        "predicates": (Predicate("good-tree", "the commit to deploy is exactly the good tree"),),
        "needs": (Need("engineer", 1),),
        "proof": "claim",
        "recover_within_s": 900.0,
    }
    return Plan(**{**fields, **changes})


class Story:
    """A journal told event by event, folded as it goes; every event has been through its bytes."""

    def __init__(self) -> None:
        self.state = State(environment=ENV)
        self.events: list[Event] = []
        self.seconds = 0.0

    def say(self, body: Body, *, actor: str = "engine", request: str | None = None) -> State:
        """One more event of the open incident, a second after the one before."""
        self.seconds += 1
        opens = isinstance(body, ev.IncidentSuspected | ev.IncidentDeclared)
        known = self.state.open_incident
        incident = known.id if known else (INCIDENT if opens else None)
        draft = Draft(body, at(self.seconds), incident, actor, request)
        event = ev.decode(ev.encode(draft, ENV, self.state.seq + 1))
        self.events.append(event)
        self.state = fold(self.state, event)
        return self.state

    @property
    def incident(self) -> Incident:
        """The incident, open or resolved."""
        assert self.state.incident is not None
        return self.state.incident

    def snapshot(self) -> Snapshot:
        """What a console would see now."""
        return Snapshot(at(self.seconds), self.state, tuple(self.events), (), None, 0.1, (), "0" * 64)

    def start(self, epoch: int = 1) -> None:
        """An engine takes over."""
        self.say(ev.EngineStarted(4711, epoch, "0.1.0", "5" * 64, "6" * 64, "cooperative"))

    def suspect(self) -> None:
        """The first rule fires."""
        self.say(ev.IncidentSuspected(("error_rate > 5%",), at(self.seconds), at(self.seconds)))

    def declare(self) -> None:
        """`eng-1` takes command, and a plan is asked for."""
        onset = at(self.seconds)
        self.say(ev.IncidentDeclared("eng-1", "SEV-3", "", ("error_rate > 5%",), onset, onset), actor="eng-1")
        self.say(ev.PlanningStarted(Wish()), actor="eng-1")

    def freeze(self, **changes: Any) -> str:
        """A plan is frozen; its hash."""
        raw = frozen(plan(**changes))
        self.say(ev.PlanFrozen(digest(raw), Raw(raw)))
        return digest(raw)

    def begin(self, step_id: str) -> None:
        """The step's intent."""
        attempt = self.incident.step(step_id).attempt + 1
        self.say(ev.StepIntent(step_id, attempt, self.state.epoch, self.incident.plan_hash or ""))

    def end(self, step_id: str, *, failed: bool = False, **facts: str) -> None:
        """The step's outcome, with the evidence that it fills."""
        attempt = self.incident.step(step_id).attempt
        words = f"{step_id} {'failed' if failed else 'is done'}"
        self.say(ev.StepOutcome(step_id, attempt, "failed" if failed else "done", words, 1.0, facts))
        for slot in () if failed or self.incident.plan is None else self.incident.plan.step(step_id).fills:
            self.say(ev.EvidenceRecorded(slot, holds=True, words=words, inputs="x"))

    def run(self, *steps: str) -> None:
        """These steps, one after the other, each done."""
        for step_id in steps:
            self.begin(step_id)
            self.end(step_id)

    def claim(self, actor: str = "eng-1", *roles: str) -> None:
        """Somebody says yes to the plan as it is now."""
        self.say(ev.GateClaimed(self.incident.plan_hash or "", roles or ("engineer",)), actor=actor)

    def open_gate(self) -> None:
        """The yes, and the gate."""
        self.claim()
        self.say(ev.GateOpened(self.incident.plan_hash or "", ("eng-1",), ()))

    def crash(self) -> None:
        """The engine is killed, and another one starts."""
        self.start(self.state.epoch + 1)

    def to_gate(self) -> "Story":
        """Up to the gate, with everything but the yes."""
        self.start()
        self.suspect()
        self.declare()
        self.freeze()
        self.run("fetch", "worktree")
        return self

    def to_end(self) -> "Story":
        """The whole run, up to the resolution."""
        self.to_gate()
        self.open_gate()
        self.run("push", "deploy", "health", "tidy")
        return self

    def resolve(self) -> None:
        """The end."""
        self.say(ev.IncidentResolved("recovered", "", "0" * 64), actor="eng-1")
