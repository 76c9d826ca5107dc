"""Which release would be gone back to, and why, where somebody names another one."""

import pytest
from msgspec.structs import replace

from console.core import requests as rq
from console.core.plan import Wish
from console.core.proposal import Weighed, weigh
from console.core.releases import Known, OnRecord
from screens.lines import text
from screens.views.plan import plan_lines
from screens.views.releases import SHOWN, release_lines
from tests.ui import changes_place as cp
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
VERDICTS = ("good", "unproven", "bad", "unproven")


def weighed(*verdicts: str) -> tuple[Weighed, ...]:
    known = tuple(
        Known.model_validate(
            {
                "tag": f"v1.5.{number}",
                "commit": f"{number:040x}",
                "verdict": verdict,
                "said_by": "eng-2",
                "deployed": "2026-02-25T14:00:00Z",
                "reason": "signing fails" if verdict == "bad" else "",
            }
        )
        for number, verdict in enumerate(verdicts)
    )
    return weigh(OnRecord(known, "ledger", "the release ledger"), f"{len(verdicts) - 1:040x}")


def room(*verdicts: str) -> FakeRoom:
    """v1.5.3 runs, and the engine has weighed what is on record."""
    made = cp.landed()
    changes = made.snapshot().live.changes  # type: ignore[union-attr]  # it was just shown
    assert changes is not None
    made.show(changes=replace(changes, weighed=weighed(*verdicts), record="the release ledger"))
    return made


@SIZES
async def test_where_a_target_is_named_each_release_has_its_reason(width: int, height: int) -> None:
    told = room(*VERDICTS)
    async with seat(told, width, height) as here:
        shown = await here.press("T")
        for words in (
            "By the release ledger, newest first:",
            "✗ v1.5.3 runs now",
            "✗ v1.5.2 bad, says eng-2: signing fails",
            "· v1.5.1 unproven: nobody has judged it",
            "✓ v1.5.0 the newest good one",
        ):
            assert words in shown, shown
        await here.type("v1.5.1")
        await here.press("enter")
    assert told.asked == [rq.Replan(Wish("v1.5.1"))]


def test_only_the_newest_are_shown_and_the_rest_is_counted() -> None:
    lines = [text(row) for row in release_lines(room(*["good"] * (SHOWN + 3)).snapshot(), 78)]
    assert sum("v1.5." in row for row in lines) == SHOWN
    assert lines[-1].strip() == "and 3 older: `warroom release list`"


def test_while_no_engine_has_looked_nothing_is_said() -> None:
    assert release_lines(FakeRoom(cp.environment()).snapshot(), 78) == []


def test_the_plan_says_why_it_goes_back_to_just_this_release() -> None:
    told = cp.landed()
    why = "the newest good one that can be gone back to, says eng-2, by git tags; not v1.5.1, left out"
    plan = told.incident.plan
    assert plan is not None
    assert plan.code is not None
    plan = replace(plan, code=replace(plan.code, why=why))
    lines = [text(row).strip() for row in plan_lines(told.snapshot(), told.incident, plan, 160)]
    assert f"{plan.code.target.tag}: {why}" in lines  # type: ignore[union-attr]  # as above
