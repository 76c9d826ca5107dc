"""Restoring the cache as a verb: a proven backup comes back whole, and what was there before is kept."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actions.action import ActionError
from actions.restore_cache import RestoreCache, UndoRestoreCache
from console.core.backups import DatabaseFacts
from console.core.errors import StatedError
from console.core.plan import Authority, Phase, Wish, thaw
from console.core.state import Incident
from console.engine.planner import make_plan
from console.targets.examine import BackupError
from console.targets.redis import service
from console.targets.redis.check import NotProvenError
from console.targets.redis.outcome import RestoreError
from console.targets.vault import VaultError, facts_of
from tests.integration.data.caches import (
    Outsider,
    asked,
    backed_up,
    environment_of,
    equip,
    forbid_following,
    kept,
    spoil,
    step,
)
from tests.integration.data.trials import INCIDENT, TOKEN, Heard
from tests.integration.redis.kit import assert_same, contents, fill, hasten
from tests.seals import age_seal
from tests.servers import RedisServer

KEYS = 400
DATABASE = DatabaseFacts(
    name="unasked", system_identifier="1", version="18.0", bytes=1, format="custom", tables={}
)


class Case:
    """A cache that was saved, and went wrong since."""

    def __init__(self, server: RedisServer, folder: Path, **rules: Any) -> None:
        self.redis = server
        self.trial = environment_of(lambda: server.url, folder, **rules)
        self.good = contents(server)
        self.wrong = self.good

    async def prepare(self, **changes: Any) -> "Case":
        """`changes` are of the backup's manifest."""
        hasten(self.redis)
        fill(self.redis, KEYS)
        self.good = contents(self.redis)
        await backed_up(self.trial, **changes)
        spoil(self.redis)
        self.wrong = contents(self.redis)
        return self

    async def refused(self, kind: type[StatedError]) -> str:
        """Why the step fails; the cache must be as it was."""
        action = step(self.trial, asked(self.trial))
        with pytest.raises(kind) as raised:
            await action.perform(Heard())
        assert contents(self.redis) == self.wrong
        assert (await self.trial.stores.cache.state()).master is None  # type: ignore[union-attr]
        return str(raised.value)


@pytest.fixture
async def case(redis_server: RedisServer, tmp_path: Path) -> Case:
    """One that may be restored live."""
    return await Case(redis_server, tmp_path).prepare()


@pytest.fixture
def outsider(redis_server: RedisServer) -> Iterator[Outsider]:
    """What may restart the server."""
    made = Outsider(redis_server)
    yield made
    made.end()


# -- it comes back ----------------------------------------------------------------------------------


async def test_the_cache_comes_back_live_with_every_key_and_expiry(case: Case) -> None:
    """And what was there before is a backup that is proven."""
    action = step(case.trial, asked(case.trial))
    assert (await action.probe()).found == "not done"
    await action.perform(Heard())
    assert_same(contents(case.redis), case.good)
    proof = await action.verify()
    (saved,) = kept(case.trial)
    wanted = {"way": "live", "keys": "400", "discarded": "201", "kept": saved, "backup": "good", "now": "400"}
    assert wanted.items() <= proof.facts.items()
    assert "320 keys in database 0, 60 in database 1, 20 in database 5; 180 compared" in proof.words
    assert f"the 201 keys from before are kept in {saved}" in proof.words
    backup = case.trial.vault.get(saved)
    assert backup.proof is not None
    assert "201 keys in 2 databases" in backup.proof.words
    assert (await action.probe()).found == "done"
    case.redis.stop(signal.SIGKILL)
    case.redis.start()
    assert_same(contents(case.redis), case.good)


async def test_it_comes_back_by_file_where_the_server_may_not_follow(
    redis_server: RedisServer, tmp_path: Path, outsider: Outsider
) -> None:
    """Restarted by the strategy's own commands."""
    case = await Case(redis_server, tmp_path, **outsider.rules).prepare()
    forbid_following(redis_server)
    action = step(case.trial, asked(case.trial))
    await action.perform(Heard())
    assert_same(contents(redis_server), case.good)
    proof = await action.verify()
    assert (proof.facts["way"], proof.facts["discarded"]) == ("file", "201")
    assert len(kept(case.trial)) == 1


