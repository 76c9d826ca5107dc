"""The keeper of a rehearsal world, seen from outside: what it can be asked, and the client that asks.

One connection to its Unix socket carries one request, a JSON line, and the answer: any number of lines
`{"progress": "words", ...}` while it works, then one line `{"ok": true, ...}` or `{"error": "one line"}`.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from console.core.clock import Stamp
from console.core.errors import StatedError

LINE_LIMIT = 1 << 20
"""Bytes of the longest line that either side reads."""


class KeeperError(StatedError):
    """The keeper refused, failed or is not there."""


class Moment(Struct, frozen=True, kw_only=True):
    """A stamp, written with its field names."""

    utc_us: int
    boot_id: str
    boot_us: int

    def stamp(self) -> Stamp:
        """The same moment, as the domain writes it."""
        return Stamp(self.utc_us, self.boot_id, self.boot_us)


class Fault(Moment, frozen=True, kw_only=True):
    """What was broken on purpose, and the moment when the bad release began to change things."""

    scenario: str


class DeployRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A deploy that had an effect. Times are UTC microseconds; it is under way while `ended` is None."""

    token: str
    commit: str
    requested: int
    began: int
    ended: int | None = None
    ok: bool | None = None
    words: str = ""
    """How it ended, in one line."""


class StatusRequest(Struct, frozen=True, tag_field="verb", tag="status"):
    """What runs now? Always answered at once, also while the world is being built."""


class ReadyRequest(Struct, frozen=True, tag_field="verb", tag="ready"):
    """Answer when the world is ready."""


class DeployRequest(Struct, frozen=True, tag_field="verb", tag="deploy"):
    """Run this commit (a full id). The same token again has no second effect."""

    commit: str
    token: str


class BreakRequest(Struct, frozen=True, tag_field="verb", tag="break"):
    """Break the service the way the scenario says."""

    scenario: str


class MendRequest(Struct, frozen=True, tag_field="verb", tag="mend"):
    """Have what broke and is not ours mended by whoever it belongs to. Again: no second effect."""


class RaceRequest(Struct, frozen=True, tag_field="verb", tag="race"):
    """Have somebody else deploy while the release goes back. Again: no second effect."""


class StopWritersRequest(Struct, frozen=True, tag_field="verb", tag="stop-writers"):
    """Stop the service, and leave the servers that it writes to alone. Again: no second effect."""


class StartWritersRequest(Struct, frozen=True, tag_field="verb", tag="start-writers"):
    """Start the release again that ran when the writers were stopped. Again: no second effect."""


class StopRequest(Struct, frozen=True, tag_field="verb", tag="stop"):
    """End everything of the drill, the keeper last."""


Request = (
    StatusRequest
    | ReadyRequest
    | DeployRequest
    | BreakRequest
    | MendRequest
    | RaceRequest
    | StopWritersRequest
    | StartWritersRequest
    | StopRequest
)


class Progress(Struct, frozen=True):
    """What the keeper is doing."""

    progress: str
    utc_us: int


class Refusal(Struct, frozen=True):
    """Why a request came to nothing, in one line."""

    error: str


class Answer(Struct, frozen=True, kw_only=True):
    """The last line of a request that was granted."""

    ok: Literal[True] = True


class Part(Struct, frozen=True):
    """A process of the world; `pid` is None when it has ended, `port` when it listens nowhere."""

    pid: int | None
    port: int | None


class KeeperStatus(Answer, frozen=True, kw_only=True):
    """What runs now."""

    phase: Literal["building", "ready", "stopping"]
    keeper_pid: int
    commit: str | None
    """Full id of the commit that was deployed last."""
    version: str | None
    """What that commit's service called itself when it took over."""
    worktree: str | None
    """Folder of that commit's tree."""
    service_url: str | None
    parts: dict[str, Part]
    """Service, postgres, redis and users, as far as they were started."""
    fault: Fault | None
    deploys: tuple[DeployRecord, ...]
    """All deploys of this world, oldest first; the last may be under way."""


class Deployed(Answer, frozen=True, kw_only=True):
    """A deploy that went well; `repeated` when this token had done it already."""

    record: DeployRecord
    repeated: bool


