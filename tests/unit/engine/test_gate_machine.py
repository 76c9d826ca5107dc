"""The gate against a model of the matrix: people, plans, evidence, signatures and clocks in any order.

The model remembers who said what, when, to which plan, and tries every way to seat people; it knows nothing
of events, folds or matching. After each move both must agree whether the gate may open.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec import Raw

from console.core import events as ev
from console.core import requests as rq
from console.core.asking import asked, refusing
from console.core.errors import StatedError
from console.core.plan import DataChange, Glass, Need, Predicate, Prerequisite, Wish, digest, frozen
from console.core.policy import gate
from console.core.protocols import Head
from console.core.requests import Request
from console.core.roster import Roster
from console.core.statement import Statement
from console.core.strategy import Environment
from console.engine import grants
from console.engine.desk import Desk
from console.engine.grants import RefusedError
from console.engine.signatures import check_last_word
from tests.unit.core import kit
from tests.unit.core.kit import ENV
from tests.unit.engine.kit import Desktop, environment

RUNS = 1000
WITHIN_S, FRESH_S, LATE_S = 900, 300, 700
ROLES: Mapping[str, tuple[str, ...]] = {
    "eng-1": ("engineer",),  # declares every incident
    "eng-2": ("engineer",),
    "eng-3": ("engineer", "security-lead"),
    "sec-1": ("security-lead", "team-lead"),
    "lead-1": ("team-lead", "engineer"),
    "ops-1": ("operations-lead",),
    "gone-1": ("engineer", "security-lead"),  # does not count any more
    "pm-1": ("product-manager",),  # is not asked
}
MATRIX = (Need("engineer", 2), Need("security-lead", 1))
GLASS = Glass(2, ("security-lead", "operations-lead"), (*MATRIX, Need("operations-lead", 1)), 86_400.0)
BACK = DataChange("b1", recovery_point=1, onset=2, loss_at_most=0)
SLOTS = ("good-tree", "restorable-point")
people = st.sampled_from(tuple(ROLES))


def roster() -> Roster:
    """Everybody; keys are looked at by somebody else."""
    entries = [
        {
            "handle": handle,
            "roles": list(roles),
            **({"valid_until": "2020-01-01"} if handle == "gone-1" else {}),
        }
        for handle, roles in ROLES.items()
    ]
    return Roster.model_validate({"schema": "warroom.roster/1", "people": entries})


def house() -> Environment:
    """A production in which whoever asks may say yes to code alone."""
    return environment(
        authorisation={
            "approvers": [{"role": need.role, "count": need.count} for need in MATRIX],
            "proof": "signature",
            "within": f"{WITHIN_S}s",
            "initiator_may_approve": "code only",
        },
        prerequisites=[
            {
                "id": "restorable",
                "title": "restorable point",
                "proof": {"kind": "evidence", "steps": ["fetch"]},
                "may_be_waived": True,
                "waived_by": ["security-lead"],
            },
            {"id": "ticket", "title": "ticket", "proof": {"kind": "hand"}},
        ],
    )


@dataclass
class Word:
    """What somebody said about the present plan, and is remembered by."""

    person: str
    yes: bool
    key: str
    until: float


@dataclass
class Model:
    """What a careful person with pen and paper would know."""

    plan: int = 0
    data: bool = False
    glass: bool = False
    asked_by: str = ""
    made_since: int = 0
    """How many moves had been made when the present demand was; what was written before it does not count."""
    words: dict[str, Word] = field(default_factory=dict)
    spoke: dict[str, int] = field(default_factory=dict)
    proofs: dict[str, tuple[bool, float]] = field(default_factory=dict)
    ticked: bool = False
    waived: bool = False
    prepared: bool = False

    def renew(self, moves: int, asked_by: str, *, data: bool, glass: bool) -> None:
        """Another plan: everything that was said and proven was about the one before."""
        self.plan, self.data, self.glass = self.plan + 1, data, glass
        self.asked_by, self.made_since = asked_by, moves
        self.words, self.proofs, self.spoke = {}, {}, {}
        self.waived, self.prepared = False, False

    def may_speak(self, word: Word, made: int, now: float) -> bool:
        """Whether what was written down after move `made` counts when it is handed in."""
        matrix = GLASS.matrix if self.glass else MATRIX
        asked_roles = {need.role for need in matrix} | (set() if self.glass else {"team-lead"})
        if made < self.made_since or made < self.spoke.get(word.person, 0) or now >= word.until:
            return False
        if not asked_roles & set(ROLES[word.person]):
            return False
        if not word.yes:
            return True
        initiators = ("eng-1", self.asked_by) if self.data else ()
        said = self.counting(now)
        others = {each.key for each in said}
        known = word.person in {each.person for each in said}
        return not (known or word.person in (*initiators, "gone-1") or word.key in others)

    def counting(self, now: float) -> list[Word]:
        return [word for word in self.words.values() if word.yes and now < word.until]

    def opens(self, now: float) -> bool:
        """Every way to seat people is tried."""
        said = self.counting(now)
        no = any(not word.yes for word in self.words.values())
        slots = SLOTS[:1] if self.waived else SLOTS
        proven = all(self._proven(slot, now) for slot in slots)
        lead = self.glass or any("team-lead" in ROLES[word.person] for word in said)
        return self.prepared and not no and proven and self.ticked and lead and self._seated(said)

    def _proven(self, slot: str, now: float) -> bool:
        holds, since = self.proofs.get(slot, (False, 0.0))
        return holds and (slot != "restorable-point" or now - since <= FRESH_S)

    def _seated(self, said: Sequence[Word]) -> bool:
        held = [ROLES[word.person] for word in said]
        if self.glass:
            return len(held) >= GLASS.signatures and any(set(GLASS.one_of) & set(roles) for roles in held)
        seats = [need.role for need in MATRIX for _ in range(need.count)]
        ways = permutations(held, len(seats))
        return any(all(seat in roles for seat, roles in zip(seats, way, strict=True)) for way in ways)


class GateMachine(RuleBasedStateMachine):
    """Moves that people, steps and time can make, in any order."""

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.stage = Desktop()
        self.model = Model()
        self.desk = Desk(ENV, house(), roster(), lambda: self.stage.book.state)
        self.moves = 0
        self.requests = 0
        self.written: list[tuple[Statement, int, int]] = []

    @property
    def now(self) -> float:
        return self.stage.clock.seconds

    @initialize(data=st.booleans(), glass=st.booleans(), prepared=st.booleans())
    def declared(self, *, data: bool, glass: bool, prepared: bool) -> None:
        self.stage.suspect()
        self.stage.say(ev.IncidentDeclared("eng-1", "SEV-1", "", (), kit.at(), kit.at()), actor="eng-1")
        self._plan("eng-1", data=data, glass=glass and not data)
        if prepared:
            self.prepare(holds=True, age=0.0)

    # -- plans ------------------------------------------------------------------------------------

    @rule(by=people, data=st.booleans(), glass=st.booleans())
    def plan_anew(self, by: str, *, data: bool, glass: bool) -> None:
        self._plan(by, data=data, glass=glass and not data)

    def _plan(self, by: str, *, data: bool, glass: bool) -> None:
        self.stage.say(ev.PlanningStarted(Wish()), actor=by)
        waived_by = () if data else ("security-lead",)
        lead = () if glass else (Prerequisite("lead", "lead", "approval", (), ("team-lead",)),)
        raw = frozen(
            kit.plan(
                releases_back=self.model.plan + 1,
                data=BACK if data else None,
                needs=MATRIX,
                glass=GLASS if glass else None,
                proof="signature",
                predicates=(Predicate(SLOTS[0], "tree"), Predicate(SLOTS[1], "point", FRESH_S)),
                prerequisites=(
                    Prerequisite("restorable", "point", "evidence", (SLOTS[1],), (), waived_by),
                    Prerequisite("ticket", "ticket", "hand"),
                    *lead,
                ),
            )
        )
        self.stage.say(ev.PlanFrozen(digest(raw), Raw(raw)))
        self.model.renew(self._moved(), by, data=data, glass=glass)

    def _moved(self) -> int:
        self.moves = self.stage.book.state.seq
        return self.moves

    # -- prepare ----------------------------------------------------------------------------------

    @rule(holds=st.booleans(), age=st.sampled_from((0.0, 200.0)))
    def prepare(self, *, holds: bool, age: float) -> None:
        if not self.model.prepared:
            self.stage.run("fetch", "worktree")
            self.model.prepared = True
            self.model.proofs[SLOTS[0]] = (True, self.now)
        self.stage.say(ev.EvidenceRecorded(SLOTS[1], holds, "point", "x", age_s=age))
        self.model.proofs[SLOTS[1]] = (holds, self.now - age)

    @rule(slot=st.sampled_from(SLOTS), holds=st.booleans())
    def prove(self, slot: str, *, holds: bool) -> None:
        self.stage.say(ev.EvidenceRecorded(slot, holds, "looked again", "x"))
        self.model.proofs[slot] = (holds, self.now)

    @rule(by=people)
    def tick(self, by: str) -> None:
        if self._ask(rq.Tick("ticket", "INC-1 in the tracker", done=not self.model.ticked), by):
            self.model.ticked = not self.model.ticked

    @rule(by=people)
    def waive(self, by: str) -> None:
        may = "security-lead" in ROLES[by] and by != "gone-1" and not self.model.data
        point = self.model._proven(SLOTS[1], self.now)
        if self._ask(rq.Waive("restorable", "the data stays"), by):
            assert may
            assert not point
            assert not self.model.waived
            self.model.waived, self.model.words = (
                True,
                {k: w for k, w in self.model.words.items() if not w.yes},
            )
            self.model.made_since = self._moved()

    # -- people -----------------------------------------------------------------------------------

    @rule(person=people, yes=st.sampled_from((True, True, True, False)), key=st.none() | people)
    def sign(self, person: str, *, yes: bool, key: str | None) -> None:
        """Now, with a key of their own or, against the rules, with that of somebody else."""
        self._hand_in(self._write(person, yes=yes), key or person)

    @rule(
        crew=st.sampled_from(
            (("eng-2", "sec-1", "lead-1"), ("lead-1", "eng-2", "eng-3"), ("eng-1", "sec-1"))
        ),
        point=st.booleans(),
    )
    def get_ready(self, crew: tuple[str, ...], *, point: bool) -> None:
        """All that a gate needs, so that many do open; `point`: what may have been waived is proven too."""
        if point or not self.model.prepared:
            self.prepare(holds=point, age=0.0)
        if not self.model.ticked:
            self.tick("eng-1")
        self.prove(SLOTS[0], holds=True)
        for person in crew:
            self._hand_in(self._write(person, yes=True), person)

    @rule(person=people, yes=st.booleans())
    def write(self, person: str, *, yes: bool) -> None:
        """Somebody signs, and keeps it in their pocket."""
        self.written.append(self._write(person, yes=yes))

    @rule(data=st.data())
    def hand_in(self, data: st.DataObject) -> None:
        """What was signed some time ago, perhaps handed in once more."""
        if self.written:
            one = data.draw(st.sampled_from(self.written))
            self._hand_in(one, one[0].person)

    def _write(self, person: str, *, yes: bool) -> tuple[Statement, int, int]:
        book = self.stage.book
        incident = self.stage.incident
        assert incident.plan is not None
        made = asked(
            incident,
            incident.plan,
            person,
            ROLES[person],
            head=Head(book.state.seq, book.last().hash),
            now=self.stage.clock.now(),
            within_s=WITHIN_S,
        )
        return made if yes else refusing(made, "not like this"), self.model.plan, book.state.seq

    def _hand_in(self, written: tuple[Statement, int, int], key: str) -> None:
        statement, plan, made = written
        until = statement.expires / 1e6 - kit.at(0).utc_us / 1e6
        word = Word(statement.person, statement.decision == "yes", key, until)
        expected = plan == self.model.plan and self.model.may_speak(word, made, self.now)
        try:
            case = self.desk.case(statement.person, self.stage.clock.now())
            bodies = grants.gate.sign(case, statement, "armored", key)
            check_last_word(statement, self.stage.book, self.stage.incident.spoke.get(statement.person, 0))
        except StatedError:
            assert not expected, f"{statement.person} was refused"
            return
        assert expected, f"{statement.person} was let in"
        self.stage.say(*bodies, actor=statement.person)
        self.model.words[statement.person] = word
        self.model.spoke[statement.person] = self._moved()

    @rule(person=people)
    def take_back(self, person: str) -> None:
        if self._ask(rq.Withdraw("on second thoughts"), person):
            assert self.model.words[person].yes
            del self.model.words[person]
            self.model.spoke[person] = self._moved()

    @rule(seconds=st.sampled_from((1, 60, FRESH_S + 1, LATE_S)))
    def wait(self, seconds: int) -> None:
        self.stage.clock.seconds += seconds

    def _ask(self, ask: rq.AnyAsk, by: str) -> bool:
        """Whether it was granted."""
        self.requests += 1
        request = Request(f"r{self.requests}", ENV, by, self.stage.clock.now(), ask)
        try:
            bodies = self.desk.answer(request, self.stage.clock.now(), "")
        except RefusedError:
            return False
        self.stage.say(*bodies, actor=by)
        return True

    @invariant()
    def gate_and_model_agree(self) -> None:
        if self.model.plan:
            verdict = gate(self.stage.incident, self.stage.clock.now())
            assert verdict.may_open is self.model.opens(self.now), verdict.closed
            self.seen["open" if verdict.may_open else "closed"] += 1


def test_no_gate_opens_that_the_model_holds_closed_nor_the_other_way_round() -> None:
    GateMachine.seen.clear()
    run_state_machine_as_test(
        GateMachine, settings=settings(max_examples=RUNS, stateful_step_count=15, deadline=None)
    )
    assert GateMachine.seen["open"] > RUNS / 10, "a model of a gate that never opens shows nothing"
    assert GateMachine.seen["closed"] > RUNS
