"""A verb by itself: how it begins beside an incident, and how it comes to its end."""

from msgspec import Raw

from console.core import events as ev
from console.core.events import Draft
from console.core.plan import Wish, digest, frozen
from console.engine.docket import ERRAND, Docket, of_errand
from console.engine.lane import end_errand
from tests.unit.core import kit
from tests.unit.core.kit import step
from tests.unit.engine.kit import Desktop

RUN = "RUN-3HXP"


class Stage(Desktop):
    """A desktop with an incident declared, and an errand beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.declare(step("push"))
        self.docket = Docket(self.book, of_errand, ERRAND)
        wish = Wish(code=False, verb="backup")
        self.book.append(Draft(ev.ErrandBegun(wish), self.clock.now(), RUN, "eng-2"))
        self.close = end_errand(self.docket)

    def freeze_errand(self) -> None:
        plan = kit.plan(incident=RUN, code=None, verb="backup", steps=(step("backup"),), predicates=())
        raw = frozen(plan)
        self.docket.say(ev.PlanFrozen(digest(raw), Raw(raw)))

    def begin(self) -> None:
        self.docket.say(ev.StepIntent("backup", 1, 1, "x"))

    def ended(self) -> tuple[str, str | None]:
        errand = self.book.state.errand
        assert errand is not None
        self.close()
        assert self.book.state.errand is not None
        return self.book.state.errand.status, self.book.state.errand.outcome


def test_an_errand_leaves_the_incident_beside_it_alone() -> None:
    stage = Stage()
    before = stage.incident
    stage.freeze_errand()
    stage.begin()
    assert stage.incident == before
    assert stage.docket.run is not None
    assert stage.docket.run.step("backup").attempt == 1


def test_an_errand_ends_when_its_step_is_done() -> None:
    stage = Stage()
    stage.freeze_errand()
    stage.begin()
    assert stage.ended() == ("declared", None)
    stage.docket.say(ev.StepOutcome("backup", 1, "done", "4 MB", 1.0))
    assert stage.ended() == ("resolved", "done")


def test_an_errand_whose_step_failed_is_over_and_can_be_asked_for_again() -> None:
    stage = Stage()
    stage.freeze_errand()
    stage.begin()
    stage.docket.say(ev.StepOutcome("backup", 1, "failed", "the disk is full", 1.0))
    assert stage.ended() == ("resolved", "failed")
    assert stage.docket.run is None


def test_an_errand_that_was_cut_off_ends_with_what_was_found_of_it() -> None:
    stage = Stage()
    stage.freeze_errand()
    stage.begin()
    stage.book.say(ev.EngineStarted(2, 2, "", "", "", "cooperative"))
    assert stage.ended() == ("declared", None), "nobody has looked yet"
    stage.docket.say(ev.StepProbed("backup", 1, "not done", "it was begun and not finished"))
    assert stage.ended() == ("resolved", "failed")


def test_an_errand_without_a_plan_ends_with_the_reason() -> None:
    stage = Stage()
    stage.docket.say(ev.PlanningFailed("no backup of that name"))
    assert stage.ended() == ("resolved", "failed")
