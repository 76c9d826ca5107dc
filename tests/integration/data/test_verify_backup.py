"""A backup is believed when it was restored and found to be what it says; else the one reason is said."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from actions.action import ActionError
from actions.verify_backup import VerifyBackup
from console.core.backups import FileFacts, Manifest, TableFacts
from console.core.errors import StatedError
from console.targets.postgres import own
from console.targets.process import orphans
from console.targets.redis.check import NotProvenError
from console.targets.redis.save import save
from console.targets.redis.server import CacheServer
from console.targets.vault import facts_of
from tests.integration.data.trials import AFTER, Heard, Trial
from tests.integration.postgres.dumps import SEEDED, databases
from tests.servers import PostgresServer, RedisServer, wait_until

LIVE = "verify_live"
SCRATCH = "verify_live_verify_b1"
PLAIN = ("-Fd", "-Z0")
"""A folder in which every bit stands as it is."""


@pytest.fixture
def trial(postgres: PostgresServer, tmp_path: Path) -> Trial:
    """An environment whose database has three tables with rows."""
    postgres.create(LIVE, *SEEDED)
    return Trial(postgres, LIVE, tmp_path)


async def refused(trial: Trial, **options: str) -> str:
    """Why the backup is not believed; nothing of the attempt may be left, and no proof."""
    inputs = trial.inputs(**options)
    with pytest.raises(StatedError) as caught:
        await trial.action(VerifyBackup, inputs).perform(Heard())
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]
    assert all(backup.proof is None for backup in trial.vault.backups())
    return str(caught.value)


def data_file(folder: Path, text: bytes) -> Path:
    """The file of a dump in directory format that holds a text."""
    (found,) = (path for path in folder.rglob("*.dat") if text in path.read_bytes())
    return found


def change(path: Path, old: bytes, new: bytes) -> None:
    """Flip some bits of a file."""
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def accept(trial: Trial, manifest: Manifest) -> None:
    """Let the manifest say what the files are now: as if they had been so when they were hashed."""
    trial.rewrite(replace(manifest, files=facts_of(trial.vault.path(manifest.id))))


@pytest.mark.parametrize("words", [("-Fc",), ("-Fd", "-j2"), PLAIN], ids=" ".join)
async def test_a_sound_backup_is_proven_and_nothing_is_left_of_the_trial(
    trial: Trial, words: tuple[str, ...]
) -> None:
    manifest = await trial.back_up("b1", *words)
    action = trial.action(VerifyBackup, trial.inputs(backup="b1"))
    assert (await action.probe()).found == "not done"
    heard = Heard()
    await action.perform(heard)
    assert (await action.probe()).found == "done"
    proof = await action.verify()
    assert proof.words == "b1: 3 tables with 7003 rows as saved, heaps and indexes sound"
    assert trial.vault.get(manifest.id).proof is not None
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]
    assert {unit for _, _, unit in heard.counted} >= {"MB", "rows"}


async def test_latest_is_the_backup_of_the_newest_state(trial: Trial) -> None:
    """Whatever their names; and decided when the plan is made."""
    await trial.back_up("b1")
    older = trial.inputs().restore
    assert older is not None
    await trial.back_up("a2")
    await trial.back_up("z3", ends=older.recovery_point - AFTER)
    preview = VerifyBackup.preview(trial.inputs(backup="latest"), trial.world)
    assert preview.params["backup"] == "a2"
    assert "DROP DATABASE verify_live_verify_a2" in preview.effects


async def test_without_any_backup_there_is_nothing_to_verify(trial: Trial) -> None:
    with pytest.raises(ActionError, match="there is no backup in .*backups: make one"):
        VerifyBackup.preview(trial.inputs(), trial.world)


async def test_a_truncated_dump_is_refused(trial: Trial) -> None:
    await trial.back_up("b1")
    path = trial.vault.path("b1") / "database.dump"
    whole = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(1000)
    assert await refused(trial) == (f"backup b1 is truncated: database.dump has 1,000 of {whole:,} bytes")


async def test_a_flipped_bit_is_refused_also_where_nothing_is_compressed(trial: Trial) -> None:
    """pg_restore would not notice: without compression a dump has no checksum of its own."""
    await trial.back_up("b1", *PLAIN)
    change(data_file(trial.vault.path("b1"), b"name 1234"), b"name 1234", b"name 1235")
    said = await refused(trial)
    assert said.startswith("backup b1 was changed after it was made: database/")
    assert "has SHA-256" in said


async def test_a_missing_file_is_refused(trial: Trial) -> None:
    await trial.back_up("b1", *PLAIN)
    path = data_file(trial.vault.path("b1"), b"name 1234")
    path.unlink()
    assert await refused(trial) == (
        f"backup b1 is incomplete: database/{path.name}, which its manifest lists, is not there"
    )


async def test_a_file_that_nobody_listed_is_refused(trial: Trial) -> None:
    await trial.back_up("b1")
    (trial.vault.path("b1") / "another.dump").write_bytes(b"x")
    assert await refused(trial) == "backup b1 holds another.dump, which its manifest does not list"


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ((), "backup b1 is empty: it has no table"),
        (("CREATE TABLE users (id int)",), "backup b1 is empty: it has no row in any of its 1 table"),
    ],
    ids=["no table", "no row"],
)
async def test_an_empty_backup_is_refused(
    postgres: PostgresServer, tmp_path: Path, statements: tuple[str, ...], sentence: str
) -> None:
    postgres.create(LIVE, *statements)
    trial = Trial(postgres, LIVE, tmp_path)
    await trial.back_up("b1")
    assert await refused(trial) == sentence


async def test_a_backup_of_another_environment_is_refused(trial: Trial) -> None:
    await trial.back_up("b1", environment="mainnet-staging")
    assert await refused(trial) == "backup b1 is of another environment: mainnet-staging, not testnet"


async def test_a_backup_of_another_database_is_refused(trial: Trial) -> None:
    trial.postgres.create("verify_other", *SEEDED)
    other = Trial(trial.postgres, "verify_other", trial.folder)
    await other.back_up("b1")
    assert await refused(trial) == "backup b1 is of another database: verify_other, not verify_live"


async def test_a_backup_of_the_same_database_on_another_server_is_refused(
    postgres_15: PostgresServer, postgres_18: PostgresServer, tmp_path: Path
) -> None:
    for server in (postgres_15, postgres_18):
        server.create(LIVE, *SEEDED)
    await Trial(postgres_15, LIVE, tmp_path).back_up("b1")
    said = await refused(Trial(postgres_18, LIVE, tmp_path))
    assert said.startswith("backup b1 is of a database verify_live on another server: ")


async def test_a_backup_that_was_never_completed_is_refused(trial: Trial) -> None:
    await trial.back_up("b1")
    (trial.vault.path("b1") / "manifest.json").unlink()
    with pytest.raises(StatedError, match="backup b1 cannot be used: it has no manifest: it was never"):
        VerifyBackup.preview(trial.inputs(backup="b1"), trial.world)


async def test_another_manifest_than_the_plans_is_refused(trial: Trial) -> None:
    """What people looked at is what is restored."""
    manifest = await trial.back_up("b1")
    action = trial.action(VerifyBackup, trial.inputs())
    trial.rewrite(replace(manifest, journal_seq=2))
    with pytest.raises(StatedError, match="backup b1 has another manifest than when the plan was made"):
        await action.perform(Heard())


async def test_a_backup_newer_than_the_onset_is_verified_and_told(trial: Trial) -> None:
    """It is the way back, and must be sound; it is no state to go back to."""
    manifest = await trial.back_up("b1")
    heard = Heard()
    action = trial.action(VerifyBackup, trial.inputs(onset=manifest.ends))
    await action.perform(heard)
    assert (await action.verify()).words.startswith("b1: 3 tables")
    (told,) = (line for line in heard.lines if line.startswith("backup b1 ends after the onset"))
    assert told.endswith("it is no state to go back to")


def wrong_name(trial: Trial, manifest: Manifest) -> None:
    """One letter of one row, changed before the file was hashed."""
    change(data_file(trial.vault.path("b1"), b"name 1234"), b"name 1234", b"name 1235")
    accept(trial, manifest)


def lost_row(trial: Trial, manifest: Manifest) -> None:
    """One row left out."""
    path = data_file(trial.vault.path("b1"), b"\t{}".replace(b"{}", b"\\N"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith(b"2\t")))
    accept(trial, manifest)


def more_tables(trial: Trial, manifest: Manifest) -> None:
    """The database had a table that the dump has not."""
    assert manifest.database is not None
    tables = {**manifest.database.tables, "public.forgotten": TableFacts(1, "00")}
    trial.rewrite(replace(manifest, database=replace(manifest.database, tables=tables)))


def fewer_tables(trial: Trial, manifest: Manifest) -> None:
    """The dump has a table that nobody counted."""
    assert manifest.database is not None
    tables = {name: facts for name, facts in manifest.database.tables.items() if name != "ledger.notes"}
    trial.rewrite(replace(manifest, database=replace(manifest.database, tables=tables)))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (wrong_name, "restores with other content in table public.users: as many rows, not the same"),
        (lost_row, "restores with 2 rows in table ledger.notes instead of 3"),
        (more_tables, "restores without table public.forgotten"),
        (fewer_tables, "restores with table ledger.notes, which was not saved"),
    ],
)
async def test_what_is_restored_must_be_what_was_saved(
    trial: Trial, spoil: Callable[[Trial, Manifest], None], sentence: str
) -> None:
    """Where every bit is as the manifest says, and the manifest was told something else."""
    spoil(trial, await trial.back_up("b1", *PLAIN))
    assert await refused(trial) == f"backup b1 {sentence}"


async def test_a_dump_without_rows_is_refused_as_empty(trial: Trial) -> None:
    """An account that may not read, `--schema-only` in a script: it happens."""
    await trial.back_up("b1", "-Fc", "--schema-only")
    assert await refused(trial) == "backup b1 restores empty: no row in any table instead of 7003 rows"


async def test_a_dump_that_cannot_be_restored_is_refused_with_its_reason(trial: Trial) -> None:
    manifest = await trial.back_up("b1", *PLAIN)
    change(data_file(trial.vault.path("b1"), b"name 1234"), b"\tname 1234", b"name 1234\t\t")
    accept(trial, manifest)
    said = await refused(trial)
    assert said.startswith("database verify_live on ") or "cannot be restored into" in said
    assert "extra data after last expected column" in said


async def test_a_violated_invariant_is_refused_with_its_row(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create(LIVE, *SEEDED, "INSERT INTO transactions VALUES (-7, NULL, 1)")
    asked = {"positive": {"title": "numbers are positive", "sql": "SELECT id FROM transactions WHERE id < 0"}}
    trial = Trial(postgres, LIVE, tmp_path, invariants=asked)
    await trial.back_up("b1")
    assert await refused(trial) == "backup b1 violates `positive` (numbers are positive): -7"


async def test_an_invariant_that_holds_is_part_of_the_proof(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.create(LIVE, *SEEDED)
    asked = {"positive": {"title": "numbers are positive", "sql": "SELECT id FROM transactions WHERE id < 0"}}
    trial = Trial(postgres, LIVE, tmp_path, invariants=asked)
    await trial.back_up("b1")
    action = trial.action(VerifyBackup, trial.inputs())
    await action.perform(Heard())
    assert (await action.verify()).words.endswith("heaps and indexes sound, 1 invariant held")


async def test_an_index_made_wrong_is_refused(postgres: PostgresServer, tmp_path: Path) -> None:
    """A function that was declared immutable and is not: no dump shows it, and no count."""
    lying = (
        "CREATE FUNCTION lying(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN random(); END'"
    )
    postgres.create(LIVE, *SEEDED, lying, "CREATE INDEX made_wrong ON users (lying(id))")
    trial = Trial(postgres, LIVE, tmp_path)
    await trial.back_up("b1")
    said = await refused(trial)
    assert said.startswith("backup b1 is corrupt: pg_amcheck found 1 fault, the first in btree index ")
    assert f'"{SCRATCH}.public.made_wrong": ERROR: heap tuple' in said


@pytest.fixture
async def cached(redis_7: RedisServer, postgres_18: PostgresServer, tmp_path: Path) -> Trial:
    """A backup of the database and of a cache with 300 keys."""
    postgres_18.create(LIVE, *SEEDED)
    trial = Trial(postgres_18, LIVE, tmp_path)
    with redis_7.client() as client:
        client.mset({f"session:{number}": "x" * 10 for number in range(300)})
    cache = CacheServer(lambda: redis_7.url, trial.server.shell)
    manifest = await trial.back_up("b1")
    facts = await save(cache, trial.vault.path("b1"), Heard())
    accept(trial, replace(manifest, cache=facts))
    return trial


async def test_the_cache_is_proven_with_the_database(cached: Trial) -> None:
    action = cached.action(VerifyBackup, cached.inputs())
    await action.perform(Heard())
    database, cache = (await action.verify()).words.split("; ", 1)
    assert database == "b1: 3 tables with 7003 rows as saved, heaps and indexes sound"
    assert "300 keys" in cache


async def test_a_backup_whose_cache_is_damaged_is_refused(cached: Trial) -> None:
    """Before anybody hashed it: its own checksum says so."""
    path = cached.vault.path("b1") / "cache.rdb"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    manifest = cached.vault.get("b1").manifest
    assert manifest is not None
    accept(cached, manifest)
    with pytest.raises(NotProvenError):
        await cached.action(VerifyBackup, cached.inputs()).perform(Heard())
    assert cached.vault.get("b1").proof is None


async def test_a_backup_of_nothing_that_could_be_restored_is_refused(trial: Trial) -> None:
    """An inventory is no backup of data."""
    manifest = await trial.back_up("b1")
    trial.rewrite(replace(manifest, database=None))
    assert await refused(trial) == "backup b1 holds neither database nor cache"


async def test_an_abort_ends_it_without_a_trace(trial: Trial) -> None:
    await trial.back_up("b1")
    heard = Heard()
    heard.stopping = True
    with pytest.raises(ActionError, match="stopped as was asked for; nothing of it is left"):
        await slow(trial).perform(heard)
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]


async def test_it_gives_way_when_users_suffer(trial: Trial) -> None:
    await trial.back_up("b1")
    heard = Heard()
    heard.worsened = "response_time_p99 went from calm to consider"
    with pytest.raises(ActionError, match="stopped, because response_time_p99 went .*: it loads the server"):
        await slow(trial).perform(heard)
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]


async def test_a_cancelled_trial_leaves_no_database(trial: Trial) -> None:
    await trial.back_up("b1")
    heard = Heard()
    performing = asyncio.create_task(slow(trial).perform(heard))
    await heard.loading.wait()
    assert SCRATCH in databases(trial.postgres, f"{LIVE}%")
    performing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await performing
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]


def slow(trial: Trial) -> VerifyBackup:
    """A trial that takes longer than anybody waits here."""
    asked = {"endless": {"title": "endless", "sql": "SELECT pg_sleep(40)"}}
    trial = Trial(trial.postgres, trial.database, trial.folder, invariants=asked)
    action = trial.action(VerifyBackup, trial.inputs())
    assert isinstance(action, VerifyBackup)
    return action


async def test_what_a_killed_engine_left_is_dropped_by_the_next(trial: Trial) -> None:
    """Of this environment, whichever backup it was for; another environment's is let be."""
    await trial.back_up("b1")
    for name, environment in (("verify_live_verify_b0", "testnet"), ("verify_live_verify_b9", "production")):
        async with own.held(trial.server, name) as connection:
            await own.make(connection, name, f"verify {environment} INC-1")
    heard = Heard()
    await trial.action(VerifyBackup, trial.inputs()).perform(heard)
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE, "verify_live_verify_b9"]
    assert "dropped verify_live_verify_b0, which an engine that was killed left" in heard.lines
    async with own.held(trial.server, "verify_live_verify_b9") as connection:
        await own.drop(connection, "verify_live_verify_b9")


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from types import SimpleNamespace
from actions.verify_backup import VerifyBackup
from tests.integration.data.trials import Heard, Trial

