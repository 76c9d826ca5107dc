"""The inbox: what consoles leave the engine takes, in order; and nothing that lies there can harm it."""

import os
from pathlib import Path

import pytest

from console.core import requests
from console.core.requests import MAX_REQUEST_BYTES, Note, Request, Stop
from console.store.inbox import FolderInbox, InboxError
from tests.integration.store.kit import ENV, at, run_on_small_disk


def request(id_: str, seconds: float = 0.0, text: str = "hello") -> Request:
    return Request(id_, ENV, "eng-1", at(seconds), Note(text))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def inbox(folder: Path) -> FolderInbox:
    return FolderInbox(folder)


def test_what_was_put_is_taken_in_order_of_arrival(inbox: FolderInbox, folder: Path) -> None:
    """By when it was put, not by its id; another console's inbox is the same folder."""
    inbox.put(request("zzz", 1))
    FolderInbox(folder).put(request("mmm", 2))
    inbox.put(request("aaa", 3))
    assert inbox.pending() == ["zzz", "mmm", "aaa"]
    assert [taken.request for taken in inbox.take_all()] == [
        request("zzz", 1),
        request("mmm", 2),
        request("aaa", 3),
    ]


def test_a_clock_set_back_changes_no_order(inbox: FolderInbox) -> None:
    """Who says go and then stop means stop."""
    inbox.put(request("go", 100))
    inbox.put(request("stop", 1))
    inbox.put(request("really", 100))
    assert inbox.pending() == ["go", "stop", "really"]


def test_a_request_stays_until_it_is_done(inbox: FolderInbox, folder: Path) -> None:
    """An engine killed between taking and answering finds it again; one that answered does not."""
    inbox.put(request("a"))
    first = inbox.take_all()
    assert FolderInbox(folder).take_all() == first
    inbox.done(first[0])
    assert inbox.take_all() == []
    assert inbox.pending() == []
    inbox.done(first[0])


def test_there_need_be_no_folder(inbox: FolderInbox, folder: Path) -> None:
    """Looking makes none; leaving a request makes one that is ours alone."""
    assert (inbox.pending(), inbox.take_all(), folder.exists()) == ([], [], False)
    inbox.put(request("a"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert next(folder.glob("*.json")).stat().st_mode & 0o777 == 0o600


def test_the_engine_is_rung_when_the_request_is_there(folder: Path) -> None:
    """Not before it can be taken."""
    seen: list[list[str]] = []
    watched = FolderInbox(folder, ring=lambda: seen.append(list(FolderInbox(folder).pending())))
    watched.put(request("a"))
    assert seen == [["a"]]


def test_a_request_being_written_is_nobodys_yet(inbox: FolderInbox, folder: Path) -> None:
    """A console killed in the middle leaves nothing that the engine would see."""
    inbox.put(request("a"))
    folder.joinpath("tmp", "00000000000000000001-b.json").write_bytes(b'{"id"')
    assert inbox.pending() == ["a"]
    assert [taken.id for taken in inbox.take_all()] == ["a"]


def test_at_most_64_kib(inbox: FolderInbox, folder: Path) -> None:
    """The largest goes through; one byte more is refused in one line, and nothing is left behind."""
    room = MAX_REQUEST_BYTES - len(requests.encode(request("a", text="")))
    inbox.put(request("a", text="x" * room))
    with pytest.raises(InboxError, match="at most 65536 bytes, this one has 65537: shorten it"):
        inbox.put(request("a", text="x" * (room + 1)))
    assert [taken.request and taken.request.id for taken in inbox.take_all()] == ["a"]
    assert list(folder.joinpath("tmp").iterdir()) == []


@pytest.mark.parametrize("id_", ["", "../x", "a/b", "a.b", "x" * 65, "é"])
def test_an_id_is_a_name(inbox: FolderInbox, id_: str) -> None:
    """It becomes part of a file's."""
    with pytest.raises(InboxError, match="use letters, digits and hyphens"):
        inbox.put(request(id_))


def test_text_that_is_no_unicode_is_refused(inbox: FolderInbox) -> None:
    """In one line, as all that cannot be left."""
    with pytest.raises(InboxError, match="surrogates not allowed"):
        inbox.put(request("a", text="\udcff"))


def test_a_disk_that_refuses_is_one_line(tmp_path: Path) -> None:
    """Full, and nothing half is left; or no folder at all."""
    (tmp_path / "file").touch()
    with pytest.raises(InboxError, match="the request could not be left: "):
        FolderInbox(tmp_path / "file" / "inbox").put(request("a"))
    script = """
import sys
from pathlib import Path
from console.core.clock import Stamp
from console.core.requests import Note, Request
from console.store.inbox import FolderInbox, InboxError
folder = Path(sys.argv[1]); inbox = FolderInbox(folder / "inbox")
ask = lambda id_: Request(id_, "testnet", "eng-1", Stamp(1, "boot", 1), Note("x" * 9000))
inbox.put(ask("a"))
with (folder / "ballast").open("wb", buffering=0) as ballast:
    try:
        while ballast.write(bytes(4096)): pass
    except OSError: pass
try: inbox.put(ask("b"))
except InboxError as error: print(str(error).replace(str(folder), ""))
print(inbox.pending(), list((folder / "inbox/tmp").iterdir()))
"""
    told = run_on_small_disk(tmp_path, script, size="1m").splitlines()
    assert told == ["/inbox: the request could not be left: No space left on device", "['a'] []"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"not json", "JSON is malformed"),
        (b"\xff\xfe", "JSON is malformed"),
        (b'{"id":"\xff"}', "can't decode byte 0xff"),
        (b"[" * 60_000, "Expected `object`, got `array`"),
        (b'{"x":' * 9_000, "maximum recursion depth exceeded"),
        (requests.encode(request("a")).replace(b'"note"', b'"explode"'), "Invalid value 'explode'"),
        (requests.encode(request("other")), "its id is not that of its file's name"),
    ],
)
def test_what_cannot_be_decoded_is_taken_with_the_reason(
    inbox: FolderInbox, folder: Path, raw: bytes, reason: str
) -> None:
    """Under the id of its name, so that the engine can refuse it by an event; then it is gone."""
    folder.mkdir()
    (folder / "00000000000000000007-a.json").write_bytes(raw)
    inbox.put(request("b"))
    bad, good = inbox.take_all()
    assert (bad.id, bad.request, bad.aside) == ("a", None, False)
    assert reason in bad.reason
    assert "\n" not in bad.reason
    assert good.request == request("b")
    inbox.done(bad)
    assert [taken.id for taken in inbox.take_all()] == ["b"]


