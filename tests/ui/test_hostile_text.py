"""Text from outside is shown as it is, and can do nothing else: no markup, no escape, no second line."""

from console.core import events as ev
from console.core.plan import Release
from tests.ui import place
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat

MARKUP = "[bold red]not red[/] [@click=app.quit]no link[/]"
ESCAPES = "\x1b[2J\x1b[31mnot red\x07"
LINES = "first\nsecond\r\nthird\ttabbed"
HIDDEN = "zero\u200bwidth \u202eright to left\u2066"
WIDE = "漢字テスト" * 60
EMOJI = "\u26a0\ufe0f fire \U0001f525"


async def test_every_kind_of_hostile_note_stays_literal_on_its_line() -> None:
    """One event, one line, every control character written out."""
    room = FakeRoom()
    room.suspect()
    for text in (MARKUP, ESCAPES, LINES, HIDDEN, WIDE, EMOJI):
        room.say(ev.NoteAdded(text), actor="[red]eve[/]")
    async with seat(room, 120, 40) as here:
        screen = await here.look()
    assert "note: [bold red]not red[/] [@click=app.quit]no link[/]" in screen
    assert r"note: \x1b[2J\x1b[31mnot red\x07" in screen
    assert r"note: first\nsecond\r\nthird\ttabbed" in screen
    assert r"note: zero\u200bwidth \u202eright to left\u2066" in screen
    assert "…" in next(line for line in screen.splitlines() if "漢字" in line)
    assert "\x1b" not in screen
    assert screen.count("[red]eve[/]"[:7]) == 6


async def test_a_hostile_release_name_and_reason_reach_every_dialog_as_text() -> None:
    """The plan's words come from git and from the strategy."""
    room = FakeRoom()
    room.declare(note=MARKUP)
    room.freeze(target=Release("[red]v1[/]", "a" * 40, "b" * 40))
    room.prepare()
    async with seat(room) as here:
        assert "back to [red]v1[/], which is good" in await here.press("g")
        await here.press("escape")
        assert "[red]v1[/] (aaaaaaaa)" in await here.press("v")
        await here.press("escape")
        room.open_gate()
        room.begin("deploy")
        room.end("deploy", ESCAPES + MARKUP, failed=True)
        screen = await here.look()
        assert "\x1b" not in screen
        assert r"FAILED \x1b[2J\x1b[31mnot red\x07" in screen
        assert "[bold red]not red[/]" in await here.press("r")


async def test_titles_of_the_strategy_are_text_too() -> None:
    """A file is outside as well."""
    triggers = {"odd": {"title": "[blink]odd[/] \x1b[5m", "rung": "mandatory"}}
    room = FakeRoom(place.environment(triggers=triggers, drill="[red]DRILL[/]"))
    async with seat(room) as here:
        assert "[red]DRILL[/]" in await here.look()
        assert r"[ ] [blink]odd[/] \x1b[5m" in await here.press("D")
