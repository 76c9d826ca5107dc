"""Restoring a cache live: it follows a scratch server that was proven, and leads again whatever happens."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from console.targets.redis import follow
from console.targets.redis.check import NotProvenError
from console.targets.redis.outcome import RestoreError
from console.targets.redis.record import SNAPSHOT
from console.targets.redis.restore import put_right, restore
from console.targets.redis.scratch import OURS
from console.targets.redis.server import CacheError
from tests.integration.postgres.dumps import Heard
from tests.integration.redis.kit import assert_same, bench_of, cache_of, contents, fill, saved
from tests.integration.redis.trials import Trial
from tests.servers import LOOPBACK, RedisServer

UNREACHABLE = "192.0.2.1"
"""An address that belongs to nobody (RFC 5737)."""


@pytest.fixture
async def trial(redis_server: RedisServer, tmp_path: Path) -> Trial:
    """A small one."""
    made = Trial(redis_server, tmp_path)
    await made.prepare()
    return made


async def test_20000_keys_come_back_live_and_survive_a_restart(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """All databases, types and expiries; the append-only file holds them, also after kill -9."""
    trial = Trial(redis_server, tmp_path)
    await trial.prepare(20_000)
    done = await trial.restore()
    assert_same(contents(redis_server), trial.good)
    assert done.way == "live"
    assert done.keys == {"0": 16_000, "1": 3000, "5": 1000}
    assert done.discarded == {"0": 200, "7": 1}
    assert "16,000 keys in database 0, 3,000 in database 1, 1,000 in database 5" in done.words
    assert "300 compared: type, value and expiry are the snapshot's" in done.words
    with redis_server.client() as client:
        assert client.info("replication")["role"] == "master"
        assert client.config_get("masterauth")["masterauth"] == ""
        assert client.info("persistence")["aof_enabled"] == 1
    assert trial.left == []
    for number in (signal.SIGKILL, signal.SIGTERM):
        trial.restart(number)
        assert_same(contents(redis_server), trial.good)


@pytest.mark.parametrize("version", ["6.2", "7"])
async def test_without_an_append_only_file(version: str, tmp_path: Path) -> None:
    """The keys are there; what a restart would bring is the server's own matter."""
    server = RedisServer(version, tmp_path, {"appendonly": "no"}).start()
    try:
        trial = Trial(server, tmp_path)
        await trial.prepare()
        await trial.restore()
        assert_same(contents(server), trial.good)
    finally:
        server.stop()


async def test_its_own_name_and_password_for_masters_stay_as_they_were(trial: Trial) -> None:
    """A server that shows a name to its master is let in with that one."""
    with trial.redis.client() as client:
        client.config_set("masteruser", "replica")
        client.config_set("masterauth", 'its own "secret"')
    await trial.restore()
    assert_same(contents(trial.redis), trial.good)
    with trial.redis.client() as client:
        assert client.config_get("masteruser")["masteruser"] == "replica"
        assert client.config_get("masterauth")["masterauth"] == 'its own "secret"'


async def test_a_snapshot_of_an_older_redis_is_restored_into_a_newer_one(
    redis_7: RedisServer, roomy: Path, tmp_path: Path
) -> None:
    """The scratch server is as new as the cache then."""
    (tmp_path / "old").mkdir()
    old = RedisServer("6.2", tmp_path / "old").start()
    try:
        fill(old)
        good, wanted = contents(old), await saved(old, tmp_path, "wanted")
    finally:
        old.stop()
    kept = await saved(redis_7, tmp_path, "kept")
    await restore(cache_of(redis_7, tmp_path), wanted, kept, bench_of(tmp_path), Heard(), attempt="inc-1")
    assert_same(contents(redis_7), good)


async def test_a_snapshot_of_a_newer_redis_is_refused_by_an_older_one(
    redis_7: RedisServer, tmp_path: Path
) -> None:
    """Before anything is touched, with both versions named."""
    (tmp_path / "old").mkdir()
    old = RedisServer("6.2", tmp_path / "old").start()
    try:
        wanted, kept = await saved(redis_7, tmp_path, "wanted"), await saved(old, tmp_path, "kept")
        with pytest.raises(
            RestoreError, match=r"written by Redis 7\.\S+, which Redis 6\.2\.\S+ of the cache"
        ):
            await restore(cache_of(old, tmp_path), wanted, kept, bench_of(tmp_path), Heard(), attempt="inc-1")
    finally:
        old.stop()


async def test_keys_whose_time_is_up_do_not_come_back(redis_server: RedisServer, tmp_path: Path) -> None:
    """They are counted as what they are, and the others keep their moment, not their time left."""
    trial = Trial(redis_server, tmp_path)
    with redis_server.client() as client:
        for number in range(50):
            client.set(f"brief:{number}", "x", px=2500)
    await trial.prepare()
    await asyncio.sleep(2.6)
    done = await trial.restore()
    assert "50 keys of the snapshot had expired since" in done.words
    assert not [name for _, name in contents(redis_server) if name.startswith(b"brief")]
    trial.good = {key: value for key, value in trial.good.items() if not key[1].startswith(b"brief")}
    assert_same(contents(redis_server), trial.good)