class Broken(Answer, frozen=True, kw_only=True):
    """What was to go wrong has."""

    fault: Fault
    record: DeployRecord | None
    """The bad release's deploy; None where no release did it."""


class _Last(Struct, frozen=True):
    """Enough of an answer's line to tell which kind it is."""

    progress: str | None = None
    error: str | None = None


A = TypeVar("A", bound=Answer)


def _unheard(_words: str) -> None:
    """Progress that nobody asked to hear."""


class Keeper:
    """A client; every call opens a connection of its own, and raises KeeperError with one line."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def status(self, limit_s: float = 5.0) -> KeeperStatus:
        """What runs now."""
        return await self._ask(StatusRequest(), KeeperStatus, _unheard, limit_s)

    async def ready(self, progress: Callable[[str], None], limit_s: float) -> KeeperStatus:
        """Wait until the world is ready; `progress` hears how far it is."""
        return await self._ask(ReadyRequest(), KeeperStatus, progress, limit_s)

    async def deploy(
        self, commit: str, token: str, progress: Callable[[str], None], limit_s: float
    ) -> Deployed:
        """Run `commit`, a full id, in place of what runs.

        A token that was used before has no second effect: its record is the answer, or the deploy that
        is under way is awaited. A deploy whose asker went away goes on.
        """
        return await self._ask(DeployRequest(commit, token), Deployed, progress, limit_s)

    async def break_(
        self, scenario: str, progress: Callable[[str], None] = _unheard, limit_s: float = 30.0
    ) -> Broken:
        """Break the service the way `scenario` says; once in a world."""
        return await self._ask(BreakRequest(scenario), Broken, progress, limit_s)

    async def mend(self, progress: Callable[[str], None] = _unheard, limit_s: float = 30.0) -> None:
        """Have what is not ours mended, as the world's scenario says."""
        await self._ask(MendRequest(), Answer, progress, limit_s)

    async def race(self, progress: Callable[[str], None] = _unheard, limit_s: float = 30.0) -> None:
        """Have somebody else enable the frozen workflow and push, as the world's scenario says."""
        await self._ask(RaceRequest(), Answer, progress, limit_s)

    async def stop_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Stop the service; nothing of it writes any more when this returns."""
        await self._ask(StopWritersRequest(), Answer, progress, limit_s)

    async def start_writers(self, progress: Callable[[str], None], limit_s: float) -> None:
        """Start the release that ran before; it is healthy when this returns. A deploy starts it too."""
        await self._ask(StartWritersRequest(), Answer, progress, limit_s)

    async def stop(self, progress: Callable[[str], None] = _unheard, limit_s: float = 20.0) -> None:
        """End everything of the drill; nothing but the keeper itself is left when this returns."""
        await self._ask(StopRequest(), Answer, progress, limit_s)

    async def _ask(
        self, request: Request, kind: type[A], progress: Callable[[str], None], limit_s: float
    ) -> A:
        try:
            async with asyncio.timeout(limit_s):
                return await self._converse(request, kind, progress)
        except TimeoutError:
            raise KeeperError(f"the drill's keeper has not answered within {limit_s:g} s") from None
        except OSError as error:
            raise KeeperError(
                f"no keeper answers at {self._socket} ({error.strerror}): does the drill still run?"
            ) from error
        except msgspec.DecodeError as error:
            raise KeeperError(f"the keeper at {self._socket} speaks another protocol: {error}") from error

    async def _converse(self, request: Request, kind: type[A], progress: Callable[[str], None]) -> A:
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=LINE_LIMIT)
        try:
            writer.write(msgspec.json.encode(request) + b"\n")
            await writer.drain()
            async for line in reader:
                answer = msgspec.json.decode(line, type=_Last)
                if answer.error is not None:
                    raise KeeperError(answer.error)
                if answer.progress is None:
                    return msgspec.json.decode(line, type=kind)
                progress(answer.progress)
        finally:
            writer.close()
        raise KeeperError("the drill's keeper ended without an answer; its keeper.log says why")
