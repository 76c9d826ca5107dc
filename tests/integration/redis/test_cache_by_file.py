"""Restoring a cache by file: its server is restarted with the snapshot, where it may not follow ours."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from console.core.errors import StatedError
from console.targets.redis.outcome import RestoreError
from console.targets.redis.place import Service, out_of_reach
from console.targets.redis.restore import put_right
from console.targets.redis.server import CacheError
from tests.integration.postgres.dumps import Heard
from tests.integration.redis.kit import assert_same, bench_of, cache_of, contents
from tests.integration.redis.trials import Trial
from tests.servers import RedisServer


def forbid(trial: Trial) -> None:
    """The server's user may not let it follow another."""
    with trial.redis.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-replicaof", "-slaveof")


def service(redis_server: RedisServer, *, stops: bool = True, fails: str = "") -> Service:
    """What stops and starts the server; or does nothing to stop it, or fails when it shall do `fails`."""

    async def stop() -> None:
        if fails == "stop":
            raise StatedError("the service manager says no")
        if stops:
            redis_server.stop()

    async def start() -> None:
        if fails == "start":
            raise StatedError("the service manager says no")
        if not redis_server.runs:
            redis_server.start()

    return Service(stop, start)


@pytest.fixture
async def trial(redis_server: RedisServer, tmp_path: Path) -> Trial:
    """A small one, whose server may not follow."""
    made = Trial(redis_server, tmp_path)
    await made.prepare()
    forbid(made)
    return made


