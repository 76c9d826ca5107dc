"""A rehearsal world as others see it: where everything is, and how to start, await and end one."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from console.drill.lock import hold, holder
from console.drill.needs import check_needs
from console.drill.place import DrillError, Place, write_atomically
from console.drill.story import SCENARIOS, STORIES, Story
from console.targets.keeper import LINE_LIMIT, Fault, Keeper, KeeperError, Moment

_READY_LIMIT_S = 60.0
_STOP_LIMIT_S = 15.0
_GONE_LIMIT_S = 5.0


class WorldWanted(Struct, frozen=True):
    """Which world a keeper is to build."""

    environment: str = "testnet"
    bulk: int = 0
    """Bytes of transaction data that it begins with, beside a few thousand small rows."""
    scenario: str = ""
    """What is to go wrong in it; empty for what usually does in that environment."""

    automatic: bool = False
    """Whether its service is rolled back without being asked."""

    docker: str = ""
    """Address of the Docker engine that the service runs in, under Compose; empty: it is a process."""

    @property
    def story(self) -> Story:
        """What came of the service, and what goes wrong; DrillError where there is no such world."""
        usual = STORIES.get(self.environment)
        story = SCENARIOS.get(self.scenario) if self.scenario else usual
        if usual is None:
            raise DrillError(f"there is no world of {self.environment!r}, but {', '.join(STORIES)}")
        if story is None or story.environment != self.environment:
            fit = [name for name, each in SCENARIOS.items() if each.environment == self.environment]
            raise DrillError(
                f"{self.scenario} is not rehearsed in {self.environment}; there are {', '.join(fit)}"
            )
        return story


SMALL = WorldWanted()


class ArchiveAt(Struct, frozen=True):
    """Folders of what the database can go back to."""

    wal: str
    bases: str
    """Of base backups."""


class PostgresAt(Struct, frozen=True):
    """The database server: how to connect, where its programs and its data are."""

    dsn: str
    """The service's own."""
    admin: str
    """Of the role that may do everything."""
    host: str
    port: int
    user: str
    database: str
    bin: str
    data: str
    archive: ArchiveAt | None


class RedisAt(Struct, frozen=True):
    """The cache server: how to connect, where its data is."""

    url: str
    host: str
    port: int
    data: str


class Seeds(Struct, frozen=True):
    """The rows that the database began with, as they must be for ever."""

    rows: dict[str, int]
    """By table; their ids are 1 to that number."""
    sha256: str
    """Of the file that holds a hash of each row's columns that never change."""


class Past(Struct, frozen=True):
    """What the database was before the drill, and since when it can go back."""

    seeds: Seeds
    based: int
    """When the base backup ended, UTC microseconds: from then on any moment can be gone back to."""


class World(Struct, frozen=True, kw_only=True):
    """Content of world.json, written when the world is ready and at every change. It holds passwords."""

    keeper_pid: int
    socket: str
    remote: str
    service_url: str
    instances: dict[str, str] = {}
    """Where each instance of the service answers, by name; none where it is one."""
    rpc_url: str | None = None
    """Of the stand-in for the chain's RPC, where the release needs one."""
    edge_url: str | None = None
    """Where users reach the service by https, where they do."""
    postgres: PostgresAt
    redis: RedisAt
    releases: str
    """File: the releases and what is known of them."""
    deploys: str
    """File: a line when a deploy begins, and one when it ends (`DeployRecord`)."""
    users: str
    """File: what the simulated users saw, a line a second."""
    acknowledged: str
    """File: the transactions that users were told are signed, a line each."""
    wanted: WorldWanted
    past: Past | None
    """None where the data cannot go back."""
    ci: str | None = None
    """Address of the CI's API; None where none deploys."""
    started: Moment
    fault: Fault | None = None
    ended: Moment | None = None
    """When the world was stopped; a keeper that was killed could not write it."""
    temp: tuple[str, ...]
    """Folders of this world that lie elsewhere."""
    schema: Literal["warroom.drill-world/1"] = "warroom.drill-world/1"

    @classmethod
    def load(cls, folder: Path) -> "World":
        """The world in that folder, running or not; DrillError when none was ever ready there."""
        path = Place(folder).world
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            raise DrillError(
                f"there is no rehearsal world in {folder}: start one with `warroom drill`"
            ) from None
        except msgspec.DecodeError as error:
            raise DrillError(f"{path} is not what a keeper wrote ({error}): start the drill anew") from error

    def save(self, folder: Path) -> None:
        """Write world.json, whole, for its owner alone."""
        write_atomically(Place(folder).world, msgspec.json.format(msgspec.json.encode(self)))


class _Line(Struct, frozen=True):
    """A line that a starting keeper writes."""

    progress: str | None = None
    error: str | None = None


