"""What the journal costs: appends against plain SQLite, verification against plain SHA-256.

A script: `python tests/bench/bench_journal.py [FOLDER]`. Only ratios mean something, both sides of each are
measured in the same run, turn by turn, on the disk that holds FOLDER (a temporary one).
"""

import hashlib
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from console.core import events as ev
from console.core.clock import Stamp
from console.core.events import Draft
from console.store.journal import SqliteReader, SqliteWriter
from console.store.layout import Layout
from console.store.verify import verify

APPENDS = 300
EVENTS = 100_000
BATCH = 1000


def draft(number: int) -> Draft:
    """An event of a usual size, about 400 bytes stored."""
    facts = {"commit": f"{number:040x}", "rows": str(number)}
    body = ev.StepOutcome("deploy", 1, "done", "v1.5.0 answers on 3 of 3 instances", 1.5, facts)
    return Draft(body, Stamp(1_760_000_000_000_000 + number, "boot", number), "INC-7QK2", "eng-1")


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def bench_append(folder: Path) -> Iterator[str]:
    """One event a commit, synced, against the same bytes put by a bare INSERT with the same pragmas."""
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode = WAL")
    bare.execute("PRAGMA synchronous = FULL")
    bare.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, raw BLOB, hash BLOB)")
    insert = partial(bare.execute, "INSERT INTO event VALUES (?, ?, ?)")
    ours, plain = [], []
    with closing(bare), closing(SqliteWriter(Layout(folder / "ours"), "testnet")) as writer:
        for number in range(1, APPENDS + 1):
            row = (number, ev.encode(draft(number), "testnet", number), bytes(32))
            plain.append(timed(partial(insert, row)))
            ours.append(timed(partial(writer.append, [draft(number)])))
    yield told("append, one commit each", statistics.median(ours), statistics.median(plain), "bare INSERT")
    ours_p99, plain_p99 = (statistics.quantiles(times, n=100)[98] for times in (ours, plain))
    yield told("the same at p99", ours_p99, plain_p99, "bare INSERT")


def bench_reading(folder: Path) -> Iterator[str]:
    """Verification and decoding of many events, against hashing the same bytes that are in memory already."""
    layout = Layout(folder / "many")
    with closing(SqliteWriter(layout, "testnet")) as writer:
        for first in range(0, EVENTS, BATCH):
            writer.append([draft(number) for number in range(first, first + BATCH)])
    with closing(sqlite3.connect(layout.journal)) as database:
        raws = [raw for (raw,) in database.execute("SELECT raw FROM event ORDER BY seq")]
    yield f"{EVENTS} events, {sum(map(len, raws)) / 1e6:.0f} MB"

    def plain() -> None:
        head = bytes(32)
        for raw in raws:
            head = hashlib.sha256(head + raw).digest()

    def read() -> None:
        with closing(SqliteReader(layout.journal, "testnet")) as reader:
            for after in range(0, EVENTS, BATCH):
                reader.read(after, BATCH)

    hashing = min(timed(plain) for _ in range(3))
    yield told(
        "verify", min(timed(lambda: verify(layout.journal)) for _ in range(3)), hashing, "SHA-256 alone"
    )
    yield told("read and decode", min(timed(read) for _ in range(3)), hashing, "SHA-256 alone")


def told(what: str, ours: float, bare: float, name: str) -> str:
    return f"{what:24} {ours * 1e3:9.2f} ms   {name:13} {bare * 1e3:9.2f} ms   ratio {ours / bare:.2f}"


def main() -> None:
    with TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
        for line in chain(bench_append(Path(name)), bench_reading(Path(name))):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
