"""The live way back: the cache's server follows a scratch server until it has all that this one has."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from console.targets.progress import Progress
from console.targets.redis.scratch import OURS, Scratch
from console.targets.redis.server import CacheError, CacheServer, CacheState

REACH_S = 10.0
"""Seconds within which the cache's server must have reached ours; its own keys are untouched until then."""
SILENT_S = 60.0
"""Seconds that it may say nothing: it throws its own keys away first, and a large cache takes its time."""
_NOTE = "cache-follows.json"
_LOOK_AGAIN_S = 0.02


class NotReachedError(CacheError):
    """The cache's server does not get to the scratch server; it is as it was."""


class _Followed(Struct, frozen=True):
    """Whom a cache was told to follow, noted before it was told."""

    host: str
    port: int


async def refusal(server: CacheServer) -> str:
    """Why a master cannot be told to follow another server; empty where it can. Changes nothing."""
    if refused := await server.refuses("REPLICAOF", "NO", "ONE"):
        return refused
    try:
        password = await server.config("masterauth")
        await server.config("masteruser")
    except CacheError as error:
        return str(error)
    return await server.refuses("CONFIG", "SET", "masterauth", password)


@asynccontextmanager
async def following(
    server: CacheServer, scratch: Scratch, address: str, work: Path, report: Progress
) -> AsyncIterator[tuple[CacheState, CacheState]]:
    """The server follows and takes no write; afterwards it leads again, whatever happens here.

    Yields what both are when it holds all that `scratch` holds, which leads: the server first. `address` is
    this machine's as the server reaches it. Raises NotReachedError when it does not get there; CacheError
    when it is lost, or could not be told to lead again: then it says what to do.
    """
    (work / _NOTE).write_bytes(msgspec.json.encode(_Followed(address, scratch.port)))
    try:
        await _let_in(server, scratch)
        await server.ask("REPLICAOF", address, scratch.port)
        await _reached(server, scratch, address)
        report("the cache takes over what the scratch server holds")
        yield await _level(server, scratch, report.left_s)
    finally:
        await lead_again(server, work)


async def lead_again(server: CacheServer, work: Path) -> bool:
    """Let the server lead, if it follows a scratch server of ours, alive or not; whether it did.

    What a killed engine left behind is put right the same way.
    """
    try:
        followed = msgspec.json.decode((work / _NOTE).read_bytes(), type=_Followed)
    except FileNotFoundError:
        return False
    did = await _insist(server, followed)
    if (await server.config("masterauth")).startswith(OURS):
        await server.ask("CONFIG", "SET", "masterauth", "")
    (work / _NOTE).unlink()
    return did


def is_cut_off(work: Path) -> bool:
    """Whether the server was following a scratch server when whoever had told it to was killed."""
    return (work / _NOTE).exists()


async def _insist(server: CacheServer, followed: _Followed) -> bool:
    """Tell it to lead until it has heard, because it takes no writes before."""
    silent = _Silence(server)
    while True:
        try:
            if (await server.state()).master != (followed.host, followed.port):
                return False
            await server.ask("REPLICAOF", "NO", "ONE")
        except CacheError as error:
            silent.since(error, "it takes no writes until somebody says REPLICAOF NO ONE to it")
            await asyncio.sleep(_LOOK_AGAIN_S)
        else:
            return True


async def _let_in(server: CacheServer, scratch: Scratch) -> None:
    """Let the server in with the name and password that it shows to a master; give it one if it has none."""
    user, password = await server.config("masteruser"), await server.config("masterauth")
    if not password or password.startswith(OURS):
        password = scratch.password
        await server.ask("CONFIG", "SET", "masterauth", password)
    rights = ("on", f">{password}", "allkeys", "allchannels", "+@all")
    await scratch.server.ask("ACL", "SETUSER", user or "default", *rights)


async def _reached(server: CacheServer, scratch: Scratch, address: str) -> None:
    try:
        await scratch.server.settled(lambda state: state.followers > 0, "hear of it", REACH_S)
    except CacheError:
        raise NotReachedError(
            f"the {server.place} did not reach our scratch server at {address}:{scratch.port} within "
            f"{REACH_S:.0f} s: `cache.scratch_address` must be this machine's address as seen from there"
        ) from None


async def _level(server: CacheServer, scratch: Scratch, limit_s: float) -> tuple[CacheState, CacheState]:
    """Both servers when one holds what the other one holds, to the last byte that was sent."""
    silent = _Silence(server)
    try:
        async with asyncio.timeout(limit_s):
            while True:
                before = await scratch.server.state()
                try:
                    theirs = await server.state()
                    silent.over()
                except CacheError as error:
                    silent.since(error, "its keys are gone, or those of the snapshot, and it leads again")
                    continue
                ours = await scratch.server.state()
                if theirs.link_up and before.offset == theirs.offset == ours.offset:
                    return theirs, ours
                await asyncio.sleep(_LOOK_AGAIN_S)
    except TimeoutError:
        raise CacheError(f"the {server.place} did not take the keys over within {limit_s:.0f} s") from None


class _Silence:
    """How long a server has not answered."""

    def __init__(self, server: CacheServer) -> None:
        self._server = server
        self._began: float | None = None

    def over(self) -> None:
        """It has answered."""
        self._began = None

    def since(self, error: CacheError, so_what: str) -> None:
        """It has not: CacheError when that has lasted too long."""
        self._began = self._began or time.monotonic()
        if time.monotonic() - self._began > SILENT_S:
            raise CacheError(
                f"the {self._server.place} was not heard of for {SILENT_S:.0f} s; {so_what}: {error}"
            )
