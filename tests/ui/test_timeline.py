"""The timeline: a hundred thousand events cost no more than the lines in sight."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from console.core import events as ev
from console.core.protocols import JournalError
from console.core.wording import Said, said
from screens.widgets import timeline as module
from screens.widgets.timeline import PAGE, Timeline
from tests.ui.fake_room import KEPT_EVENTS, FakeRoom
from tests.ui.seat import seat


def long_room(number: int) -> FakeRoom:
    """A room whose journal has so many notes."""
    room = FakeRoom()
    room.say(ev.NoteAdded("note"))
    last = room.events[-1]
    room.events = [replace(last, seq=seq, body=ev.NoteAdded(f"note {seq}")) for seq in range(1, number + 1)]
    return room


def more(room: FakeRoom, number: int) -> None:
    """So many further notes."""
    last = room.events[-1]
    for seq in range(last.seq + 1, last.seq + 1 + number):
        room.events.append(replace(last, seq=seq, body=ev.NoteAdded(f"note {seq}")))


class Reads:
    """Counts what is read of the journal besides the snapshots."""

    def __init__(self, room: FakeRoom, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pages: list[tuple[int, int]] = []
        self._read = room.timeline
        monkeypatch.setattr(room, "timeline", self)

    def __call__(self, before: int, count: int) -> Sequence[ev.Event]:
        self.pages.append((before, count))
        return self._read(before, count)


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


async def test_the_whole_journal_can_be_scrolled_a_page_is_read_when_it_comes_into_sight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A snapshot holds the newest 500; nobody reads what nobody looks at."""
    room = long_room(100_000)
    reads = Reads(room, monkeypatch)
    async with seat(room, 120, 40) as here:
        timeline = here.app.screen.query_one(Timeline)
        await here.press("pagedown", "pagedown")
        assert reads.pages == []
        await here.press("end")
        assert timeline.words.splitlines()[-1].split()[-3:] == ["note:", "note", "1"]
        assert reads.pages == [(PAGE + 1, PAGE)]
        await here.press("pageup")
        assert len(reads.pages) == 1
        timeline.scroll_to(y=50_000, animate=False, immediate=True)
        await here.look()
        assert "note: note 49999" in timeline.words.splitlines()[1]
        assert "…" not in timeline.words
        assert len(reads.pages) == 2
        await here.press("home")
        assert "note: note 100000" in timeline.words.splitlines()[0]


async def test_every_event_is_met_once_on_the_way_back() -> None:
    """Across the seams between snapshot and pages too."""
    room = long_room(KEPT_EVENTS + PAGE + 7)
    async with seat(room, 120, 60) as here:
        timeline = here.app.screen.query_one(Timeline)
        met: list[str] = []
        for top in range(0, len(room.events), timeline.size.height - 1):
            timeline.scroll_to(y=top, animate=False, immediate=True)
            await here.look()
            met += [line.split()[-1] for line in timeline.words.splitlines()[1 if top else 0 :]]
    assert list(dict.fromkeys(map(int, met))) == list(range(len(room.events), 0, -1))


async def test_what_cannot_be_read_is_said_in_its_place_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A journal on a bad disk: the rest of the screen goes on."""
    room = long_room(2_000)

    def broken(_before: int, _count: int) -> Sequence[ev.Event]:
        raise JournalError("journal.db: disk I/O error")

    monkeypatch.setattr(room, "timeline", broken)
    async with seat(room) as here:
        assert "journal.db: disk I/O error" in await here.press("end")
        monkeypatch.undo()
        assert "note: note 1" in await here.look()


async def test_another_journal_in_the_place_of_the_old_one_is_read_anew() -> None:
    """It was moved away, or a copy was put back."""
    room = long_room(2_000)
    async with seat(room) as here:
        await here.press("end", "home")
        other = long_room(1_500)
        room.events = [replace(event, body=ev.NoteAdded(f"other {event.seq}")) for event in other.events]
        assert "note: other 1500" in await here.look()
        assert "note: other 1" in await here.press("end")
        room.events = []
        assert "note:" not in await here.look()


async def test_at_its_top_it_follows_and_scrolled_away_it_stays() -> None:
    """Nobody loses the line that is being read."""
    room = long_room(200)
    async with seat(room) as here:
        timeline = here.app.screen.query_one(Timeline)
        more(room, 1)
        await here.look()
        assert "note 201" in timeline.words.splitlines()[0]
        await here.press("pagedown")
        reading = timeline.words.splitlines()[1:]
        more(room, 2)
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
