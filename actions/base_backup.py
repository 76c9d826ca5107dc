"""Base backup: a copy of the whole cluster, from which WAL leads to any moment after it."""

from datetime import UTC, datetime
from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.saving import order
from actions.trial import giving_way, stores_of
from console.core.format import size
from console.core.plan_words import moment
from console.targets.postgres.archive import Archive

SLOT_BASE = "base-backup"


class BaseBackup(Action):
    """Make one, verified, and see that the archive leads on from it."""

    repeatable = True
    fills: ClassVar = {SLOT_BASE: "there is a verified base backup, and archived WAL leads on from it"}

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Reads the cluster, and writes into the folder of base backups alone."""
        archive = _archive(world)
        at = datetime.fromtimestamp(inputs.made, UTC).strftime("%Y%m%dT%H%M%SZ")
        base = f"{at}-{order(inputs, world, 'base-backup', inputs.made).mark}"
        return Preview(
            f"make base backup {base} of the cluster, and verify it",
            (*archive.effects(base), "pg_switch_wal(), then look for the file in the archive"),
            {"base": base},
        )

    @property
    def _archive(self) -> Archive:
        return _archive(self.world)

    async def probe(self) -> Finding:
        """Done when it is there under its name, which it gets when it has been verified."""
        name = self.params["base"]
        made = await self._archive.made(name)
        return Finding("done" if made else "not done", f"{name} is {'complete' if made else 'not there'}")

    async def perform(self, report: Report) -> None:
        """Once is enough; what an attempt before this one was cut off at goes first."""
        archive, name = self._archive, self.params["base"]
        if await archive.made(name) is None:
            await archive.discard(name)
            try:
                rate = stores_of(self.world).backups.rate
                await giving_way(archive.make_base(name, report, rate=rate), report, to_load=True)
            finally:
                await archive.discard(name)
        report("waiting until WAL after it is archived")
        await archive.reach_now(report.left_s)

    async def verify(self) -> Proof:
        """It must be what the moment at which it ended would be restored from."""
        base = await self._archive.made(self.params["base"])
        if base is None:
            raise ActionError(f"{self.params['base']} is not there: retry")
        chosen = await self._archive.base_for(base.ends)
        if chosen.id != base.id:
            raise ActionError(f"{moment(base.ends)} would be restored from {chosen.id}, not from {base.id}")
        words = f"{base.id}: {size(base.bytes)} of PostgreSQL {base.version}; {base.verified}"
        facts = {"base": base.id, "ends": str(base.ends), "bytes": str(base.bytes)}
        return Proof(words, facts, (Slot(SLOT_BASE, words, base.id),))


def _archive(world: World) -> Archive:
    archive = stores_of(world).archive
    if archive is None:
        raise ActionError(
            f"the strategy names no `archive` of {world.name}, and so no place for base backups"
        )
    return archive
