"""The composition: snapshots reach the screen, the look can change, a picture can be exported."""

import asyncio

import pytest

from console.app import export
from console.cli import make_app
from screens.war_room import WarRoom
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat
from tests.ui.test_pictures import at_the_gate


async def test_a_picture_can_be_exported_without_a_terminal() -> None:
    """For documents and reports."""
    svg = await export(FakeRoom(), 100, 30)
    assert svg.startswith("<svg")
    assert "nothing&#160;to&#160;do" in svg or "no&#160;sample" in svg


async def test_a_burst_of_snapshots_is_drawn_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest can be true."""
    room = FakeRoom()
    async with seat(room) as here:
        war_room = here.app.screen
        drawn: list[WarRoom.Seen] = []
        monkeypatch.setattr(WarRoom, "on_war_room_seen", lambda _self, message: drawn.append(message))
        burst = [WarRoom.Seen(room.snapshot()) for _ in range(50)]
        for message in burst:
            war_room.post_message(message)
        await here.pilot.pause()
        assert drawn[-1] is burst[-1]
        assert len(drawn) < 5


async def test_the_other_theme_is_one_key_away_and_back() -> None:
    """A bright room and a dark one."""
    async with seat(FakeRoom()) as here:
        dark = here.colours()
        await here.press("L")
        light = here.colours()
        assert "#fbfbfa" in light - dark
        await here.press("L")
        assert here.colours() == dark


@pytest.mark.parametrize("subcommand", ["console", "drill"])
def test_the_look_is_chosen_by_an_option_or_by_the_environment(
    subcommand: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option is stronger; without either it is dark."""

    def look(*words: str) -> object:
        _, bound, _ = make_app().parse_args([subcommand, *words])
        return bound.arguments.get("look", "dark")

    assert look() == "dark"
    assert look("--look", "light") == "light"
    monkeypatch.setenv("WARROOM_LOOK", "light")
    assert look() == "light"
    assert look("--look", "dark") == "dark"


async def test_without_colour_one_sees_what_enter_would_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a list is underlined, and nothing else of it."""
    monkeypatch.setenv("NO_COLOR", "1")
    room = at_the_gate()
    room.open_gate()
    room.switch()
    room.prove()
    async with seat(room) as here:
        await here.press("R")
        strips = here.app.screen._compositor.render_strips()
        underlined = [
            "".join(part.text for part in strip if part.style and part.style.underline) for strip in strips
        ]
    assert [words.strip() for words in underlined if words.strip()] == [
        "recovered: the plan was carried out and health is proven",
        "a note (needed unless recovered)",
    ]


async def test_the_console_reads_again_without_being_rung() -> None:
    """Once a second: a datagram may be lost."""
    room = FakeRoom()
    async with seat(room) as here:
        room.state = FakeRoom(engine=False).state
        room.live, room.silent_s = None, None
        async with asyncio.timeout(5):
            await here.until(lambda: here.next.startswith("start an engine"))


async def test_a_terminal_that_changes_its_size_looks_as_if_it_had_always_had_it() -> None:
    """tmux panes are resized in the middle of incidents; too small is no crash."""
    room = at_the_gate()
    async with seat(room, 80, 24) as here:
        small = await here.look()
    async with seat(room, 120, 40) as here:
        for width, height in ((30, 8), (80, 3), (200, 60), (80, 24)):
            await here.pilot.resize_terminal(width, height)
            resized = await here.look()
        assert resized == small
