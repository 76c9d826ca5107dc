"""A backup is of one moment, whole or not there at all, and a restorable point is made in time."""

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from actions.action import Action, ActionError, Inputs
from actions.backup import SLOT_SAVED, Backup
from actions.restorable_point import SLOT_RESTORABLE, RestorablePoint
from actions.verify_backup import VerifyBackup
from console.core.backups import Manifest
from console.core.data import Backups, SnapshotPoint
from console.core.errors import StatedError
from console.targets.postgres import dump
from console.targets.postgres.dump import ROLES, dump_path
from console.targets.postgres.server import Server
from console.targets.process import marked, orphans
from console.targets.redis.server import CacheServer
from console.targets.shell import HostShell
from tests.disks import small_disk
from tests.integration.actions.kit import Recorded
from tests.integration.data.trials import TOKEN, Heard, Trial
from tests.integration.postgres.dumps import BULK, ROWS, SEEDED, program, relay, tables_of
from tests.integration.redis.kit import hasten, line_to
from tests.seals import age_seal
from tests.servers import PostgresServer, RedisServer, wait_until

LIVE = "backup_live"
LOADED = "backup_loaded"
SLOWLY = Backups.model_validate({"folder": "backups", "jobs": 2, "rate": "20kB"})
"""A backup of the seeded tables takes half a minute at this rate: long enough for anything to happen."""


@pytest.fixture
def trial(postgres: PostgresServer, tmp_path: Path) -> Trial:
    """An environment whose database has three tables with rows."""
    postgres.create(LIVE, *SEEDED)
    return Trial(postgres, LIVE, tmp_path)


def equip(trial: Trial, **stores: Any) -> Trial:
    """The same environment, and some of its stores are others."""
    trial.stores = dataclasses.replace(trial.stores, **stores)
    trial.world = dataclasses.replace(trial.world, stores=trial.stores)
    return trial


def cached(trial: Trial, redis_server: RedisServer) -> CacheServer:
    """The cache of the environment, which sends its snapshot at once."""
    hasten(redis_server)
    return CacheServer(lambda: redis_server.url, trial.server.shell)


def asked(trial: Trial) -> Inputs:
    """What a plan is made from while the incident is open."""
    return trial.inputs(onset=trial.clock.now().utc_us)


async def backed_up(trial: Trial) -> Manifest:
    """The manifest of a backup that was just made and proven."""
    action = trial.action(Backup, asked(trial))
    assert (await action.probe()).found == "not done"
    await action.perform(Heard())
    assert (await action.probe()).found == "done"
    await action.verify()
    return newest(trial)


def newest(trial: Trial) -> Manifest:
    """Of the backups that are complete."""
    manifest = trial.vault.backups()[-1].manifest
    assert manifest is not None
    return manifest


def remains(trial: Trial) -> list[str]:
    """All that is in the folder of the backups."""
    return sorted(path.name for path in trial.vault.folder.iterdir())


@contextmanager
def users_write(dsn: str) -> Iterator[None]:
    """Rows come, change and go all the time, each with others that belong to it."""
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            number = 0
            while not over.is_set():
                number += 1
                with connection.transaction():
                    connection.execute("INSERT INTO users VALUES (%s, 'new', now())", (f"new-{number}",))
                    connection.execute(
                        "UPDATE users SET name = 'x' || name WHERE id = %s", (f"user-{number}",)
                    )
                    connection.execute("DELETE FROM ledger.notes WHERE at = %s", (number - 1,))
                    connection.execute("INSERT INTO ledger.notes VALUES (%s, 'new')", (number,))
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(10)
        yield
    finally:
        over.set()
        writer.join()


