"""The war room of an environment whose journal and inbox lie on this machine."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

from console.core.clock import Clock, Stamp
from console.core.course import Piece
from console.core.events import Event
from console.core.live import Live
from console.core.metrics import Row
from console.core.protocols import JournalError, Snapshot
from console.core.requests import AnyAsk, Request
from console.core.strategy import Environment
from console.store.bell import Bell, BellError, Ringer
from console.store.course import read_course
from console.store.follow import Follower
from console.store.inbox import FolderInbox, InboxError
from console.store.layout import Layout, Runtime
from console.store.live import LiveFile
from console.store.private import PRIVATE, Sharing
from console.store.processes import runs
from console.store.samples import SampleReader

KEPT_S = 15 * 60
"""How far back the rows of a snapshot go."""


class LocalRoom:
    """Implements core.protocols.Room; makes no file before the first request."""

    def __init__(
        self,
        environment: Environment,
        name: str,
        actor: str,
        *,
        state: Path,
        runtime: Path,
        clock: Clock,
        start_engine: Callable[[], None],
        sharing: Sharing = PRIVATE,
    ) -> None:
        self.environment = environment
        self.name = name
        self.actor = actor
        self._clock = clock
        self._start_engine = start_engine
        layout, sockets = Layout(state), Runtime(runtime)
        self._journal = Follower(layout.journal, name)
        self._sample_files = layout.samples
        self._samples = SampleReader(layout.samples)
        self._rows: deque[Row] | None = None
        self._live_file = LiveFile(layout.live)
        self._live: Live | None = None
        self._ringer = Ringer()
        self._inbox = FolderInbox(layout.inbox, lambda: self._ringer.ring(sockets.engine_bell), sharing)
        self._bell = _bell(sockets.bells, sharing)

    def snapshot(self) -> Snapshot:
        """What is known now; reads only what is new, and says in `trouble` what it could not read."""
        now = self._clock.now()
        trouble = ""
        try:
            self._journal.follow()
            self._follow_rows(now)
        except JournalError as error:
            trouble = str(error)
        except OSError as error:
            trouble = f"{error.filename}: cannot be read: {error.strerror}"
        self._live = self._live_file.read() or self._live
        state = self._journal.state
        return Snapshot(
            at=now,
            state=state,
            events=tuple(self._journal.events),
            rows=tuple(self._rows or ()),
            live=self._live,
            engine_silent_s=max(now.seconds_since(self._live.beat), 0.0) if self._live else None,
            pending=tuple(id_ for id_ in self._inbox.pending() if id_ not in state.answered),
            head=self._journal.head.hash.hex(),
            engine_gone=self._live is not None and not runs(self._live.pid),
            trouble=trouble,
        )

    def _follow_rows(self, now: Stamp) -> None:
        if self._rows is None:
            self._rows = deque(self._samples.since(now.before(KEPT_S)))
            return
        self._rows.extend(self._samples.new())
        while self._rows and now.seconds_since(self._rows[0].at) > KEPT_S:
            self._rows.popleft()

    async def changed(self, timeout_s: float) -> None:
        """Return when the engine has rung, or after `timeout_s`."""
        if self._bell is None:
            await self._clock.sleep(timeout_s)
        else:
            await self._bell.wait(timeout_s)

    def submit(self, ask: AnyAsk, actor: str | None = None) -> str:
        """Put a request into the inbox, in somebody's name or the room's own; returns its id.

        InboxError when it cannot be left, in one line.
        """
        if unknown := self._journal.state.unknown_critical:
            raise InboxError(
                f"the journal holds {unknown}, which this version of warroom does not know: "
                "it is read-only here; use the version that wrote it"
            )
        request = Request(uuid4().hex, self.name, actor or self.actor, self._clock.now(), ask)
        self._inbox.put(request)
        return request.id

    def timeline(self, before: int, count: int) -> Sequence[Event]:
        """Up to `count` events just before number `before`, oldest first: what a snapshot has let go of."""
        return self._journal.page(before, count)

    async def course(self, metric: str, since: Stamp, until: Stamp, width_s: float) -> Sequence[Piece]:
        """The samples of one metric for a while; see core.protocols.Room. Read in a thread of its own."""
        return await asyncio.to_thread(read_course, self._sample_files, metric, since, until, width_s)

    def start_engine(self) -> None:
        """Start an engine where none runs; raises what the composition root's starter raises."""
        self._start_engine()

    def close(self) -> None:
        """Let go of the journal, and take the bell down."""
        self._journal.close()
        self._ringer.close()
        if self._bell is not None:
            self._bell.close()


def _bell(bells: Path, sharing: Sharing) -> Bell | None:
    """The bell of this room; None where none can be put up: its caller looks once a second anyway."""
    try:
        return Bell.of_reader(bells, sharing)
    except BellError:
        return None
