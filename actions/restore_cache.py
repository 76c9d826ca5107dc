"""Restore cache: what a proven backup holds of the cache becomes the live one; its state of now is kept."""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Undo, World
from actions.backup import proven
from actions.backup_parts import CachePart
from actions.cache import server_of
from actions.evidence import keep, path_of
from actions.saving import Saving, order, ordered
from actions.trial import giving_way, stores_of
from console.core.backups import Backup, Manifest
from console.core.data import Cache
from console.core.format import count
from console.core.plan import WayBack
from console.targets.examine import Asked, cache_of, examined_cache, recorded, sealing_of
from console.targets.redis.outcome import safe
from console.targets.redis.place import Service
from console.targets.redis.restore import Restored, is_cut_off, possible, put_right, restore
from console.targets.redis.sample import Comparison, compared
from console.targets.redis.server import CacheServer
from console.targets.redis.service import in_words, service_of
from console.targets.redis.verify import Bench, Saved
from console.targets.redis.verify import recorded as record_of
from console.targets.shell import HostShell
from console.targets.stores import Stores

_FILE = "cache-restored.json"
_UNTOUCHED = "the cache's state of then has not been saved: nothing was overwritten"
_RECORD_S = 60.0
_CUT_OFF = (
    "it was cut off, and the cache may take no writes, or be stopped: the next attempt puts it right first"
)


class _Done(Struct, frozen=True):
    """A restore that went to its end, written down then."""

    way: str
    words: str
    keys: int
    """In all databases, right after it."""
    discarded: int
    """Keys that were there right before it."""
    closed_s: float
    kept: tuple[str, ...]
    """Backups of what was there before each attempt; the first is from before anything was overwritten."""


class UndoRestoreCache(Undo):
    """Restore what the first attempt has kept of the cache; what it holds now is kept too."""

    @staticmethod
    def preview(params: dict[str, str], world: World) -> WayBack:
        """Which backup that is, the step says when it has made it."""
        server = server_of(world)
        return WayBack(
            f"let the {server.place} hold again what it held before {params['backup']} was restored",
            _effects(stores_of(world).cache_rules, "the backup that the step keeps"),
        )

    def _back(self) -> "RestoreCache | None":
        """The restore of what was kept; None where nothing was, because nothing was overwritten."""
        kept = RestoreCache(self.params, self.world, self.token).kept()
        if not kept:
            return None
        backup, name = kept[0].id, self.world.name
        params = {
            "mark": f"{name}-{hashlib.sha256(self.params['mark'].encode()).hexdigest()[:4]}",
            "backup": backup,
            "digest": stores_of(self.world).vault.digest(backup),
            "onset": "",
            "file": f"{self.params['file']}.undone",
        }
        return RestoreCache({**self.params, **params}, self.world, self.token)

    async def probe(self) -> Finding:
        """As of any restore; done where nothing was overwritten."""
        back = self._back()
        return await back.probe() if back else Finding("done", _UNTOUCHED)

    async def perform(self, report: Report) -> None:
        """As any restore: what is there now is saved and proven first."""
        if (back := self._back()) is not None:
            await back.perform(report)

    async def verify(self) -> Proof:
        """As of any restore."""
        back = self._back()
        return await back.verify() if back else Proof(_UNTOUCHED)


