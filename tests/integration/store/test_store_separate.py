"""The modes of a state folder: closed where one account does everything, else open to a group in parts."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from console.core.live import Live
from console.core.metrics import Row
from console.core.requests import Note, Request
from console.store.bell import Bell, BellError
from console.store.inbox import FolderInbox, InboxError
from console.store.journal import SqliteWriter
from console.store.layout import Layout, Runtime
from console.store.lease import Lease
from console.store.live import LiveFile
from console.store.output import OutputFile
from console.store.private import GUEST, HOST, PRIVATE, Sharing
from console.store.samples import SampleWriter
from console.store.separate import SeparateError, refuse_other_hands, settle
from tests.integration.store.kit import ENV, HandClock, at, killed_writer, note


@pytest.fixture(autouse=True, params=[0o022, 0o077], ids=["a usual umask", "a strict umask"])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """Modes never depend on it."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "state")


def live_through_everything(layout: Layout, sharing: Sharing) -> dict[str, str]:
    """Write once whatever an engine writes, and leave a request; the modes of it all."""
    lease = Lease(layout.lock, HandClock(), sharing)
    lease.acquire()
    with closing(SqliteWriter(layout, ENV, sharing)) as writer:
        writer.append([note("one")])
    with closing(SampleWriter(layout.samples, sharing)) as samples:
        samples.append(Row(at(), ()))
    LiveFile(layout.live, sharing).write(Live(1, 1, at()))
    OutputFile(layout.output, "INC-1", "deploy", 1, sharing=sharing).close()
    FolderInbox(layout.inbox, sharing=sharing).put(Request("a", ENV, "eng-1", at(), Note("hello")))
    with closing(Bell(Runtime(layout.sockets).engine_bell, sharing)):
        lease.release()
        return modes(layout)


def modes(layout: Layout) -> dict[str, str]:
    """Of everything there, in octal."""
    found = {path: stat.S_IMODE(path.lstat().st_mode) for path in (layout.state, *layout.state.rglob("*"))}
    return {str(path.relative_to(layout.state)): f"{mode:o}" for path, mode in found.items()}


def test_one_account_closes_everything(layout: Layout) -> None:
    """Folders 0700, files and sockets 0600."""
    found = live_through_everything(layout, PRIVATE)
    del found["output"]  # made on the way to the incident's folder; the state folder closes it
    folders = {".", "inbox", "inbox/tmp", "samples", "output/INC-1", "run"}
    assert {name for name, mode in found.items() if mode == "700"} == folders
    assert {mode for name, mode in found.items() if name not in folders} == {"600"}


def test_a_separated_engine_opens_what_consoles_read(layout: Layout) -> None:
    """And keeps the lease and the reserve to itself."""
    settle(layout.state)
    found = live_through_everything(layout, HOST)
    request = next(name for name in found if name.endswith("-a.json"))
    assert found[request] == "640"
    assert found["output/INC-1"] == "2750"
    assert found["output/INC-1/deploy-1.txt"] == found["journal.db"] == found["live.json"] == "640"
    assert found["engine.lock"] == found["journal.reserve"] == "600"
    assert found["inbox"] == found["inbox/tmp"] == found["run/bells"] == "3770"
    assert {found[name] for name in ("clone.git", "worktrees", "evidence")} == {"700"}


def test_what_one_account_left_is_opened_and_closed_again(layout: Layout) -> None:
    """By the strategy of the next engine; what no console reads is closed, however loose it was."""
    live_through_everything(layout, PRIVATE)
    (layout.state / "engine.log").write_text("")
    (layout.state / "engine.log").chmod(0o644)
    layout.clone.mkdir()
    layout.clone.chmod(0o755)
    settle(layout.state)
    with closing(SqliteWriter(layout, ENV, HOST)) as writer:
        writer.append([note("two")])
        found = modes(layout)
    assert found["journal.db"] == found["journal.db-wal"] == found["output/INC-1/deploy-1.txt"] == "640"
    assert found["output/INC-1"] == "2750"
    assert (found["engine.log"], found["clone.git"]) == ("600", "700")
    assert live_through_everything(layout, PRIVATE)["."] == "700", "nobody gets past it"


