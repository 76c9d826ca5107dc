"""The engine under an account of its own: who may look, who may ask, and what nobody else can do."""

import asyncio
import json
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from console.core.exits import Exit
from tests.conftest import require
from tests.faults.terminal import terminal
from tests.integration.separated.kit import (
    CANARY,
    ENGINE,
    GROUP,
    LIMIT_S,
    MEMBER,
    OTHER,
    STRANGER,
    Account,
    House,
    end,
    one_line,
)

READ = {
    ".": 0o2750,
    "journal.db": 0o640,
    "journal.db-wal": 0o640,
    "journal.db-shm": 0o640,
    "live.json": 0o640,
    "samples": 0o2750,
    "output": 0o2750,
    "run": 0o2750,
    "run/engine.bell": 0o660,
    "run/bells": 0o3770,
    "inbox": 0o3770,
    "inbox/tmp": 0o3770,
    "inbox/refused": 0o2750,
}
"""Everything that the group can open while the engine runs, with its mode; samples come as files of 0640."""
ASK = """
import sys
from pathlib import Path
from console.core.clock import Stamp
from console.core.requests import Note, Request
from console.store.bell import Ringer
from console.store.clock import SystemClock
from console.store.inbox import FolderInbox
from console.store.layout import Layout
from console.store.private import GUEST
layout = Layout(Path(sys.argv[1]))
FolderInbox(layout.inbox, sharing=GUEST).put(
    Request("asked-by-hand", "testnet", "eng-2", SystemClock().now(), Note("while nobody listened")))
"""
"""Leaves a request and does not wait for the answer."""


Running = tuple[House, "subprocess.Popen[str]"]