@pytest.mark.parametrize("form", ["custom", "directory"])
async def test_counts_and_contents_are_of_exactly_the_moment_that_was_dumped(
    postgres: PostgresServer, trial: Trial, form: str
) -> None:
    """While users go on: what the dump restores is what the manifest says, and no longer what there is."""
    equip(trial, backups=Backups.model_validate({"folder": "backups", "format": form, "jobs": 2}))
    with users_write(postgres.dsn(LIVE)):
        manifest = await backed_up(trial)
    database = manifest.database
    assert database is not None
    assert database.format == form
    postgres.create(LOADED)
    dump = str(dump_path(trial.vault.path(manifest.id), manifest))
    restore = program(postgres, "pg_restore", "--exit-on-error", "-d", LOADED, dump)
    assert await asyncio.to_thread(restore.wait) == 0
    assert await tables_of(trial.server, LOADED) == database.tables
    assert await tables_of(trial.server) != database.tables
    postgres.drop(LOADED)


async def test_a_backup_holds_database_roles_and_cache_and_says_so(
    trial: Trial, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        client.mset({f"session:{number}": "x" for number in range(300)})
    equip(trial, cache=cached(trial, redis_server))
    action = trial.action(Backup, asked(trial))
    heard = Heard()
    await action.perform(heard)
    proof = await action.verify()
    manifest = newest(trial)
    assert manifest.database is not None
    assert {name: facts.rows for name, facts in manifest.database.tables.items()} == ROWS
    assert manifest.cache is not None
    assert manifest.cache.keys == {"0": 300}
    assert {file.path for file in manifest.files} == {"database.dump", ROLES, "cache.rdb", "cache.json"}
    assert manifest.incident == "INC-7QK2"
    assert "3 tables with 7,003 rows, 300 keys" in proof.words
    assert [(slot.name, slot.inputs) for slot in proof.evidence] == [(SLOT_SAVED, manifest.id)]
    assert any("database: " in words and "cache: " in words for words in heard.words)


async def test_once_is_enough(trial: Trial) -> None:
    """An engine that died after the manifest was written finds its backup."""
    action = trial.action(Backup, asked(trial))
    await action.perform(Heard())
    await action.perform(Heard())
    assert len(trial.vault.backups()) == 1


async def test_a_changed_plan_uses_the_backup_that_there_is_until_a_gate_has_opened(trial: Trial) -> None:
    """What is saved before the switch is not what there is after it."""
    inputs = asked(trial)
    await trial.action(Backup, inputs).perform(Heard())
    changed = replace(inputs, made=inputs.made + 600)
    assert (await trial.action(Backup, changed).probe()).found == "done"
    switched = replace(changed, since=inputs.made + 300)
    assert (await trial.action(Backup, switched).probe()).found == "not done"


async def test_what_is_encrypted_can_be_opened_by_whoever_has_the_key_alone(
    trial: Trial, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        client.mset({f"session:{number}": "x" * 40 for number in range(300)})
    with age_seal(trial.folder) as seal:
        equip(trial, sealing=seal, cache=cached(trial, redis_server))
        manifest = await backed_up(trial)
        folder = trial.vault.path(manifest.id)
        assert manifest.sealed_for == seal.words
        assert len(manifest.files) == 4
        for file in manifest.files:
            raw = (folder / file.path).read_bytes()
            assert raw.startswith(b"age-encryption.org/v1\n")
            assert not any(
                plain in raw for plain in (b"PGDMP", b"CREATE ROLE", b"REDIS", b"session:", b"run_id")
            )
        action = trial.action(VerifyBackup, trial.inputs(backup=manifest.id))
        await action.perform(Heard())
        assert "3 tables with 7003 rows as saved" in (await action.verify()).words


async def test_no_password_is_in_any_command_line(
    postgres: PostgresServer, trial: Trial, redis_server: RedisServer
) -> None:
    hasten(redis_server)
    programs = Recorded(trial.folder)
    shell = HostShell(programs)
    server = Server(lambda: postgres.dsn(LIVE), shell)
    equip(trial, server=server, cache=CacheServer(lambda: redis_server.url, shell))
    await backed_up(trial)
    used = {Path(argv[0]).name for argv in programs.lines}
    assert used >= {"pg_dump", "pg_dumpall", "redis-cli"}
    words = [word for argv in programs.lines for word in argv]
    assert not any(secret in word for word in words for secret in (postgres.password, redis_server.password))


def under_way(postgres: PostgresServer) -> bool:
    """Whether its moment is held, is watched, and pg_dump runs: perhaps held back before it has connected."""
    with psycopg.connect(postgres.dsn()) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = %s"
        row = connection.execute(asked, (TOKEN, LIVE)).fetchone()
    return row is not None and row[0] >= 2 and bool(marked("PGAPPNAME", TOKEN))


async def nothing_runs(folder: Path) -> None:
    """No program of the engine goes on; a killed grandchild is the system's to bury, so it is waited for."""
    await asyncio.to_thread(wait_until, lambda: not orphans(folder), "a program of the engine goes on")


async def begun(postgres: PostgresServer, action: Action) -> "asyncio.Task[None]":
    """The action under way, somewhere in the middle."""
    performing = asyncio.create_task(action.perform(Heard()))
    await asyncio.to_thread(wait_until, lambda: under_way(postgres), "the dump does not begin")
    return performing


async def test_connections_that_are_ended_end_the_backup_and_leave_none(
    postgres: PostgresServer, trial: Trial
) -> None:
    performing = await begun(postgres, trial_slow(trial))
    with psycopg.connect(postgres.dsn()) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (TOKEN,)
        )
    # Which end of the line notices first, and whether a worker came too late for its snapshot, is chance.
    with pytest.raises(StatedError, match=r"backup_live.*(terminat|snapshot|closed the connection)"):
        await performing
    assert remains(trial) == []
    await nothing_runs(trial.folder)


def trial_slow(trial: Trial) -> Action:
    """A backup that takes its time, with more to dump than is dumped before the first look at it."""
    with psycopg.connect(trial.postgres.dsn(LIVE)) as connection:
        for statement in BULK:
            connection.execute(statement.encode())
    return trial.action(Backup, asked(equip(trial, backups=SLOWLY)))


async def test_a_server_that_dies_in_the_middle_is_a_failure_and_no_backup(
    postgres: PostgresServer, roomy: Path, tmp_path: Path
) -> None:
    own = PostgresServer(postgres.major, roomy).start()
    try:
        own.create(LIVE, *SEEDED)
        trial = Trial(own, LIVE, tmp_path)
        performing = await begun(own, trial_slow(trial))
        own.stop(signal.SIGQUIT)
        with pytest.raises(StatedError) as caught:
            await performing
    finally:
        own.stop()
    assert LIVE in str(caught.value)
    assert "\n" not in str(caught.value)
    assert remains(trial) == []
    await nothing_runs(tmp_path)


async def test_a_line_to_the_database_that_has_gone_dead_is_a_failure_and_no_backup(
    postgres: PostgresServer, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A black hole takes every byte and answers none; that is noticed long before the step's time limit."""
    monkeypatch.setattr(dump, "_SILENT_S", 1.0)
    async with relay(postgres.port) as (port, cut):
        through = make_conninfo(postgres.dsn(LIVE), port=port)
        equip(trial, server=Server(lambda: through, trial.server.shell))
        performing = await begun(postgres, trial_slow(trial))
        cut.set()
        with pytest.raises(StatedError, match=rf"{LIVE} on 127\.0\.0\.1:{port}") as caught:
            await asyncio.wait_for(performing, 25)
        assert "\n" not in str(caught.value)
        assert remains(trial) == []
        await nothing_runs(trial.folder)


async def test_a_line_to_the_cache_that_has_gone_dead_is_a_failure_and_no_backup(
    postgres_18: PostgresServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    postgres_18.create(LIVE, *SEEDED)
    trial = Trial(postgres_18, LIVE, tmp_path)
    hasten(redis_server)
    with redis_server.client() as client:
        client.mset({f"bulk:{number}": os.urandom(1_000_000) for number in range(4)})
    async with line_to(redis_server) as (line, url):
        line.after, line.silent = 1_000_000, True
        equip(trial, cache=CacheServer(lambda: url, trial.server.shell, limit_s=1))
        with pytest.raises(StatedError, match=r"bytes had come: .*no answer within 1 s"):
            await asyncio.wait_for(trial.action(Backup, asked(trial)).perform(Heard()), 25)
    assert remains(trial) == []
    await nothing_runs(trial.folder)


async def test_an_abort_ends_it_at_once_and_leaves_no_backup(postgres: PostgresServer, trial: Trial) -> None:
    heard = Heard()
    performing = asyncio.create_task(trial_slow(trial).perform(heard))
    await asyncio.to_thread(wait_until, lambda: under_way(postgres), "the dump does not begin")
    heard.stopping = True
    with pytest.raises(ActionError, match="stopped as was asked for; nothing of it is left"):
        await performing
    assert remains(trial) == []
    await nothing_runs(trial.folder)


_KILLED = """
import asyncio, json, os, sys
from pathlib import Path
from types import SimpleNamespace
from actions.backup import Backup
from tests.integration.data.test_backup import SLOWLY, equip
from tests.integration.data.trials import Heard, Trial

live, folder, params, token = sys.argv[1:]
postgres = SimpleNamespace(dsn=lambda database: os.environ["SERVER"] + database)
trial = equip(Trial(postgres, live, Path(folder)), backups=SLOWLY)
asyncio.run(Backup(json.loads(params), trial.world, token).perform(Heard()))
"""


async def test_what_a_killed_attempt_left_is_no_backup_and_is_cleared_by_the_next(
    postgres: PostgresServer, trial: Trial
) -> None:
    postgres.create(LIVE, *SEEDED, *BULK)
    params = Backup.preview(asked(trial), trial.world).params
    argv = [sys.executable, "-c", _KILLED, LIVE, str(trial.folder), json.dumps(params), TOKEN]
    engine = subprocess.Popen(argv, env={**os.environ, "SERVER": postgres.dsn("")})
    await asyncio.to_thread(wait_until, lambda: under_way(postgres), "the dump does not begin")
    engine.kill()
    engine.wait()
    (partial,) = remains(trial)
    assert partial.endswith(".partial")
    assert trial.vault.backups() == ()
    action = Backup(params, trial.world, TOKEN)
    finding = await action.probe()
    assert (finding.found, finding.words) == (
        "not done",
        f"{partial.removesuffix('.partial')} was cut off, and is removed by the next attempt",
    )
    await nothing_runs(trial.folder)
    assert not under_way(postgres)
    await action.perform(Heard())
    await action.verify()
    assert remains(trial) == [newest(trial).id]


async def test_a_partial_backup_of_others_is_let_be(trial: Trial) -> None:
    trial.vault.begin("20260101T000000.000Z-testnet-0000")
    await backed_up(trial)
    assert "20260101T000000.000Z-testnet-0000.partial" in remains(trial)


async def test_too_little_room_is_known_before_anything_is_dumped(
    postgres: PostgresServer, roomy: Path
) -> None:
    postgres.create(LIVE, *SEEDED)
    with small_disk(roomy, "1m") as disk:
        trial = Trial(postgres, LIVE, disk)
        heard = Heard()
        with pytest.raises(ActionError, match="has .* free, a backup needs about .*: make room for "):
            await trial.action(Backup, asked(trial)).perform(heard)
        assert heard.words == []
        assert remains(trial) == []


class Filling(Heard):
    """While it hears, somebody else fills the disk."""

    def __init__(self, disk: Path) -> None:
        super().__init__()
        self._filler = disk / "filler"

    def __call__(self, words: str, **counted: Any) -> None:
        super().__call__(words, **counted)
        if not self._filler.exists():
            subprocess.run(
                ["dd", "if=/dev/zero", f"of={self._filler}", "bs=64k"], check=False, stderr=subprocess.DEVNULL
            )


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "age"])
async def test_a_disk_that_gets_full_is_a_failure_with_its_reason(
    postgres: PostgresServer, roomy: Path, tmp_path: Path, *, sealed: bool
) -> None:
    postgres.create(LIVE, *SEEDED)
    with small_disk(roomy, "16m") as disk, age_seal(tmp_path) as seal:
        trial = Trial(postgres, LIVE, disk)
        if sealed:
            equip(trial, sealing=seal)
        with pytest.raises(StatedError, match="(?i)no space left on device"):
            await trial.action(Backup, asked(trial)).perform(Filling(disk))
        assert remains(trial) == []


async def test_a_file_that_is_not_as_its_manifest_says_is_no_backup(trial: Trial) -> None:
    """A bit that fell over between the writing and the reading."""
    action = trial.action(Backup, asked(trial))
    await action.perform(Heard())
    path = trial.vault.path(newest(trial).id) / "database.dump"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ActionError, match="database.dump has SHA-256 .*: make another one"):
        await action.verify()


