"""The timeline: a hundred thousand events cost no more than the lines in sight."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core.wording import Said, said
from screens.widgets import timeline as module
from screens.widgets.timeline import Timeline
from tests.ui.fake_room import FakeRoom
from tests.ui.seat import seat


def long_room(number: int) -> FakeRoom:
    """A room whose journal has so many notes."""
    room = FakeRoom()
    room.say(ev.NoteAdded("note"))
    last = room.events[-1]
    room.events = [replace(last, seq=seq, body=ev.NoteAdded(f"note {seq}")) for seq in range(1, number + 1)]
    return room


async def test_only_the_lines_in_sight_are_put_into_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the journal is; and nothing twice while nothing moves."""
    spoken: list[int] = []

    def counted(event: ev.Event, names: Mapping[str, str]) -> Said:
        spoken.append(event.seq)
        return said(event, names)

    monkeypatch.setattr(module, "said", counted)
    async with seat(long_room(100_000), 120, 40) as here:
        screen = await here.look()
        assert "note: note 100000" in screen
        assert len(spoken) < 40
        before = len(spoken)
        here.room.wait(1)
        await here.look()
        assert len(spoken) == before
        await here.press("end")
        assert len(spoken) < 120


async def test_at_its_top_it_follows_and_scrolled_away_it_stays() -> None:
    """Nobody loses the line that is being read."""
    room = long_room(200)
    async with seat(room) as here:
        timeline = here.app.screen.query_one(Timeline)
        last = room.events[-1]

        def more(seq: int) -> None:
            room.events.append(replace(last, seq=seq, body=ev.NoteAdded(f"note {seq}")))

        more(201)
        await here.look()
        assert "note 201" in timeline.words.splitlines()[0]
        await here.press("pagedown")
        reading = timeline.words.splitlines()[1:]
        more(202)
        more(203)
        await here.look()
        assert timeline.words.splitlines()[1:] == reading
        assert "newer, Home follows" in timeline.words.splitlines()[0]
        await here.press("home")
        assert "note 203" in timeline.words.splitlines()[0]


async def test_every_line_names_time_actor_and_words() -> None:
    """In UTC, the actor always named."""
    room = FakeRoom()
    room.say(ev.NoteAdded("gas settings look wrong"), actor="eng-2")
    async with seat(room) as here:
        assert " 14:09:17 eng-2    note: gas settings look wrong" in await here.look()
