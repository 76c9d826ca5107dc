"""A backup examined before anything of it is restored: readable, whole, not empty, and of this database."""

import asyncio
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from threading import Event

from msgspec import Struct
from msgspec.structs import replace

from console.core import backup_checks as checks
from console.core.backups import FileFacts, Manifest, TableFacts
from console.core.errors import StatedError
from console.targets.postgres.dump import dump_path
from console.targets.postgres.load import Dump
from console.targets.progress import Progress
from console.targets.redis.record import RECORD, SNAPSHOT
from console.targets.redis.verify import Saved
from console.targets.sealing import Sealing, Unsealed
from console.targets.stores import Stores
from console.targets.vault import facts_of

_MB = 1_000_000


class BackupError(StatedError):
    """A backup that cannot be taken for what it says; one line that begins with its id."""


class Asked(Struct, frozen=True, kw_only=True):
    """What a backup has to be."""

    backup: str
    """Its id."""
    digest: str
    """SHA-256 of the manifest that it had when the plan was made."""
    environment: str
    onset: int | None = None
    """What it must end before, UTC microseconds; None where nothing is gone back to."""
    incident: str = ""
    """The incident that it must not have been taken in, where there is an onset."""


async def examined(stores: Stores, asked: Asked, progress: Progress) -> Manifest:
    """The manifest of a backup whose every byte is as it was made; BackupError with what is against it."""
    manifest = recorded(stores, asked.backup, asked.digest)
    for trouble in _said_of(manifest, asked):
        refuse(asked.backup, trouble)
    if manifest.database is not None:
        facts = await stores.server.facts()
        refuse(asked.backup, checks.foreign(manifest.database, facts.database, facts.system_identifier))
    found = await hashed(stores.vault.path(asked.backup), manifest.bytes, progress)
    refuse(asked.backup, checks.damaged(manifest, found))
    return manifest


def cache_of(stores: Stores, asked: Asked) -> Saved:
    """The cache in a backup that was proven; BackupError with what its manifest tells against it."""
    manifest = recorded(stores, asked.backup, asked.digest)
    for trouble in _of_its_origin(manifest, asked):
        refuse(asked.backup, trouble)
    if manifest.cache is None:
        raise BackupError(f"backup {manifest.id} holds no cache")
    if stores.vault.get(manifest.id).proof is None:
        raise BackupError(f"backup {manifest.id} was never verified: verify it first")
    return Saved(stores.vault.path(manifest.id), manifest.cache, sealing_of(stores, manifest))


async def examined_cache(stores: Stores, asked: Asked, progress: Progress) -> Saved:
    """As `cache_of`, and every byte of it is as it was made; nothing else in the backup is read."""
    saved = cache_of(stores, asked)
    manifest = recorded(stores, asked.backup)
    names = {saved.sealing.named(name) for name in (SNAPSHOT, RECORD)}
    files = tuple(file for file in manifest.files if file.path in names)
    found = await hashed(saved.folder, sum(file.bytes for file in files), progress, names)
    refuse(asked.backup, checks.damaged(replace(manifest, files=files), found))
    return saved


def recorded(stores: Stores, backup_id: str, digest: str | None = None) -> Manifest:
    """What a backup says of itself; BackupError when it cannot be read, or is not what it was (`digest`)."""
    backup = stores.vault.get(backup_id)
    refuse(backup_id, checks.unreadable(backup))
    assert backup.manifest is not None  # noqa: S101 - just refused otherwise
    if digest is not None and stores.vault.digest(backup_id) != digest:
        refuse(backup_id, "has another manifest than when the plan was made: plan anew")
    return backup.manifest


def refuse(backup_id: str, trouble: str | None) -> None:
    """Raise BackupError when there is something against the backup."""
    if trouble is not None:
        raise BackupError(f"backup {backup_id} {trouble}")


def dump_of(stores: Stores, manifest: Manifest) -> tuple[Dump, dict[str, TableFacts]]:
    """A backup's dump, and what it must hold; BackupError when it has none, or cannot be decrypted."""
    if manifest.database is None:
        raise BackupError(f"backup {manifest.id} holds no database")
    path = dump_path(stores.vault.path(manifest.id), manifest)
    return Dump(path, manifest.database.bytes, sealing_of(stores, manifest)), manifest.database.tables


def sealing_of(stores: Stores, manifest: Manifest) -> Sealing:
    """How its files are read, perhaps otherwise than new ones are written; BackupError without a key."""
    if manifest.sealed_for is None:
        return Unsealed()
    today = stores.sealing.words or "nobody"
    if today.split()[0] != manifest.sealed_for.split()[0]:
        raise BackupError(
            f"backup {manifest.id} is encrypted for {manifest.sealed_for}, today's are for {today}: "
            "name the old recipient in `backups.recipient` to read it"
        )
    return stores.sealing


def _said_of(manifest: Manifest, asked: Asked) -> Iterator[str | None]:
    """What its manifest alone tells against it."""
    yield from _of_its_origin(manifest, asked)
    if manifest.database is not None:
        yield checks.empty(manifest.database)


def _of_its_origin(manifest: Manifest, asked: Asked) -> Iterator[str | None]:
    """Whose it is, and of when."""
    yield checks.elsewhere(manifest, asked.environment)
    if asked.onset is not None:
        yield checks.way_back(manifest, asked.incident)
        yield checks.newer(manifest, asked.onset)


async def hashed(
    folder: Path, total: int, progress: Progress, only: Collection[str] | None = None
) -> tuple[FileFacts, ...]:
    """Every file below `folder`, or `only` those, read in a thread that ends when we are cancelled."""
    loop, given_up, read = asyncio.get_running_loop(), Event(), 0

    def on_bytes(count: int) -> None:
        nonlocal read
        if given_up.is_set():
            raise BackupError(f"{folder.name}: nobody waits for its files to be read any more")
        read += count
        done, whole = round(read / _MB), round(max(read, total) / _MB)
        loop.call_soon_threadsafe(partial(progress, "reading its files", done=done, total=whole, unit="MB"))

    try:
        return await asyncio.to_thread(facts_of, folder, on_bytes, only)
    except OSError as error:
        raise BackupError(
            f"backup {folder.name} cannot be read: {error.filename}: {error.strerror}"
        ) from None
    finally:
        given_up.set()