async def test_a_dump_is_a_restorable_point_without_the_cache(
    trial: Trial, redis_server: RedisServer
) -> None:
    equip(trial, cache=cached(trial, redis_server))
    action = trial.action(RestorablePoint, asked(trial))
    assert (await action.probe()).found == "not done"
    await action.perform(Heard())
    assert (await action.probe()).found == "done"
    proof, manifest = await action.verify(), newest(trial)
    assert manifest.cache is None
    assert [(slot.name, slot.inputs) for slot in proof.evidence] == [(SLOT_RESTORABLE, manifest.id)]
    assert proof.facts["ends"] == str(manifest.ends)


async def test_a_point_that_has_grown_old_is_none(trial: Trial) -> None:
    action = trial.action(RestorablePoint, asked(trial))
    await action.perform(Heard())
    equip(trial, backups=trial.stores.backups.model_copy(update={"fresh": 0.0}))
    aged = RestorablePoint(action.params, trial.world, TOKEN)
    assert (await aged.probe()).found == "not done"
    with pytest.raises(ActionError, match="old, at most 00:00 wanted: retry"):
        await aged.verify()


async def test_a_dump_that_takes_too_long_for_a_restorable_point_is_given_up(trial: Trial) -> None:
    equip(trial, backups=SLOWLY.model_copy(update={"within": 1.0}))
    with pytest.raises(ActionError, match="there was no restorable point within 00:01"):
        await trial.action(RestorablePoint, asked(trial)).perform(Heard())
    assert remains(trial) == []
    await nothing_runs(trial.folder)


