"""Mitigations at the desk, as errands, and in the journal's recommendation."""

from typing import Any

import pytest
from msgspec import Raw

from console.core import events as ev
from console.core import requests as rq
from console.core.events import Draft
from console.core.live import Live
from console.core.metrics import Reading, Row, Rung
from console.core.mitigating import line_of, wish_of
from console.core.plan import Authority, Phase, digest, frozen
from console.engine.adviser import Adviser
from console.engine.board import Board
from console.engine.docket import ERRAND, Docket, of_errand
from console.engine.lane import end_errand
from tests.unit.core import kit
from tests.unit.core.kit import at, step
from tests.unit.core.test_recommendation import mitigation
from tests.unit.engine.kit import Desktop, environment
from tests.unit.engine.test_desk import Office

RUN = "RUN-3HXP"


def office(authority: str = "commander", **changes: Any) -> Office:
    """A desk whose strategy names one mitigation."""
    return Office(mitigations={"off": mitigation("health_check", authority=authority, **changes)})


# -- who may ask ------------------------------------------------------------------------------------


def test_the_commander_may_ask_for_it_and_nobody_else() -> None:
    desk = office()
    desk.declare()
    assert desk.ask(rq.Mitigate("off")) == (ev.ErrandBegun(wish_of("off", undo=False)),)
    assert desk.ask(rq.Mitigate("off", undo=True)) == (ev.ErrandBegun(wish_of("off", undo=True)),)
    why = f"only eng-1, who commands {kit.INCIDENT}, may ask for it"
    assert desk.refusal(rq.Mitigate("off"), actor="eng-2") == why


def test_without_a_commander_there_is_nobody_who_may() -> None:
    desk = office()
    assert desk.refusal(rq.Mitigate("off")) == "nobody commands an incident: D declares one"
    desk.suspect()
    assert desk.refusal(rq.Mitigate("off")) == "nobody commands an incident: D declares one"


def test_whoever_commanded_the_last_incident_may_take_it_back_afterwards() -> None:
    desk = office()
    desk.declare()
    desk.say(ev.IncidentResolved("mitigated", "off", ""))
    assert desk.ask(rq.Mitigate("off", undo=True))
    assert "only eng-1" in desk.refusal(rq.Mitigate("off", undo=True), actor="eng-2")


def test_what_needs_nobody_may_be_asked_for_by_everybody_of_the_roster() -> None:
    desk = office("none")
    assert desk.ask(rq.Mitigate("off"), actor="pm-1") == (ev.ErrandBegun(wish_of("off", undo=False)),)


def test_what_needs_the_matrix_becomes_the_plan_of_the_incident() -> None:
    desk = office("matrix")
    assert desk.refusal(rq.Mitigate("off")) == "nobody commands an incident: D declares one"
    desk.declare()
    assert desk.ask(rq.Mitigate("off"), actor="eng-2") == (ev.PlanningStarted(wish_of("off", undo=False)),)
    desk.begin("fetch")
    assert desk.refusal(rq.Mitigate("off")) == "fetch is under way: abort, or wait for it"


def test_once_something_goes_back_it_is_too_late_for_one_that_needs_a_plan() -> None:
    desk = office("matrix")
    hashed = desk.declare()
    desk.run("fetch", "worktree")
    desk.say(ev.GateOpened(hashed, ("eng-1",), ()))
    assert "it is too late" in desk.refusal(rq.Mitigate("off"))


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (rq.Mitigate("of"), "unknown mitigation `of`: did you mean `off`?"),
        (
            rq.Mitigate("off", undo=True),
            "cover health_check cannot be taken back: the strategy names no `undo`",
        ),
        (rq.Errand("mitigate"), "no verb mitigate that can be asked for this way"),
        (rq.Replan(wish_of("off", undo=False)), "no verb mitigate that can be asked for this way"),
    ],
)
def test_what_there_is_not_is_refused(ask: rq.AnyAsk, why: str) -> None:
    """Also by the back doors of plans and errands, which know nothing of its authority."""
    desk = office(undo=None)
    desk.declare()
    assert desk.refusal(ask).startswith(why)


