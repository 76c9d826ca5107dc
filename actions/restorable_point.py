"""Restorable point: before a rollback of the code alone, a state that the data could come back to.

Users' data is not touched by such a rollback, so it need not wait for a whole backup: a fresh dump, the WAL
archived up to now, or the strategy's own snapshot will do, in limited time.
"""

import asyncio
import hashlib
import shlex
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec
from msgspec import Struct

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.backup import facts, in_words, proven
from actions.backup_parts import DatabasePart
from actions.evidence import keep, path_of
from actions.saving import Saving, order, ordered
from actions.trial import giving_way, stores_of
from console.core.plan_words import moment
from console.core.words import duration
from console.targets.stores import Stores

SLOT_RESTORABLE = "restorable-point"


class Point(Struct, frozen=True):
    """A state that the data could come back to."""

    shows: int
    """The moment that it shows, and its age counts from: UTC microseconds of our clock."""
    words: str
    inputs: str
    """What names it."""
    facts: dict[str, str]


class RestorablePoint(Action):
    """Make one, however the strategy says, and say how old it is."""

    repeatable = True
    serves = "keep"
    fills: ClassVar = {SLOT_RESTORABLE: "the data could come back to a moment ago"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Touches nothing that users do; what it proves grows old."""
        stores = stores_of(world)
        params = {
            **order(inputs, world, "restorable-point", inputs.since).params(),
            "kind": stores.backups.restorable.kind,
            "file": str(path_of(inputs, world, "restorable-point.json")),
        }
        if stores.backups.restorable.kind == "command":
            params["line"] = shlex.join(stores.backups.restorable.argv)
        way = _way(params, world, "")
        words = f"{way.words}, within {duration(stores.backups.within)}"
        return Preview(words, (way.effect,), params, fresh_s=stores.backups.fresh)

    @property
    def _stores(self) -> Stores:
        return stores_of(self.world)

    @property
    def _way(self) -> "_Way":
        return _way(self.params, self.world, self.token)

    async def probe(self) -> Finding:
        """Done when one was made that is not too old yet."""
        await self._stores.server.named(self.token).end_ours()
        point = await self._way.found(whole=False)
        if point is None:
            return Finding("not done", "there is none yet")
        if old := self._too_old(point):
            return Finding("not done", f"{point.words}, {old}")
        return Finding("done", point.words)

    def _too_old(self, point: Point) -> str:
        """What is wrong with its age; empty when nothing is."""
        age, fresh = (self.world.clock.now().utc_us - point.shows) / 1e6, self._stores.backups.fresh
        return f"{duration(age)} old, at most {duration(fresh)} wanted" if age > fresh else ""

    async def perform(self, report: Report) -> None:
        """Always a new one: whoever asks again does so because the one before has grown old."""
        within = self._stores.backups.within
        box = asyncio.timeout(within)
        try:
            async with box:
                await self._way.make(report)
        except TimeoutError:
            if not box.expired():
                raise
            raise ActionError(
                f"there was no restorable point within {duration(within)}: retry, or waive it by name, "
                "since a rollback of the code does not touch the data"
            ) from None

    async def verify(self) -> Proof:
        """Look at it again, where it is."""
        point = await self._way.found(whole=True)
        if point is None:
            raise ActionError("there is no restorable point yet: retry")
        if old := self._too_old(point):
            raise ActionError(
                f"{point.words}, {old}: retry; where making one takes longer than that, raise `fresh`"
            )
        slot = Slot(SLOT_RESTORABLE, point.words, point.inputs, shows=point.shows)
        return Proof(point.words, point.facts, (slot,))


class _Way(Protocol):
    """How a restorable point is made."""

    words: str
    effect: str

    async def found(self, *, whole: bool) -> Point | None:
        """The newest that this step has made; None before it has. `whole`: seen to be all there still."""
        ...

    async def make(self, report: Report) -> None:
        """Make one."""
        ...


def _way(params: dict[str, str], world: World, token: str) -> _Way:
    """The one that the plan says."""
    match params["kind"]:
        case "dump":
            return _Dump(params, world, token)
        case "archive":
            return _Archive(params, world)
    return _Command(params, world)


class _Dump:
    """A backup of the database alone."""

    words = "dump the database"

    def __init__(self, params: dict[str, str], world: World, token: str) -> None:
        self._stores = stores_of(world)
        part = DatabasePart(self._stores, token)
        self.effect = part.effect
        self._saving = Saving(world, ordered(params), (part,))

    async def found(self, *, whole: bool) -> Point | None:
        """What its manifest says; where it is to be whole, every file of it is read again."""
        made = await self._saving.found()
        manifest = made.manifest if made else None
        if manifest is None:
            return None
        if whole:
            await proven(self._stores, made)
        # Its end is told by the server's clock, which may differ from ours: these two are told by ours.
        shows = min(max(manifest.ends, manifest.began), manifest.finished)
        return Point(shows, in_words(manifest), manifest.id, facts(self._stores, manifest))

    async def make(self, report: Report) -> None:
        """As any backup is made."""
        await self._saving.make(report)


class _Archive:
    """The server's archived WAL, seen to reach up to now."""

    words = "see that the archived WAL reaches up to now"

    def __init__(self, params: dict[str, str], world: World) -> None:
        stores = stores_of(world)
        if stores.archive is None:
            raise ActionError(f"the strategy names no `archive` of {world.name}")
        self._archive = stores.archive
        self._world = world
        self._kept = _Kept(Path(params["file"]))
        self.effect = "pg_switch_wal(), then look for the file in the archive, and for every one before it"

    async def found(self, *, whole: bool) -> Point | None:
        """What was reached must be within reach today."""
        point = self._kept.read()
        if point is None or not whole:
            return point
        window = await self._archive.window()
        if window is None or window.ends < int(point.facts["ends"]):
            raise ActionError(f"{point.words}, and does so no more: `warroom check` says what is missing")
        return point

    async def make(self, report: Report) -> None:
        """The server is asked to archive what it has written."""
        began = self._world.clock.now().utc_us
        report("waiting until the server has archived its WAL up to now")
        within = stores_of(self._world).backups.within
        reaching = self._archive.reach_now(min(within, report.left_s))
        ends = await giving_way(reaching, report, to_load=False)
        # It ends at a commit made after that, whatever the server's clock says.
        words = f"the archived WAL reaches up to {moment(ends)}"
        self._kept.write(Point(began, words, str(ends), {"ends": str(ends)}))


class _Command:
    """The strategy's own snapshot."""

    words = "take the strategy's snapshot"

    def __init__(self, params: dict[str, str], world: World) -> None:
        self._world = world
        self._kept = _Kept(Path(params["file"]))
        self.effect = params["line"]

    async def found(self, *, whole: bool) -> Point | None:  # noqa: ARG002 - see below
        """What the command said of it: whether it is whole, only whoever keeps it can tell."""
        return self._kept.read()

    async def make(self, report: Report) -> None:
        """Run it; the last line that it prints names the snapshot."""
        await giving_way(self._run(report), report, to_load=True)

    async def _run(self, report: Report) -> None:
        report(self.effect)
        argv, began = shlex.split(self.effect), self._world.clock.now().utc_us
        finished = await self._world.programs.run(argv, limit_s=report.left_s, on_line=report.line)
        if finished.code:
            raise ActionError(f"the snapshot failed: `{self.effect}`: {finished.reason}")
        lines = [line.strip() for line in finished.out.splitlines() if line.strip()]
        if not lines:
            raise ActionError(f"`{self.effect}` named no snapshot: the last line that it prints must")
        said = hashlib.sha256(finished.out.encode()).hexdigest()
        point = Point(
            began,  # when within its run the snapshot was taken, it does not say
            f"snapshot {lines[-1]}, as the strategy's command says",
            lines[-1],
            {"snapshot": lines[-1], "output": said},
        )
        self._kept.write(point)


class _Kept:
    """A point that lies elsewhere, written down."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, point: Point) -> None:
        """In the place of an older one."""
        keep(self._path, msgspec.json.encode(point))

    def read(self) -> Point | None:
        """None before the first."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Point)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise ActionError(f"{self._path} cannot be read: {error}") from error