async def test_what_was_kept_takes_it_back(case: Case) -> None:
    """Although it was saved in this incident, after its onset: it is the way back, and the plan says so."""
    await step(case.trial, asked(case.trial)).perform(Heard())
    (saved,) = kept(case.trial)
    inputs = replace(asked(case.trial, saved, onset=1), made=asked(case.trial).made + 60)
    preview = RestoreCache.preview(inputs, case.trial.world)
    assert preview.words.endswith("; that takes back a restore of the cache, which has kept it")
    await step(case.trial, inputs).perform(Heard())
    assert_same(contents(case.redis), case.wrong)


async def test_a_sealed_backup_comes_back_and_what_was_there_is_sealed(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    with age_seal(tmp_path) as seal:
        case = Case(redis_server, tmp_path)
        equip(case.trial, sealing=seal)
        await case.prepare()
        await step(case.trial, asked(case.trial)).perform(Heard())
        assert_same(contents(redis_server), case.good)
        (saved,) = kept(case.trial)
    names = {path.name for path in case.trial.vault.path(saved).iterdir()}
    assert {"cache.rdb.age", "cache.json.age"} <= names
    assert not {"cache.rdb", "cache.json"} & names


async def test_a_backup_from_before_backups_were_sealed_comes_back(case: Case, tmp_path: Path) -> None:
    """Each is opened as it was written."""
    with age_seal(tmp_path) as seal:
        equip(case.trial, sealing=seal)
        await step(case.trial, asked(case.trial)).perform(Heard())
    assert_same(contents(case.redis), case.good)


async def test_nothing_but_the_cache_of_a_backup_is_read(case: Case) -> None:
    """Whoever waits for sessions does not wait for a database to be hashed."""
    (case.trial.vault.path("good") / "dump").write_bytes(b"not what it was")
    await step(case.trial, asked(case.trial)).perform(Heard())
    assert_same(contents(case.redis), case.good)


# -- it is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"environment": "production"}, "is of another environment: production, not testnet"),
        ({"cache": None}, "holds no cache"),
        ({"incident": INCIDENT, "database": DATABASE}, f"was taken in this incident, {INCIDENT}: it is the"),
        ({"ends": 4_000_000_000_000_000}, "ends after the onset: it shows "),
    ],
)
async def test_a_backup_that_must_not_be_gone_to_is_refused_before_there_is_a_plan(
    redis_7: RedisServer, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    case = await Case(redis_7, tmp_path).prepare(**changes)
    with pytest.raises(BackupError, match=f"^backup good {words}"):
        step(case.trial, asked(case.trial))


async def test_a_backup_that_was_never_verified_is_refused(redis_7: RedisServer, tmp_path: Path) -> None:
    case = await Case(redis_7, tmp_path).prepare()
    (case.trial.vault.path("good") / "proof.json").unlink()
    with pytest.raises(BackupError, match="^backup good was never verified: verify it first$"):
        step(case.trial, asked(case.trial))


async def test_a_backup_that_there_is_not_is_refused(redis_7: RedisServer, tmp_path: Path) -> None:
    trial = environment_of(lambda: redis_7.url, tmp_path)
    with pytest.raises(VaultError, match="there is no backup yesterday in "):
        step(trial, asked(trial, "yesterday"))
    with pytest.raises(ActionError, match="restore-cache needs `backup`"):
        step(trial, asked(trial, ""))


async def test_a_backup_that_was_changed_since_it_was_planned_is_refused(case: Case) -> None:
    """By its hash, before anything is saved or asked of the cache."""
    path = case.trial.vault.path("good") / "cache.rdb"
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"session:1", b"session:7"))
    said = await case.refused(BackupError)
    assert said.startswith("backup good was changed after it was made: cache.rdb has SHA-256 ")
    path.write_bytes(raw[:-100])
    said = await case.refused(BackupError)
    assert said.startswith("backup good is truncated: cache.rdb has ")
    path.unlink()
    said = await case.refused(BackupError)
    assert said == "backup good is incomplete: cache.rdb, which its manifest lists, is not there"
    assert kept(case.trial) == []