class Starting:
    """A keeper that builds its world. It goes on when nobody follows it any more."""

    def __init__(
        self, place: Place, first: bytes, lines: asyncio.StreamReader, transport: asyncio.ReadTransport
    ) -> None:
        self._place = place
        self._first = first
        self._lines = lines
        self._transport = transport

    async def progress(self) -> AsyncIterator[str]:
        """What the keeper does, in words, until the world is ready; DrillError says why it will not be."""
        try:
            encoded = self._first
            while encoded:
                line = msgspec.json.decode(encoded, type=_Line)
                if line.error is not None:
                    raise DrillError(line.error)
                if line.progress is None:
                    return
                yield line.progress
                encoded = await self._lines.readline()
        finally:
            self._transport.close()
        raise DrillError(f"the keeper ended while it built the world; {self._place.log} says why")

    async def ready(self) -> World:
        """Wait for the world."""
        async for _ in self.progress():
            pass
        return World.load(self._place.root)


async def start_keeper(folder: Path, wanted: WorldWanted = SMALL) -> Starting:
    """Start a keeper that builds a fresh world in `folder`; it is nobody's child and survives its starter.

    DrillError when the folder holds what no drill has made. That a keeper runs there already, or why
    a world cannot be built, is said by the Starting.
    """
    check_needs()
    place = Place(folder)
    place.claim()
    reading, writing = os.pipe()
    output = os.fdopen(reading, "rb", buffering=0)
    try:
        await _spawn(place, wanted, writing)
    except BaseException:
        output.close()
        raise
    finally:
        os.close(writing)
    lines = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), output)
    # With its first line it has taken the folder, or says who has.
    return Starting(place, await lines.readline(), lines, transport)


async def _spawn(place: Place, wanted: WorldWanted, output: int) -> None:
    """Run the keeper in a session of its own, with its progress going to `output`."""
    log = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    more = ("automatic",) if wanted.automatic else (wanted.docker,) if wanted.docker else ()
    words = (str(place.root), wanted.environment, str(wanted.bulk), wanted.scenario, *more)
    try:
        launcher = await asyncio.create_subprocess_exec(
            *("setsid", "--fork", sys.executable, "-P", "-m", "console.drill.keeper", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            cwd="/",
        )
    finally:
        os.close(log)
    if await launcher.wait() != 0:
        raise DrillError(f"the keeper could not be started; {place.log} says why")


def keeper_of(folder: Path) -> int | None:
    """Process id of the keeper that runs in `folder`, None when there is none."""
    return holder(Place(folder).lock)


async def find_keeper(folder: Path) -> Keeper:
    """A client of the keeper that runs in `folder`, ready or not; DrillError when none does."""
    while keeper_of(folder) is not None:
        socket = Place(folder).noted().socket
        if socket is not None and Path(socket).is_socket():
            return Keeper(Path(socket))
        await asyncio.sleep(0.02)  # it holds the lock, and will listen in a moment
    raise DrillError(f"no keeper runs in {folder}: start one with `warroom drill`")


async def wait_until_ready(
    folder: Path, progress: Callable[[str], None], limit_s: float = _READY_LIMIT_S
) -> World:
    """Wait for a world that somebody else has started; KeeperError when it fails or takes too long."""
    keeper = await find_keeper(folder)
    await keeper.ready(progress, limit_s)
    return World.load(folder)


async def stop_world(folder: Path, progress: Callable[[str], None]) -> None:
    """End everything of the world in `folder`, whatever state it is in; nothing runs when this returns.

    A keeper that does not answer is killed, and what it has left is swept.
    """
    place = Place(folder)
    if not place.marker.exists():
        raise DrillError(f"no drill was ever started in {folder}")
    if keeper_of(folder) is not None:
        try:
            keeper = await find_keeper(folder)
            await keeper.stop(progress, _STOP_LIMIT_S)
        except (DrillError, KeeperError) as error:
            progress(f"the keeper does not stop by itself ({error}): it is killed")
            _kill(keeper_of(folder))
    await _until_gone(folder)
    ended = await asyncio.to_thread(sweep, folder)
    if ended:
        progress(f"ended what a keeper had left: {', '.join(ended)}")


def sweep(folder: Path) -> list[str]:
    """End what a keeper that was killed has left of the drill in `folder`; names of the processes ended.

    HeldError while a keeper runs there.
    """
    from console.drill.leftovers import end_leftovers

    place = Place(folder)
    with hold(place.lock):
        return end_leftovers(place)


async def _until_gone(folder: Path) -> None:
    """Wait for the keeper's last moment: the kernel lets go of its lock."""
    deadline = time.monotonic() + _GONE_LIMIT_S
    while (pid := keeper_of(folder)) is not None:
        if time.monotonic() > deadline:
            raise DrillError(f"the keeper with process id {pid} does not end: look at {Place(folder).log}")
        await asyncio.sleep(0.02)


def _kill(pid: int | None) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