async def test_20000_keys_come_back_by_file_and_survive_a_restart(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """The append-only file is never off: the snapshot is its base, and what is written since follows."""
    trial = Trial(redis_server, tmp_path)
    await trial.prepare(20_000)
    forbid(trial)
    done = await trial.restore(service=service(redis_server))
    assert_same(contents(redis_server), trial.good)
    assert (done.way, done.discarded) == ("file", {"0": 200, "7": 1})
    assert done.words.startswith(
        "restarted with the snapshot as its data: 16,000 keys in database 0, 3,000 in"
    )
    with redis_server.client() as client:
        assert client.info("persistence")["aof_enabled"] == 1
        client.set("since", "then")
    trial.good[0, b"since"] = (b"string", b"then", -1)
    for number in (signal.SIGKILL, signal.SIGTERM):
        trial.restart(number)
        assert_same(contents(redis_server), trial.good)
    assert trial.left == []


async def test_what_the_server_had_before_is_put_aside_whole(trial: Trial) -> None:
    """Who gives it back its name has the state from before."""
    done = await trial.restore(service=service(trial.redis))
    aside = Path(done.words.rpartition(" is at ")[2])
    live = aside.with_name(aside.name.partition(".before-")[0])
    trial.redis.stop()
    live.rename(live.with_name("other"))
    aside.rename(live)
    trial.redis.start()
    trial.assert_untouched()


@pytest.mark.parametrize("version", ["6.2", "7"])
async def test_without_an_append_only_file_no_snapshot_of_its_own_comes_in_between(
    version: str, tmp_path: Path
) -> None:
    """A server that saves by itself writes its keys when it is stopped: over the file, if it were let."""
    server = RedisServer(version, tmp_path, {"appendonly": "no", "save": "3600 1"}).start()
    try:
        trial = Trial(server, tmp_path)
        await trial.prepare()
        forbid(trial)
        await trial.restore(service=service(server))
        assert_same(contents(server), trial.good)
        with server.client() as client:
            assert client.config_get("save")["save"] == "3600 1"
        trial.restart(signal.SIGTERM)
        assert_same(contents(server), trial.good)
    finally:
        server.stop()


async def test_a_server_that_cannot_be_stopped_keeps_its_files(trial: Trial) -> None:
    """Also after it is restarted by somebody else."""
    with pytest.raises(StatedError, match="the service manager says no"):
        await trial.restore(service=service(trial.redis, fails="stop"))
    trial.assert_untouched()
    assert trial.left == []
    trial.restart(signal.SIGTERM)
    trial.assert_untouched()


async def test_a_server_that_was_not_restarted_is_told_and_keeps_its_files(trial: Trial) -> None:
    """Whatever the exit code of what should have stopped it was."""
    with pytest.raises(CacheError, match="was not restarted by what should do that"):
        await trial.restore(service=service(trial.redis, stops=False))
    trial.assert_untouched()
    assert trial.left == []
    trial.restart(signal.SIGTERM)
    trial.assert_untouched()


async def test_a_server_that_does_not_start_is_told_with_its_files_of_before(trial: Trial) -> None:
    """Nobody waits with the cache down and does not know where its data is; the next attempt starts it."""
    with pytest.raises(
        CacheError, match="the service manager says no; the files that it had before are at /"
    ):
        await trial.restore(service=service(trial.redis, fails="start"))
    bench, heard = bench_of(trial.folder), Heard()
    await put_right(cache_of(trial.redis, trial.folder), bench, service(trial.redis), heard)
    assert heard.words[-1].endswith(
        f"may have left the cache on 127.0.0.1:{trial.redis.port} stopped: it runs"
    )
    assert_same(contents(trial.redis), trial.good)


async def test_the_files_of_another_machine_are_out_of_reach(trial: Trial) -> None:
    """A folder of the same name here is not the server's."""
    cache = cache_of(trial.redis, trial.folder, url="redis://:pw@192.0.2.1:6379/0")
    assert await out_of_reach(cache) == (
        "the cache on 192.0.2.1:6379 is on another machine, where its files cannot be reached"
    )


async def test_a_server_that_does_not_say_where_its_files_are(trial: Trial) -> None:
    """Without CONFIG there is no way at all, and both reasons are told."""
    with trial.redis.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-config")
    with pytest.raises(RestoreError, match=r"cannot be restored live: .* nor by file: .*'config"):
        await trial.restore(service=service(trial.redis))


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
import msgspec
from console.core.backups import CacheFacts
from console.targets.redis.place import Service
from console.targets.redis.restore import restore
from console.targets.redis.server import CacheServer
from console.targets.redis.verify import Saved
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard
from tests.integration.redis.kit import bench_of, programs_of

async def stop():
    if os.environ["STOPPED"]:
        os.kill(int(os.environ["STOPPED"]), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
wanted, kept = (
    Saved(folder / name, msgspec.json.decode(facts, type=CacheFacts))
    for name, facts in zip(("wanted", "kept"), sys.argv[2:])
)
server = CacheServer(lambda: os.environ["URL"], HostShell(programs_of(folder)))
service = Service(stop, None)
asyncio.run(restore(server, wanted, kept, bench_of(folder), Heard(), attempt="inc-1", service=service))
"""


def _killed(trial: Trial, *, stopped: bool) -> None:
    """An engine that is killed as soon as the server is stopped, or just before."""
    facts = [msgspec.json.encode(one.facts).decode() for one in (trial.wanted, trial.kept)]
    argv = [sys.executable, "-c", _KILLED, str(trial.folder), *facts]
    pid = str(trial.redis.pid) if stopped else ""
    environment = {**os.environ, "URL": trial.redis.url, "STOPPED": pid}
    killed = subprocess.run(argv, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL


async def test_an_engine_killed_before_the_stop_leaves_files_that_are_taken_back(trial: Trial) -> None:
    """The server never loaded the snapshot, and must not do so by chance later."""
    _killed(trial, stopped=False)
    heard = Heard()
    await put_right(cache_of(trial.redis, trial.folder), bench_of(trial.folder), service(trial.redis), heard)
    assert heard.words[-1].endswith("never loaded: taken back")
    trial.restart(signal.SIGTERM)
    trial.assert_untouched()


async def test_a_server_keeps_its_own_rules_for_saving_when_an_engine_is_killed(tmp_path: Path) -> None:
    """They are off only while it is stopped."""
    server = RedisServer("7", tmp_path, {"appendonly": "no", "save": "3600 1"}).start()
    try:
        trial = Trial(server, tmp_path)
        await trial.prepare()
        forbid(trial)
        _killed(trial, stopped=False)
        with server.client() as client:
            assert client.config_get("save")["save"] == ""
        await put_right(cache_of(server, tmp_path), bench_of(tmp_path), service(server), Heard())
        with server.client() as client:
            assert client.config_get("save")["save"] == "3600 1"
        trial.assert_untouched()
    finally:
        server.stop()


async def test_an_engine_killed_after_the_stop_leaves_a_server_that_is_started(trial: Trial) -> None:
    """The next attempt does not wait for somebody to find out that the cache is down."""
    _killed(trial, stopped=True)
    trial.redis.stop()
    await put_right(
        cache_of(trial.redis, trial.folder), bench_of(trial.folder), service(trial.redis), Heard()
    )
    assert_same(contents(trial.redis), trial.good)
