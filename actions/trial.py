"""What the restores of a backup share: which one, what a plan says of it, and giving way."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from actions.action import ActionError, Report, World
from console.core.backups import Manifest, TableFacts
from console.core.format import count, size
from console.targets.stores import Stores

LATEST = "latest"
_LOOK_S = 0.5
_Found = TypeVar("_Found")


def stores_of(world: World) -> Stores:
    """The environment's data with its backups; ActionError where the strategy names none."""
    if world.stores is None:
        raise ActionError(f"the strategy names no `backups` of {world.name}")
    return world.stores


def chosen(stores: Stores, asked: str) -> str:
    """The id of the backup that is asked for: `latest` is the one that shows the newest state."""
    if asked != LATEST:
        return asked
    whole = [backup.manifest for backup in stores.vault.backups() if backup.manifest is not None]
    if not whole:
        raise ActionError(f"there is no backup in {stores.vault.folder}: make one")
    return max(whole, key=lambda manifest: manifest.ends).id


def reading(stores: Stores, manifest: Manifest) -> str:
    """What is read of a backup before anything is restored."""
    files = f"{count(len(manifest.files), 'file')}, {size(manifest.bytes)}"
    return f"SHA-256 of {files}, in {stores.vault.path(manifest.id)}"


def creating(stores: Stores, database: str) -> str:
    """The database that is made for a restore."""
    return f"CREATE DATABASE {database}, with locale and owner of {stores.server.database}"


def proving(stores: Stores, database: str) -> Iterator[str]:
    """What is asked of a restored database before it counts as proven, a line each."""
    yield f"every row of {database} read, counted and hashed, and compared"
    yield f"pg_amcheck --heapallindexed --install-missing --jobs={stores.backups.jobs} {database}"
    for name, invariant in stores.data.invariants.items():
        yield f"invariant {name}, read only: {' '.join(invariant.sql.split())}"


def proven(stores: Stores, tables: Mapping[str, TableFacts]) -> str:
    """What was found of a restored database that has no fault."""
    rows = sum(table.rows for table in tables.values())
    words = f"{count(len(tables), 'table')} with {count(rows, 'row')} as saved, heaps and indexes sound"
    held = len(stores.data.invariants)
    return f"{words}, {count(held, 'invariant')} held" if held else words


async def giving_way(work: Coroutine[Any, Any, _Found], report: Report, *, to_load: bool) -> _Found:
    """Do the work, and give it up when an abort is asked for; `to_load`: also when a metric gets worse.

    ActionError is raised when the work has ended and cleaned up.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK_S))[0]:
            if report.stopping:
                raise ActionError("stopped as was asked for; nothing of it is left")
            if to_load and report.worsened:
                raise ActionError(f"stopped, because {report.worsened}: it loads the server, and can wait")
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
