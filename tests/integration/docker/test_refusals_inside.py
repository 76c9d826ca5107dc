"""What must not be restored into a container is refused there as anywhere, each time for its own reason."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from actions.action import Action, Inputs
from actions.backup import Backup
from actions.build_candidate import BuildCandidate
from actions.restore_cache import RestoreCache
from actions.verify_backup import VerifyBackup
from console.core.backups import Manifest
from console.core.errors import StatedError
from console.targets.vault import facts_of
from tests.docker_engine import Engine
from tests.docker_servers import PostgresContainer, RedisContainer
from tests.integration.data.caches import asked
from tests.integration.data.trials import Heard
from tests.integration.docker.inside import Inside
from tests.integration.postgres.dumps import SEEDED, databases
from tests.integration.redis.kit import assert_same, contents, fill, hasten
from tests.servers import USER

LIVE = "refusing"
KEYS = 300
DUMP = "database.dump"
CACHE = "cache.rdb"


class Saved(NamedTuple):
    """Servers inside containers, and a folder with one backup of both, which is sound."""

    postgres: PostgresContainer
    redis: RedisContainer
    folder: Path

    def trial(self, folder: Path) -> Inside:
        """The environment, with its backups in that folder."""
        environ = {"DSN": self.postgres.dsn(LIVE), "CACHE_URL": self.redis.url}
        containers = {"data": self.postgres.name, "cache": self.redis.name}
        return Inside(self.postgres, LIVE, folder, environ, containers)


@pytest.fixture(
    scope="module",
    params=[(15, "6.2"), (18, "7")],
    ids=["PostgreSQL 15, Redis 6.2", "PostgreSQL 18, Redis 7"],
)
def saved(
    request: pytest.FixtureRequest, docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Saved]:
    """Each pair of servers, saved once as the program saves them; a test spoils a copy."""
    major, version = request.param
    postgres: PostgresContainer = request.getfixturevalue(f"postgres_{major}_container")
    postgres.create(LIVE, *SEEDED)
    redis = RedisContainer(docker_engine, version)
    hasten(redis)
    fill(redis, KEYS)
    made = Saved(postgres, redis, tmp_path_factory.mktemp("saved"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker_engine.url)
        trial = made.trial(made.folder)
        now = trial.clock.now().utc_us // 1_000_000
        asyncio.run(trial.action(Backup, Inputs("ERR-0001", "eng-1", now, now)).perform(Heard()))
        yield made
    redis.remove()


@pytest.fixture
def trial(saved: Saved, tmp_path: Path) -> Inside:
    """The environment, with a backup of its own to spoil."""
    shutil.copytree(saved.folder / "backups", tmp_path / "backups")
    return saved.trial(tmp_path)


def manifest_of(trial: Inside) -> Manifest:
    """The one backup's."""
    (backup,) = trial.vault.backups()
    assert backup.manifest is not None
    return backup.manifest


def of_one(trial: Inside, name: str) -> Path:
    """A file of the one backup."""
    return trial.vault.path(manifest_of(trial).id) / name


def accept(trial: Inside) -> None:
    """Let the manifest say what the files are now: as if they had been so when they were hashed."""
    manifest = manifest_of(trial)
    trial.rewrite(replace(manifest, files=facts_of(trial.vault.path(manifest.id))))


def cut(name: str) -> Callable[[Inside], None]:
    """Half of a file is there."""

    def spoil(trial: Inside) -> None:
        path = of_one(trial, name)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return spoil


def flipped(name: str) -> Callable[[Inside], None]:
    """One bit in the middle of a file is another one."""

    def spoil(trial: Inside) -> None:
        path = of_one(trial, name)
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)

    return spoil


def renamed(trial: Inside) -> None:
    """One bit of a key's name in the snapshot, which can still be read to its end."""
    path = of_one(trial, CACHE)
    path.write_bytes(path.read_bytes().replace(b"session:", b"sessinn:", 1))


def emptied(name: str) -> Callable[[Inside], None]:
    """Nothing is in a file."""

    def spoil(trial: Inside) -> None:
        of_one(trial, name).write_bytes(b"")

    return spoil


def unnoticed(spoil: Callable[[Inside], None]) -> Callable[[Inside], None]:
    """The same, before the file was hashed: what reads it inside, or its server, has to notice."""

    def spoiled(trial: Inside) -> None:
        spoil(trial)
        accept(trial)

    return spoiled


def without_rows(trial: Inside) -> None:
    """The dump is one of `--schema-only`."""
    assert isinstance(trial.postgres, PostgresContainer)
    words = ["pg_dump", "--format=custom", "--schema-only", f"--username={USER}", LIVE]
    secret = {"PGPASSWORD": trial.postgres.password}
    told = trial.postgres.container.exec_run(words, environment=secret, stderr=False)
    assert told.exit_code == 0
    assert isinstance(told.output, bytes)
    of_one(trial, DUMP).write_bytes(told.output)
    accept(trial)


def told_empty(trial: Inside) -> None:
    """No table had a row when it was saved."""
    manifest = manifest_of(trial)
    assert manifest.database is not None
    tables = {name: replace(table, rows=0) for name, table in manifest.database.tables.items()}
    trial.rewrite(replace(manifest, database=replace(manifest.database, tables=tables)))


def elsewhere(trial: Inside) -> None:
    """It was taken of another environment."""
    trial.rewrite(replace(manifest_of(trial), environment="mainnet-staging"))


