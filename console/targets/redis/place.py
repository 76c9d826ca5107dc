"""The way back by file: the snapshot takes the place of the server's own files while it is restarted."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from console.core.errors import StatedError
from console.targets.process import CHUNK
from console.targets.progress import Progress
from console.targets.redis.server import CacheError, CacheServer, CacheState
from console.targets.shell import checked

_FOLDER_SINCE = (7, 0)
"""The first release whose append-only file is a folder of several, named by a manifest in it."""
_NOTE = "cache-placing.json"
_SHORT_S = 30.0
_ITS_OWN = "end its own saving"
_COMM = 15
"""Characters of a program's name that the system keeps."""

_IS_THERE = 'test -d "$1" && test "$(cat "/proc/$2/comm")" = "$3"'
_PUT = 'umask 077; rm -rf "$1"; cat > "$1" && chown "$(stat -c %u:%g "$2")" "$1"'
"""Our input becomes a file that belongs to whom the folder belongs to."""
_PACK = """
set -e
rm -rf "$1.folder"
mkdir -m 700 "$1.folder"
mv "$1" "$1.folder/$2.1.base.rdb"
printf 'file %s.1.base.rdb seq 1 type b\\n' "$2" >"$1.folder/$2.manifest"
chown -R "$(stat -c %u:%g "$3")" "$1.folder"
mv "$1.folder" "$1"
"""
"""The file becomes the base of an append-only folder with nothing after it."""
_SWAP = 'set -e; if test -e "$2"; then mv "$2" "$3"; fi; mv "$1" "$2"'
_SWAP_BACK = """
set -e
if test -e "$3"; then
    if test -e "$2"; then mv "$2" "$1"; fi
    mv "$3" "$2"
elif test ! -e "$1"; then
    mv "$2" "$1"
fi
"""
"""Right wherever the swap was cut off; the server writes on into its own files, whatever they are called."""


@dataclass(frozen=True, slots=True)
class Service:
    """How the cache's server is stopped and started; both return when that is done, or raise StatedError.

    Nothing else may start it in between. Starting one that runs does nothing.
    """

    stop: Callable[[], Awaitable[None]]
    start: Callable[[], Awaitable[None]]


class _Placing(Struct, frozen=True):
    """What is put in place, noted before it is; paths as the server has them."""

    run_id: str
    """Of the server that is to be restarted."""
    folder: str
    base: str | None
    """Name that the parts of an append-only folder begin with; None where a single file is loaded."""
    incoming: str
    live: str
    """What the server loads when it starts: it reads a snapshot from there, whichever of its files it is."""
    aside: str
    """Where the live one goes."""
    saves: str
    """When it makes snapshots by itself, as it was set."""

    @property
    def paths(self) -> tuple[str, str, str]:
        """As the scripts take them."""
        return self.incoming, self.live, self.aside


async def out_of_reach(server: CacheServer) -> str:
    """Why the server's files cannot be put in place by us; empty where they can. Changes nothing."""
    if server.shell.is_here and not server.is_on_loopback:
        return f"the {server.place} is on another machine, where its files cannot be reached"
    try:
        info = await server.info()
        words = (await server.config("dir"), str(info["process_id"]), PurePosixPath(info["executable"]).name)
        await _sh(server, _IS_THERE, words[0], words[1], words[2][:_COMM], what="looking for its folder")
    except StatedError as error:
        return str(error)
    return ""


async def replace(
    server: CacheServer, snapshot: Path, work: Path, attempt: str, service: Service, report: Progress
) -> str:
    """Restart the server with the snapshot as its data; where what it loaded before is now.

    The snapshot becomes what the server loads by itself: the base of its append-only file, or its dump
    where it keeps none; so that nothing of its configuration is touched. StatedError when that fails;
    its files are where they were until `service.stop` has succeeded.
    """
    before = await server.state()
    placing = await _placing(server, before, attempt)
    await _put(server, snapshot, placing, report)
    (work / _NOTE).write_bytes(msgspec.json.encode(placing))
    try:
        if not before.aof:  # whoever stops it would make it write its keys over the file
            await server.ask("CONFIG", "SET", "save", "")
        await server.settled(lambda now: not (now.saving or now.aof_rewriting), _ITS_OWN, _SHORT_S)
        await _sh(server, _SWAP, *placing.paths, what="placing the snapshot")
        report("restarting the cache with the snapshot")
        await service.stop()
    except StatedError:
        await _take_back(server, placing, work)
        raise
    after = await _started(server, service, placing, report.left_s)
    if after.run_id == before.run_id:
        await _take_back(server, placing, work)
        raise CacheError(f"the {server.place} was not restarted by what should do that: it runs as before")
    (work / _NOTE).unlink()
    return placing.aside


