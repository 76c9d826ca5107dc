"""What the screen shows before anybody commands: who is on call, who was paged, what fires; `p`."""

from typing import Any

import pytest

from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.core import events as ev
from console.core import requests as rq
from console.core.live import Impact, Listening, OnDuty
from screens.lines import text
from screens.views.side import draw_side, side_view
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat
from tests.ui.test_pictures import suspected

ROSTER = load_roster(BUNDLED / "roster.yaml").roster
RULE = {
    "approvers": [{"role": "engineer", "count": 1}],
    "proof": "claim",
    "within": "30m",
    "initiator_may_approve": "always",
    "paging": {"limit": "5s", "again": "2m", "deputy_after": "5m"},
    "escalation": {"roles": ["on-call-engineer", "team-lead"], "every": "5m"},
}


def at_night(**changes: Any) -> FakeRoom:
    """Suspected; whoever is on call was paged two minutes ago."""
    room = suspected(**{"authorisation": RULE, **changes})
    duty = OnDuty(("oncall-1",), "calendar", room.now, room.now.utc_us + 3_600_000_000)
    room.show(on_call=duty, webhook=Listening("127.0.0.1:9911", taken=3))
    room.say(ev.CommandAsked("oncall-1", "on call", 0, "on call", "(calendar)"))
    room.wait(130)
    return room


def pane(room: FakeRoom) -> list[str]:
    """The pane at the right, where there is room for it."""
    view = side_view(room.snapshot(), room.environment)
    return [" ".join(text(line).split()) for line in draw_side(view, 100, 20)]


def test_it_shows_who_is_on_call_and_what_came_of_each_page() -> None:
    room = at_night()
    room.say(ev.CommandAsked("lead-1", "team-lead", 2, "by hand"), actor="oncall-1")
    room.say(ev.CommandPaged("lead-1", delivered=False, words="no such mailbox"))
    room.say(ev.CommandAsked("exec-1", "executive", 3, "escalation"))
    assert pane(room)[-4:] == [
        "· oncall-1 on call, calendar, 02:10 old until 15:10",
        "· oncall-1, on call: asked somebody else 14:12",
        "✗ lead-1, team-lead: page failed, no such mailbox",
        "… exec-1, executive silent 00:00",
    ]


def test_while_all_is_calm_it_shows_that_alerts_are_heard() -> None:
    room = FakeRoom()
    room.show(webhook=Listening("127.0.0.1:9911", taken=3, refused=1, last_refused="another token"))
    assert pane(room)[-1] == "· alerts at 127.0.0.1:9911: 3 taken, 1 refused: another token"


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
async def test_whoever_is_on_call_is_seen_on_every_terminal(width: int, height: int) -> None:
    async with seat(at_night(), width, height, roster=ROSTER) as here:
        screen = await here.look()
        assert "oncall-1 on" in screen
        assert "oncall-1, on" in screen
        assert "silent 02:10" in screen


async def test_next_takes_command_and_says_whom_p_asks() -> None:
    async with seat(at_night(), roster=ROSTER) as here:
        assert here.next.startswith("declare the incident: error_rate > 5% since ")
        assert here.next.endswith("silent 02:10 (p asks lead-1)")


async def test_p_asks_the_next_one() -> None:
    room = at_night()
    async with seat(room, roster=ROSTER) as here:
        await here.press("p")
    assert room.asked == [rq.Page("lead-1")]


async def test_without_paging_p_says_why_not() -> None:
    room = suspected()
    async with seat(room, roster=ROSTER) as here:
        assert "names no `paging` of this environment" in await here.press("p")
    assert room.asked == []


def test_alerts_that_are_not_heard_and_an_on_call_source_that_fails_stand_out() -> None:
    room = FakeRoom()
    trouble = "the calendar did not say it: no event of it is of now"
    room.show(
        on_call=OnDuty(("oncall-1",), "roster", room.now, trouble=trouble),
        webhook=Listening("127.0.0.1:9911", why_not="address already in use"),
    )
    rows = " ".join(pane(room))
    assert f"! oncall-1 on call, roster, 00:00 old, because {trouble}" in rows
    assert "! alerts at 127.0.0.1:9911: not heard: address already in use" in rows


async def test_another_alert_that_fires_stands_beside_why_it_is_suspected() -> None:
    room = suspected()
    room.say(ev.AlertFired("KeysOut[bold]", "f" * 16, "keys", room.now, 1, "x"))
    async with seat(room, 120, 40) as here:
        assert "alert KeysOut[bold]" in await here.look()
        room.say(ev.AlertEnded("KeysOut[bold]", "f" * 16))
        assert "! alert KeysOut" not in await here.look()


async def test_users_who_suffer_are_told_where_they_are_measured() -> None:
    room = suspected()
    room.show(impact=Impact(15.0, 212, 31.0, "worse", users=1204.0))
    async with seat(room, 120, 40) as here:
        told = " IMPACT 1,204 users cannot sign · 212 failed signings · 31 a minute · WORSE"
        assert told in await here.look()
        room.show(impact=Impact(15.0, 212, 31.0, "worse", users=15.2, users_in="%"))
        assert " IMPACT 15 % of users cannot sign · 212 failed signings" in await here.look()


async def test_an_impact_that_nobody_measures_says_so() -> None:
    words = {"metric": "security_audit_failed", "words": "sign", "failures": "failed signings"}
    async with seat(suspected(impact=words), 120, 40) as here:
        assert " IMPACT not measured: NO SOURCE" in await here.look()
