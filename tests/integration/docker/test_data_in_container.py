"""Servers inside containers, through the actions: saved, proven, gone back to, swapped and swapped back."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from docker.models.containers import Container
from psycopg.conninfo import make_conninfo

from actions.action import Action, Inputs, Proof
from actions.backup import Backup
from actions.build_candidate import BuildCandidate
from actions.loss import JudgeLoss, LossReceipt
from actions.swap import SwapBack, SwapDatabase
from actions.verify_backup import VerifyBackup
from console.core.backups import TableFacts
from console.core.errors import StatedError
from console.core.live import Live
from console.core.plan import DataChange
from console.engine.board import Board
from console.engine.docket import Docket
from console.engine.runner import Runner
from console.targets.docker.engine import Docker
from console.targets.docker.shell import ContainerShell
from console.targets.postgres.server import Server
from tests.docker_engine import Engine
from tests.docker_servers import PostgresContainer, RedisContainer
from tests.integration.data.test_loss_and_swap import SEED, Writers
from tests.integration.data.trials import AFTER, Heard
from tests.integration.docker.inside import Inside
from tests.integration.postgres.dumps import BULK, databases, tables_of
from tests.seals import age_key
from tests.servers import USER, wait_until
from tests.unit.core.kit import step
from tests.unit.engine.kit import Desktop

LIVE = "contained"
BEFORE = f"{LIVE}_before_inc_7qk2"
KEYS = 300


@pytest.fixture(autouse=True)
def asked_engine(docker_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of these tests is the one that `docker` would ask."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.url)


def named(postgres: PostgresContainer) -> str:
    """A DSN with a host."""
    return postgres.dsn(LIVE)


def unnamed(postgres: PostgresContainer) -> str:
    """A DSN without one: the container is asked."""
    return make_conninfo(user=USER, password=postgres.password, dbname=LIVE)


def inside(
    postgres: PostgresContainer,
    cache: RedisContainer | None,
    folder: Path,
    dsn: Callable[[PostgresContainer], str] = named,
    backups: Mapping[str, Any] | None = None,
) -> Inside:
    """The environment; users' writes are stopped and started by a deployer of the test's."""
    environ, containers = {"DSN": dsn(postgres)}, {"data": postgres.name}
    if cache is not None:
        environ, containers = {**environ, "CACHE_URL": cache.url}, {**containers, "cache": cache.name}
    made = Inside(postgres, LIVE, folder, environ, containers, **(backups or {}))
    made.world = dataclasses.replace(made.world, deployer=Writers())  # type: ignore[arg-type]
    return made


async def done(trial: Inside, action: type[Action], inputs: Inputs) -> Proof:
    """Perform and verify."""
    made = trial.action(action, inputs)
    await made.perform(Heard())
    return await made.verify()


def now(trial: Inside) -> int:
    """UTC microseconds."""
    return trial.clock.now().utc_us


def errand(trial: Inside) -> Inputs:
    """What a backup is made from by itself: one that is made in the incident is no candidate."""
    asked = now(trial) // 1_000_000
    return Inputs("ERR-0001", "eng-1", asked, asked)


async def held(trial: Inside) -> dict[str, TableFacts]:
    """What the live database holds."""
    return await tables_of(trial.server)


@pytest.mark.parametrize(
    ("postgres_container", "redis_container", "dsn"),
    [(15, "6.2", named), (18, "7", unnamed)],
    indirect=["postgres_container", "redis_container"],
    ids=["PostgreSQL 15, Redis 6.2, with a host", "PostgreSQL 18, Redis 7, without a host"],
)
async def test_saved_damaged_gone_back_to_swapped_and_swapped_back(
    postgres_container: PostgresContainer,
    redis_container: RedisContainer,
    tmp_path: Path,
    dsn: Callable[[PostgresContainer], str],
) -> None:
    """Every program runs inside; what they say comes out and goes in as a stream."""
    for name in databases(postgres_container, f"{LIVE}%"):
        postgres_container.drop(name)
    postgres_container.create(LIVE, *SEED)
    with redis_container.client() as client:
        client.config_set("repl-diskless-sync-delay", 0)
        client.mset({f"session:{number}": "x" for number in range(KEYS)})
    trial = inside(postgres_container, redis_container, tmp_path, dsn)
    good = await held(trial)

    await done(trial, Backup, errand(trial))
    (backup,) = trial.vault.backups()
    assert backup.manifest is not None
    assert backup.manifest.database is not None
    assert backup.manifest.database.version.startswith(f"{postgres_container.major}.")
    assert backup.manifest.cache is not None
    assert backup.manifest.cache.version.startswith(f"{redis_container.version}.")
    assert backup.manifest.cache.keys == {"0": KEYS}
    assert (await trial.cache.state()).aof
    proof = await done(trial, VerifyBackup, trial.inputs(backup=backup.id))
    assert "3 tables with 360 rows as saved" in proof.words
    assert f"{KEYS} keys in 1 database" in proof.words

    with psycopg.connect(postgres_container.dsn(LIVE)) as users:
        users.execute("UPDATE users SET name = 'damaged' WHERE id <= 7")
        users.execute("DROP TABLE contacts")
        users.execute("INSERT INTO transactions (hash) SELECT '0xafter' || n FROM generate_series(1, 12) n")
    bad = await held(trial)
    change = DataChange(
        backup.id, recovery_point=backup.manifest.ends, onset=now(trial) + AFTER, loss_at_most=12
    )
    asked = now(trial) // 1_000_000
    inputs = Inputs("INC-7QK2", "eng-1", asked, asked, restore=change)
    await done(trial, BuildCandidate, inputs)
    receipt = await done(trial, LossReceipt, inputs)
    assert {key: receipt.facts[key] for key in ("rows_gone", "go_back", "rows_back", "chain_ids")} == {
        "rows_gone": "12",
        "go_back": "7",
        "rows_back": "20",
        "chain_ids": "12",
    }
    await done(trial, JudgeLoss, inputs)
    swapped = await done(trial, SwapDatabase, inputs)
    assert float(swapped.facts["refused_s"]) < 1
    assert await held(trial) == good
    assert await tables_of(trial.server, BEFORE) == bad
    await done(trial, SwapBack, inputs)
    assert await held(trial) == bad


async def test_what_comes_out_of_a_container_is_sealed_before_it_touches_a_disk(
    postgres_18_container: PostgresContainer, redis_7_container: RedisContainer, tmp_path: Path
) -> None:
    """And is opened on the way back in."""
    postgres_18_container.create(LIVE, *SEED)
    with redis_7_container.client() as client:
        client.config_set("repl-diskless-sync-delay", 0)
        client.set("session:1", "x")
    key, identity = age_key()
    (tmp_path / "identity").write_text(identity)
    recipient = {"program": "age", "key": key, "identity": "file:identity"}
    trial = inside(postgres_18_container, redis_7_container, tmp_path, backups={"recipient": recipient})
    await done(trial, Backup, errand(trial))
    (backup,) = trial.vault.backups()
    assert backup.manifest is not None
    for file in backup.manifest.files:
        assert (trial.vault.path(backup.id) / file.path).read_bytes().startswith(b"age-encryption.org/v1\n")
    proof = await done(trial, VerifyBackup, trial.inputs(backup=backup.id))
    assert "3 tables with 360 rows as saved" in proof.words
    assert "1 keys in 1 database" in proof.words
    beside = (await done(trial, BuildCandidate, trial.inputs(backup.id))).facts["database"]
    assert await tables_of(trial.server, beside) == await held(trial)
    postgres_18_container.drop(beside)


SLOWLY = {"rate": "20kB"}
_KILLED = """
import asyncio, json, os, sys
from pathlib import Path
from types import SimpleNamespace
from actions.backup import Backup
from tests.integration.data.trials import Heard
from tests.integration.docker.inside import Inside
from tests.integration.docker.test_data_in_container import LIVE, SLOWLY

