"""How cheap a long span of samples is: one metric's four hours, and the last minutes of an hour.

A script: `python -m tests.bench.bench_samples [METRICS]`, with 12 metrics unless told. Only the ratios mean
something: against decoding every row of the same files, turn by turn in the same run.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from console.core.clock import Stamp
from console.core.metrics import Reading, Row, Rung
from console.store.course import read_course
from console.store.samples import SampleReader, SampleWriter, files, unpack

SECONDS = 4 * 3600
ROUNDS = 5
START_US = 1_772_028_000_000_000
BOOT = "11111111-2222-3333-4444-555555555555"


def at(second: float) -> Stamp:
    """So many seconds after the beginning."""
    return Stamp(START_US + int(second * 1e6), BOOT, int(second * 1e6) + 1_000_000)


def write(folder: Path, metrics: int) -> None:
    """Four hours at one row a second."""
    writer = SampleWriter(folder)
    for second in range(SECONDS):
        stamp = at(second)
        writer.append(
            Row(stamp, tuple(Reading(f"metric_{n}", float(n), 240, stamp, Rung.OK) for n in range(metrics)))
        )
    writer.close()


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def everything(folder: Path) -> int:
    """Decode all rows of all files."""
    return sum(1 for path in files(folder) for _ in unpack(path.read_bytes()))


def newest(folder: Path) -> int:
    """Decode all rows of the newest file."""
    return sum(1 for _ in unpack(files(folder)[-1].read_bytes()))


def main() -> None:
    """Measure, and print the ratios."""
    metrics = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, metrics)
        middle = f"metric_{metrics // 2}"
        end = at(SECONDS)
        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "one metric's four hours / every row decoded": (
                lambda: read_course(folder, middle, at(0), end, 30.0),
                lambda: everything(folder),
            ),
            "the last minute / every row of its file decoded": (
                lambda: SampleReader(folder).since(end.before(60)),
                lambda: newest(folder),
            ),
        }
        for words, (ours, theirs) in pairs.items():
            ratios = [seconds(ours) / seconds(theirs) for _ in range(ROUNDS)]
            sys.stdout.write(f"{words}: {statistics.median(ratios):.2f} ({metrics} metrics)\n")


if __name__ == "__main__":
    main()
