"""Automatic rollback on the screen: how it stands, what it has done and why, and its kill switch."""

import pytest

from console.core import events as ev
from console.core import requests as rq
from console.core.plan import Wish
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat

STAGES = {"detection": "1m", "alert": "2m", "validation": "1m", "execution": "5m", "verification": "5m"}
RULE = {
    "unsigned": "runs",
    "release_within": "24h",
    "stages": STAGES,
    "second_path": {"error_rate": "health_check > 0"},
}
WHY = "v1.5.3 landed 00:07 before the onset; second path of error_rate agrees, health_check > 0: health 3"
SIZES = [(80, 24), (120, 40)]


def calm(**changes: object) -> FakeRoom:
    """A service that may be rolled back automatically."""
    room = FakeRoom(place.environment(automatic={**RULE, **changes}))
    room.sample()
    return room


def begun() -> FakeRoom:
    """An automatic rollback that looks again."""
    room = calm()
    room.suspect()
    room.say(ev.AutomaticBegan(("error_rate",), ("error_rate > 10% for 5m",), "SEV-3", ""))
    room.say(ev.StageBegan("detection", 360.0, room.now))
    room.say(ev.StageEnded("detection", 302.0, 360.0, "error_rate"))
    room.say(ev.StageBegan("alert", 120.0))
    room.say(ev.StageBegan("validation", 60.0))
    room.wait(4)
    return room


def decided(mode: str, why: str = WHY) -> FakeRoom:
    room = begun()
    room.say(ev.StageEnded("alert", 2.0, 120.0, "2 pages delivered"))
    room.say(ev.StageEnded("validation", 4.0, 60.0, "confirmed"))
    room.say(ev.AutomaticDecided(mode, why, "error_rate"))  # type: ignore[arg-type]
    if mode != "held":
        room.say(ev.PlanningStarted(Wish()))
        room.freeze()
        room.prepare()
    return room


def rolled_back() -> FakeRoom:
    room = decided("runs")
    room.say(ev.StageBegan("execution", 300.0))
    room.say(ev.GateOpened(room.plan_hash, (), (), automatic=True))
    room.switch()
    room.say(ev.StageEnded("execution", 15.0, 300.0, "switched"))
    room.say(ev.StageBegan("verification", 300.0))
    room.prove()
    room.say(ev.StageEnded("verification", 12.0, 300.0, "proven"))
    room.say(ev.AutomaticEnded("rolled back", "v1.5.0 runs and is healthy"))
    return room


@pytest.mark.parametrize(("width", "height"), SIZES)
class TestHeader:
    """It always says how it stands."""

    async def test_on(self, width: int, height: int) -> None:
        async with seat(calm(), width, height) as here:
            assert "automatic on" in here.painted()

    async def test_on_and_signed_for(self, width: int, height: int) -> None:
        room = calm(unsigned="arms")
        room.show(standing="2026-03-27T14:06:01Z")
        async with seat(room, width, height) as here:
            assert "automatic on until 2026-03-27" in here.painted()

    async def test_unsigned_it_only_arms(self, width: int, height: int) -> None:
        async with seat(calm(unsigned="arms"), width, height) as here:
            assert "automatic on, arms only" in here.painted()

    async def test_off(self, width: int, height: int) -> None:
        room = calm()
        room.say(ev.AutomaticSwitched(on=False, by="person", reason="load test"), actor="pm-1")
        async with seat(room, width, height) as here:
            assert "automatic OFF" in here.painted()

    async def test_after_one_has_rolled_back_it_is_held_for_a_while(self, width: int, height: int) -> None:
        room = rolled_back()
        room.resolve()
        async with seat(room, width, height) as here:
            assert "automatic HELD" in here.painted()

    async def test_while_a_person_commands(self, width: int, height: int) -> None:
        room = calm()
        room.suspect()
        room.declare()
        async with seat(room, width, height) as here:
            assert "automatic off, eng-1 commands" in here.painted()

    @pytest.mark.parametrize(("mode", "words"), [("held", "automatic HELD"), ("arms", "automatic ARMED")])
    async def test_held_and_armed(self, mode: str, words: str, width: int, height: int) -> None:
        async with seat(decided(mode), width, height) as here:
            assert words in here.painted()


@pytest.mark.parametrize(("width", "height"), SIZES)
class TestRun:
    """Who was not there understands from the screen alone what happened, when and why."""

    async def test_the_stage_has_its_clock_and_next_says_what_a_person_can_do(
        self, width: int, height: int
    ) -> None:
        async with seat(begun(), width, height) as here:
            assert "AUTOMATIC validation 00:04 of 01:00" in here.painted()
            assert here.next.startswith("wait: it looks again, then decides, validation 00:04 of 01:00")

    async def test_a_stage_that_overruns_is_shown(self, width: int, height: int) -> None:
        room = begun()
        room.wait(60)
        async with seat(room, width, height) as here:
            assert "AUTOMATIC validation 01:04 of 01:00, OVER by 00:04" in here.painted()

    async def test_afterwards_every_stage_stands_there_with_its_time_and_why(
        self, width: int, height: int
    ) -> None:
        async with seat(rolled_back(), width, height) as here:
            screen = here.painted()
            assert "AUTOMATIC" in screen
            for stage, took in {
                "detection": "05:02 of 06:00",
                "validation": "4.0 s of 01:00",
                "execution": "00:15 of 05:00",
                "verification": "00:12 of 05:00",
            }.items():
                assert any(stage in line and took in line for line in screen.splitlines()), screen
            assert here.next.startswith("take command, then close it (R): it rolled back by itself")

    async def test_the_gate_says_what_opens_it(self, width: int, height: int) -> None:
        """Nobody's yes is waited for, and none is said to have been given."""
        async with seat(decided("runs"), width, height) as here:
            assert "GATE opens by itself" in here.painted()
            assert "must say yes" not in here.painted()

    async def test_held_says_why(self, width: int, height: int) -> None:
        async with seat(decided("held", "the second path disagrees"), width, height) as here:
            assert here.next == "take command: automatic rollback is held: the second path disagrees"
            await here.press("n", "enter")
            assert here.room.asked == [rq.Declare(note="")]

    async def test_armed_asks_for_the_yes_and_says_why(self, width: int, height: int) -> None:
        async with seat(decided("arms", "a rollback will not help"), width, height) as here:
            assert here.next.startswith("go: say yes to the plan and type testnet")
            assert here.next.endswith("armed, not run: a rollback will not help")


class TestKey:
    """`K` for everybody, with a reason."""

    async def test_it_switches_off(self) -> None:
        async with seat(calm()) as here:
            assert "Switched OFF" in await here.press("K")
            await here.type("load test")
            assert here.room.asked == [rq.SwitchAutomatic(on=False, reason="load test")]

    async def test_and_on_again(self) -> None:
        room = calm()
        room.say(ev.AutomaticSwitched(on=False, by="person", reason="load test"), actor="pm-1")
        async with seat(room) as here:
            screen = await here.press("K")
            assert "pm-1: load test" in screen
            await here.type("over")
            assert here.room.asked == [rq.SwitchAutomatic(on=True, reason="over")]

    async def test_it_asks_for_a_reason(self) -> None:
        async with seat(calm()) as here:
            assert "it is switched with a reason: give one" in await here.press("K", "enter")
            assert here.room.asked == []

    async def test_where_there_is_none_it_says_so(self) -> None:
        async with seat(FakeRoom()) as here:
            assert "nothing is rolled back automatically here" in await here.press("K")