folder, params, token, container = sys.argv[1:]
postgres = SimpleNamespace(dsn=lambda database: "")
trial = Inside(postgres, LIVE, Path(folder), os.environ, {"data": container}, **SLOWLY)
asyncio.run(Backup(json.loads(params), trial.world, token).perform(Heard()))
"""
_LOOK = "for place in /proc/[0-9]*; do echo ${place#/proc/} $(tr '\\0' ' ' <$place/cmdline); done"


def dumps(container: Container) -> list[str]:
    """Process ids of each pg_dump inside that dumps."""
    told = container.exec_run(["sh", "-c", _LOOK]).output
    assert isinstance(told, bytes)
    return [line.split()[0] for line in told.decode().splitlines() if "/pg_dump --format" in line]


async def test_what_a_killed_engine_left_inside_is_ended_before_the_next_one_looks(
    postgres_15_container: PostgresContainer, tmp_path: Path
) -> None:
    """Also what would not end when its connections do: here a pg_dump that hangs."""
    postgres_15_container.create(LIVE, *SEED, *BULK)
    container = postgres_15_container.container
    trial = inside(postgres_15_container, None, tmp_path, backups=SLOWLY)
    params = Backup.preview(errand(trial), trial.world).params
    saving = step("save", action="backup", params=params)
    desk = Desktop()
    token = f"INC-7QK2-{desk.declare(saving)[:8]}-save-1"
    argv = [
        sys.executable,
        "-c",
        _KILLED,
        str(tmp_path),
        json.dumps(params),
        token,
        postgres_15_container.name,
    ]
    with subprocess.Popen(argv, env={**os.environ, "DSN": named(postgres_15_container)}) as engine:
        await asyncio.to_thread(wait_until, lambda: bool(dumps(container)), "no dump begins")
        stopped = container.exec_run(["sh", "-c", f"kill -STOP {' '.join(dumps(container))}"])
        engine.kill()
    desk.begin("save")
    desk.crash()
    assert (stopped.exit_code, len(dumps(container))) == (0, 1)
    found = await runner(desk, trial).probe(saving)
    assert (found.finding, dumps(container)) == ("not done", [])
    assert "was cut off, and is removed by the next attempt" in found.words


def runner(desk: Desktop, trial: Inside) -> Runner:
    """What the next engine looks with."""
    board = Board(Live(1, 1, desk.clock.now()), desk.clock, lambda _live: None)
    return Runner(Docket(desk.book), trial.world, board, trial.folder, str, dict)


async def test_while_it_cannot_be_seen_what_runs_inside_nothing_counts_as_undone(
    postgres_15_container: PostgresContainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would be done a second time beside the first one."""
    postgres_15_container.create(LIVE, *SEED)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    trial = inside(postgres_15_container, None, tmp_path)
    saving = step("save", action="backup", params=Backup.preview(errand(trial), trial.world).params)
    desk = Desktop()
    desk.declare(saving)
    desk.begin("save")
    desk.crash()
    found = await runner(desk, trial).probe(saving)
    assert found.finding == "cannot tell"
    assert "it may still run: the Docker engine at " in found.words