def test_the_files_of_a_killed_engine_are_opened_too(layout: Layout) -> None:
    """SQLite gives its own mode only to those that it makes."""
    killed_writer(layout, 1)
    assert modes(layout)["journal.db-wal"] == "600"
    settle(layout.state)
    with closing(SqliteWriter(layout, ENV, HOST)):
        assert modes(layout)["journal.db-wal"] == modes(layout)["journal.db-shm"] == "640"


@pytest.mark.parametrize("name", ["inbox", "inbox/refused", "samples", "run"])
def test_a_link_in_the_place_of_a_folder_is_refused(layout: Layout, tmp_path: Path, name: str) -> None:
    """It would have had another folder of ours opened."""
    (tmp_path / "mine").mkdir(mode=0o700)
    (layout.state / name).parent.mkdir(parents=True)
    (layout.state / name).symlink_to(tmp_path / "mine")
    with pytest.raises(SeparateError, match=f"{name}: cannot be made ready for consoles"):
        settle(layout.state)
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o700


def test_a_state_folder_that_others_wrote_to_is_theirs_no_more(layout: Layout) -> None:
    layout.state.mkdir()
    layout.state.chmod(0o777)
    settle(layout.state)
    assert modes(layout)["."] == "2750"


def test_a_state_folder_that_cannot_be_made(layout: Layout) -> None:
    """One line that says what to do."""
    layout.state.touch()
    with pytest.raises(SeparateError, match="cannot be made: File exists: make it, and give it to"):
        settle(layout.state)


def test_a_guest_makes_no_folder(layout: Layout) -> None:
    """Its request is refused in words, its bell is none, and nothing is there."""
    with pytest.raises(InboxError, match="could not be left: no engine has run here yet"):
        FolderInbox(layout.inbox, sharing=GUEST).put(Request("a", ENV, "eng-1", at(), Note("hello")))
    with pytest.raises(BellError):
        Bell.of_reader(Runtime(layout.sockets).bells, GUEST)
    assert not layout.state.exists()


def test_files_that_others_may_write_are_told(tmp_path: Path) -> None:
    """The file itself, or any folder on the way to it; a sticky folder keeps what is in it."""
    file = tmp_path / "folder" / "strategy.yaml"
    file.parent.mkdir()
    file.touch(0o644)
    file.parent.chmod(0o755)
    refuse_other_hands(file)
    file.parent.chmod(0o1777)
    refuse_other_hands(file)
    file.parent.chmod(0o777)
    with pytest.raises(SeparateError, match="folder: everybody may write there: only root and the engine"):
        refuse_other_hands(file)
    with pytest.raises(SeparateError, match="folder: everybody may write there"):
        refuse_other_hands(file.with_name("missing"))
    refuse_other_hands(tmp_path / "missing")


READS = """
import os, sys
from pathlib import Path
from console.store.follow import Follower
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
follower = Follower(Path(sys.argv[1]), "testnet")
for _ in sys.stdin:
    follower.follow()
    print(follower.head.seq, follower.head.hash.hex(), flush=True)
"""


def test_a_reader_who_may_write_nothing_there_follows(roomy: Path) -> None:
    """From a file at rest to one that grows, every event once; nothing is left beside the file."""
    layout = Layout(roomy / "state")
    with closing(SqliteWriter(layout, ENV)) as writer:
        writer.append([note("one")])
    layout.journal.chmod(0o644)
    layout.state.chmod(0o555)
    argv = [sys.executable, "-c", READS, str(layout.journal)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:

        def head() -> str:
            assert reader.stdin is not None
            assert reader.stdout is not None
            print(file=reader.stdin, flush=True)
            return reader.stdout.readline().split()[0]

        assert head() == "1"
        assert not layout.journal.with_name("journal.db-wal").exists()
        with closing(SqliteWriter(layout, ENV)) as writer:
            layout.state.chmod(0o755)
            for path in layout.state.glob("journal.db*"):
                path.chmod(0o644)
            writer.append([note("two")])
            assert head() == "2"
        assert head() == "2"
