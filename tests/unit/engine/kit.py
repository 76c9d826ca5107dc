"""What the engine's tests share: a testnet, a hand-moved clock, a journal that keeps its transactions."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Body, Draft, Event
from console.core.plan import Step, Wish, digest, frozen
from console.core.state import Incident
from console.core.strategy import Environment
from console.engine.book import Book
from console.store.memory import MemoryJournal
from tests.unit.core import kit
from tests.unit.core.kit import ENV, INCIDENT, at

_PROBE = {"kind": "http", "url": "http://127.0.0.1:9000/health", "every": "1s", "limit": "1s"}


def environment(**changes: Any) -> Environment:
    """A testnet with as little in it as an environment can have, and some of its fields changed."""
    document = {
        "title": "a testnet",
        "risk": "low",
        "users": "internal testers",
        "recover_within": "15m",
        "expected": "10m",
        "severity": "SEV-3",
        "repository": {
            "remote": "remote.git",
            "branch": "develop",
            "rollback_branch": "rollback/testnet-{epoch}",
        },
        "releases": {"file": "releases.yaml"},
        "service": {"url": "http://127.0.0.1:9000", "health": _PROBE["url"], "version": "version"},
        "deploy": {"kind": "pipeline"},
        "data": {"dsn": "env:DSN", "tables": {"users": "id"}, "may_be_reset": True},
        "sources": {"health": _PROBE},
        "metrics": {
            "health_check": {
                "title": "health",
                "unit": "count",
                "measure": {"kind": "failures in a row", "source": "health"},
                "rungs": {"mandatory": "health_check > 3"},
            }
        },
        "triggers": {
            "keys_exposed": {"title": "private keys exposed", "rung": "mandatory"},
            "data_lost": {"title": "data lost", "rung": "mandatory"},
        },
        "impact": {"metric": "health_check", "words": "sign", "failures": "failed signings"},
        "health": {"tries": 5, "every": "1s", "in_a_row": 3, "limit": "1s"},
        "commands": {},
        "authorisation": {
            "approvers": [{"role": "engineer", "count": 1}],
            "proof": "claim",
            "within": "0s",
            "initiator_may_approve": "always",
        },
        "runbook": [
            {
                "id": "fetch",
                "action": "fetch",
                "phase": "prepare",
                "title": "fetch",
                "authority": "none",
                "expected": "1s",
                "limit": "10s",
            }
        ],
        "checklist": [{"id": "accessible", "title": "accessible"}, {"id": "logs", "title": "clean logs"}],
    }
    return Environment.model_validate({**document, **changes})


class HandClock:
    """A clock that only moves when it is told to; who sleeps on it moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Stamp:
        return at(self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


class Journal(MemoryJournal):
    """The journal's twin in memory; `transactions` holds the kinds of each append call."""

    def __init__(self) -> None:
        super().__init__(ENV)
        self.transactions: list[list[str]] = []
        self.refuses: Exception | None = None

    def append(self, drafts: Sequence[Draft]) -> Sequence[Event]:
        if self.refuses is not None:
            raise self.refuses
        self.transactions.append([draft.body.kind for draft in drafts])
        return super().append(drafts)

    def bodies(self) -> list[Body]:
        """Everything that was ever said."""
        return [event.body for event in self.read(0, 10_000)]

    def kinds(self, *prefixes: str) -> list[str]:
        """The kinds of all events, or of those of some kinds, each with its step where it has one."""
        named = [(body.kind, getattr(body, "step", None)) for body in self.bodies()]
        wanted = [(kind, step) for kind, step in named if not prefixes or kind.startswith(prefixes)]
        return [f"{kind} {step}" if step else kind for kind, step in wanted]


class Desktop:
    """A book on a journal in memory, told up to some point of an incident."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.journal = Journal()
        self.rung: list[int] = []
        self.book = Book(self.journal, ENV, self.clock, self.rung.append)

    @property
    def incident(self) -> Incident:
        """The open incident."""
        assert self.book.state.open_incident is not None
        return self.book.state.open_incident

    def say(self, *bodies: Body, actor: str = "engine") -> None:
        """Commit these, together, as of a moment later."""
        self.clock.seconds += 0.001
        self.book.append(*(self.book.draft(body, actor=actor) for body in bodies))

    def suspect(self) -> None:
        """An engine starts, and the first rule fires."""
        self.say(ev.EngineStarted(1, self.book.state.epoch + 1, "0", "", "", "cooperative"))
        body = ev.IncidentSuspected(("health_check > 3",), at(), at())
        self.book.append(Draft(body, self.clock.now(), INCIDENT))

    def declare(self, *steps: Step, **changes: Any) -> str:
        """`eng-1` declares, and a plan of those steps is frozen; its hash."""
        self.suspect()
        self.say(ev.IncidentDeclared("eng-1", "SEV-3", "", (), at(), at()), actor="eng-1")
        self.say(ev.PlanningStarted(Wish()), actor="eng-1")
        return self.freeze(*steps, **changes)

    def freeze(self, *steps: Step, **changes: Any) -> str:
        """A plan of those steps (of the usual ones, when none is given); its hash."""
        raw = frozen(kit.plan(steps=steps or kit.STEPS, **changes))
        self.say(ev.PlanFrozen(digest(raw), Raw(raw)))
        return digest(raw)

    def claim(self, actor: str = "eng-1") -> None:
        """A yes to the plan as it is now."""
        self.say(ev.GateClaimed(self.incident.plan_hash or "", ("engineer",)), actor=actor)

    def begin(self, step: str) -> None:
        """The step's intent."""
        attempt = self.incident.step(step).attempt + 1
        self.say(ev.StepIntent(step, attempt, self.book.state.epoch, self.incident.plan_hash or ""))

    def end(self, step: str, status: str = "done") -> None:
        """The step's outcome, with the evidence that it fills."""
        attempt = self.incident.step(step).attempt
        plan = self.incident.plan
        slots = plan.step(step).fills if plan and status == "done" else ()
        filled = (ev.EvidenceRecorded(slot, holds=True, words="so it is", inputs="x") for slot in slots)
        self.say(ev.StepOutcome(step, attempt, status, f"{step} is {status}", 0.1), *filled)

    def run(self, *steps: str) -> None:
        """These steps, done."""
        for step in steps:
            self.begin(step)
            self.end(step)

    def crash(self) -> None:
        """The engine dies and another one starts."""
        self.say(ev.EngineStarted(2, self.book.state.epoch + 1, "0", "", "", "cooperative"))
