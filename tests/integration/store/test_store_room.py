"""The room: what a console sees of an environment, from before there is a journal to long after."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import Raw

from console.core import events as ev
from console.core.errors import StatedError
from console.core.events import Draft
from console.core.live import Live
from console.core.metrics import Row
from console.core.protocols import Room
from console.core.requests import Note
from console.core.strategy import Environment
from console.store.bell import Bell, Ringer
from console.store.follow import KEPT_EVENTS, PAGE
from console.store.inbox import FolderInbox
from console.store.journal import SqliteWriter
from console.store.layout import Layout, Runtime
from console.store.live import LiveFile
from console.store.room import KEPT_S, LocalRoom
from console.store.samples import SampleWriter
from tests.integration.store.kit import ENV, HandClock, at, note

TESTNET = Environment.model_construct(title="Testnet")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "state")


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path / "run")


@pytest.fixture
def started() -> list[str]:
    return []


@pytest.fixture
def room(layout: Layout, runtime: Runtime, clock: HandClock, started: list[str]) -> Iterator[LocalRoom]:
    room = LocalRoom(
        TESTNET,
        ENV,
        "eng-1",
        state=layout.state,
        runtime=runtime.folder,
        clock=clock,
        start_engine=lambda: started.append("engine"),
    )
    yield room
    room.close()


@pytest.fixture
def writer(layout: Layout) -> Iterator[SqliteWriter]:
    writer = SqliteWriter(layout, ENV)
    yield writer
    writer.close()


def engine_started(epoch: int, seconds: float = 0.0) -> Draft:
    body = ev.EngineStarted(4000 + epoch, epoch, "0.1.0", "s", "r", "cooperative")
    return Draft(body, at(seconds))


def test_it_is_a_room(room: LocalRoom, started: list[str]) -> None:
    """What screens are given, with the engine started by whoever knows how."""
    seen: Room = room
    assert (seen.environment, seen.name, seen.actor) == (TESTNET, ENV, "eng-1")
    seen.start_engine()
    assert started == ["engine"]


def test_an_environment_without_anything_is_empty(room: LocalRoom, layout: Layout) -> None:
    """No journal, no engine, no trouble; and looking makes no file."""
    snapshot = room.snapshot()
    assert (snapshot.state.seq, snapshot.events, snapshot.rows, snapshot.pending) == (0, (), (), ())
    assert (snapshot.live, snapshot.engine_silent_s, snapshot.trouble) == (None, None, "")
    assert snapshot.head == "00" * 32
    assert list(room.timeline(before=100, count=10)) == []
    assert not layout.state.exists()


def test_a_journal_that_appears_is_followed(room: LocalRoom, layout: Layout) -> None:
    """From its first event on, each snapshot with all that was committed before it."""
    assert room.snapshot().state.engine is None
    with closing(SqliteWriter(layout, ENV)) as writer:
        writer.append([engine_started(1)])
        first = room.snapshot()
        assert first.state.epoch == 1
        writer.append([note("hello"), note("again")])
        second = room.snapshot()
        assert [event.seq for event in second.events] == [1, 2, 3]
        assert second.head == writer.head().hash.hex()
    assert (first.state.seq, len(first.events)) == (1, 1)


def test_an_engine_that_is_replaced_is_followed(room: LocalRoom, layout: Layout) -> None:
    """Each engine opens the journal anew; the console keeps its place."""
    for epoch in (1, 2, 3):
        with closing(SqliteWriter(layout, ENV)) as writer:
            writer.append([engine_started(epoch)])
        assert (room.snapshot().state.epoch, room.snapshot().state.seq) == (epoch, epoch)


def test_only_what_is_new_is_read(room: LocalRoom, layout: Layout, writer: SqliteWriter) -> None:
    """An old event that was tampered with after it was folded is not looked at again."""
    writer.append([note("one")])
    room.snapshot()
    with closing(sqlite3.connect(layout.journal)) as database, database:
        database.execute("DROP TRIGGER event_stays")
        database.execute("UPDATE event SET raw = x'00'")
    writer.append([note("two")])
    assert (room.snapshot().state.seq, room.snapshot().trouble) == (2, "")


def test_the_newest_are_kept_and_older_ones_are_paged(room: LocalRoom, writer: SqliteWriter) -> None:
    """Nobody holds a whole journal decoded."""
    last = PAGE + KEPT_EVENTS
    writer.append([note(str(number)) for number in range(1, last + 1)])
    snapshot = room.snapshot()
    assert snapshot.state.seq == last
    assert [event.seq for event in snapshot.events] == list(range(PAGE + 1, last + 1))
    assert [event.seq for event in room.timeline(before=PAGE + 1, count=3)] == [PAGE - 2, PAGE - 1, PAGE]
    assert [event.seq for event in room.timeline(before=3, count=10)] == [1, 2]
    assert list(room.timeline(before=1, count=10)) == []


def test_the_rows_of_the_last_minutes(room: LocalRoom, layout: Layout, clock: HandClock) -> None:
    """Those from before the console was opened too; what is older is let go."""
    samples = SampleWriter(layout.samples)
    for seconds in (0, 100, KEPT_S):
        samples.append(Row(at(seconds), ()))
    clock.seconds = KEPT_S + 50
    assert [row.at for row in room.snapshot().rows] == [at(100), at(KEPT_S)]
    samples.append(Row(at(KEPT_S + 60), ()))
    clock.seconds = KEPT_S + 101
    assert [row.at for row in room.snapshot().rows] == [at(KEPT_S), at(KEPT_S + 60)]
    samples.close()


def test_how_long_the_engine_is_silent(room: LocalRoom, layout: Layout, clock: HandClock) -> None:
    """Since its last heartbeat; a file torn by a power failure does not hide what was known."""
    layout.state.mkdir()
    LiveFile(layout.live).write(Live(1, 1, at(10)))
    clock.seconds = 12.5
    snapshot = room.snapshot()
    assert snapshot.live == Live(1, 1, at(10))
    assert snapshot.engine_silent_s == pytest.approx(2.5)
    layout.live.write_bytes(b"{")
    clock.seconds = 20
    assert room.snapshot().engine_silent_s == pytest.approx(10)
    LiveFile(layout.live).write(Live(2, 2, at(21)))
    assert room.snapshot().engine_silent_s == 0


def test_a_request_is_pending_until_it_is_answered(
    room: LocalRoom, layout: Layout, clock: HandClock, writer: SqliteWriter
) -> None:
    """By an event that names it: between commit and removal of the file it is not shown as open."""
    clock.seconds = 3
    first, second = room.submit(Note("hello")), room.submit(Note("again"))
    assert room.snapshot().pending == (first, second)
    (taken, _) = FolderInbox(layout.inbox).take_all()
    assert taken.request is not None
    assert taken.request.ask == Note("hello")
    assert (taken.request.environment, taken.request.actor, taken.request.at) == (ENV, "eng-1", at(3))
    writer.append([note("hello", request=first)])
    assert room.snapshot().pending == (second,)


async def test_the_engine_is_rung_and_rings(room: LocalRoom, runtime: Runtime) -> None:
    """A request wakes the engine, a commit the console; silence ends the wait."""
    engine, ringer = Bell(runtime.engine_bell), Ringer()
    room.submit(Note("hello"))
    assert await engine.wait(20) is not None
    waiting = asyncio.create_task(room.changed(20))
    await asyncio.sleep(0)
    ringer.ring_all(runtime.bells, 1)
    await asyncio.wait_for(waiting, 2)
    await room.changed(0.01)
    engine.close()
    ringer.close()


async def test_without_a_place_for_sockets_a_console_still_works(layout: Layout, tmp_path: Path) -> None:
    """It looks whenever its time is over."""
    clock, start = HandClock(), list[str]().clear
    (tmp_path / "file").touch()
    blocked = tmp_path / "file"
    room = LocalRoom(
        TESTNET, ENV, "eng-1", state=layout.state, runtime=blocked, clock=clock, start_engine=start
    )
    await room.changed(1.0)
    assert clock.seconds == 1.0
    asked = room.submit(Note("hello"))
    assert room.snapshot().pending == (asked,)
    room.close()


def append_raw(path: Path, raw: bytes) -> None:
    """One event more, as a newer program would write it."""
    with closing(sqlite3.connect(path)) as database, database:
        seq, head = database.execute("SELECT seq, hash FROM event ORDER BY seq DESC").fetchone()
        database.execute("INSERT INTO event VALUES (?, ?, ?)", (seq + 1, raw, sha256(head + raw).digest()))


def of_the_future(seq: int, critical: str) -> bytes:
    raw = ev.encode(note("x"), ENV, seq)
    return raw.replace(b'"note.added"', b'"quantum.leap"').replace(
        b'"critical":false', b'"critical":' + critical.encode()
    )


def test_an_unknown_critical_event_makes_it_read_only(
    room: LocalRoom, layout: Layout, writer: SqliteWriter
) -> None:
    """Looking goes on, asking does not. An unknown kind that is not critical changes nothing."""
    writer.append([note("one")])
    append_raw(layout.journal, of_the_future(2, "false"))
    assert room.snapshot().state.unknown_critical is None
    room.submit(Note("still fine"))
    append_raw(layout.journal, of_the_future(3, "true"))
    snapshot = room.snapshot()
    assert snapshot.state.unknown_critical == "quantum.leap version 1"
    assert isinstance(snapshot.events[-1].body, ev.Unknown)
    with pytest.raises(
        StatedError, match="holds quantum.leap version 1, which this version of warroom does not"
    ):
        room.submit(Note("no more"))
    assert len(room.snapshot().pending) == 1


def lose_a_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TRIGGER event_kept")
        database.execute("DELETE FROM event WHERE seq = 3")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: append_raw(path, b"garbage"), "event 5 cannot be read"),
        (lose_a_row, "event 3 is missing"),
    ],
)
def test_a_damaged_journal_is_trouble_and_no_crash(
    room: LocalRoom, layout: Layout, writer: SqliteWriter, damage: Callable[[Path], None], words: str
) -> None:
    """What was read before stays, the heartbeat goes on, and the line says what to do."""
    writer.append([note("one"), note("two"), note("three"), note("four")])
    damage(layout.journal)
    LiveFile(layout.live).write(Live(1, 1, at()))
    for _ in range(2):
        snapshot = room.snapshot()
        assert words in snapshot.trouble
        assert "warroom journal verify" in snapshot.trouble
        assert snapshot.live is not None


def test_a_foreign_file_in_the_journals_place_is_trouble(room: LocalRoom, layout: Layout) -> None:
    """Until the journal is put there."""
    layout.state.mkdir()
    layout.journal.write_text("hello " * 1000)
    assert "not a journal" in room.snapshot().trouble
    layout.journal.unlink()
    with closing(SqliteWriter(layout, ENV)) as writer:
        writer.append([note("one")])
        assert (room.snapshot().state.seq, room.snapshot().trouble) == (1, "")


def test_a_journal_that_is_replaced_is_read_anew(room: LocalRoom, layout: Layout, tmp_path: Path) -> None:
    """Moved away, and another put in its place: nothing of the first is left in the state."""
    with closing(SqliteWriter(layout, ENV)) as writer:
        writer.append([engine_started(5), note("old")])
    assert room.snapshot().state.epoch == 5
    for path in layout.state.glob("journal.db*"):
        shutil.move(path, tmp_path)
    assert (room.snapshot().state.seq, room.snapshot().events) == (0, ())
    with closing(SqliteWriter(layout, ENV)) as writer:
        writer.append([note("new")])
        snapshot = room.snapshot()
    assert (snapshot.state.epoch, [event.body for event in snapshot.events]) == (0, [ev.NoteAdded("new")])


def test_a_plan_of_another_shape_is_no_crash(room: LocalRoom, writer: SqliteWriter) -> None:
    """It is as unknown as an event of an unknown kind, and makes the journal read-only."""
    writer.append([Draft(ev.PlanFrozen("00", Raw(b'{"shape":"new"}')), at(), "INC-1")])
    assert room.snapshot().state.unknown_critical == "plan.frozen version 1, its plan of another shape"