live, folder = sys.argv[1:]
postgres = SimpleNamespace(dsn=lambda database: os.environ["SERVER"] + database)
trial = Trial(postgres, live, Path(folder))
asyncio.run(trial.action(VerifyBackup, trial.inputs()).perform(Heard()))
"""


async def test_after_kill_9_in_the_middle_nothing_runs_on_and_the_next_attempt_is_whole(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    slowly = (
        "CREATE FUNCTION slowly(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS"
        " 'BEGIN IF $1 LIKE ''%19%'' THEN PERFORM pg_sleep(0.005); END IF; RETURN $1; END'"
    )
    postgres.create(LIVE, *SEEDED, slowly, "CREATE INDEX slow ON users (slowly(id))")
    trial = Trial(postgres, LIVE, tmp_path)
    await trial.back_up("b1")
    environment = {**os.environ, "SERVER": postgres.dsn("")}
    engine = subprocess.Popen([sys.executable, "-c", _KILLED, LIVE, str(tmp_path)], env=environment)
    wait_until(lambda: busy(postgres, "CREATE INDEX slow%"), "the index is not being made")
    engine.kill()
    engine.wait()
    assert databases(postgres, f"{LIVE}%") == [LIVE, SCRATCH]
    wait_until(lambda: not orphans(tmp_path), "a program of the killed engine goes on")
    assert trial.vault.get("b1").proof is None
    action = trial.action(VerifyBackup, trial.inputs())
    assert f"{SCRATCH} is there, and is dropped by the next attempt" in (await action.probe()).words
    await action.perform(Heard())
    assert (await action.verify()).words.startswith("b1: 3 tables with 7003 rows as saved")
    assert databases(postgres, f"{LIVE}%") == [LIVE]


def busy(postgres: PostgresServer, like: str) -> bool:
    """Whether a statement like that is being executed."""
    with psycopg.connect(postgres.dsn()) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s"
        row = connection.execute(asked, (like,)).fetchone()
    return row is not None and row[0] > 0


async def test_an_older_proof_is_no_proof_for_a_new_plan(trial: Trial) -> None:
    """Bits rot: whoever asks anew wants to know of today."""
    await trial.back_up("b1")
    trial.vault.prove("b1", trial.clock.now().utc_us - AFTER, "yesterday")
    action = trial.action(VerifyBackup, trial.inputs())
    assert (await action.probe()).found == "not done"
    with pytest.raises(ActionError, match="backup b1 has no proof of today: retry"):
        await action.verify()


async def test_a_proof_counts_with_its_own_manifest_alone(trial: Trial) -> None:
    manifest = await trial.back_up("b1")
    action = trial.action(VerifyBackup, trial.inputs())
    await action.perform(Heard())
    trial.rewrite(replace(manifest, files=(*manifest.files, FileFacts("x", 1, "00"))))
    with pytest.raises(StatedError, match="another manifest than when the plan was made"):
        await action.verify()


async def test_a_database_in_the_way_that_is_not_ours_is_left_alone(trial: Trial) -> None:
    trial.postgres.create(SCRATCH, "CREATE TABLE precious (i int)")
    await trial.back_up("b1")
    with pytest.raises(StatedError, match=f"database {SCRATCH} is not marked as Warroom's and is left alone"):
        await trial.action(VerifyBackup, trial.inputs()).perform(Heard())
    with psycopg.connect(trial.postgres.dsn(SCRATCH)) as connection:
        assert connection.execute("SELECT count(*) FROM precious").fetchone() == (0,)
    trial.postgres.drop(SCRATCH)
