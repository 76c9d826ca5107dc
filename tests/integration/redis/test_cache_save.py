"""Saving a cache: whole with AOF on or off, and a failed save is told and is no backup."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.targets.redis import sample
from console.targets.redis.record import RECORD, SNAPSHOT, decode
from console.targets.redis.save import save
from console.targets.redis.server import CacheError
from console.targets.redis.verify import verify
from console.targets.sealing import SealError
from tests.disks import small_disk
from tests.integration.postgres.dumps import Heard
from tests.integration.redis.kit import (
    cache_of,
    command_lines,
    fill,
    hasten,
    line_to,
    programs_of,
    until,
)
from tests.servers import LOOPBACK, RedisServer

KEYS = 2000
BY_DATABASE = {"0": 1600, "1": 300, "5": 100}
CUT_AFTER = 1_000_000
"""More than any answer of a server but its snapshot, which `bulky` makes larger."""


@pytest.fixture
def cache(redis_server: RedisServer) -> RedisServer:
    """A server with keys, which sends its snapshot at once."""
    fill(redis_server, KEYS)
    hasten(redis_server)
    return redis_server


@pytest.fixture
def bulky(cache: RedisServer) -> RedisServer:
    """The same with some megabytes that cannot be compressed."""
    with cache.client() as client:
        for number in range(4):
            client.set(f"bulk:{number}", os.urandom(1_000_000))
    return cache


async def _proven(server: RedisServer, folder: Path) -> str:
    place = folder / "saved"
    place.mkdir()
    facts = await save(cache_of(server, folder), place, Heard())
    assert facts.keys == BY_DATABASE
    return await verify(place, facts, programs_of(folder), folder / "work", Heard())


@pytest.mark.parametrize("version", ["6.2", "7"])
@pytest.mark.parametrize("diskless", ["yes", "no"])
async def test_without_an_append_only_file_and_whichever_way_it_is_sent(
    version: str, diskless: str, tmp_path: Path
) -> None:
    """A server sends its snapshot from memory with a mark at the end, or from its disk with a length."""
    settings = {"appendonly": "no", "repl-diskless-sync": diskless}
    server = RedisServer(version, tmp_path, settings).start()
    try:
        fill(server, KEYS)
        hasten(server)
        assert "2,000 keys in 3 databases" in await _proven(server, tmp_path)
    finally:
        server.stop()


async def test_progress_is_told_in_bytes_up_to_the_whole(bulky: RedisServer, tmp_path: Path) -> None:
    """Who waits sees how much has come of how much."""
    heard = Heard()
    await save(cache_of(bulky, tmp_path), tmp_path, heard)
    size = (tmp_path / SNAPSHOT).stat().st_size
    counted = [(done, total) for done, total, unit in heard.counted if unit == "bytes"]
    assert [done for done, _ in counted] == sorted(done or 0 for done, _ in counted)
    assert size <= (counted[-1][0] or 0) <= size + 40
    assert all((total or 0) >= size * 0.9 for _, total in counted)


async def test_the_password_is_in_no_command_line(cache: RedisServer, tmp_path: Path) -> None:
    """Neither that of redis-cli, which is seen running, nor any other."""
    with cache.client() as client:
        client.config_set("repl-diskless-sync", "yes")
        client.config_set("repl-diskless-sync-delay", 1)
    saving = asyncio.ensure_future(save(cache_of(cache, tmp_path), tmp_path, Heard()))
    await until(lambda: any("--rdb" in line for line in command_lines()))
    assert not [line for line in command_lines() if cache.password in line]
    await saving


async def test_a_server_that_dies_while_it_is_saved(cache: RedisServer, tmp_path: Path) -> None:
    """Said at once, with the place and without the password; and there is no record."""
    with cache.client() as client:
        client.config_set("repl-diskless-sync", "yes")
        client.config_set("repl-diskless-sync-delay", 60)
    saving = asyncio.ensure_future(save(cache_of(cache, tmp_path), tmp_path, Heard()))
    await until(lambda: any("--rdb" in line for line in command_lines()))
    cache.stop(signal.SIGKILL)
    with pytest.raises(CacheError, match="cut off when nothing had come") as raised:
        await saving
    assert f"{LOOPBACK}:{cache.port}" in str(raised.value)
    assert cache.password not in str(raised.value)
    assert not (tmp_path / RECORD).exists()


async def test_a_connection_that_is_cut_in_the_middle(bulky: RedisServer, tmp_path: Path) -> None:
    """A truncated transfer is no snapshot, whatever redis-cli has written of it."""
    async with line_to(bulky) as (line, url):
        line.after = CUT_AFTER
        with pytest.raises(CacheError, match=r"cut off when [\d,]+ bytes had come"):
            await save(cache_of(bulky, tmp_path, url=url), tmp_path, Heard())
        assert line.failed.is_set()
    assert not (tmp_path / RECORD).exists()


async def test_a_connection_that_goes_silent_in_the_middle(bulky: RedisServer, tmp_path: Path) -> None:
    """A black hole is noticed within seconds, not at the step's time limit."""
    async with line_to(bulky) as (line, url):
        line.after, line.silent = CUT_AFTER, True
        async with asyncio.timeout(15):
            with pytest.raises(CacheError, match=r"bytes had come: .*no answer within 1 s"):
                await save(cache_of(bulky, tmp_path, url=url, limit_s=1), tmp_path, Heard(left_s=600))
    assert not [line for line in command_lines() if "--rdb" in line and str(bulky.port) in line]


