"""Writers stop before data is swapped: judged by what the service answers and by who is connected."""

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from actions.action import ActionError, Inputs
from actions.action import World as Parts
from actions.writers import StartWriters, StopWriters
from console.config.loader import load_strategy
from console.core.plan import POINT_IN_TIME, DataChange
from console.core.protocols import Head
from console.core.releases import OnRecord
from console.drill.files import write_files
from console.drill.world import World, WorldWanted, start_keeper, stop_world
from console.store.clock import SystemClock
from console.targets.deploy import DeployError, KeeperDeployer, PipelineDeployer
from console.targets.health import HealthProbe
from console.targets.keeper import Keeper
from console.targets.postgres.rows import Rows
from console.targets.postgres.server import Server
from console.targets.process import Programs
from console.targets.shell import HostShell
from console.targets.stores import Stores
from console.targets.vault import Vault
from tests.integration.data.trials import Heard
from tests.integration.drill.kit import unheard

NOON_US = 1_760_000_400_000_000
BACK = DataChange(POINT_IN_TIME, NOON_US, NOON_US + 9, 100)
INPUTS = Inputs("INC-7QK2", "eng-1", 1_760_000_400, 1_760_000_000, restore=BACK)
TOKEN = "INC-7QK2-12345678-stop-writers-1"  # noqa: S105 - the name of an attempt
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world of production."""
    path = tmp_path_factory.mktemp("production")

    async def build() -> None:
        write_files(path, await (await start_keeper(path, WorldWanted("production"))).ready())

    try:
        asyncio.run(build())
        yield path
    finally:
        asyncio.run(stop_world(path, unheard))


@pytest.fixture
def world(folder: Path) -> World:
    return World.load(folder)


@pytest_asyncio.fixture
async def parts(folder: Path, world: World, tmp_path: Path) -> AsyncIterator[Parts]:
    """The environment's real parts; the service runs."""
    environment = load_strategy(folder / "strategy.yaml").strategy.environments["production"]
    assert environment.backups is not None
    keeper, clock = Keeper(Path(world.socket)), SystemClock()
    await keeper.start_writers(unheard, LIMIT_S)
    programs = Programs({"PATH": os.environ["PATH"]}, tag=tmp_path)
    service = environment.service
    async with httpx.AsyncClient(trust_env=False) as client:
        health = HealthProbe(
            client, clock, service.health, limit_s=2, body={"status": "ok"}, version=service.version
        )
        yield Parts(
            name="production",
            environment=environment,
            clock=clock,
            programs=programs,
            clone=None,  # type: ignore[arg-type]  # nothing here is about code
            deployer=KeeperDeployer(keeper),
            health=health,
            rows=Rows(lambda: "", {}),
            stores=Stores(
                data=environment.data,
                server=Server(lambda: world.postgres.admin, HostShell(programs), world.postgres.bin),
                backups=environment.backups,
                vault=Vault(tmp_path / "backups"),
            ),
            head=lambda: Head(0, bytes(32)),
            releases=lambda: OnRecord((), "file", "releases.yaml"),
            worktrees=tmp_path / "worktrees",
            evidence=tmp_path / "evidence",
            base=tmp_path,
        )


def stop(parts: Parts) -> StopWriters:
    return StopWriters(StopWriters.preview(INPUTS, parts).params, parts, TOKEN)


def start(parts: Parts) -> StartWriters:
    return StartWriters(StartWriters.preview(INPUTS, parts).params, parts, TOKEN)


async def test_the_service_stops_and_starts_again(parts: Parts) -> None:
    """The proof is what it answers, and that nobody who may write is connected."""
    assert (await stop(parts).probe()).found == "not done"
    await stop(parts).perform(Heard())
    assert (await stop(parts).verify()).words.startswith("nobody writes: ")
    assert (await start(parts).probe()).found == "not done"
    await start(parts).perform(Heard())
    assert (await start(parts).verify()).words.endswith(", v1.5.0")
    with pytest.raises(ActionError, match="the service answers"):
        await stop(parts).verify()


async def test_a_second_time_has_no_second_effect(parts: Parts) -> None:
    for action in (stop, start):
        await action(parts).perform(Heard())
        again = Heard()
        await action(parts).perform(again)
        assert "already" in again.lines[-1]


async def test_the_plan_says_until_when_users_are_without_the_service(parts: Parts) -> None:
    preview = StopWriters.preview(INPUTS, parts)
    assert preview.words.startswith("stop the service until the data is back at ")
    assert preview.effects == (
        "keeper: stop the service; PostgreSQL and Redis go on",
        "see that nobody who may write is connected to database walletconnect",
    )


async def test_whoever_else_may_write_is_named(parts: Parts, world: World) -> None:
    """The service is not the only one who could: somebody in psql, another worker."""
    await stop(parts).perform(Heard())
    with psycopg.connect(world.postgres.dsn, application_name="worker", autocommit=True):
        finding = await stop(parts).probe()
        assert finding.found == "not done"
        assert finding.words.endswith("there is 1 connection that may write: worker as walletconnect, idle")
        with pytest.raises(ActionError, match="worker as walletconnect"):
            await stop(parts).verify()
    await stop(parts).perform(Heard())
    assert (await stop(parts).verify()).words.startswith("nobody writes: ")


async def test_who_only_reads_may_stay_and_so_may_we(parts: Parts, world: World) -> None:
    with psycopg.connect(world.postgres.admin, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS monitor")
        admin.execute("CREATE ROLE monitor LOGIN PASSWORD 'monitor' IN ROLE pg_monitor, pg_read_all_data")
    await stop(parts).perform(Heard())
    reads = psycopg.conninfo.make_conninfo(world.postgres.dsn, user="monitor", password="monitor")  # noqa: S106 - made above
    ours = psycopg.connect(world.postgres.dsn, application_name="RUN-3HXP-12345678-backup-1")
    with psycopg.connect(reads), ours:
        assert (await stop(parts).probe()).found == "done"


async def test_a_table_that_is_gone_hides_nobody(parts: Parts, world: World) -> None:
    """Where the bad release has dropped a table, nobody can be said to be unable to write to it."""
    await stop(parts).perform(Heard())
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}").format
    hidden = (sql.Identifier("users"), sql.Identifier("users_hidden"))
    with psycopg.connect(world.postgres.admin, autocommit=True, application_name="warroom test") as admin:
        admin.execute(rename(*hidden))
        try:
            with psycopg.connect(world.postgres.dsn, application_name="worker"):
                assert (await stop(parts).probe()).found == "not done"
        finally:
            admin.execute(rename(*reversed(hidden)))


async def test_a_pipeline_says_what_to_do_and_sees_when_it_is_done(parts: Parts, world: World) -> None:
    """Somebody stops the service by hand, and tries the step again."""
    deployer = PipelineDeployer(parts.health, parts.clock, 0.1)
    by_hand = dataclasses.replace(parts, deployer=deployer)
    with pytest.raises(DeployError, match="stop its processes where they run, not the database"):
        await stop(by_hand).perform(Heard())
    await Keeper(Path(world.socket)).stop_writers(unheard, LIMIT_S)
    await stop(by_hand).perform(Heard())
    assert (await stop(by_hand).verify()).words.startswith("nobody writes: ")
    with pytest.raises(DeployError, match="start its processes where they run"):
        await start(by_hand).perform(Heard())