def test_where_the_strategy_names_none_that_is_said() -> None:
    desk = Office()
    desk.declare()
    assert desk.refusal(rq.Mitigate("off")) == "the strategy names no `mitigations`"


def test_only_one_thing_runs_beside_an_incident() -> None:
    desk = office()
    desk.declare()
    desk.book.append(Draft(ev.ErrandBegun(wish_of("off", undo=False)), at(1), RUN, "eng-1"))
    assert desk.refusal(rq.Mitigate("off")) == f"{RUN}, mitigate, is under way: wait for it"


# -- its one step -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authority", "phase", "waits_for"),
    [
        ("none", Phase.PREPARE, Authority.NONE),
        ("commander", Phase.PREPARE, Authority.NONE),
        ("matrix", Phase.SWITCH, Authority.MATRIX),
    ],
)
def test_only_what_needs_the_matrix_stands_behind_the_gate(
    authority: str, phase: Phase, waits_for: Authority
) -> None:
    known = environment(mitigations={"off": mitigation("health_check", authority=authority)})
    for undo, name in ((False, "off"), (True, "undo-off")):
        line = line_of(known, wish_of("off", undo=undo))
        assert (line.id, line.phase, line.authority) == (name, phase, waits_for)
        assert line.limit > 2 * known.mitigations["off"].limit, "the command, and its probe"


class Cut(Desktop):
    """A mitigation was being done when its engine died."""

    def __init__(self) -> None:
        super().__init__()
        self.declare(step("push"))
        self.docket = Docket(self.book, of_errand, ERRAND)
        wish = wish_of("off", undo=False)
        self.book.append(Draft(ev.ErrandBegun(wish), self.clock.now(), RUN, "eng-1"))
        raw = frozen(kit.plan(incident=RUN, code=None, verb=wish.verb, steps=(step("off"),)))
        self.docket.say(ev.PlanFrozen(digest(raw), Raw(raw)))
        self.docket.say(ev.StepIntent("off", 1, 1, digest(raw)))
        self.book.say(ev.EngineStarted(2, 2, "", "", "", "cooperative"))


@pytest.mark.parametrize(
    ("finding", "outcome"), [("done", "done"), ("not done", "failed"), ("cannot tell", "failed")]
)
def test_after_a_crash_the_probe_says_how_it_ended(finding: Any, outcome: str) -> None:
    """It is not done again unasked."""
    cut = Cut()
    end_errand(cut.docket)()
    assert cut.book.state.open_errand is not None, "nobody has looked yet"
    cut.docket.say(ev.StepProbed("off", 1, finding, "says the probe"))
    end_errand(cut.docket)()
    assert cut.book.state.errand is not None
    assert cut.book.state.errand.outcome == outcome


# -- what is recommended, in the journal ------------------------------------------------------------


class Watched(Desktop):
    """An adviser that sees tick after tick."""

    def __init__(self) -> None:
        super().__init__()
        board = Board(Live(1, 1, self.clock.now()), self.clock, lambda _: None)
        self.adviser = Adviser(self.book, environment(), board, self.clock)

    def tick(self, rung: Rung, *, measured: bool = True) -> list[str]:
        """One more; every level that was ever said."""
        reading = Reading("health_check", 4.0, None, self.clock.now() if measured else None, rung)
        self.adviser.take(Row(self.clock.now(), (reading,)))
        return [body.level for body in self.journal.bodies() if isinstance(body, ev.RollbackAdvised)]


def test_the_recommendation_is_said_once_each_time_that_it_changes_and_only_in_an_incident() -> None:
    watched = Watched()
    assert watched.tick(Rung.MANDATORY) == []
    watched.declare()
    assert watched.tick(Rung.MANDATORY) == ["mandatory"]
    assert watched.tick(Rung.AUTOMATIC) == ["mandatory"]
    assert watched.tick(Rung.OK) == ["mandatory", "none"]
    assert watched.incident.advised == "none"


def test_an_engine_that_has_not_looked_yet_does_not_call_that_calm() -> None:
    watched = Watched()
    watched.declare()
    assert watched.tick(Rung.MANDATORY) == ["mandatory"]
    assert watched.tick(Rung.WAITING, measured=False) == ["mandatory"]
    assert watched.tick(Rung.WAITING) == ["mandatory", "none"]
