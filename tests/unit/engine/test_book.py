"""The book: what is committed is what the state follows, and whoever reads along is told."""

import pytest

from console.core import events as ev
from console.core.protocols import JournalError
from console.engine.book import Book
from tests.unit.core.kit import ENV, INCIDENT
from tests.unit.engine.kit import Desktop, HandClock


def test_a_new_book_knows_what_the_journal_says() -> None:
    desk = Desktop()
    desk.declare()
    desk.run("fetch")
    again = Book(desk.journal, ENV, HandClock(), lambda _seq: None)
    assert again.state == desk.book.state
    assert again.state.seq == len(desk.journal.links)


def test_what_is_said_together_is_committed_together_and_rung_once() -> None:
    desk = Desktop()
    desk.book.say(ev.NoteAdded("one"), ev.NoteAdded("two"))
    assert desk.journal.transactions == [["note.added", "note.added"]]
    assert desk.rung == [2]
    assert desk.book.state.seq == 2


def test_what_could_not_be_committed_has_not_happened() -> None:
    desk = Desktop()
    before = desk.book.state
    desk.journal.refuses = JournalError("no space left on the device")
    with pytest.raises(JournalError):
        desk.book.say(ev.NoteAdded("lost"))
    assert desk.book.state == before
    assert desk.rung == []


def test_an_event_belongs_to_the_incident_that_is_open_when_it_is_drafted() -> None:
    desk = Desktop()
    assert desk.book.draft(ev.NoteAdded("x")).incident is None
    desk.suspect()
    draft = desk.book.draft(ev.NoteAdded("x"), actor="eng-1", request="r1")
    assert (draft.incident, draft.actor, draft.request) == (INCIDENT, "eng-1", "r1")
    assert draft.at == desk.clock.now()
    desk.say(ev.IncidentResolved("false alarm", "", ""))
    assert desk.book.draft(ev.NoteAdded("x")).incident is None


def test_the_head_is_the_journals_in_hex() -> None:
    desk = Desktop()
    assert desk.book.head == "0" * 64
    desk.book.say(ev.NoteAdded("x"))
    assert desk.book.head == desk.journal.head().hash.hex() != "0" * 64
