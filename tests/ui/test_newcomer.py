"""Somebody who has never seen the console gets the service back by doing what NEXT says, and nothing else."""

from console.core import requests as rq
from console.core.metrics import Rung
from screens.dialog import Dialog
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat


def _sick_room() -> FakeRoom:
    """A testnet that is suspected, with an engine that does at once what it is asked."""
    room = FakeRoom()
    room.sample(30, error_rate=(12.4, Rung.MANDATORY))
    room.suspect()

    def engine(ask: rq.AnyAsk, request: str) -> None:
        match ask:
            case rq.Declare(note=note):
                room.declare(note, request)
                room.freeze()
                room.prepare()
            case rq.Go():
                room.open_gate(request)
                room.switch()
                room.prove()
                room.sample(30)
            case rq.Resolve():
                room.resolve(request)
            case _:
                raise AssertionError(f"nobody told the newcomer to {ask}")

    room.answer = engine
    return room


async def test_pressing_n_and_doing_what_the_dialogs_say_brings_the_service_back() -> None:
    """n, Enter; n, the name, Enter; n, Enter: declared, said yes to, resolved, and told how long it took."""
    room = _sick_room()
    async with seat(room) as here:
        assert here.next.startswith("declare the incident: error_rate > 5%")
        assert "Enter declares" in await here.press("n")
        await here.press("enter")
        assert room.asked == [rq.Declare(note="")]

        assert here.next.startswith("go: say yes to the plan and type testnet")
        assert "Type the environment's name" in await here.press("n")
        await here.press(*"testnet", "enter")
        assert room.asked[1:] == [rq.Go(plan_hash=room.plan_hash, typed="testnet")]

        assert here.next.startswith("close the incident: proven; 10 items not ticked")
        assert "10 not ticked" in await here.press("n")
        await here.press("enter")
        assert room.asked[2:] == [rq.Resolve(outcome="recovered", note="")]

        assert here.next == "done: recovered in 9.0 s; q leaves this console"
        assert "Closing this console ends nothing" in await here.press("n")
        await here.press("enter")
    assert len(room.asked) == 3
    assert room.incident.outcome == "recovered"


async def test_without_an_engine_n_starts_one_first() -> None:
    """The first thing that is missing is the first thing that n does."""
    room = FakeRoom(engine=False)
    async with seat(room) as here:
        assert here.next == "start an engine: none has run here yet"
        screen = await here.press("n")
        assert room.started == 1
        assert "engine ✓" in screen


async def test_while_there_is_nothing_to_press_n_says_what_is_waited_for() -> None:
    """Waiting is an answer; a key that does nothing is not."""
    room = FakeRoom()
    room.suspect()
    room.declare()
    async with seat(room) as here:
        screen = await here.press("n")
        assert "nothing to press now: wait: planning" in screen
        assert not isinstance(here.app.screen, Dialog)


async def test_a_step_that_was_cut_off_is_decided_with_n_and_enter() -> None:
    """What the probe found is proposed first, so that Enter alone is right."""
    room = FakeRoom()
    room.declare()
    room.freeze()
    room.prepare()
    room.open_gate()
    room.begin("integrate")
    room.start_engine()
    async with seat(room) as here:
        assert here.next == "wait: into develop was cut off, the engine looks what became of it"
        room.probed("integrate", "done", "develop at 9c1f already")
        await here.look()
        assert here.next == "decide: into develop was cut off but is done"
        assert "its effect may happen twice" in await here.press("n")
        await here.press("enter")
        assert room.asked == [rq.Decide(step="integrate", choice=rq.Choice.CONTINUE)]