async def test_a_server_that_never_answers(tmp_path: Path, redis_7: RedisServer) -> None:
    """A server behind a firewall that drops everything costs its time limit, and no more."""
    async with line_to(redis_7) as (line, url):
        line.silent = True
        line.failed.set()
        with pytest.raises(CacheError, match="no answer within 0.5 s"):
            await save(cache_of(redis_7, tmp_path, url=url, limit_s=0.5), tmp_path, Heard())


async def test_a_wrong_password_is_said_without_repeating_it(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    """What to correct is told, what was wrong is not."""
    url = f"redis://:not-the-one@{LOOPBACK}:{redis_server.port}/0"
    with pytest.raises(CacheError, match="does not accept our password") as raised:
        await save(cache_of(redis_server, tmp_path, url=url), tmp_path, Heard())
    assert "not-the-one" not in str(raised.value)


async def test_a_url_that_cannot_be_read_is_not_repeated(redis_7: RedisServer, tmp_path: Path) -> None:
    """The password may be any part of it."""
    with pytest.raises(CacheError, match="URL cannot be read") as raised:
        await cache_of(redis_7, tmp_path, url="redis:/:secret@host:port").state()
    assert "secret" not in str(raised.value)


async def test_a_user_of_its_own_who_may_not_replicate(cache: RedisServer, tmp_path: Path) -> None:
    """A user named in the URL saves; without the right to, it is said which right is missing."""
    with cache.client() as client:
        client.acl_setuser("keeper", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all"])
    url = f"redis://keeper:pw@{LOOPBACK}:{cache.port}/0"
    (tmp_path / "one").mkdir()
    await save(cache_of(cache, tmp_path, url=url), tmp_path / "one", Heard())
    with cache.client() as client:
        client.execute_command("ACL", "SETUSER", "keeper", "-sync", "-psync")
    with pytest.raises(CacheError, match="(?i)no permissions to run the 'sync' command"):
        await save(cache_of(cache, tmp_path, url=url), tmp_path, Heard())


async def test_a_full_disk_is_told_with_the_path(bulky: RedisServer, tmp_path: Path) -> None:
    """No room is a reason, not a short file."""
    with small_disk(tmp_path, "2m") as disk:
        with pytest.raises(SealError, match=rf"cannot write {disk}/{SNAPSHOT}: No space left on device"):
            await save(cache_of(bulky, tmp_path), disk, Heard())
        assert not (disk / RECORD).exists()


async def test_the_sample_is_the_same_every_time(cache: RedisServer, tmp_path: Path) -> None:
    """Keys are chosen by their names: a server that tells them in another order changes nothing."""
    first = await sample.choose(cache_of(cache, tmp_path), 0)
    cache.stop()
    cache.start()
    assert len(first) == sample.SIZE
    assert await sample.choose(cache_of(cache, tmp_path), 0) == first


async def test_the_record_holds_what_stood_still(cache: RedisServer, tmp_path: Path) -> None:
    """A quiet cache has no moving key, and its counts are the same on both sides."""
    await save(cache_of(cache, tmp_path), tmp_path, Heard())
    record = decode((tmp_path / RECORD).read_bytes())
    assert (len(record.steady), record.moving, record.changes) == (300, 0, 0)
    assert record.before.keys == record.after.keys == BY_DATABASE


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from console.targets.process import Programs
from console.targets.redis.save import save
from console.targets.redis.server import CacheServer
from console.targets.shell import HostShell
from tests.integration.postgres.dumps import Heard

folder = Path(sys.argv[1])
programs = Programs({"PATH": os.environ["PATH"]}, tag=folder)
server = CacheServer(lambda: os.environ["URL"], HostShell(programs))
asyncio.run(save(server, folder, Heard()))
"""


async def test_a_killed_engine_leaves_no_redis_cli_and_no_record(cache: RedisServer, tmp_path: Path) -> None:
    """Kill -9 of whoever saves ends the transfer with it."""
    with cache.client() as client:
        client.config_set("repl-diskless-sync", "yes")
        client.config_set("repl-diskless-sync-delay", 60)
    ours = f"-p {cache.port}"
    engine = subprocess.Popen([sys.executable, "-c", _KILLED, tmp_path], env={**os.environ, "URL": cache.url})
    await until(lambda: [line for line in command_lines() if "--rdb" in line and ours in line])
    engine.kill()
    engine.wait()
    await until(lambda: not [line for line in command_lines() if "--rdb" in line and ours in line])
    assert not (tmp_path / RECORD).exists()