async def put_right(server: CacheServer, service: Service, work: Path, limit_s: float) -> str:
    """What was done, in words, about a server that an engine left behind when it was killed; empty: nothing.

    It is started if it does not run, and has its own files again if it was not stopped yet.
    """
    try:
        placing = msgspec.json.decode((work / _NOTE).read_bytes(), type=_Placing)
    except FileNotFoundError:
        return ""
    state = await _started(server, service, placing, limit_s)
    if state.run_id != placing.run_id:
        (work / _NOTE).unlink()
        return f"a killed restore may have left the {server.place} stopped: it runs"
    await _take_back(server, placing, work)
    return f"a killed restore had put a snapshot in place that the {server.place} never loaded: taken back"


def is_cut_off(work: Path) -> bool:
    """Whether a snapshot was being put in place when whoever did it was killed."""
    return (work / _NOTE).exists()


async def _take_back(server: CacheServer, placing: _Placing, work: Path) -> None:
    await _sh(server, _SWAP_BACK, *placing.paths, what="taking the snapshot back")
    await server.ask("CONFIG", "SET", "save", placing.saves)
    (work / _NOTE).unlink()


async def _started(server: CacheServer, service: Service, placing: _Placing, limit_s: float) -> CacheState:
    try:
        await service.start()
        state = await server.started(limit_s)
    except StatedError as error:
        raise CacheError(f"{error}; the files that it had before are at {placing.aside}") from error
    return state


async def _placing(server: CacheServer, state: CacheState, attempt: str) -> _Placing:
    folder, base = await server.config("dir"), None
    if not state.aof:
        name = await server.config("dbfilename")
    elif state.release < _FOLDER_SINCE:
        name = await server.config("appendfilename")
    else:
        name, base = await server.config("appenddirname"), await server.config("appendfilename")
    return _Placing(
        run_id=state.run_id,
        folder=folder,
        base=base,
        incoming=f"{folder}/warroom-{attempt}.partial",
        live=f"{folder}/{name}",
        aside=f"{folder}/{name}.before-{attempt}-{state.run_id[:8]}",
        saves=await server.config("save"),
    )


async def _put(server: CacheServer, snapshot: Path, placing: _Placing, report: Progress) -> None:
    """Bring the snapshot to the server's folder, and read it again from there."""
    size, sent, came = snapshot.stat().st_size, hashlib.sha256(), hashlib.sha256()

    async def pieces() -> AsyncIterator[bytes]:
        done = 0
        with snapshot.open("rb") as file:
            while piece := file.read(CHUNK):
                sent.update(piece)
                done += len(piece)
                report("bringing the snapshot to the cache", done=done, total=size, unit="bytes")
                yield piece

    async def sink(piece: bytes) -> None:
        came.update(piece)

    shell, words = server.shell, ("sh", "-c", _PUT, "sh", placing.incoming, placing.folder)
    put = await shell.run(words, limit_s=report.left_s, source=pieces())
    read = await shell.run(("cat", placing.incoming), limit_s=report.left_s, sink=sink)
    if put.code or read.code or sent.digest() != came.digest():
        why = put.reason if put.code else read.reason if read.code else "it is not what was sent"
        raise CacheError(f"cannot bring the snapshot to {placing.incoming} on {shell.words}: {why}")
    if placing.base is not None:
        await _sh(server, _PACK, placing.incoming, placing.base, placing.folder, what="packing the snapshot")


async def _sh(server: CacheServer, script: str, *words: str, what: str) -> None:
    await checked(server.shell, ("sh", "-c", script, "sh", *words), limit_s=_SHORT_S, what=what)
