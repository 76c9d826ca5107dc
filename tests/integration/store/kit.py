"""What the store's tests share: a clock that is moved by hand, drafts of events, and a disk that is full."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from hypothesis import strategies as st

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Draft
from console.store.layout import Layout
from tests.conftest import require

ENV = "testnet"
BOOT = "11111111-2222-3333-4444-555555555555"
NOON_US = 1_760_000_400_000_000
"""A full hour, 2025-10-09 09:00 UTC."""


def at(seconds: float = 0.0) -> Stamp:
    """So many seconds after the tests' beginning of time."""
    us = int(seconds * 1_000_000)
    return Stamp(NOON_US + us, BOOT, 7_200_000_000 + us)


def note(text: str, seconds: float = 0.0, request: str | None = None) -> Draft:
    """An event that says `text`."""
    return Draft(ev.NoteAdded(text), at(seconds), request=request)


class HandClock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Stamp:
        return at(self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


_seconds = st.integers(0, 10**9).map(lambda ms: ms / 1000)
_bodies = st.one_of(
    st.builds(ev.NoteAdded, text=st.text(max_size=400)),
    st.builds(ev.RunAborted, reason=st.text(max_size=40)),
    st.builds(
        ev.StepOutcome,
        step=st.text(max_size=8),
        attempt=st.integers(0, 2**62),
        status=st.sampled_from(["done", "failed"]),
        words=st.text(max_size=20),
        seconds=st.floats(allow_nan=False, allow_infinity=False),
        facts=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    ),
)
DRAFTS = st.builds(
    Draft,
    body=_bodies,
    at=_seconds.map(at),
    incident=st.none() | st.text(max_size=8),
    actor=st.text(max_size=8),
    request=st.none() | st.text(max_size=8),
)
"""Any event."""


WRITER = """
import os, signal, sys
from pathlib import Path
from console.core.clock import Stamp
from console.core.events import Draft, NoteAdded
from console.store.journal import SqliteWriter
from console.store.layout import Layout
ENV = "testnet"
def note(text): return Draft(NoteAdded(text), Stamp(0, "boot", 0))
"""
"""The beginning of a program that writes a journal in a process of its own."""


def killed_writer(layout: Layout, appends: int) -> list[str]:
    """What a writer said that was killed right after its last append: the numbers it was told are on disk."""
    script = WRITER + (
        "writer = SqliteWriter(Layout(Path(sys.argv[1])), ENV)\n"
        "for n in range(int(sys.argv[2])): print(writer.append([note('x' * n)])[0].seq, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    argv = [sys.executable, "-c", script, str(layout.state), str(appends)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.split()


def run_on_small_disk(folder: Path, script: str, size: str) -> str:
    """What `script` prints, run by itself with `folder` (its argv[1]) on a disk of that size."""
    unshare = shutil.which("unshare")
    mount = 'mount -t tmpfs -o size="$1" none "$2" && folder=$2 && shift 2 && exec "$@" "$folder"'
    small = [str(unshare), "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", size, str(folder)]
    own = bool(unshare) and not subprocess.run([*small, "true"], capture_output=True, check=False).returncode
    require("a full disk needs a mount of our own: unshare(1) with user namespaces allowed", found=own)
    argv = [*small, sys.executable, "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