async def test_a_snapshot_that_was_damaged_before_it_was_hashed_is_refused(case: Case) -> None:
    """Its own checksum says so; what was kept by then says that the cache is as it was."""
    manifest, path = case.trial.vault.get("good").manifest, case.trial.vault.path("good")
    assert manifest is not None
    raw = (path / "cache.rdb").read_bytes()
    (path / "cache.rdb").write_bytes(raw.replace(b"session:1", b"session:7"))
    case.trial.rewrite(replace(manifest, files=facts_of(path)))
    case.trial.vault.prove("good", 1, "by mistake")
    assert "CRC64" in await case.refused(NotProvenError)
    finding = await step(case.trial, asked(case.trial)).probe()
    (saved,) = kept(case.trial)
    assert (finding.found, finding.words) == ("not done", f"the cache is as it was kept in {saved}")


async def test_a_cache_that_can_neither_follow_nor_be_restarted_is_not_even_saved(case: Case) -> None:
    forbid_following(case.redis)
    said = await case.refused(RestoreError)
    assert said.endswith("nor is it known how to restart it")
    assert kept(case.trial) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["true"], "still answers 1 s after `true`"),
        (["false"], "stopping the cache on this machine failed: `false`: exit code 1"),
    ],
    ids=["a lie", "a failure"],
)
async def test_a_cache_that_is_not_stopped_stays_as_it_is(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], why: str
) -> None:
    """Whatever its exit code is, it is the server that tells; what it would load next is its own again."""
    monkeypatch.setattr(service, "END_S", 1.0)
    rules = {"restart": {"stop": words, "start": ["true"]}}
    case = await Case(redis_server, tmp_path, **rules).prepare()
    forbid_following(redis_server)
    assert why in await case.refused(StatedError)
    redis_server.stop()
    redis_server.start()
    assert contents(redis_server) == case.wrong


async def test_without_an_attempt_nothing_is_proven(case: Case) -> None:
    with pytest.raises(ActionError, match="no attempt at this step has restored the cache to the end: retry"):
        await step(case.trial, asked(case.trial)).verify()


# -- it is cut off ----------------------------------------------------------------------------------

_KILLED = """
import asyncio, json, os, signal, sys
from pathlib import Path
from actions.restore_cache import RestoreCache, UndoRestoreCache
from tests.integration.data.caches import environment_of
from tests.integration.data.trials import TOKEN, Heard

class Killed(Heard):
    def __call__(self, words, **counted):
        if words.startswith(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)

trial = environment_of(lambda: os.environ["URL"], Path(sys.argv[1]), **json.loads(sys.argv[2]))
asyncio.run(RestoreCache(json.loads(sys.argv[3]), trial.world, TOKEN).perform(Killed()))
"""


def killed(case: Case, action: RestoreCache, at: str, **rules: Any) -> None:
    """An engine that performs the step, and is killed as soon as it says that."""
    argv = [sys.executable, "-c", _KILLED, str(case.trial.folder), json.dumps(rules)]
    argv += [json.dumps(action.params), at]
    ended = subprocess.run(argv, env={**os.environ, "URL": case.redis.url}, check=False)
    assert ended.returncode == -signal.SIGKILL


async def test_a_killed_engine_leaves_a_follower_that_the_next_attempt_puts_right(case: Case) -> None:
    """What was there before the first attempt is still kept, and named as that."""
    action = step(case.trial, asked(case.trial))
    killed(case, action, "comparing the cache")
    finding = await action.probe()
    assert finding.found == "not done"
    assert finding.words.endswith("the next attempt puts it right first")
    await action.perform(Heard())
    assert_same(contents(case.redis), case.good)
    proof, saved = await action.verify(), kept(case.trial)
    assert len(saved) == 2
    assert proof.facts["kept"] == ",".join(saved)
    assert sum(case.trial.vault.get(saved[0]).manifest.cache.keys.values()) == 201  # type: ignore[union-attr]