def foreign(**facts: str) -> Callable[[Inside], None]:
    """It was taken of another database."""

    def spoil(trial: Inside) -> None:
        manifest = manifest_of(trial)
        assert manifest.database is not None
        trial.rewrite(replace(manifest, database=replace(manifest.database, **facts)))

    return spoil


def other_cache(trial: Inside) -> None:
    """It was taken of another cache."""
    manifest = manifest_of(trial)
    assert manifest.cache is not None
    trial.rewrite(replace(manifest, cache=replace(manifest.cache, run_id="0" * 40)))


async def refused(trial: Inside, action: type[Action], inputs: Inputs, sentence: str) -> None:
    """The step is refused with that sentence, before or while it works."""
    with pytest.raises(StatedError, match=sentence) as caught:
        await trial.action(action, inputs).perform(Heard())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(cut(DUMP), r"is truncated: database.dump has [\d,]+ of [\d,]+ bytes$", id="truncated"),
        pytest.param(
            flipped(DUMP), "was changed after it was made: database.dump has SHA-256", id="bit-flipped"
        ),
        pytest.param(
            unnoticed(cut(DUMP)),
            "^database.dump cannot be restored into refusing_.*: pg_restore: error: .*end of file$",
            id="truncated before it was hashed",
        ),
        pytest.param(
            unnoticed(flipped(DUMP)),
            "^database.dump cannot be restored",
            id="bit-flipped before it was hashed",
        ),
        pytest.param(
            unnoticed(emptied(DUMP)),
            r"^database.dump cannot be restored into refusing_.*: pg_restore: error: .*too short",
            id="without a byte",
        ),
        pytest.param(
            without_rows, "restores empty: no row in any table instead of 7003 rows", id="without a row"
        ),
        pytest.param(told_empty, "is empty: it has no row in any of its 3 tables$", id="of nothing"),
        pytest.param(
            foreign(name="other"), "is of another database: other, not refusing$", id="another database"
        ),
        pytest.param(
            foreign(system_identifier="1"),
            r"is of a database refusing on another server: that one's system identifier is 1, ",
            id="another server",
        ),
        pytest.param(
            elsewhere, "is of another environment: mainnet-staging, not testnet$", id="another environment"
        ),
    ],
)
async def test_a_dump_is_neither_believed_nor_restored(
    trial: Inside, spoil: Callable[[Inside], None], sentence: str
) -> None:
    """Nothing of the attempt stays in the server."""
    spoil(trial)
    backup = manifest_of(trial).id
    await refused(trial, VerifyBackup, trial.inputs(backup=backup), sentence)
    await refused(trial, BuildCandidate, trial.inputs(backup), sentence)
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]
    assert trial.vault.get(backup).proof is None


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(cut(CACHE), r"is truncated: cache.rdb has [\d,]+ of [\d,]+ bytes$", id="truncated"),
        pytest.param(
            flipped(CACHE), "was changed after it was made: cache.rdb has SHA-256", id="bit-flipped"
        ),
        pytest.param(
            unnoticed(cut(CACHE)),
            r"cache.rdb is truncated: [\d,]+ of [\d,]+ bytes are there; take another backup$",
            id="truncated before it was hashed",
        ),
        pytest.param(
            unnoticed(renamed),
            r"cache.rdb is damaged: its content does not have its checksum \(CRC64\); take another backup$",
            id="bit-flipped before it was hashed",
        ),
        pytest.param(
            unnoticed(emptied(CACHE)), "cache.rdb is empty: take another backup$", id="without a byte"
        ),
        pytest.param(
            other_cache, "is of another server .* than the one that its manifest names", id="another server"
        ),
        pytest.param(
            elsewhere, "is of another environment: mainnet-staging, not testnet$", id="another environment"
        ),
    ],
)
async def test_a_cache_is_neither_believed_nor_restored(
    saved: Saved, trial: Inside, spoil: Callable[[Inside], None], sentence: str
) -> None:
    """The live one leads, and holds what it held."""
    good = contents(saved.redis)
    trial.rewrite(replace(manifest_of(trial), database=None))  # so that nobody waits for it to be restored
    spoil(trial)
    backup = manifest_of(trial).id
    await refused(trial, VerifyBackup, trial.inputs(backup=backup), sentence)
    assert trial.vault.get(backup).proof is None
    trial.vault.prove(backup, 1, "by mistake")
    await refused(trial, RestoreCache, asked(trial, backup), sentence)
    assert_same(contents(saved.redis), good)
    assert (await trial.cache.state()).master is None


async def test_what_ends_after_the_onset_is_sound_and_no_state_to_go_back_to(trial: Inside) -> None:
    """Neither the database nor the cache of it."""
    manifest, heard = manifest_of(trial), Heard()
    verifying = trial.action(VerifyBackup, trial.inputs(onset=manifest.ends, backup=manifest.id))
    await verifying.perform(heard)
    assert (await verifying.verify()).words.startswith(f"{manifest.id}: 3 tables with 7003 rows as saved")
    (told,) = (line for line in heard.lines if "ends after the onset: it shows " in line)
    assert told.endswith("it is no state to go back to")
    sentence = f"^backup {manifest.id} ends after the onset: it shows .*, the onset is "
    await refused(trial, BuildCandidate, trial.inputs(manifest.id, onset=manifest.ends), sentence)
    await refused(trial, RestoreCache, asked(trial, manifest.id, manifest.ends), sentence)
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]