@pytest.mark.parametrize("forbidden", [("-replicaof", "-slaveof"), ("-config",)])
async def test_what_its_user_may_not_do_is_said_and_nothing_is_touched(
    trial: Trial, forbidden: tuple[str, ...]
) -> None:
    """Forbidden by ACL, where nothing is known that restarts the server."""
    with trial.redis.client() as client:
        client.execute_command("ACL", "SETUSER", "default", *forbidden)
    with pytest.raises(
        RestoreError, match=f"live: .*'?{forbidden[0][1:]}.* nor is it known how to restart it"
    ):
        await trial.restore()
    with trial.redis.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "+@all")
    trial.assert_untouched()
    assert trial.left == []


async def test_a_server_that_does_not_reach_us_keeps_its_keys(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leads again, and it is said which setting tells it the way."""
    monkeypatch.setattr(follow, "REACH_S", 1.0)
    with pytest.raises(
        RestoreError, match=f"did not reach our scratch server at {UNREACHABLE}.*scratch_address"
    ):
        await trial.restore(address=UNREACHABLE)
    trial.assert_untouched()
    assert trial.left == []


async def test_the_state_of_now_must_have_been_saved(trial: Trial) -> None:
    """What was saved in an earlier life of the server is not what is about to be overwritten."""
    trial.restart(signal.SIGTERM)
    with pytest.raises(RestoreError, match="is not the state of this cache since its last start"):
        await trial.restore()
    trial.assert_untouched()
    assert trial.left == []


async def test_the_saved_state_of_now_must_be_loadable(trial: Trial) -> None:
    """A way back that is damaged is none."""
    path = trial.kept.folder / SNAPSHOT
    path.write_bytes(path.read_bytes().replace(b"wrong:11", b"wrong:19"))
    with pytest.raises(NotProvenError, match="CRC64"):
        await trial.restore()
    trial.assert_untouched()
    assert trial.left == []


async def test_what_is_restored_must_be_loadable(trial: Trial) -> None:
    """A candidate that is truncated does not come near the cache."""
    path = trial.wanted.folder / SNAPSHOT
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(NotProvenError, match="truncated"):
        await trial.restore()
    trial.assert_untouched()
    assert trial.left == []


async def test_a_follower_is_not_restored(trial: Trial) -> None:
    """What it holds is its master's to decide."""
    with trial.redis.client() as client:
        client.replicaof(LOOPBACK, 1)
    with pytest.raises(RestoreError, match=f"follows {LOOPBACK}:1: restore that one"):
        await trial.restore()


async def test_a_cache_that_answers_wrong_is_told_so(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken over is compared before it is let go: here one key was changed on the way."""
    leveled = follow._level

    async def meddling(*given: object) -> object:
        found = await leveled(*given)  # type: ignore[arg-type]
        with trial.redis.client() as client:
            client.config_set("replica-read-only", "no")
            for number in range(400):
                if client.type(f"session:{number}") == b"string":
                    client.append(f"session:{number}", "!")
        return found

    monkeypatch.setattr(follow, "_level", meddling)
    with pytest.raises(
        RestoreError, match="keys differ in the cache on .*: key 'session:.* has another value"
    ):
        await trial.restore()
    with trial.redis.client() as client:
        assert client.info("replication")["role"] == "master"


async def test_a_lost_server_is_told_with_what_to_do(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may follow us when it comes back: then it takes no writes, and somebody must know."""
    monkeypatch.setattr(follow, "SILENT_S", 1.0)
    reached = follow._reached

    async def dying(*given: object) -> None:
        await reached(*given)  # type: ignore[arg-type]
        trial.redis.stop(signal.SIGKILL)

    monkeypatch.setattr(follow, "_reached", dying)
    with pytest.raises(
        CacheError, match="takes no writes until somebody says REPLICAOF NO ONE to it"
    ) as raised:
        await trial.restore()
    assert trial.redis.password not in str(raised.value)


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
import msgspec
from console.core.backups import CacheFacts
from console.targets.redis.restore import restore
from console.targets.redis.verify import Saved
from console.targets.redis.server import CacheServer
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard
from tests.integration.redis.kit import bench_of, programs_of

class Killed(Heard):
    def __call__(self, words, **counted):
        if words.startswith("comparing the cache"):
            os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
wanted, kept = (
    Saved(folder / name, msgspec.json.decode(facts, type=CacheFacts))
    for name, facts in zip(("wanted", "kept"), sys.argv[2:])
)
server = CacheServer(lambda: os.environ["URL"], HostShell(programs_of(folder)))
asyncio.run(restore(server, wanted, kept, bench_of(folder), Killed(), attempt="inc-1"))
"""


async def test_a_killed_engine_leaves_a_follower_that_is_put_right(trial: Trial) -> None:
    """Kill -9 while the cache follows: the scratch server dies too, and the next attempt lets it lead."""
    facts = [msgspec.json.encode(one.facts).decode() for one in (trial.wanted, trial.kept)]
    argv = [sys.executable, "-c", _KILLED, str(trial.folder), *facts]
    killed = subprocess.run(argv, env={**os.environ, "URL": trial.redis.url}, check=False)
    assert killed.returncode == -signal.SIGKILL
    with trial.redis.client() as client:
        found = client.info("replication")
        assert found["role"] == "slave"
        assert client.config_get("masterauth")["masterauth"].startswith(OURS)
    heard = Heard()
    await put_right(cache_of(trial.redis, trial.folder), bench_of(trial.folder), None, heard)
    assert heard.words[-1].endswith("following a scratch server: it leads again")
    with trial.redis.client() as client:
        assert client.info("replication")["role"] == "master"
        assert client.config_get("masterauth")["masterauth"] == ""
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(LOOPBACK, found["master_port"])
    await trial.restore()
    assert_same(contents(trial.redis), trial.good)
    assert trial.left == []
