"""Backup: the current state of database, cache and containers, as the way back if the rollback goes wrong."""

import asyncio
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.backup_parts import INVENTORY, parts_of
from actions.saving import Saving, order, ordered
from actions.trial import stores_of
from console.core import backup_checks as checks
from console.core.backups import Backup as Made
from console.core.backups import Manifest
from console.core.format import count, size
from console.targets.stores import Stores
from console.targets.vault import facts_of

SLOT_SAVED = "current-state-saved"
_NEVER = "no attempt at this step has completed a backup: retry"


class Backup(Action):
    """Save everything that holds data, whole or not at all."""

    repeatable = True
    fills: ClassVar = {SLOT_SAVED: "the current state is saved, every file as its manifest says"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads, and writes into the backups' folder alone."""
        stores = stores_of(world)
        parts = parts_of(stores, "", inputs.onset)
        wanted = order(inputs, world, "backup", inputs.since)
        names = " and ".join(part.name for part in parts)
        return Preview(
            f"save {names} as they are into {stores.vault.folder}, as ...-{wanted.mark}",
            tuple(part.effect for part in parts),
            {**wanted.params(), "onset": str(inputs.onset)},
        )

    @property
    def _saving(self) -> Saving:
        parts = parts_of(stores_of(self.world), self.token, int(self.params["onset"]))
        return Saving(self.world, ordered(self.params), parts)

    async def probe(self) -> Finding:
        """Judged by the vault: what is complete there has a manifest, which is written last."""
        await stores_of(self.world).server.named(self.token).end_ours()
        return await found(self._saving)

    async def perform(self, report: Report) -> None:
        """Once is enough: what an attempt before this one has completed is kept."""
        if await self._saving.found() is None:
            await self._saving.make(report)

    async def verify(self) -> Proof:
        """Read every file again."""
        made = await self._saving.found()
        manifest = await proven(stores_of(self.world), made)
        words = in_words(manifest)
        return Proof(words, facts(stores_of(self.world), manifest), (Slot(SLOT_SAVED, words, manifest.id),))


async def found(saving: Saving) -> Finding:
    """What there is of the backup that a step makes."""
    made = await saving.found()
    if made is not None:
        return Finding("done", f"{made.id} is complete")
    left = "; ".join(f"{name} was cut off, and is removed by the next attempt" for name in saving.left())
    return Finding("not done", left or "there is no such backup")


async def proven(stores: Stores, made: Made | None) -> Manifest:
    """The manifest of a backup whose every file is what it says, and not empty; ActionError otherwise."""
    if made is None or made.manifest is None:
        raise ActionError(made.trouble if made else _NEVER)
    manifest, folder = made.manifest, stores.vault.path(made.id)
    trouble = checks.damaged(manifest, await asyncio.to_thread(facts_of, folder)) or _hollow(manifest)
    if trouble:
        raise ActionError(f"backup {manifest.id} {trouble}: make another one")
    return manifest


def _hollow(manifest: Manifest) -> str | None:
    """A dump or snapshot without a byte is none; a log may have nothing to say."""
    empty = [file.path for file in manifest.files if not file.bytes]
    empty = [path for path in empty if not path.startswith(f"{INVENTORY}/")]
    return f"has nothing in {empty[0]}" if empty else None


def in_words(manifest: Manifest) -> str:
    """`20261123T101500.250Z-production-1f9c: 12 tables with 1,204 rows, 300 keys; 14.2 MB in 5 files`."""
    what = []
    if manifest.database is not None:
        rows = sum(table.rows for table in manifest.database.tables.values())
        what.append(f"{count(len(manifest.database.tables), 'table')} with {rows:,} rows")
    if manifest.cache is not None:
        what.append(f"{sum(manifest.cache.keys.values()):,} keys")
    if manifest.inventory:
        what.append("inventory")
    return f"{manifest.id}: {', '.join(what)}; {size(manifest.bytes)} in {count(len(manifest.files), 'file')}"


def facts(stores: Stores, manifest: Manifest) -> dict[str, str]:
    """What was measured of a backup, for the journal."""
    return {
        "backup": manifest.id,
        "path": str(stores.vault.path(manifest.id)),
        "manifest": stores.vault.digest(manifest.id),
        "ends": str(manifest.ends),
        "bytes": str(manifest.bytes),
        **({"sealed_for": manifest.sealed_for} if manifest.sealed_for else {}),
    }
