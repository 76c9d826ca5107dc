"""Cache: keys of a prefix dropped, or all of them, and what the cache uses and how it is read, measured."""

from typing import ClassVar

from actions.action import Action, ActionError, Finding, Inputs, Preview, Proof, Report, Slot, World
from actions.trial import stores_of
from console.core.format import count
from console.targets.redis.keys import Dropped, Measured, allowed, count_prefix, flush, invalidate, measure
from console.targets.redis.server import CacheServer

SLOT_MEASURED = "cache-measured"
_MEASURED_S = 5.0
"""How long reads and evictions are counted."""
_AGAIN = "users fill a cache again as soon as it is empty: nothing in it tells whether it was"

_BY_HAND = "keys that were dropped come back from a backup alone: `warroom cache restore`; users fill it anew"


class InvalidateCache(Action):
    """Drop every key that begins with the runbook's `prefix`, which the strategy must allow."""

    repeatable = True
    serves = "asked"
    by_hand = _BY_HAND
    _dropped: Dropped | None = None

    @staticmethod
    def preview(inputs: Inputs, world: World) -> Preview:
        """Touches no key that begins otherwise."""
        server, prefix = server_of(world), inputs.options.get("prefix", "")
        rules = stores_of(world).cache_rules
        allowed(prefix, rules.prefixes if rules else ())
        return Preview(
            f"drop every key of the {server.place} that begins with `{prefix}`",
            (f"SCAN database {server.database} for `{prefix}`, its characters as they are, then UNLINK",),
            {"prefix": prefix},
        )

    async def probe(self) -> Finding:
        """Counts them; without any, there is nothing to do."""
        prefix = self.params["prefix"]
        left = await count_prefix(server_of(self.world), prefix)
        words = f"{count(left, 'key')} that begin with `{prefix}`"
        return Finding("not done" if left else "done", words)

    async def perform(self, report: Report) -> None:
        """Page by page."""
        self._dropped = await invalidate(server_of(self.world), self.params["prefix"], report)

    async def verify(self) -> Proof:
        """What was dropped, and what users have written since."""
        return await _proof(self, self._dropped, f"keys that begin with `{self.params['prefix']}`")


class FlushCache(Action):
    """Drop every key of the URL's database."""

    repeatable = True
    serves = "asked"
    by_hand = _BY_HAND
    _dropped: Dropped | None = None

    @staticmethod
    def preview(_inputs: Inputs, world: World) -> Preview:
        """Sessions go with it; the other databases of the server stay."""
        server = server_of(world)
        words = f"drop every key in database {server.database} of the {server.place}"
        return Preview(words, (f"FLUSHDB ASYNC in database {server.database}",), {})

    async def probe(self) -> Finding:
        """Only an empty cache tells anything."""
        server = server_of(self.world)
        left = (await server.state()).keys.get(str(server.database), 0)
        if left:
            return Finding("not done", f"{count(left, 'key')} in database {server.database}; {_AGAIN}")
        return Finding("done", f"no key in database {server.database}")

    async def perform(self, report: Report) -> None:
        """One command."""
        report("dropping every key")
        self._dropped = await flush(server_of(self.world))

    async def verify(self) -> Proof:
        """What was dropped, and what users have written since."""
        return await _proof(self, self._dropped, f"keys of database {server_of(self.world).database}")


class ProveCache(Action):
    """Measure memory, evictions and hits for a few seconds."""

    repeatable = True
    fills: ClassVar = {SLOT_MEASURED: "what the cache uses, and how it is read, is measured"}
    _measured: Measured | None = None

    @staticmethod
    def preview(_inputs: Inputs, world: World) -> Preview:
        """Reads its counters alone."""
        words = f"measure the {server_of(world).place} for {_MEASURED_S:g} s"
        return Preview(words, (f"INFO, and once more {_MEASURED_S:g} s later",), {})

    async def probe(self) -> Finding:
        """A measurement leaves nothing behind."""
        return Finding("not done", "a measurement leaves nothing that could be half done")

    async def perform(self, report: Report) -> None:
        """Two looks at the same counters."""
        report(f"measuring the cache for {_MEASURED_S:g} s")
        self._measured = await measure(server_of(self.world), _MEASURED_S)

    async def verify(self) -> Proof:
        """Counters that went backwards are those of another process."""
        found = self._measured
        if found is None:
            raise ActionError("the cache was not measured to the end: retry")
        if min(found.evicted, found.hits, found.misses) < 0:
            raise ActionError("the cache was restarted, or its counters reset, while it was measured: retry")
        facts = {
            "keys": str(found.keys),
            "memory": str(found.memory),
            "maxmemory": str(found.maxmemory),
            "evicted": str(found.evicted),
            "hits": str(found.hits),
            "misses": str(found.misses),
            "seconds": f"{found.seconds:g}",
        }
        return Proof(found.words, facts, (Slot(SLOT_MEASURED, found.words, server_of(self.world).place),))


def server_of(world: World) -> CacheServer:
    """The environment's cache; ActionError where the strategy names none."""
    server = stores_of(world).cache
    if server is None:
        raise ActionError(f"the strategy names no `cache` of {world.name}")
    return server


async def _proof(action: Action, dropped: Dropped | None, what: str) -> Proof:
    """What was counted while keys were dropped; where nobody of us dropped any, that there is none."""
    if dropped is None:
        finding = await action.probe()
        if finding.found != "done":
            raise ActionError(f"no attempt at this step has dropped all {what}: retry")
        return Proof(finding.words)
    words = f"{dropped.dropped:,} of {dropped.before:,} {what} dropped, {dropped.after:,} there now"
    facts = {"before": dropped.before, "dropped": dropped.dropped, "after": dropped.after}
    return Proof(words, {name: str(number) for name, number in facts.items()})