def snapshot(trial: Trial, script: str, **changes: Any) -> Action:
    """A restorable point that a command of the strategy makes."""
    way = SnapshotPoint(kind="command", argv=["sh", "-c", script])
    equip(trial, backups=trial.stores.backups.model_copy(update={"restorable": way, **changes}))
    return trial.action(RestorablePoint, asked(trial))


async def test_the_last_line_of_the_strategys_command_names_its_snapshot(trial: Trial) -> None:
    action = snapshot(trial, "echo making it; echo snap-0042")
    assert (await action.probe()).found == "not done"
    heard = Heard()
    await action.perform(heard)
    proof = await action.verify()
    assert proof.words == "snapshot snap-0042, as the strategy's command says"
    assert [slot.inputs for slot in proof.evidence] == ["snap-0042"]
    assert "making it" in heard.lines


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo no volume >&2; exit 3", "the snapshot failed: .*no volume"),
        ("true", "named no snapshot: the last line that it prints must"),
        ("sleep 20", "there was no restorable point within 00:01"),
    ],
    ids=["fails", "says nothing", "takes too long"],
)
async def test_a_command_that_makes_no_snapshot_is_a_failure(
    trial: Trial, script: str, sentence: str
) -> None:
    action = snapshot(trial, script, within=1.0)
    with pytest.raises(ActionError, match=sentence):
        await action.perform(Heard())
    with pytest.raises(ActionError, match="retry"):
        await action.verify()
    await nothing_runs(trial.folder)
