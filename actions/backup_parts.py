"""The parts of a backup: database, cache, inventory; each written by its own target into one folder."""

import asyncio
import os
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from actions.action import ActionError
from console.core.backups import CacheFacts, DatabaseFacts, Manifest
from console.targets.docker.engine import Docker
from console.targets.docker.inventory import take
from console.targets.own_folder import own_folder
from console.targets.postgres.dump import DUMP, dump
from console.targets.progress import Progress
from console.targets.redis.save import save
from console.targets.redis.server import CacheServer
from console.targets.sealing import Sealing, Unsealed
from console.targets.stores import Stores

INVENTORY = "inventory"
"""Folder of the inventory in its backup's folder."""
MEMORY = Path(f"/dev/shm/warroom-{os.getuid()}")  # noqa: S108 - seen to be ours before it is used
"""Where an inventory lies in memory until it is encrypted."""
_LOGS_BEFORE_US = 600 * 1_000_000
"""Logs begin so long before the onset: what led to it was written before anything was measured."""
_GROWTH = 1.2
"""Room is looked for with some to spare: a database may pack worse than the last time."""


class Saved(Struct, frozen=True, kw_only=True):
    """What a part has written, for the manifest."""

    database: DatabaseFacts | None = None
    ends: int | None = None
    """The moment that it shows, UTC microseconds, where there is one."""
    cache: CacheFacts | None = None
    inventory: bool = False
    notes: tuple[str, ...] = ()
    """What could not be had, a sentence each, where that is no reason to fail."""


class Part(Protocol):
    """Something that a backup saves."""

    name: str
    """As progress calls it."""

    @property
    def effect(self) -> str:
        """What it runs and reads, for a plan."""
        ...

    async def needs(self) -> int:
        """Bytes that it will write, about."""
        ...

    async def save(self, folder: Path, progress: Progress) -> Saved:
        """Write it into the backup's folder; a StatedError of its target when it cannot be had whole."""
        ...


class DatabasePart:
    """The dump, the roles, and what is in every table."""

    name = "database"

    def __init__(self, stores: Stores, token: str) -> None:
        self._stores = stores
        self._server = stores.server.named(token)

    @property
    def effect(self) -> str:
        """Both programs; their words differ by the place that they run in."""
        form, seal = self._stores.backups.format, self._stores.sealing.words
        how = f", encrypted for {seal}" if seal else ""
        return (
            f"pg_dump --format={form} of database {self._server.database}, pg_dumpall --globals-only{how}; "
            "every row counted and hashed in the same snapshot"
        )

    async def needs(self) -> int:
        """As the last backup of this database packed it; as large as it is where there is none."""
        facts = await self._server.facts()
        last = await asyncio.to_thread(self._last, facts.system_identifier, facts.database)
        if last is None or last.database is None or not last.database.bytes:
            return facts.bytes
        packed = sum(file.bytes for file in last.files if file.path.startswith(DUMP["directory"]))
        return round(facts.bytes * packed / last.database.bytes * _GROWTH)

    def _last(self, system_identifier: str, database: str) -> Manifest | None:
        manifests = (backup.manifest for backup in reversed(self._stores.vault.backups()))
        for manifest in manifests:
            was = manifest.database if manifest else None
            if was and (was.system_identifier, was.name) == (system_identifier, database):
                return manifest
        return None

    async def save(self, folder: Path, progress: Progress) -> Saved:
        """Dump it."""
        stores = self._stores
        dumped = await dump(self._server, folder, stores.backups, stores.sealing, progress)
        return Saved(database=dumped.facts, ends=dumped.ends)


class CachePart:
    """The cache's snapshot."""

    name = "cache"

    def __init__(self, server: CacheServer, sealing: Sealing) -> None:
        self._server = server
        self._sealing = sealing

    @property
    def effect(self) -> str:
        """Taken as a replica takes it."""
        return f"redis-cli --rdb of the {self._server.place}"

    async def needs(self) -> int:
        """At most what its keys take in memory, as a rule."""
        return (await self._server.state()).dataset

    async def save(self, folder: Path, progress: Progress) -> Saved:
        """Take it."""
        return Saved(cache=await save(self._server, folder, progress, self._sealing))


class InventoryPart:
    """Containers, Compose's files and logs as they are now; secrets only where they are encrypted."""

    name = "inventory"

    def __init__(self, docker: Docker, stores: Stores, onset: int) -> None:
        self._docker = docker
        self._stores = stores
        self._sealing = stores.sealing
        self._since = max(0, onset - _LOGS_BEFORE_US)

    @property
    def effect(self) -> str:
        """Nothing is changed in any of them."""
        how = f"encrypted for {self._sealing.words}" if self._sealing.words else "secrets masked"
        return f"docker inspect and docker logs of every container, and Compose's files, {how}"

    async def needs(self) -> int:
        """Little beside the rest, and not known before."""
        return 0

    async def save(self, folder: Path, progress: Progress) -> Saved:
        """Ask the engine; what is to be encrypted lies in memory until it is."""
        progress("asking Docker what runs, and for the logs")
        target = folder / INVENTORY
        target.mkdir(mode=0o700)
        if self._sealing.words is None:
            taken = await take(self._docker, target, since=self._since, known=await self._known())
            return Saved(inventory=True, notes=taken.missing)
        with own_folder(_memory()) as plain:
            taken = await take(self._docker, plain, since=self._since, whole=True)
            await self._seal(plain, target, progress)
        return Saved(inventory=True, notes=taken.missing)

    async def _known(self) -> list[str]:
        """The passwords that we use ourselves."""
        password = self._stores.server.params().get("password")
        _, cache = await self._stores.cache.cli() if self._stores.cache else ((), {})
        return [str(secret) for secret in (password, *cache.values()) if secret]

    async def _seal(self, source: Path, target: Path, progress: Progress) -> None:
        for path in sorted(source.rglob("*")):
            into = target / path.relative_to(source)
            if path.is_dir():
                into.mkdir(mode=0o700)
                continue
            sealed = into.with_name(self._sealing.named(into.name))
            async with self._sealing.writing(sealed, limit_s=progress.left_s) as sink:
                async for piece in Unsealed().open(path, limit_s=progress.left_s):
                    await sink(piece)


def _memory() -> Path:
    """A folder in memory that nobody else can look into; ActionError where there is none to be had."""
    MEMORY.mkdir(mode=0o700, exist_ok=True)
    if MEMORY.lstat().st_uid != os.getuid():
        raise ActionError(f"{MEMORY} is somebody else's, and nothing plain is written there: remove it")
    return MEMORY


def parts_of(stores: Stores, token: str, onset: int) -> tuple[Part, ...]:
    """Everything that there is to save; `onset` in UTC microseconds, for the logs."""
    parts: list[Part] = [DatabasePart(stores, token)]
    if stores.cache is not None:
        parts.append(CachePart(stores.cache, stores.sealing))
    if stores.docker is not None:
        parts.append(InventoryPart(stores.docker, stores, onset))
    return tuple(parts)