async def test_nothing_runs_in_a_container_that_has_ended_but_may_in_one_that_is_paused(
    docker: Docker, docker_engine: Engine, postgres_15_container: PostgresContainer, tmp_path: Path
) -> None:
    container = docker_engine.run("pausing", ("sleep", "infinity"))
    stores = inside(postgres_15_container, None, tmp_path).stores
    server = Server(lambda: "", ContainerShell(docker, str(container.name), tmp_path))
    stores = dataclasses.replace(stores, server=server)
    container.pause()
    with pytest.raises(StatedError, match=f"container {container.name} is paused"):
        await stores.end_orphans()
    container.unpause()
    assert await stores.end_orphans() == 0
    container.kill()
    assert await stores.end_orphans() == 0
    docker_engine.remove(container)
    assert await stores.end_orphans() == 0


async def test_a_container_that_ends_in_the_middle_is_a_failure_and_no_backup(
    docker_engine: Engine, tmp_path: Path
) -> None:
    own = PostgresContainer(docker_engine, 15)
    own.create(LIVE, *SEED, *BULK)
    trial = inside(own, None, tmp_path, backups=SLOWLY)
    saving = asyncio.create_task(trial.action(Backup, errand(trial)).perform(Heard()))
    await asyncio.to_thread(wait_until, lambda: bool(dumps(own.container)), "no dump begins")
    await asyncio.to_thread(own.container.kill)
    with pytest.raises(StatedError) as caught:
        await saving
    assert "\n" not in str(caught.value)
    assert list(trial.vault.folder.iterdir()) == []
    docker_engine.remove(own.container)
