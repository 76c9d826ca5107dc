"""The world of production: rows from before the drill, a release that is bad for data, and how that shows."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from psycopg import sql

from console.drill.place import DrillError, Place
from console.drill.seeds import CONTACTS, TRANSACTIONS, USERS, look_for, plant
from console.drill.story import STORIES
from console.drill.truth import data_truth
from console.drill.users import Acknowledged
from console.drill.world import Seeds, World, WorldWanted, start_keeper, stop_world
from console.targets.keeper import Keeper, KeeperError
from tests.integration.drill.kit import unheard, within
from tests.integration.drill.test_drill_world import commit_of, health, signings, validate

LIMIT_S = 30.0
ROWS = USERS + CONTACTS + TRANSACTIONS
_FIRST_USER = "SELECT (extract(epoch FROM min(created_at)) * 1e6)::bigint FROM users WHERE id > 400"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world of production that the tests of this module share; the later ones break it."""
    path = tmp_path_factory.mktemp("production")

    async def build() -> None:
        await (await start_keeper(path, WorldWanted("production"))).ready()

    try:
        asyncio.run(build())
        yield path
    finally:
        asyncio.run(stop_world(path, unheard))


@pytest.fixture
def world(folder: Path) -> World:
    return World.load(folder)


@pytest.fixture
def keeper(world: World) -> Keeper:
    return Keeper(Path(world.socket))


