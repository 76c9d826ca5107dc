"""A freeze on the screen: the commander's yes, typed; and what is frozen, in sight until it is not."""

from console.core import events as ev
from console.core import requests as rq
from console.core.plan import Authority
from console.core.strategy import Environment
from screens import lines as ln
from screens.views.header import draw_header, header_view
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat
from tests.unit.core.kit import step

FROZEN = ev.CiFrozen("passportx/wallet", "Deploy", "active")
STEPS = (
    step("fetch"),
    step("freeze", title="freeze the CI", words="disable Deploy", authority=Authority.COMMANDER),
    step("push", "switch"),
)


def room_with_freeze() -> FakeRoom:
    room = FakeRoom()
    room.suspect()
    room.declare()
    room.freeze(steps=STEPS)
    return room


def with_ci(environment: Environment) -> Environment:
    ci = {"kind": "github", "repository": "passportx/wallet", "workflow": "Deploy", "token": "env:CI_TOKEN"}
    return place.environment(ci=ci) if environment.ci is None else environment


def header(room: FakeRoom) -> str:
    view = header_view(room.snapshot(), room.environment, "testnet", "eng-1")
    return "\n".join(ln.text(row) for row in draw_header(view, 120, 4))


async def test_the_commander_says_yes_by_the_name() -> None:
    room = room_with_freeze()
    async with seat(room) as here:
        screen = await here.press("n")
        assert "disable Deploy" in screen
        assert "the yes of eng-1, who commands, and of nobody else" in screen
        await here.type("production")
        assert "that is not the name" in await here.press("enter")
        assert room.asked == []
        await here.press(*["backspace"] * len("production"))
        await here.type("testnet")
        await here.press("enter")
    assert room.asked == [rq.Allow("freeze", room.plan_hash, "testnet")]


async def test_the_row_says_whom_it_waits_for() -> None:
    async with seat(room_with_freeze(), 120, 40) as here:
        assert "waits for eng-1 (y)" in await here.press("tab")


def test_the_header_says_what_is_frozen_also_after_the_incident() -> None:
    room = room_with_freeze()
    assert "frozen" not in header(room)
    room.say(FROZEN)
    assert "Deploy frozen since" in header(room)
    room.say(ev.IncidentResolved("mitigated", "by hand", "0" * 64))
    assert "Deploy frozen since" in header(room)
    room.say(ev.CiUnfrozen("passportx/wallet", "Deploy", "active"))
    assert "frozen" not in header(room)


async def test_whoever_resolves_is_told_that_it_stays_frozen() -> None:
    room = room_with_freeze()
    room.say(FROZEN)
    async with seat(room) as here:
        assert "Still frozen, and stays so until somebody unfreezes it (U): Deploy." in await here.press("R")


async def test_what_is_left_frozen_is_unfrozen_by_a_key() -> None:
    room = FakeRoom(with_ci(FakeRoom().environment))
    room.suspect()
    room.declare()
    room.say(FROZEN)
    room.say(ev.IncidentResolved("mitigated", "by hand", "0" * 64))
    async with seat(room) as here:
        await here.press("n")
    assert room.asked == [rq.Errand("unfreeze")]
