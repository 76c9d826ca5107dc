"""Verify backup: restored into a scratch database, compared with its manifest, and dropped again."""

from collections.abc import Iterator

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, World
from actions.trial import LATEST, chosen, creating, giving_way, proven, proving, reading, stores_of
from console.core import backup_checks as checks
from console.core.backups import CacheFacts, Manifest
from console.core.backups import Proof as Recorded
from console.core.beside import scratch
from console.targets.examine import Asked, dump_of, examined, recorded, refuse, sealing_of
from console.targets.postgres import own
from console.targets.postgres.load import load
from console.targets.postgres.proving import faults
from console.targets.postgres.server import Server
from console.targets.redis.verify import verify
from console.targets.stores import Stores


class VerifyBackup(Action):
    """Find out by restoring it whether a backup is what it says."""

    repeatable = True

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Touches no live row; the scratch database is gone afterwards, whatever comes out."""
        stores = stores_of(world)
        backup = chosen(stores, inputs.options.get("backup", LATEST))
        manifest = recorded(stores, backup)
        database = scratch(stores.server.database, backup)
        return Preview(
            f"restore backup {backup} into a scratch database and compare it with its manifest",
            tuple(_effects(stores, manifest, database)),
            {
                "backup": backup,
                "digest": stores.vault.digest(backup),
                "scratch": database,
                "onset": str(inputs.restore.onset) if inputs.restore else "",
                "since": str(inputs.since),
            },
        )

    @property
    def _stores(self) -> Stores:
        return stores_of(self.world)

    @property
    def _server(self) -> Server:
        return self._stores.server.named(self.token)

    async def probe(self) -> Finding:
        """Done when it was proven since it was asked for: an older proof says nothing of today's bits."""
        await self._server.end_ours()
        proof = self._proof()
        if proof is not None:
            return Finding("done", proof.words)
        left = await own.standing(self._server, self.params["scratch"])
        there = "is there, and is dropped by the next attempt" if left else "is not there"
        return Finding("not done", f"there is no proof; {self.params['scratch']} {there}")

    async def perform(self, report: Report) -> None:
        """Restore it and compare; a metric that gets worse ends it, since it can wait."""
        words = await giving_way(self._proven(report), report, to_load=True)
        self._stores.vault.prove(self.params["backup"], self.world.clock.now().utc_us, words)

    async def _proven(self, report: Report) -> str:
        asked = Asked(backup=self.params["backup"], digest=self.params["digest"], environment=self.world.name)
        manifest = await examined(self._stores, asked, report)
        if self.params["onset"] and (told := checks.newer(manifest, int(self.params["onset"]))):
            report.line(f"backup {manifest.id} {told}: it is no state to go back to")
        words = [await self._database(manifest, report)] if manifest.database else []
        if manifest.cache is not None:
            words.append(await self._cache(manifest, manifest.cache, report))
        if not words:
            refuse(manifest.id, "holds neither database nor cache")
        return "; ".join(words)

    async def _cache(self, manifest: Manifest, facts: CacheFacts, report: Report) -> str:
        """What was proven of the cache in it."""
        folder, work = self._stores.vault.path(manifest.id), self.world.evidence.parent / "cache"
        sealing = sealing_of(self._stores, manifest)
        return await verify(folder, facts, self.world.programs, work, report, sealing)

    async def _database(self, manifest: Manifest, report: Report) -> str:
        """What was proven of the database in it."""
        stores, server, name = self._stores, self._server, self.params["scratch"]
        dump, tables = dump_of(stores, manifest)
        ours = f"verify {self.world.name}"
        for left in await own.sweep(server, f"{ours} "):
            report.line(f"dropped {left}, which an engine that was killed left")
        async with own.building(server, name, f"{ours} {self.token}") as live:
            jobs = stores.backups.jobs
            await load(server, dump, name, jobs=jobs, progress=report, on_line=report.line)
            invariants = stores.data.invariants
            fault = await faults(
                server, name, tables, invariants, jobs=jobs, progress=report, on_line=report.line
            )
            refuse(manifest.id, fault)
            await own.drop(live, name)
        return proven(stores, tables)

    async def verify(self) -> Proof:
        """Read the proof again, which counts only with the manifest that it was made with."""
        backup = self.params["backup"]
        recorded(self._stores, backup, self.params["digest"])
        proof = self._proof()
        if proof is None:
            raise ActionError(f"backup {backup} has no proof of today: retry")
        facts = {"backup": backup, "manifest": proof.manifest_sha256, "at": str(proof.at)}
        return Proof(f"{backup}: {proof.words}", facts)

    def _proof(self) -> Recorded | None:
        """The backup's proof, when it is not older than what asks for it."""
        proof = self._stores.vault.get(self.params["backup"]).proof
        return proof if proof and proof.at >= int(self.params["since"]) * 1_000_000 else None


def _effects(stores: Stores, manifest: Manifest, database: str) -> Iterator[str]:
    yield reading(stores, manifest)
    if manifest.database is not None:
        yield creating(stores, database)
        jobs = stores.backups.jobs
        yield f"pg_restore --exit-on-error --no-subscriptions --jobs={jobs} into {database}"
        yield from proving(stores, database)
        yield f"DROP DATABASE {database}"
    if manifest.cache is not None:
        yield "load the cache's snapshot into a scratch server, and compare keys, values and expiry times"
