"""The journal, in memory and in a file: what both promise."""

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.core import events as ev
from console.core.events import Draft
from console.core.protocols import Head, JournalError, Reader, Writer
from console.store.journal import SqliteReader, SqliteWriter
from console.store.layout import Layout
from console.store.memory import MemoryJournal
from tests.integration.store.kit import DRAFTS, ENV, at, note


class Kind:
    """One way to keep a journal."""

    def __init__(self, name: str) -> None:
        self.name = name

    def writer(self, folder: Path) -> Writer:
        return MemoryJournal(ENV) if self.name == "memory" else SqliteWriter(Layout(folder), ENV)

    def reader(self, writer: Writer, folder: Path) -> Reader:
        return writer if self.name == "memory" else SqliteReader(Layout(folder).journal, ENV)


@pytest.fixture(params=["memory", "sqlite"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return Kind(request.param)


@pytest.fixture
def writer(kind: Kind, tmp_path: Path) -> Iterator[Writer]:
    writer = kind.writer(tmp_path)
    yield writer
    writer.close()


@pytest.fixture
def reader(kind: Kind, writer: Writer, tmp_path: Path) -> Iterator[Reader]:
    reader = kind.reader(writer, tmp_path)
    yield reader
    reader.close()


@given(batches=st.lists(st.lists(DRAFTS, max_size=4), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_appended_is_read(kind: Kind, batches: list[list[Draft]]) -> None:
    """Any events come back as they were given, in order, numbered from 1 without a gap."""
    with TemporaryDirectory() as name:
        writer = kind.writer(Path(name))
        reader = kind.reader(writer, Path(name))
        returned = [event for batch in batches for event in writer.append(batch)]
        read = reader.read(0, 1000)
        reader.close()
        writer.close()
    drafts = [draft for batch in batches for draft in batch]
    assert list(read) == returned
    assert [event.seq for event in read] == list(range(1, len(drafts) + 1))
    assert [(e.body, e.at, e.incident, e.actor, e.request) for e in read] == [
        (d.body, d.at, d.incident, d.actor, d.request) for d in drafts
    ]
    assert {event.environment for event in read} <= {ENV}


def test_an_empty_journal_has_an_empty_head(writer: Writer, reader: Reader) -> None:
    """Number 0 and 32 zero bytes stand before the first event."""
    assert reader.head() == Head(0, bytes(32))
    assert list(reader.read(0, 10)) == []


def test_the_head_chains_the_bytes(writer: Writer, reader: Reader) -> None:
    """The hash of an event is SHA-256 over the hash before it and its bytes as stored."""
    drafts = [note("one"), note("two", 1.0)]
    writer.append(drafts)
    expected = bytes(32)
    for seq, draft in enumerate(drafts, 1):
        expected = hashlib.sha256(expected + ev.encode(draft, ENV, seq)).digest()
    assert reader.head() == Head(2, expected)


def test_reading_pages(writer: Writer, reader: Reader) -> None:
    """A page starts after the number given, and is no longer than asked for."""
    writer.append([note(str(number)) for number in range(1, 8)])
    assert [event.seq for event in reader.read(2, 3)] == [3, 4, 5]
    assert [event.seq for event in reader.read(5, 10)] == [6, 7]
    assert list(reader.read(7, 10)) == []


@pytest.mark.parametrize("seconds", [math.nan, math.inf])
def test_a_batch_is_stored_whole_or_not_at_all(writer: Writer, reader: Reader, seconds: float) -> None:
    """An event that could not be read back is refused before anything of its batch is stored."""
    writer.append([note("before")])
    head = writer.head()
    bad = Draft(ev.StepOutcome("deploy", 1, "done", "", seconds), at())
    with pytest.raises(JournalError, match=r"step\.outcome cannot be stored"):
        writer.append([note("good"), bad])
    assert reader.head() == head
    writer.append([note("after")])
    assert [event.seq for event in reader.read(0, 10)] == [1, 2]


def test_text_that_is_no_unicode_is_refused(writer: Writer, reader: Reader) -> None:
    """What a program printed in another encoding does not take the engine down with a traceback."""
    with pytest.raises(JournalError, match=r"note\.added cannot be stored"):
        writer.append([note("\udcff")])
    assert reader.head().seq == 0


def test_nothing_to_append_changes_nothing(writer: Writer, reader: Reader) -> None:
    """No drafts, no event."""
    assert list(writer.append([])) == []
    assert reader.head().seq == 0