class TestWhileTheEngineRuns:
    """What the group of the engine can do, and what it cannot."""

    def test_the_group_opens_what_is_named_and_others_nothing(self, running: Running) -> None:
        """Whatever the engine's umask is; what is not named is its own alone, clone and evidence too."""
        made, _ = running
        found = {}
        for path in (made.layout.state, *made.layout.state.rglob("*")):
            status = path.lstat()
            assert (status.st_uid, status.st_gid, status.st_mode & 0o007) == (ENGINE.uid, GROUP, 0), path
            if status.st_mode & 0o070:
                found[str(path.relative_to(made.layout.state))] = stat.S_IMODE(status.st_mode)
        rows = {name: found.pop(name) for name in tuple(found) if name.startswith("samples/")}
        assert found == READ
        assert set(rows.values()) == {0o640}

    def test_a_member_sees_asks_and_is_answered(self, running: Running) -> None:
        """By commands, none of which needs the secrets of the engine."""
        made, engine = running
        assert made.json(MEMBER, "status")["engine_silent_s"] < LIMIT_S
        noted = made.run(MEMBER, "note", "a word from another account")
        assert (noted.returncode, noted.stderr) == (Exit.DONE, ""), noted.stderr
        assert "a word from another account" in noted.stdout
        declared = made.run(OTHER, "declare", "it burns")
        assert declared.returncode == Exit.DONE, declared.stderr
        status = made.json(MEMBER, "status")
        assert status["incident"]["id"] in declared.stdout
        told = made.run(MEMBER, "timeline").stdout
        assert f"process {engine.pid}" in told
        assert "separated" in told
        assert "a word from another account" in told
        verified = made.run(MEMBER, "journal", "verify")
        assert verified.returncode == Exit.DONE, verified.stdout

    def test_what_has_nothing_to_show_says_so_in_a_line(self, running: Running) -> None:
        made, _ = running
        for words in (("plan",), ("steps",), ("request",), ("sign", "--yes")):
            one_line(made.run(MEMBER, *words), Exit.FAILED, "there is no plan in testnet")
        one_line(made.run(MEMBER, "go", "INC-NONE"), Exit.FAILED, "INC-NONE")
        unsigned = made.run(MEMBER, "approve", "/dev/null")
        assert unsigned.stderr.count("\n") == 1
        assert "fault" not in unsigned.stderr

    def test_both_sides_ring(self, running: Running) -> None:
        """The engine rings a member's bell, and a member the engine's."""
        made, _ = running
        heard = made.does(
            MEMBER,
            """
import asyncio, sys
from pathlib import Path
from console.store.bell import Bell, Ringer
from console.store.layout import Layout, Runtime
from console.store.private import GUEST
sockets = Runtime(Layout(Path(sys.argv[1])).sockets)
async def hears():
    bell = Bell.of_reader(sockets.bells, GUEST)
    heard = await bell.wait(30)
    bell.close()
    return heard
print(asyncio.run(hears()) is not None, Ringer().ring(sockets.engine_bell))
""",
        )
        assert heard == "True True\n"
        assert list((made.layout.sockets / "bells").iterdir()) == []

    def test_no_member_can_change_anything(self, running: Running) -> None:
        """Neither what the engine wrote nor what others ask; nor read a secret, nor end the engine."""
        made, engine = running
        held = made.layout.inbox / "tmp" / "of-another"
        held.write_text("asked")
        os.chown(held, OTHER.uid, GROUP)
        held.chmod(0o640)
        before = made.layout.journal.stat().st_ino
        script = ADVERSARY.replace("SECRET", str(made.secret)).replace("ENGINE", str(engine.pid))
        said = json.loads(made.does(MEMBER, script))
        assert {name: how for name, how in said.items() if how != "PermissionError"} == {}
        assert len(said) > 20
        assert made.does(OTHER, REMOVE) == "removed\n", "its own can be taken back"
        assert made.layout.journal.stat().st_ino == before
        assert engine.poll() is None
        assert made.run(MEMBER, "journal", "verify").returncode == Exit.DONE

    def test_rubbish_of_a_member_ends_nothing(self, running: Running) -> None:
        """What the engine cannot read or move, and a link to its secret: the next request is answered."""
        made, engine = running
        assert made.does(MEMBER, RUBBISH.replace("SECRET", str(made.secret))) == "left\n"
        assert made.run(OTHER, "note", "after the rubbish").returncode == Exit.DONE
        assert engine.poll() is None
        told = made.run(MEMBER, "timeline").stdout
        assert "it is not a plain file" in told
        assert CANARY not in told

    def test_no_secret_shows(self, running: Running) -> None:
        """In nothing that is open to a member; though the engine used it, as the trouble with it says."""
        made, _ = running
        assert "database" in made.json(MEMBER, "status")["trouble"]
        opened = json.loads(made.does(MEMBER, f"CANARY = {CANARY!r}\n{SEARCH}"))
        assert {"journal.db-wal", "live.json", "journal.db"} < opened.keys()
        assert {name for name, holds in opened.items() if holds} == set()
        assert CANARY not in (made.folder / "engine.log").read_text()
        assert CANARY in made.secret.read_text()

    def test_an_engine_that_the_machine_hides_is_seen(self, running: Running) -> None:
        """/proc may be mounted so that nobody sees the processes of other accounts: it is not gone."""
        made, engine = running
        look = "from console.store.processes import *; print(Path('/proc/{0}').exists(), runs({0}))"
        code = look.format(engine.pid)
        hidden = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            'mount -t proc -o hidepid=2 proc /proc && exec "$@"',
            "sh",
        ]
        possible = subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode == 0
        require("hiding processes needs a mount of our own: unshare(1) with --mount allowed", found=possible)
        argv = [*hidden, *made.python_as(MEMBER, code)]
        done = subprocess.run(argv, env=made.environ, capture_output=True, text=True, check=True)
        assert done.stdout == "False True\n"

    def test_a_stranger_is_refused_in_a_line(self, running: Running) -> None:
        """With the group that they would have to be in."""
        made, _ = running
        for words in (("status",), ("note", "hello"), ("engine",), ("journal", "verify"), ()):
            one_line(made.run(STRANGER, *words), Exit.USAGE, f"have it made a member of group {GROUP}")
        named = made.run(STRANGER, "journal", "verify", str(made.layout.journal))
        assert named.returncode != Exit.DONE
        assert "fault" not in named.stderr

    @pytest.mark.parametrize("account", [MEMBER, None], ids=["a member", "root"])
    def test_only_the_owner_runs_the_engine(self, running: Running, account: Account | None) -> None:
        made, _ = running
        one_line(made.run(account, "engine"), Exit.USAGE, f"belongs to user {ENGINE.uid}")