class RestoreCache(Action):
    """Save and prove what the cache holds now, then let it hold what a backup holds, and nothing else."""

    # Whoever repeats it comes to the same keys, and what users have written meanwhile is saved once more.
    repeatable = True
    serves = "asked"
    undo = UndoRestoreCache

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Option: `backup`, proven and from before the onset; or one that such a step has kept."""
        server, stores = server_of(world), stores_of(world)
        backup = inputs.options.get("backup", "")
        if not backup:
            raise ActionError("restore-cache needs `backup`: name the one whose cache is restored")
        manifest = recorded(stores, backup)
        back = _is_way_back(manifest, inputs.incident)
        wanted = order(inputs, world, "restore-cache", inputs.made)
        params = {
            **wanted.params(),
            "backup": backup,
            "digest": stores.vault.digest(backup),
            "onset": "" if back else str(inputs.onset),
            "file": str(path_of(inputs, world, _FILE)),
        }
        saved = cache_of(stores, _asked(params, world))
        keys = count(sum(saved.facts.keys.values()), "key")
        words = f"let the {server.place} hold the {keys} of {backup}, and no other"
        told = "; that takes back a restore of the cache, which has kept it" if back else ""
        part = CachePart(server, stores.sealing)
        effects = (*_saving(part, stores, wanted.mark), *_effects(stores.cache_rules, backup))
        return Preview(f"{words}{told}", effects, params)

    async def probe(self) -> Finding:
        """Done when an attempt has compared it to the end; not done when the cache is as it was kept."""
        if (done := self._done()) is not None:
            return Finding("done", done.words)
        if is_cut_off(self._bench.work):
            return Finding("not done", _CUT_OFF)
        if not (kept := self.kept()):
            return Finding("not done", "the cache's state of now has not been saved: nothing was overwritten")
        now, then = await self._held_against(kept[-1].id), await self._held_against(self.params["backup"])
        if not now.wrong and then.wrong:
            return Finding("not done", f"the cache is as it was kept in {kept[-1].id}")
        words = f"{_like(then)} are as in {self.params['backup']}, {_like(now)} as in {kept[-1].id}"
        return Finding("cannot tell", f"no attempt has compared it to the end; {words}")

    async def perform(self, report: Report) -> None:
        """What can be refused is refused before the present state is saved; that, before anything changes."""
        if self._done() is not None:
            report.line("it was restored already")
            return
        asked = _asked(self.params, self.world)
        wanted = await giving_way(examined_cache(self._stores, asked, report), report, to_load=False)
        await put_right(self._cache, self._bench, self._service, report)
        await possible(self._cache, wanted, self._bench, address=self._address, service=self._service)
        kept = await self._saved(report)
        done = await restore(
            self._cache,
            wanted,
            kept,
            self._bench,
            report,
            attempt=self.params["mark"],
            address=self._address,
            service=self._service,
            on_kept=lambda words: self._prove(kept.folder.name, words),
        )
        keep(Path(self.params["file"]), msgspec.json.encode(_written(done, self.kept())))

    async def _saved(self, report: Report) -> Saved:
        """A backup of the cache as it is now: each attempt makes one, because each finds another state."""
        stores = self._stores
        parts = [CachePart(self._cache, stores.sealing)]
        made = await Saving(self.world, ordered(self.params), parts).make(report)
        manifest = await proven(stores, made)
        if manifest.cache is None:
            raise ActionError(f"backup {manifest.id} holds no cache: retry")
        return Saved(stores.vault.path(manifest.id), manifest.cache, sealing_of(stores, manifest))

    def _prove(self, backup: str, words: str) -> None:
        """Note that what was kept is loadable, whatever becomes of the restore: it is the way back."""
        self._stores.vault.prove(backup, self.world.clock.now().utc_us, words)

    async def verify(self) -> Proof:
        """What was measured when it was done; and now, that the cache leads and its file is written."""
        done = self._done()
        if done is None:
            raise ActionError("no attempt at this step has restored the cache to the end: retry")
        await safe(self._cache)
        now = sum((await self._cache.state()).keys.values())
        words = f"{done.words}; the {count(done.discarded, 'key')} from before are kept in {done.kept[0]}"
        facts = {"backup": self.params["backup"], "way": done.way, "kept": ",".join(done.kept)}
        numbers = {"keys": done.keys, "discarded": done.discarded, "now": now}
        facts |= {name: str(number) for name, number in numbers.items()}
        return Proof(f"{words}; {count(now, 'key')} now", {**facts, "closed_s": f"{done.closed_s:.3f}"})

    # -- what it works on ---------------------------------------------------------------------------

    @property
    def _stores(self) -> Stores:
        return stores_of(self.world)

    @property
    def _cache(self) -> CacheServer:
        return server_of(self.world)

    @property
    def _bench(self) -> Bench:
        return Bench(self.world.programs, self.world.evidence.parent / "cache")

    @property
    def _address(self) -> str | None:
        rules = self._stores.cache_rules
        return rules.scratch_address if rules else None

    @property
    def _service(self) -> Service | None:
        rules, here = self._stores.cache_rules, HostShell(self.world.programs)
        return service_of(self._cache, rules, here, self._stores.docker) if rules else None

    def _done(self) -> _Done | None:
        try:
            return msgspec.json.decode(Path(self.params["file"]).read_bytes(), type=_Done)
        except FileNotFoundError:
            return None

    def kept(self) -> list[Backup]:
        """What attempts at this step have saved, oldest first."""
        mark, made = f"-{self.params['mark']}", int(self.params["made"])
        ours = [one for one in self._stores.vault.backups() if one.id.endswith(mark)]
        return [one for one in ours if one.manifest is not None and one.manifest.began >= made]

    async def _held_against(self, backup: str) -> Comparison:
        """Keys of a backup that stood still while it was made, held against those of now; reads alone."""
        manifest = recorded(self._stores, backup)
        if manifest.cache is None:
            raise ActionError(f"backup {backup} holds no cache")
        folder, sealing = self._stores.vault.path(backup), sealing_of(self._stores, manifest)
        record = await record_of(Saved(folder, manifest.cache, sealing), _RECORD_S)
        return await compared(self._cache, record.steady)


def _is_way_back(manifest: Manifest, incident: str) -> bool:
    """Whether a restore of the cache in this incident has kept it: only those hold a cache alone."""
    return manifest.incident == incident and manifest.database is None and manifest.cache is not None


def _asked(params: dict[str, str], world: World) -> Asked:
    return Asked(
        backup=params["backup"],
        digest=params["digest"],
        environment=world.name,
        onset=int(params["onset"]) if params["onset"] else None,
        incident=params["incident"],
    )


def _saving(part: CachePart, stores: Stores, mark: str) -> tuple[str, ...]:
    return (
        f"{part.effect}, into a backup of its own in {stores.vault.folder}, ...-{mark}; loaded to prove it",
        "what users write to the cache after that, until it takes no writes, is in neither",
    )


def _effects(rules: Cache | None, backup: str) -> tuple[str, ...]:
    """Both ways: which one can be gone, only the server can tell."""
    restarts = in_words(rules) if rules else None
    by_file = f"`{restarts[0]}`, the snapshot among its files, `{restarts[1]}`" if restarts else "refused"
    return (
        f"the snapshot of {backup} loaded into a scratch server of ours, and compared with its record",
        "REPLICAOF that server until both hold the same, every write refused; compared; REPLICAOF NO ONE",
        f"where the cache's server may not, or does not reach us: {by_file}",
    )


def _written(done: Restored, kept: list[Backup]) -> _Done:
    return _Done(
        way=done.way,
        words=done.words,
        keys=sum(done.keys.values()),
        discarded=sum(done.discarded.values()),
        closed_s=done.closed_s,
        kept=tuple(one.id for one in kept),
    )


def _like(comparison: Comparison) -> str:
    """`98 of 100 keys compared`."""
    whole = comparison.same + comparison.expired + len(comparison.wrong)
    return f"{comparison.same} of {count(whole, 'key')} compared"