def make(folder: Path, kind: str) -> None:
    """Something that is no request."""
    fitting = folder / "00000000000000000007-a.json"
    match kind:
        case "foreign":
            (folder / "README.txt").write_text("hello")
        case "hidden":
            (folder / ".swp").write_text("hello")
        case "no text":
            Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.json")).write_text("hello")
        case "link":
            (folder / "secret").write_bytes(requests.encode(request("a")))
            fitting.symlink_to(folder / "secret")
        case "dangling link":
            fitting.symlink_to(folder / "nowhere")
        case "pipe":
            os.mkfifo(fitting)
        case "folder":
            fitting.mkdir()
            (fitting / "x").touch()
        case "large":
            fitting.write_bytes(b" " * (MAX_REQUEST_BYTES + 1))


KINDS = ["foreign", "hidden", "no text", "link", "dangling link", "pipe", "folder", "large"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_request_is_set_aside(inbox: FolderInbox, folder: Path, kind: str) -> None:
    """Told once, kept for a person to look at, and in nobody's way again."""
    folder.mkdir()
    make(folder, kind)
    inbox.put(request("b"))
    told = inbox.take_all()
    strange = [taken for taken in told if taken.request is None]
    assert [taken.request for taken in told if taken not in strange] == [request("b")]
    assert strange
    assert all(taken.aside and taken.request is None and taken.reason.isascii() for taken in strange)
    for taken in strange:
        inbox.done(taken)
        assert taken.path.parent == folder / "refused"
        assert taken.path.is_symlink() or taken.path.exists()
    assert [taken.id for taken in inbox.take_all()] == ["b"]
    assert inbox.pending() == ["b"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_even_be_moved_is_passed_over(inbox: FolderInbox, folder: Path, kind: str) -> None:
    """Told once all the same, and never looped over."""
    folder.mkdir()
    (folder / "refused").write_text("no folder")
    make(folder, kind)
    told = inbox.take_all()
    assert told
    assert all("it could not be moved away: " in taken.reason for taken in told)
    assert inbox.take_all() == []


def test_every_kind_of_request_comes_through(inbox: FolderInbox) -> None:
    """Also one without fields."""
    inbox.put(Request("s", ENV, "eng-1", at(), Stop()))
    (taken,) = inbox.take_all()
    assert taken.request is not None
    assert taken.request.ask == Stop()
