"""A plan that replaces another one says whose yes it voids."""

from msgspec import Raw

from console.core import events as ev
from console.core.plan import digest, frozen
from console.engine.lane import voiding
from tests.unit.core import kit
from tests.unit.core.kit import step
from tests.unit.engine.kit import Desktop


def frozen_as(**changes: object) -> ev.PlanFrozen:
    raw = frozen(kit.plan(**changes))
    return ev.PlanFrozen(digest(raw), Raw(raw))


def test_a_new_plan_names_everybody_whose_yes_does_not_count_any_more() -> None:
    desk = Desktop()
    desk.declare(step("push"))
    desk.claim()
    desk.claim("eng-2")
    said = voiding(frozen_as(), desk.incident)
    assert isinstance(said, ev.PlanFrozen)
    assert said.voids == ("eng-1", "eng-2")


def test_the_first_plan_voids_nothing_nor_does_one_that_cannot_be_made() -> None:
    desk = Desktop()
    desk.suspect()
    assert voiding(frozen_as(), desk.incident) == frozen_as()
    failed = ev.PlanningFailed("no good release is known")
    assert voiding(failed, desk.incident) == failed