ADVERSARY = """
import json, os, sqlite3, sys
from pathlib import Path
state = Path(sys.argv[1])
journal, held = state / "journal.db", state / "inbox/tmp/of-another"
mine = state / "inbox/tmp/mine"
mine.touch()
def write(path): os.close(os.open(path, os.O_WRONLY))
def database():
    try:
        sqlite3.connect(journal).execute("DELETE FROM event")
    except sqlite3.OperationalError as error:
        raise PermissionError(str(error))
tries = {
    "write": lambda: write(journal), "truncate": lambda: os.truncate(journal, 0),
    "delete": journal.unlink, "replace": lambda: mine.replace(journal), "by SQLite": database,
    "the write-ahead file": lambda: write(state / "journal.db-wal"),
    "its index": lambda: write(state / "journal.db-shm"),
    "the heartbeat": lambda: write(state / "live.json"),
    "the lease": lambda: (state / "engine.lock").read_bytes(),
    "a new file": lambda: (state / "new").touch(), "a mode": lambda: state.chmod(0o777),
    "the inbox": lambda: (state / "inbox").rename(state / "outbox"),
    "a folder of the inbox": lambda: (state / "inbox/tmp").rename(state / "inbox/tmp2"),
    "another's request": held.unlink, "to replace it": lambda: mine.replace(held),
    "to write to it": lambda: write(held), "to rename it": lambda: held.rename(state / "inbox/x"),
    "the bell": (state / "run/engine.bell").unlink,
    "the clone": lambda: os.listdir(state / "clone.git"), "evidence": lambda: os.listdir(state / "evidence"),
    "a secret": lambda: Path("SECRET").read_text(),
    "a signal": lambda: os.kill(ENGINE, 15), "the memory": lambda: open("/proc/ENGINE/environ").read(),
}
said = {}
for name, attempt in tries.items():
    try:
        attempt()
        said[name] = "done"
    except OSError as error:
        said[name] = type(error).__name__
mine.unlink()
print(json.dumps(said))
"""
RUBBISH = """
import os, sys
from pathlib import Path
inbox = Path(sys.argv[1]) / "inbox"
name = "0000000000000000000{}-{}.json".format
(inbox / name(1, "link")).symlink_to("SECRET")
(inbox / name(2, "closed")).touch(0o600)
(inbox / name(3, "folder")).mkdir(0o700)
(inbox / "folder").mkdir(0o700)
os.mkfifo(inbox / name(4, "pipe"), 0o660)
print("left")
"""
SEARCH = """
import json, sys
from pathlib import Path
found = {}
for path in Path(sys.argv[1]).rglob("*"):
    try:
        found[path.name] = path.is_file() and CANARY.encode() in path.read_bytes()
    except PermissionError:
        continue
print(json.dumps(found))
"""
REMOVE = """
import sys
from pathlib import Path
(Path(sys.argv[1]) / "inbox/tmp/of-another").unlink()
print("removed")
"""
FOLLOW = """
import sys, time
from pathlib import Path
from console.store.follow import Follower
from console.store.layout import Layout
follower = Follower(Layout(Path(sys.argv[1])).journal, "testnet")
for line in sys.stdin:
    deadline = time.monotonic() + 30
    while True:
        follower.follow()
        engine = follower.state.engine
        said = f"{follower.state.epoch} {'ended' if engine and engine.stopped else 'runs'}"
        if said == line.strip() or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    print(said, flush=True)
"""
"""Follows the journal until it says what is asked for, a line each."""