@pytest.fixture
def http(world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=world.service_url, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture
def empty(world: World) -> Iterator[str]:
    """DSN of a database with the tables of v1.5.0 and nothing in them."""
    name = sql.Identifier("walletconnect_empty")
    migrations = Path("console/drill/releases/v1.5.0/migrations")
    with psycopg.connect(world.postgres.admin, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER walletconnect").format(name))
        dsn = world.postgres.dsn.replace("/walletconnect", "/walletconnect_empty").replace(
            "//walletconnect_empty", "//walletconnect"
        )
        with psycopg.connect(dsn) as other:
            for file in sorted(migrations.iterdir()):
                other.execute(file.read_bytes())
        yield dsn
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def seeds_of(world: World) -> Seeds:
    assert world.past is not None
    return world.past.seeds


def one(world: World, statement: str) -> object:
    """The first column of a statement's first row, asked by whoever may everything."""
    with psycopg.connect(world.postgres.admin) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


def acknowledged(world: World) -> list[str]:
    """What users were told is signed."""
    lines = Path(world.acknowledged).read_bytes().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]
    return [msgspec.json.decode(line, type=Acknowledged).hash for line in whole]


def test_the_database_archives_and_has_a_base_backup(world: World) -> None:
    """From before the users came."""
    assert one(world, "SHOW archive_mode") == "on"
    archive = world.postgres.archive
    assert archive is not None
    assert within(10, lambda: len(list(Path(archive.wal).iterdir())) > 2)
    assert within(10, lambda: one(world, _FIRST_USER) is not None)
    assert len(list(Path(archive.bases).iterdir())) == 1
    first = one(
        world,
        "SELECT (extract(epoch FROM min(applied_at)) * 1e6)::bigint FROM schema_migrations",
    )
    assert isinstance(first, int)
    assert world.past is not None
    assert first < world.past.based < one(world, _FIRST_USER)  # type: ignore[operator]


def test_the_service_owns_its_database_and_may_not_make_another(world: World) -> None:
    """The administrator is somebody else."""
    with psycopg.connect(world.postgres.dsn, autocommit=True) as connection:
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE DATABASE another")


async def test_the_seeds_are_there_and_users_write_after_them(world: World, folder: Path) -> None:
    seeds = seeds_of(world)
    assert seeds.rows == {"users": USERS, "contacts": CONTACTS, "transactions": TRANSACTIONS}
    found = await look_for(world.postgres.dsn, seeds, Place(folder).seeds)
    assert (found.rows, found.missing, found.changed, found.tables_missing) == (ROWS, 0, 0, ())
    assert within(10, lambda: one(world, "SELECT max(id) FROM transactions") > TRANSACTIONS)  # type: ignore[operator]


async def test_seeds_are_the_same_in_every_world(world: World, empty: str, tmp_path: Path) -> None:
    assert await plant(empty, 0, tmp_path / "seeds.txt", unheard) == seeds_of(world)


async def test_what_has_become_of_the_seeds_is_found_to_the_row(empty: str, tmp_path: Path) -> None:
    path = tmp_path / "seeds.txt"
    seeds = await plant(empty, 0, path, unheard)
    with psycopg.connect(empty) as connection:
        connection.execute("DELETE FROM transactions WHERE id IN (7, 8, 9)")
        connection.execute("UPDATE users SET address = 'nowhere' WHERE id = 5")
        connection.execute("UPDATE users SET last_seen_at = now()")
        connection.execute("INSERT INTO users (address) VALUES ('0xnew')")
        connection.execute("DROP TABLE contacts")
    found = await look_for(empty, seeds, path)
    assert (found.missing, found.changed) == (CONTACTS + 3, 1)
    assert found.tables_missing == ("contacts",)
    path.write_text(path.read_text().replace("users 5 ", "users 6 "))
    with pytest.raises(DrillError, match="is not as it was written"):
        await look_for(empty, seeds, path)


async def test_bulk_is_as_much_as_was_asked_for_and_does_not_compress(empty: str, tmp_path: Path) -> None:
    told: list[str] = []
    seeds = await plant(empty, 100_000_000, tmp_path / "seeds.txt", told.append)
    with psycopg.connect(empty) as connection:
        row = connection.execute(
            "SELECT sum(length(data)), pg_total_relation_size('transactions'), count(*) FROM transactions"
        ).fetchone()
    assert row is not None
    data, kept, rows = row
    assert 100_000_000 <= data < 101_000_000
    assert kept > data
    assert rows == seeds.rows["transactions"]
    assert told[-1] == f"seeding transactions: {rows} of {rows} rows"


def test_whatever_users_were_told_is_signed_is_in_the_database(world: World) -> None:
    assert within(10, lambda: len(acknowledged(world)) > 20)
    told = acknowledged(world)
    assert len(set(told)) == len(told)
    with psycopg.connect(world.postgres.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM transactions WHERE hash = ANY(%s)", (told,)).fetchone()
    assert row == (len(told),)


async def test_a_signature_that_got_lost_is_found_out_unless_a_receipt_has_it(
    world: World, folder: Path, tmp_path: Path
) -> None:
    truth = await data_truth(folder, world, None)
    assert truth is not None
    assert truth.acknowledged > 20
    assert truth.unaccounted == 0
    lost, changed = acknowledged(world)[:2]
    with psycopg.connect(world.postgres.dsn) as connection:
        connection.execute("DELETE FROM transactions WHERE hash = ANY(%s)", ([lost, changed],))
    truth = await data_truth(folder, world, None)
    assert truth is not None
    assert truth.unaccounted == 2
    ids = f"table,why,id\npublic.transactions,gone,{lost}\npublic.transactions,go back,{changed}\n"
    (tmp_path / "chain-ids.csv").write_text(ids)
    truth = await data_truth(folder, world, tmp_path)
    assert truth is not None
    assert truth.unaccounted == 1, "what only goes back should still be there"
    Path(world.acknowledged).write_bytes(b"")


async def test_writers_stop_and_start_again_and_servers_do_not_notice(
    world: World, keeper: Keeper, http: httpx.Client
) -> None:
    before = await keeper.status()
    await keeper.stop_writers(unheard, LIMIT_S)
    await keeper.stop_writers(unheard, LIMIT_S)
    stopped = await keeper.status()
    assert stopped.parts["service"].pid is None
    assert (stopped.parts["postgres"], stopped.parts["redis"]) == (
        before.parts["postgres"],
        before.parts["redis"],
    )
    with pytest.raises(httpx.ConnectError):
        await asyncio.to_thread(http.get, "/health")
    connected = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'walletconnect'"
    assert within(2, lambda: one(world, connected) == 0)
    await keeper.start_writers(unheard, LIMIT_S)
    started = (await keeper.status()).parts["service"]
    await keeper.start_writers(unheard, LIMIT_S)
    assert (await keeper.status()).parts["service"] == started
    assert (await health(http))["version"] == "v1.5.0"
    assert started.port == before.parts["service"].port


async def test_a_deploy_starts_the_service_whatever_it_was(
    world: World, keeper: Keeper, http: httpx.Client
) -> None:
    await keeper.stop_writers(unheard, LIMIT_S)
    await keeper.deploy(commit_of(world, "v1.5.0"), "again", unheard, LIMIT_S)
    assert (await health(http))["status"] == "ok"
    assert (await validate(keeper)).returncode == 0


async def test_a_world_knows_its_own_scenario_alone(keeper: Keeper) -> None:
    with pytest.raises(KeeperError, match="no scenario 'bad-config' in this world, but data-corruption"):
        await keeper.break_("bad-config")


async def test_the_bad_release_damages_rows_and_goes_on_damaging_them(
    world: World, folder: Path, keeper: Keeper, http: httpx.Client
) -> None:
    """A table that is used is gone, addresses lose their leading zeros, and a part of the signings fails."""
    await keeper.break_("data-corruption", limit_s=LIMIT_S)
    assert (await health(http))["version"] == "v1.6.0"
    found = await look_for(world.postgres.admin, seeds_of(world), Place(folder).seeds)
    assert found.tables_missing == ("contacts",)
    assert found.missing == CONTACTS
    assert found.changed == USERS + TRANSACTIONS // 16
    bare = "SELECT count(*) FROM users WHERE id <= 400 AND address NOT LIKE '0x%'"
    assert one(world, bare) == USERS
    assert 0.15 < signings(http, 60) < 0.5
    with psycopg.connect(world.postgres.dsn) as connection:
        row = connection.execute("SELECT recipient FROM transactions ORDER BY id DESC LIMIT 1").fetchone()
    assert row is not None
    assert not row[0].startswith("0x")


async def test_the_code_alone_does_not_bring_the_service_back(
    world: World, folder: Path, keeper: Keeper, http: httpx.Client
) -> None:
    """That is what makes it a matter of data: the migrations have run, and will not run again."""
    await keeper.deploy(commit_of(world, "v1.5.0"), "code-only", unheard, LIMIT_S)
    assert signings(http, 40) > 0.1
    finished = await validate(keeper)
    assert finished.returncode == 1
    assert "FAIL signs to a contact" in finished.stdout
    assert (await look_for(world.postgres.admin, seeds_of(world), Place(folder).seeds)).changed > 0


async def test_an_environment_that_cannot_be_rehearsed_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(
        DrillError, match="there is no world of 'staging', but testnet, mainnet-staging, production"
    ):
        await (await start_keeper(tmp_path / "drill", WorldWanted("staging"))).ready()


def test_every_story_fits_its_environment() -> None:
    """What is deployed, with which file, and whether the data can go back: as in the bundled strategy."""
    from console.config.loader import load_strategy
    from console.config.paths import BUNDLED

    environments = load_strategy(BUNDLED / "strategy.yaml").strategy.environments
    assert environments.keys() == STORIES.keys()
    for name, story in STORIES.items():
        assert story.branch == environments[name].repository.branch
        assert story.archives is (environments[name].archive is not None)
        assert (story.env is None) is (environments[name].environment_file is None)
