"""How a backup is made: its parts side by side into a partial folder, hashed, and completed by a manifest."""

import asyncio
import hashlib
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from actions.action import ActionError, Inputs, Report, World
from actions.backup_parts import Part, Saved
from actions.trial import giving_way, stores_of
from console.core.backups import Backup, FileFacts, Manifest
from console.core.format import size
from console.targets.examine import hashed
from console.targets.together import together

_INCIDENT = "INC-"


class Order(Struct, frozen=True, kw_only=True):
    """Which backup a step makes, as its plan froze it."""

    mark: str
    """How its id ends, `production-1f9c`: so every attempt at the step knows what another one has left."""
    incident: str | None
    made: int
    """What began earlier is another one: UTC microseconds."""

    def params(self) -> dict[str, str]:
        """As a step's params hold it."""
        return {"mark": self.mark, "incident": self.incident or "", "made": str(self.made)}


def order(inputs: Inputs, world: World, verb: str, since: int) -> Order:
    """The backup that `verb` makes, and any plan may use that names the same moment `since` (see Inputs)."""
    digest = hashlib.sha256(f"{inputs.incident}/{since}/{verb}".encode()).hexdigest()
    return Order(
        mark=f"{world.name}-{digest[:4]}",
        incident=inputs.incident if inputs.incident.startswith(_INCIDENT) else None,
        made=since * 1_000_000,
    )


def ordered(params: dict[str, str]) -> Order:
    """What a step's params hold."""
    return Order(mark=params["mark"], incident=params["incident"] or None, made=int(params["made"]))


class Saving:
    """The making of one backup, once or again."""

    def __init__(self, world: World, ordered: Order, parts: Sequence[Part]) -> None:
        self._world = world
        self._vault = stores_of(world).vault
        self._sealing = stores_of(world).sealing
        self._order = ordered
        self._parts = parts

    async def found(self) -> Backup | None:
        """The newest that this step has completed; None before it has."""
        backups = await asyncio.to_thread(self._vault.backups)
        ours = (one for one in backups if self._is_ours(one.id) and one.manifest)
        whole = [one for one in ours if one.manifest and one.manifest.began >= self._order.made]
        return whole[-1] if whole else None

    def left(self) -> list[str]:
        """Ids of what attempts that were cut off have left."""
        return [name for name in self._vault.begun() if self._is_ours(name)]

    def _is_ours(self, backup_id: str) -> bool:
        return backup_id.endswith(f"-{self._order.mark}")

    async def make(self, report: Report) -> Backup:
        """Make it: complete when this returns, and nothing of it left when it raises."""
        for name in self.left():
            report.line(f"removing {name}, which was cut off")
            await asyncio.to_thread(self._vault.discard, name)
        began = self._world.clock.now().utc_us
        backup_id = f"{_stamp(began)}-{self._order.mark}"
        folder = self._vault.begin(backup_id)
        try:
            return await giving_way(self._fill(folder, backup_id, began, report), report, to_load=True)
        except BaseException:
            await self._remove(backup_id, report)
            raise

    async def _fill(self, folder: Path, backup_id: str, began: int, report: Report) -> Backup:
        await self._room(folder)
        voices = Voices(report)
        saved = await together(*(part.save(folder, voices.of(part.name)) for part in self._parts))
        for line in (line for one in saved for line in one.notes):
            report.line(line)
        report("hashing what was written")
        files = await hashed(folder, sum(one.stat().st_size for one in folder.rglob("*")), report)
        manifest = self._manifest(backup_id, began, saved, files)
        return await asyncio.to_thread(self._vault.finish, manifest)

    async def _room(self, folder: Path) -> None:
        """Enough free space, as far as that can be known before: a full disk is known at once, not later."""
        needed = sum([await part.needs() for part in self._parts])
        free = await asyncio.to_thread(_free, folder)
        if free < needed:
            raise ActionError(
                f"{folder.parent} has {size(free)} free, a backup needs about {size(needed)}: "
                f"make room for {size(needed - free)}"
            )

    def _manifest(
        self, backup_id: str, began: int, saved: Sequence[Saved], files: tuple[FileFacts, ...]
    ) -> Manifest:
        head, finished = self._world.head(), self._world.clock.now().utc_us
        return Manifest(
            id=backup_id,
            environment=self._world.name,
            incident=self._order.incident,
            began=began,
            ends=next((one.ends for one in saved if one.ends is not None), finished),
            finished=finished,
            database=next((one.database for one in saved if one.database), None),
            cache=next((one.cache for one in saved if one.cache), None),
            inventory=any(one.inventory for one in saved),
            files=files,
            sealed_for=self._sealing.words,
            journal_seq=head.seq,
            journal_head=head.hash.hex(),
        )

    async def _remove(self, backup_id: str, report: Report) -> None:
        """What is not whole only takes the room that the next one needs."""
        try:
            await asyncio.to_thread(self._vault.discard, backup_id)
        except OSError as error:
            report.line(f"{error.filename} is not whole and cannot be removed: {error.strerror}")


class Voices:
    """Parts that speak at the same time, into one report."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._said: dict[str, tuple[str, float | None, float | None, str]] = {}

    def of(self, name: str) -> "Voice":
        """The one part's."""
        return Voice(self, name)

    def say(self, name: str, words: str, done: float | None, total: float | None, unit: str) -> None:
        """Everything said last, with the count of whoever spoke first of those that count."""
        self._said[name] = words, done, total, unit
        counted = (said[1:] for said in self._said.values() if said[2])
        done, total, unit = next(counted, (None, None, ""))
        words = "; ".join(f"{name}: {said[0]}" for name, said in self._said.items())
        self.report(words, done=done, total=total, unit=unit)


class Voice:
    """Where one part says how far it is."""

    def __init__(self, voices: Voices, name: str) -> None:
        self._voices = voices
        self._name = name

    def __call__(
        self, words: str, *, done: float | None = None, total: float | None = None, unit: str = ""
    ) -> None:
        """As Progress has it."""
        self._voices.say(self._name, words, done, total, unit)

    @property
    def left_s(self) -> float:
        """The step's."""
        return self._voices.report.left_s


def _stamp(utc_us: int) -> str:
    """`20261123T101500.250Z`: whoever sorts by name sorts by time."""
    seconds, rest = divmod(utc_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}.{rest // 1000:03}Z"


def _free(folder: Path) -> int:
    """Bytes that we may write."""
    return shutil.disk_usage(folder).free