class TestWithoutAnEngine:
    """The journal stays readable, however the engine ended; nobody but its service starts one."""

    def test_before_the_first_one(self, fresh: House) -> None:
        """A member looks at nothing, and is told why they cannot ask; nothing is made in its place."""
        os.chown(fresh.layout.state, ENGINE.uid, GROUP)
        fresh.layout.state.chmod(0o2750)
        seen = fresh.run(MEMBER, "status")
        assert (seen.returncode, seen.stderr) == (Exit.DONE, "")
        assert "have the service manager start an engine: none has run here yet" in seen.stdout
        one_line(fresh.run(MEMBER, "note", "hello"), Exit.FAILED, "no engine has run here yet")
        assert list(fresh.layout.state.iterdir()) == []

    def test_one_that_ended(self, fresh: House) -> None:
        """Nothing lies beside the journal then, and a member can make nothing there."""
        with fresh.engine() as engine:
            end(engine, signal.SIGTERM)
        assert not list(fresh.layout.state.glob("journal.db-*"))
        self._can_be_read(fresh, "the last one ended (SIGTERM)")
        one_line(
            fresh.run(MEMBER, "backup", "list"),
            Exit.FAILED,
            "is open to the engine's account alone, and none runs that could tell",
        )

    def test_one_that_was_killed(self, fresh: House) -> None:
        """Its last events are in the write-ahead file; what is asked meanwhile, the next one answers."""
        with fresh.engine() as engine:
            assert fresh.run(MEMBER, "note", "the last word").returncode == Exit.DONE
            end(engine, signal.SIGKILL)
        assert fresh.layout.journal.with_name("journal.db-wal").stat().st_size > 0
        self._can_be_read(fresh, "the last one is gone")
        assert "the last word" in fresh.run(MEMBER, "timeline").stdout
        fresh.does(OTHER, ASK)
        assert fresh.json(MEMBER, "status")["pending"] == ["asked-by-hand"]
        with fresh.engine():
            assert fresh.json(MEMBER, "status")["pending"] == []
            assert "eng-2" in fresh.run(MEMBER, "timeline").stdout

    def test_a_member_who_stays_sees_them_come_and_go(self, fresh: House) -> None:
        """From a file at rest to one that is written, and back; killed, ended, and started again."""
        with fresh.engine() as engine:
            end(engine, signal.SIGTERM)
        watcher = subprocess.Popen(
            fresh.python_as(MEMBER, FOLLOW),
            env=fresh.environ,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with watcher:

            def sees(state: str) -> None:
                assert watcher.stdin is not None
                assert watcher.stdout is not None
                print(state, file=watcher.stdin, flush=True)
                assert watcher.stdout.readline() == f"{state}\n"

            sees("1 ended")
            with fresh.engine() as engine:
                sees("2 runs")
                end(engine, signal.SIGKILL)
            with fresh.engine() as engine:
                sees("3 runs")
                end(engine, signal.SIGTERM)
            sees("3 ended")
            with fresh.engine():
                sees("4 runs")

    @pytest.mark.parametrize("account", [MEMBER, ENGINE], ids=["a member", "the engine's account"])
    def test_no_console_starts_one(self, fresh: House, account: Account) -> None:
        """Not when it is opened and not by a key, whoever opens it; not by a command either."""
        with fresh.engine() as engine:
            end(engine, signal.SIGTERM)
        before = fresh.json(MEMBER, "status")["events"]
        asyncio.run(self._open_console(fresh, account))
        assert fresh.json(MEMBER, "status")["events"] == before
        one_line(fresh.run(MEMBER, "engine"), Exit.USAGE, f"belongs to user {ENGINE.uid}")
        assert fresh.json(MEMBER, "status")["events"] == before

    def test_none_runs_what_a_member_could_have_written(self, fresh: House) -> None:
        """Whoever writes the strategy has the engine do what they like, with all its credentials."""
        strategy = fresh.folder / "strategy.yaml"
        strategy.chmod(0o664)
        os.chown(strategy, 0, GROUP)
        one_line(fresh.run(ENGINE, "engine"), Exit.USAGE, f"{strategy}: the engine's group may write there")
        strategy.chmod(0o666)
        one_line(fresh.run(ENGINE, "engine"), Exit.USAGE, f"{strategy}: everybody may write there")
        strategy.chmod(0o644)
        os.chown(fresh.folder, MEMBER.uid, MEMBER.gid)
        one_line(fresh.run(ENGINE, "engine"), Exit.USAGE, f"{fresh.folder}: belongs to user {MEMBER.uid}")
        os.chown(fresh.folder, 0, 0)
        with fresh.engine():
            assert fresh.run(MEMBER, "status").returncode == Exit.DONE

    async def _open_console(self, made: House, account: Account) -> None:
        """Open it, press the key that starts an engine elsewhere, and leave."""
        argv = ["env", *(f"{name}={value}" for name, value in made.environ.items()), *made.argv(account)]
        bells = made.layout.sockets / "bells"
        async with terminal(argv, 100, 30) as seen:
            async with asyncio.timeout(LIMIT_S):
                while not list(bells.glob("*.sock")):  # it has entered the room
                    assert seen.process.poll() is None
                    await asyncio.sleep(0.05)
            seen.type("E")
            await asyncio.sleep(2)  # long enough for an engine to say that it has started
            assert seen.process.poll() is None
            assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if _is_engine_of(made, path)]

    def _can_be_read(self, made: House, why: str) -> None:
        seen = made.run(MEMBER, "status")
        assert (seen.returncode, seen.stderr) == (Exit.DONE, "")
        assert f"have the service manager start an engine: {why}" in seen.stdout
        assert "engine started" in made.run(MEMBER, "timeline").stdout
        verified = made.run(MEMBER, "journal", "verify")
        assert verified.returncode == Exit.DONE, verified.stdout


def _is_engine_of(made: House, cmdline: Path) -> bool:
    try:
        words = cmdline.read_bytes().split(b"\0")
    except OSError:
        return False
    return b"engine" in words and str(made.folder / "strategy.yaml").encode() in words
