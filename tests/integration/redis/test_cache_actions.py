"""What the actions do to a real cache: drop exactly what they say, count it, and measure."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from actions.action import Action, ActionError, Inputs, World
from actions.cache import SLOT_MEASURED, FlushCache, InvalidateCache, ProveCache
from console.core.data import Cache
from console.targets.redis.keys import PrefixError
from tests.integration.data.trials import INCIDENT, TOKEN, Heard, Trial
from tests.integration.redis.kit import cache_of
from tests.servers import PostgresServer, RedisServer

WILD = "user:*[a-z]?\\"
"""A prefix of nothing but itself, although each of its characters means more where names are matched."""


@pytest.fixture
def world(redis_server: RedisServer, postgres_18: PostgresServer, tmp_path: Path) -> World:
    """An environment whose cache has sessions, wild names that are none, and another database."""
    with redis_server.client() as client:
        client.mset({f"session:{number}": "x" for number in range(2500)})
        client.mset({f"{WILD}{number}": "x" for number in range(3)})
        client.mset({"user:abz": "x", "user:1b2\\": "x", "user:": "x"})
        client.select(1)
        client.set("session:1", "of another database")
    trial = Trial(postgres_18, "postgres", tmp_path)
    rules = Cache.model_validate({"url": "env:CACHE", "prefixes": ["session:", "user:"]})
    stores = dataclasses.replace(trial.stores, cache=cache_of(redis_server, tmp_path), cache_rules=rules)
    return dataclasses.replace(trial.world, stores=stores)


def action(made: type[Action], world: World, **options: str) -> Action:
    """That action, as the runner makes it from the params of its preview."""
    inputs = Inputs(INCIDENT, "eng-1", 1_760_000_400, 1_760_000_400, options=options)
    return made(made.preview(inputs, world).params, world, TOKEN)


def names(redis_server: RedisServer, database: int = 0) -> set[bytes]:
    """Of all keys."""
    with redis_server.client() as client:
        client.select(database)
        return set(client.scan_iter(count=1000))


async def test_keys_of_a_prefix_are_dropped_counted_and_no_others(
    world: World, redis_server: RedisServer
) -> None:
    invalidate = action(InvalidateCache, world, prefix="session:")
    assert (await invalidate.probe()).words == "2500 keys that begin with `session:`"
    heard = Heard()
    await invalidate.perform(heard)
    proof = await invalidate.verify()
    assert proof.facts == {"before": "2500", "dropped": "2500", "after": "0"}
    assert heard.counted[-1] == (2500, 2500, "keys")
    assert (await invalidate.probe()).found == "done"
    assert len(names(redis_server)) == 6
    assert names(redis_server, 1) == {b"session:1"}


async def test_characters_of_a_pattern_are_taken_as_they_are(world: World, redis_server: RedisServer) -> None:
    invalidate = action(InvalidateCache, world, prefix=WILD)
    await invalidate.perform(Heard())
    assert (await invalidate.verify()).facts == {"before": "3", "dropped": "3", "after": "0"}
    assert {name for name in names(redis_server) if name.startswith(b"user:")} == {
        b"user:abz",
        b"user:1b2\\",
        b"user:",
    }


async def test_a_step_that_was_cut_off_before_its_proof_is_proven_by_what_is_there(world: World) -> None:
    """Another engine looks: as long as keys are left it is not done, and then it is."""
    with pytest.raises(ActionError, match="no attempt at this step has dropped all keys .*: retry"):
        await action(InvalidateCache, world, prefix="session:").verify()
    await action(InvalidateCache, world, prefix="session:").perform(Heard())
    proof = await action(InvalidateCache, world, prefix="session:").verify()
    assert proof.words == "0 keys that begin with `session:`"


@pytest.mark.parametrize("prefix", ["", "sess", "*", "order:"])
async def test_only_what_the_strategy_allows_is_dropped(world: World, prefix: str) -> None:
    """It is refused when the plan is made."""
    with pytest.raises(PrefixError, match="`cache.prefixes` has `session:`, `user:`"):
        action(InvalidateCache, world, prefix=prefix)


async def test_a_flush_empties_one_database_and_says_how_much_it_was(
    world: World, redis_server: RedisServer
) -> None:
    flush = action(FlushCache, world)
    assert (await flush.probe()).found == "not done"
    await flush.perform(Heard())
    assert (await flush.verify()).facts == {"before": "2506", "dropped": "2506", "after": "0"}
    assert (await flush.probe()).found == "done"
    assert names(redis_server) == set()
    assert names(redis_server, 1) == {b"session:1"}


async def users_read(redis_server: RedisServer) -> None:
    """Three reads find their key, and one does not, while the measuring is under way."""
    await asyncio.sleep(1)
    with redis_server.client() as client:
        for name in ("session:1", "session:2", "session:3", "none"):
            client.get(name)


async def test_a_cache_is_measured_by_its_own_counters(world: World, redis_server: RedisServer) -> None:
    prove = action(ProveCache, world)
    with pytest.raises(ActionError, match="not measured to the end: retry"):
        await prove.verify()
    await asyncio.gather(prove.perform(Heard()), users_read(redis_server))
    proof = await prove.verify()
    assert (proof.facts["hits"], proof.facts["misses"]) == ("3", "1")
    assert proof.facts["keys"] == "2507"
    assert int(proof.facts["memory"]) > 100_000
    assert "2,507 keys; in 5 s: none evicted, 75.0% of 4 reads hit" in proof.words
    assert [slot.name for slot in proof.evidence] == [SLOT_MEASURED]


async def test_without_a_cache_there_is_nothing_to_plan(world: World) -> None:
    assert world.stores is not None
    without = dataclasses.replace(world, stores=dataclasses.replace(world.stores, cache=None))
    for made in (InvalidateCache, FlushCache, ProveCache):
        with pytest.raises(ActionError, match="the strategy names no `cache` of testnet"):
            action(made, without, prefix="session:")
