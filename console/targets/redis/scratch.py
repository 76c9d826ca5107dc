"""A Redis of our own that holds a snapshot for as long as we look at it, and dies with us."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from console.core.errors import StatedError
from console.targets.process import Programs
from console.targets.redis.programs import RedisProgram
from console.targets.redis.server import CacheServer
from console.targets.shell import HostShell

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - for an address that this machine is reached by and does not have
OURS = "warroom-"
"""Begins the password of every scratch server, so that one left behind in a setting is known as ours."""
_FILE = "snapshot.rdb"
_READY = "Ready to accept connections"
_TAKEN = "Address already in use"
_TRIES = 5
_NOBODY = f"{LOOPBACK} 1"
"""A master that nobody can be: that port belongs to root, and nothing has used it for decades."""


class ScratchError(StatedError):
    """A scratch server could not be started; one line with what it said."""


class Scratch:
    """One that runs, and holds all keys of the snapshot, also those that have expired since.

    As a follower (of nobody) it counts those, and does not show them; `lead` ends that.
    """

    def __init__(self, program: RedisProgram, programs: Programs, port: int, password: str) -> None:
        self.program = program
        self.server = CacheServer(lambda: f"redis://:{password}@{LOOPBACK}:{port}/0", HostShell(programs))
        self.port = port
        self.password = password

    async def lead(self) -> None:
        """Be a master whose history is its own."""
        # Its first history is the snapshot's, which is also the live server's: who follows with that
        # history might be told to keep what it has. The second time, the first one is forgotten.
        for words in ("NO ONE", _NOBODY, "NO ONE"):
            await self.server.ask("REPLICAOF", *words.split())


@asynccontextmanager
async def scratch(
    program: RedisProgram,
    snapshot: Path,
    own: Path,
    programs: Programs,
    *,
    databases: int,
    limit_s: float,
    address: str = LOOPBACK,
) -> AsyncIterator[Scratch]:
    """A server with that snapshot in a folder of our own, until the end, but at most for `limit_s` seconds.

    It listens on loopback, and on `address` of this machine where another one is given; it writes nothing.
    Raises ScratchError when it does not start.
    """
    link = own / _FILE
    link.symlink_to(snapshot.resolve())
    password = OURS + secrets.token_hex(24)
    bound = await asyncio.to_thread(_bound, address)
    for _ in range(_TRIES):
        port = _free_port()
        run = _Run(_settings(bound, port, password, databases))
        async with run.started(program, own, programs, limit_s) as ready:
            if ready:
                yield Scratch(program, programs, port, password)
                return
    raise ScratchError(f"no free port for a scratch server on {address}")


class _Run:
    """One try to start it."""

    def __init__(self, settings: str) -> None:
        self._settings = settings
        self._ready = asyncio.Event()

    @asynccontextmanager
    async def started(
        self, program: RedisProgram, own: Path, programs: Programs, limit_s: float
    ) -> AsyncIterator[bool]:
        """Whether it is ready; not when somebody else took its port. It ends with this."""
        # Its settings hold the password, and come by its input: neither argv nor a file has them.
        serving = asyncio.create_task(
            programs.run(
                (program.path, "-"),
                limit_s=limit_s,
                cwd=own,
                stdin=self._settings.encode(),
                on_line=self._said,
            )
        )
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
            if serving.done() and _TAKEN not in serving.result().out:
                said = serving.result().reason
                raise ScratchError(f"a scratch server of Redis {program.version} did not start: {said}")
            yield not serving.done()
        finally:
            for task in (serving, ready):
                task.cancel()
            await asyncio.gather(serving, ready, return_exceptions=True)

    def _said(self, line: str) -> None:
        if _READY in line:
            self._ready.set()


def _settings(bound: tuple[str, ...], port: int, password: str, databases: int) -> str:
    lines = (
        f"bind {' '.join(bound)}",
        f"port {port}",
        f"requirepass {password}",
        f"dbfilename {_FILE}",
        f"databases {max(16, databases)}",
        'save ""',
        "appendonly no",
        "daemonize no",
        # The title would be written over the environment by which an orphan is found.
        "set-proc-title no",
        # A master drops what has expired while it loads, and nobody could count it any more.
        f"replicaof {_NOBODY}",
        "repl-diskless-sync yes",
        "repl-diskless-sync-delay 0",
        "client-output-buffer-limit replica 0 0 0",
    )
    return "\n".join((*lines, ""))


def _bound(address: str) -> tuple[str, ...]:
    """What to listen on so that it is reached by `address`."""
    if address == LOOPBACK:
        return (LOOPBACK,)
    try:
        with socket.create_server((address, 0)) as probe:
            return (LOOPBACK, probe.getsockname()[0])
    except OSError:  # it belongs to whatever stands between that server and this machine
        return (EVERYWHERE,)


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