async def test_an_engine_killed_while_the_cache_is_saved_has_overwritten_nothing(case: Case) -> None:
    action = step(case.trial, asked(case.trial))
    killed(case, action, "cache: noting what the cache holds after")
    assert contents(case.redis) == case.wrong
    assert (
        await action.probe()
    ).words == "the cache's state of now has not been saved: nothing was overwritten"
    await action.perform(Heard())
    assert_same(contents(case.redis), case.good)
    assert case.trial.vault.begun() == ()


async def test_a_server_that_was_stopped_for_a_killed_engine_is_started_by_the_next_attempt(
    redis_server: RedisServer, tmp_path: Path, outsider: Outsider
) -> None:
    """The snapshot is in place by then."""
    case = await Case(redis_server, tmp_path, **outsider.rules).prepare()
    forbid_following(redis_server)
    action = step(case.trial, asked(case.trial))
    killed(case, action, "restarting the cache", **outsider.rules)
    redis_server.stop()
    assert (await action.probe()).found == "not done"
    await action.perform(Heard())
    assert_same(contents(redis_server), case.good)
    assert (await action.verify()).facts["way"] == "live"


async def test_what_nobody_compared_to_the_end_cannot_be_told(case: Case) -> None:
    """The keys are those of the backup: whether they all are, a repeat finds out, and a person decides."""
    action = step(case.trial, asked(case.trial))
    await action.perform(Heard())
    Path(action.params["file"]).unlink()
    finding = await action.probe()
    (saved,) = kept(case.trial)
    assert finding.found == "cannot tell"
    assert "180 of 180 keys compared are as in good" in finding.words
    assert f"0 of 101 keys compared as in {saved}" in finding.words


# -- it is planned ----------------------------------------------------------------------------------


async def test_by_itself_it_is_one_step_behind_the_gate(case: Case) -> None:
    """With both ways in its effects, since only the server can tell which one is open."""
    now = case.trial.clock.now()
    wish = Wish(code=False, verb="restore-cache", options={"backup": "good"})
    incident = Incident(INCIDENT, "declared", now, (), commander="eng-1", planning=True, wish=wish)
    frozen = await make_plan(case.trial.world, incident, lambda _words: None)
    plan = thaw(bytes(frozen.plan))
    (only,) = plan.steps
    assert (only.action, only.phase, only.authority) == ("restore-cache", Phase.SWITCH, Authority.MATRIX)
    assert (only.repeatable, only.limit_s) == (True, 3600)
    assert plan.needs
    assert any(line.startswith("redis-cli --rdb of the cache on ") for line in only.effects)
    assert any("REPLICAOF" in line for line in only.effects)
    assert only.effects[-1].endswith("does not reach us: refused")
    await RestoreCache(only.params, case.trial.world, TOKEN).perform(Heard())
    assert_same(contents(case.redis), case.good)


# -- the way back -----------------------------------------------------------------------------------


def undo_of(case: Case) -> UndoRestoreCache:
    """The way back of the step, from the params that its plan froze."""
    params = RestoreCache.preview(asked(case.trial), case.trial.world).params
    return UndoRestoreCache(params, case.trial.world, f"{TOKEN}-undo-1")


async def test_what_was_overwritten_is_there_again_and_what_was_restored_is_kept_too(case: Case) -> None:
    """Where nothing was overwritten yet, nothing is done."""
    undo = undo_of(case)
    assert (await undo.probe()).found == "done"
    await undo.perform(Heard())
    assert contents(case.redis) == case.wrong
    action = step(case.trial, asked(case.trial))
    await action.perform(Heard())
    await action.verify()
    assert (await undo.probe()).found == "not done"
    await undo.perform(Heard())
    assert_same(contents(case.redis), case.wrong)
    proof = await undo.verify()
    first, second = kept(case.trial)
    assert (proof.facts["backup"], proof.facts["kept"]) == (first, second)
    assert (await undo.probe()).found == "done"
