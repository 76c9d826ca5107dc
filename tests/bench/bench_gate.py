"""How long the gate takes: from the last signature handed in to the first intent of the switch.

A script: `python -m tests.bench.bench_gate [FOLDER]`. Only the ratio means something: against one plain
`ssh-keygen -Y verify` of the same signature plus one commit of its event, turn by turn in the same run, on
the disk that holds FOLDER (a temporary one).
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from console.authority.ssh import NAMESPACE
from console.config.paths import BUNDLED
from console.config.roster import load_roster
from console.core import events as ev
from console.core.events import Draft
from console.core.keys import public_key
from console.core.requests import Approve
from console.core.statement import split
from console.drill.keyring import Keyring
from console.store.bell import Bell, Ringer
from console.store.journal import SqliteWriter
from console.store.layout import Layout
from tests.integration.authority.gatehouse import NAME, SIX, Gatehouse

ROUNDS = 120
LAST = "sec-1"
AIM = 3.0


class SocketBell:
    """The engine's bell as it is in a real room."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bell = Bell(path)
        self._ringer = Ringer()

    def ring(self, _seq: int = 0) -> None:
        """From a console."""
        self._ringer.ring(self._path)

    async def wait(self, timeout_s: float) -> None:
        """In the engine."""
        await self._bell.wait(timeout_s)

    def close(self) -> None:
        """Let go of both sockets."""
        self._bell.close()
        self._ringer.close()


class OpensAt(Gatehouse):
    """A gate that knows when it opened."""

    opened_at = 0.0

    def heard(self, _seq: int) -> None:
        """The journal has something new, on disk."""
        super().heard(_seq)
        if self.opened and not self.opened_at:
            self.opened_at = time.perf_counter()


async def opening(house: OpensAt, number: int) -> tuple[float, str]:
    """Seconds from the moment in which the sixth is handed in; and what was handed in."""
    house.opened_at = 0.0
    if house.said.state.open_incident:
        house.say(ev.IncidentResolved("recovered", "", house.said.head))
    house.declare(f"INC-{number:04}")
    await house.freeze()
    await house.sign(*(person for person in SIX if person != LAST))
    document = house.signed(LAST)
    ask = Approve(*split(document))
    began = time.perf_counter()
    house.put(ask)
    await house.until(lambda _: bool(house.opened_at))
    return house.opened_at - began, document


class Plain:
    """One verification by ssh-keygen itself, and one commit to a journal of its own."""

    def __init__(self, folder: Path, house: Gatehouse) -> None:
        self._house = house
        self._allowed, self._signature = folder / "allowed", folder / "signature"
        key = public_key(house.keys.public(LAST))
        self._allowed.write_text(f'{LAST} namespaces="{NAMESPACE}" {key.line}\n')
        self._writer = SqliteWriter(Layout(folder / "plain"), NAME)

    def once(self, document: str, row: ev.Body) -> float:
        """Seconds of both together."""
        text, signature = split(document)
        self._signature.write_text(signature)
        argv = ["ssh-keygen", "-Y", "verify", "-f", str(self._allowed), "-I", LAST, "-n", NAMESPACE]
        argv += ["-s", str(self._signature), "-r", str(self._house.revoked)]
        began = time.perf_counter()
        subprocess.run(argv, input=text, capture_output=True, text=True, check=True)
        self._writer.append([Draft(row, self._house.clock.now(), "INC-0000", "eng-1")])
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of the journal."""
        self._writer.close()


async def measured(folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of each round: ours, and the plain ones."""
    keys = Keyring(folder)
    keys.make(load_roster(BUNDLED / "roster.yaml").roster.handles())
    house = OpensAt(folder, keys)
    ours, plain = [], []
    with closing(SocketBell(folder / "bell")) as bell, closing(Plain(folder, house)) as bare:
        house.hang(bell)
        async with house.engine():
            await house.until(lambda state: state.engine is not None)
            for number in range(ROUNDS):
                seconds, document = await opening(house, number)
                ours.append(seconds)
                row = next(e.body for e in reversed(house.events()) if isinstance(e.body, ev.GateSigned))
                plain.append(bare.once(document, row))
    return ours, plain


def told(ours: Sequence[float], plain: Sequence[float]) -> Iterator[str]:
    """A line for each percentile."""
    yield f"{ROUNDS} times; aim: at most {AIM:g} times one verification and one commit"
    for name, at in (("p50", 49), ("p99", 98)):
        mine, bare = (statistics.quantiles(times, n=100)[at] for times in (ours, plain))
        words = f"last signature to first intent {name} {mine * 1e3:8.2f} ms"
        yield f"{words}   plain {bare * 1e3:8.2f} ms   ratio {mine / bare:.2f}"


def main() -> None:
    with TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
        for line in told(*asyncio.run(measured(Path(name)))):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
