"""Taking back on the screen: what it would do, in order, and the name; a step by its key."""

from console.core import events as ev
from console.core import requests as rq
from console.core.plan import WayBack
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat
from tests.unit.core.kit import step

STEPS = (
    step("fetch", title="fetch the branch"),
    step("push", "switch", title="push the branch", back=WayBack("delete it", ("git push :it",))),
    step("sessions", "switch", title="end the sessions", back=WayBack("users sign in again")),
    step(
        "deploy",
        "switch",
        title="deploy",
        action="deploy",
        needs=("push",),
        back=WayBack("run v1.5.3 again", ("run v1.5.3",)),
    ),
    step("health", "prove", title="healthy"),
)


def failed() -> FakeRoom:
    """Deployed, and not healthy."""
    room = FakeRoom(place.environment())
    room.suspect()
    room.declare()
    room.freeze(steps=STEPS, predicates=())
    room.say(ev.ReleaseSeen("v1.5.0", None))
    room.run("fetch", 1, "done")
    room.open_gate()
    for name in ("push", "sessions", "deploy"):
        room.run(name, 1, "done")
    room.begin("health")
    room.end("health", "no good answer", failed=True)
    return room


async def test_all_is_taken_back_when_the_name_is_typed() -> None:
    """Each step's way back stands there as the plan had it; what only people can do too."""
    room = failed()
    async with seat(room) as here:
        screen = await here.press("u")
        assert "Users are on v1.5.0, the good release." in screen
        assert screen.index("run v1.5.3 again") < screen.index("delete it")
        assert "by hand: users sign in again" in screen
        assert "all: deploy, then push the branch" in screen
        await here.press("tab")
        await here.type("production")
        assert "that is not the name" in await here.press("enter")
        await here.press(*["backspace"] * len("production"))
        await here.type("testnet")
        await here.press("enter")
    assert room.asked == [rq.Undo(room.plan_hash, "testnet")]


async def test_down_to_a_step() -> None:
    """The newest alone, by one line down."""
    room = failed()
    async with seat(room) as here:
        await here.press("u", "down", "tab")
        await here.type("testnet")
        await here.press("enter")
    assert room.asked == [rq.Undo(room.plan_hash, "testnet", "deploy")]


async def test_what_failed_says_where_users_are_and_what_the_key_would_do() -> None:
    async with seat(failed()) as here:
        screen = await here.press("tab")
    assert "or take all back (u)." in screen
    assert "Users are on v1.5.0" in screen


async def test_while_it_is_taken_back_and_when_it_is() -> None:
    """The row says so, NEXT names what comes then; afterwards only another plan goes on."""
    room = failed()
    room.say(ev.UndoAsked(("deploy", "push"), room.plan_hash, "no good"), actor="eng-1")
    room.say(ev.UndoIntent("deploy", 1, 1, room.plan_hash))
    async with seat(room, 120, 40) as here:
        screen = await here.press("tab")
        assert "undo deploy" in screen
        assert "wait: taking back deploy" in screen
        assert "what was done is taken back: only another plan goes on" in await here.press("X")
    room.say(ev.UndoOutcome("deploy", 1, "done", "v1.5.3 runs again", 1.0))
    room.say(ev.UndoIntent("push", 1, 1, room.plan_hash))
    room.say(ev.UndoOutcome("push", 1, "done", "gone", 1.0))
    room.say(ev.ReleaseSeen("v1.5.3", None))
    async with seat(room, 120, 40) as here:
        screen, said = await here.press("tab"), here.next
    assert "taken back: v1.5.3 runs again" in screen
    assert said.startswith("plan anew: all is taken back; left to do end the sessions, by hand: ")
    assert said.endswith("Users are on v1.5.3, the bad release, as before")


async def test_by_steps_the_key_starts_the_next_one() -> None:
    room = FakeRoom(place.environment(pace="step"))
    room.suspect()
    room.declare()
    room.freeze(steps=STEPS, predicates=())
    async with seat(room) as here:
        assert "run fetch the branch: do fetch" in await here.press("tab")
        await here.press("n")
        assert room.asked == [rq.Run()]
        await here.press("P")
    assert room.asked[-1] == rq.SetPace("phase")
