"""The candidate is built beside the live database and proven there, or there is none."""

import dataclasses
import os
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from actions.action import ActionError
from actions.build_candidate import SLOT_CANDIDATE, BuildCandidate
from console.core.errors import StatedError
from console.core.plan import POINT_IN_TIME, DataChange
from console.targets.postgres import own
from console.targets.postgres.files_of_wal import FilesOfWal
from console.targets.postgres.reach import ArchiveError
from console.targets.process import Programs
from console.targets.vault import facts_of
from tests.integration.data.trials import AFTER, Heard, Trial
from tests.integration.postgres.dumps import SEEDED, databases, tables_of
from tests.servers import PostgresServer

LIVE = "build_live"
BESIDE = "build_live_restore_inc_7qk2"


@pytest.fixture
def trial(postgres: PostgresServer, tmp_path: Path) -> Trial:
    """An environment whose database has three tables with rows."""
    postgres.drop(BESIDE)
    postgres.create(LIVE, *SEEDED)
    return Trial(postgres, LIVE, tmp_path)


def write(postgres: PostgresServer, *statements: str, database: str = LIVE) -> None:
    """Something happens to a database."""
    with psycopg.connect(postgres.dsn(database)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


async def refused(trial: Trial, onset: int | None = None) -> str:
    """Why there is no candidate; none may stand there, and the live database is as it was."""
    before = await tables_of(trial.server)
    action = trial.action(BuildCandidate, trial.inputs(onset=onset))
    with pytest.raises(StatedError) as caught:
        await action.perform(Heard())
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]
    assert (await action.probe()).found == "not done"
    assert await tables_of(trial.server) == before
    return str(caught.value)


@pytest.mark.parametrize("words", [("-Fc",), ("-Fd", "-j2")], ids=" ".join)
async def test_the_candidate_stands_beside_the_live_database_proven(
    trial: Trial, words: tuple[str, ...]
) -> None:
    """With the state of the backup, while users went on; and with everything that a swap needs of it."""
    await trial.back_up("b1", *words)
    saved = await tables_of(trial.server)
    write(trial.postgres, "DELETE FROM transactions WHERE id % 2 = 0", "DROP TABLE ledger.notes")
    live = await tables_of(trial.server)
    action = trial.action(BuildCandidate, trial.inputs())
    assert (await action.probe()).words == f"{BESIDE} is not there"
    await action.perform(Heard())
    assert await tables_of(trial.server, BESIDE) == saved
    assert await tables_of(trial.server) == live
    assert (await action.probe()).found == "done"
    proof = await action.verify()
    assert proof.words == f"{BESIDE} holds b1, 7003 rows, proven"
    (slot,) = proof.evidence
    assert (slot.name, slot.holds, slot.inputs) == (SLOT_CANDIDATE, True, trial.vault.digest("b1"))
    keys = Path(proof.facts["keys"])
    assert keys.stat().st_mode & 0o777 == 0o600
    assert b'["user-1234"]' in keys.read_bytes()
    asked = "SELECT count(*) FROM pg_stats WHERE schemaname = 'public'"
    assert await trial.server.value(asked, database=BESIDE) == 6, "queries are planned by statistics"
    assert await trial.server.value("SELECT count(*) FROM pg_extension", database=BESIDE) == 1


@pytest.mark.parametrize("late_us", [0, 1_000_000])
async def test_a_backup_that_ends_after_the_onset_is_no_candidate(trial: Trial, late_us: int) -> None:
    """At the onset itself it may hold the first damage."""
    manifest = await trial.back_up("b1")
    said = await refused(trial, onset=manifest.ends - late_us)
    assert said.startswith("backup b1 ends after the onset: it shows ")


async def test_a_backup_of_this_incident_is_no_candidate(trial: Trial) -> None:
    """Wherever the onset is moved to: it shows what is to be got away from."""
    await trial.back_up("b1", incident="INC-7QK2")
    assert await refused(trial) == (
        "backup b1 was taken in this incident, INC-7QK2: it is the way back, never the way to go"
    )


async def test_a_backup_of_another_environment_is_no_candidate(trial: Trial) -> None:
    await trial.back_up("b1", environment="production")
    assert await refused(trial) == "backup b1 is of another environment: production, not testnet"


async def test_an_empty_backup_is_no_candidate(postgres: PostgresServer, tmp_path: Path) -> None:
    postgres.drop(BESIDE)
    postgres.create(LIVE)
    trial = Trial(postgres, LIVE, tmp_path)
    await trial.back_up("b1")
    assert await refused(trial) == "backup b1 is empty: it has no table"


async def test_a_truncated_backup_is_no_candidate(trial: Trial) -> None:
    await trial.back_up("b1")
    path = trial.vault.path("b1") / "database.dump"
    path.write_bytes(path.read_bytes()[:5000])
    assert (await refused(trial)).startswith("backup b1 is truncated: database.dump has 5,000 of ")


async def test_a_candidate_with_other_content_is_dropped(trial: Trial) -> None:
    """Every bit is as its manifest says, and the manifest was told something else."""
    manifest = await trial.back_up("b1", "-Fd", "-Z0")
    folder = trial.vault.path("b1")
    (path,) = (path for path in folder.rglob("*.dat") if b"name 1234" in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"name 1234", b"name 1235"))
    trial.rewrite(replace(manifest, files=facts_of(folder)))
    assert await refused(trial) == (
        "backup b1 restores with other content in table public.users: as many rows, not the same: "
        f"{BESIDE} was dropped"
    )


async def test_a_candidate_that_violates_an_invariant_is_dropped(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """The damage may be older than anybody thinks."""
    postgres.drop(BESIDE)
    postgres.create(LIVE, *SEEDED, "INSERT INTO transactions VALUES (-7, NULL, 1)")
    asked = {"positive": {"title": "numbers are positive", "sql": "SELECT id FROM transactions WHERE id < 0"}}
    trial = Trial(postgres, LIVE, tmp_path, invariants=asked)
    await trial.back_up("b1")
    said = await refused(trial)
    assert said == f"backup b1 violates `positive` (numbers are positive): -7: {BESIDE} was dropped"


async def test_a_database_in_its_place_that_is_not_ours_is_left_alone(trial: Trial) -> None:
    await trial.back_up("b1")
    trial.postgres.create(BESIDE, "CREATE TABLE precious (i int)")
    action = trial.action(BuildCandidate, trial.inputs())
    with pytest.raises(StatedError, match=f"database {BESIDE} is not marked as Warroom's and is left alone"):
        await action.perform(Heard())
    assert (await action.probe()).found == "cannot tell"
    assert list(await tables_of(trial.server, BESIDE)) == ["public.precious"]
    trial.postgres.drop(BESIDE)


async def test_what_a_killed_engine_left_is_not_taken_for_a_candidate(trial: Trial) -> None:
    """Half a restore looks like a database; the next attempt begins anew."""
    await trial.back_up("b1")
    async with own.held(trial.server, BESIDE) as connection:
        await own.make(connection, BESIDE, "candidate testnet building")
    write(trial.postgres, "CREATE TABLE users (id text)", database=BESIDE)
    action = trial.action(BuildCandidate, trial.inputs())
    assert (await action.probe()).words == f"{BESIDE} is there, and not proven to be b1"
    with pytest.raises(ActionError, match=f"{BESIDE} is not there, or not proven: retry"):
        await action.verify()
    await action.perform(Heard())
    assert await tables_of(trial.server, BESIDE) == await tables_of(trial.server)
    assert (await action.verify()).words == f"{BESIDE} holds b1, 7003 rows, proven"


async def test_a_candidate_of_another_plan_does_not_count(trial: Trial) -> None:
    """The commander has chosen an older backup meanwhile."""
    await trial.back_up("b1")
    write(trial.postgres, "DELETE FROM transactions")
    await trial.back_up("b2")
    await trial.action(BuildCandidate, trial.inputs("b1")).perform(Heard())
    other = trial.action(BuildCandidate, trial.inputs("b2"))
    assert (await other.probe()).found == "not done"
    with pytest.raises(ActionError, match="not proven"):
        await other.verify()
    await other.perform(Heard())
    assert (await tables_of(trial.server, BESIDE))["public.transactions"].rows == 0


async def test_a_backup_that_is_refused_leaves_the_candidate_there(trial: Trial) -> None:
    """It may be the best that there is."""
    await trial.back_up("b1")
    action = trial.action(BuildCandidate, trial.inputs())
    await action.perform(Heard())
    await trial.back_up("b2", environment="production")
    with pytest.raises(StatedError, match="of another environment"):
        await trial.action(BuildCandidate, trial.inputs("b2")).perform(Heard())
    assert (await action.probe()).found == "done"


async def test_an_abort_leaves_no_candidate(trial: Trial) -> None:
    await trial.back_up("b1")
    heard = Heard()
    heard.stopping = True
    asked = {"endless": {"title": "endless", "sql": "SELECT pg_sleep(40)"}}
    slow = Trial(trial.postgres, LIVE, trial.folder, invariants=asked)
    with pytest.raises(ActionError, match="stopped as was asked for; nothing of it is left"):
        await slow.action(BuildCandidate, slow.inputs()).perform(heard)
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]


async def test_without_an_archive_there_is_no_point_in_time(trial: Trial) -> None:
    await trial.back_up("b1")
    action = trial.action(BuildCandidate, trial.inputs(POINT_IN_TIME))
    with pytest.raises(ActionError, match="the strategy names no `archive` of testnet: choose a backup"):
        await action.perform(Heard())
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]


@pytest.fixture(params=[15, 18], ids=["PostgreSQL 15", "PostgreSQL 18"])
async def archived(request: pytest.FixtureRequest, roomy: Path) -> AsyncIterator[Trial]:
    """An environment whose server archives its WAL, with a base backup."""
    for name in ("wal", "bases", "server"):
        (roomy / name).mkdir()
        (roomy / name).chmod(0o777)
    command = f"test ! -f {roomy}/wal/%f && cp %p {roomy}/wal/%f"
    settings = {"archive_mode": "on", "archive_command": command}
    postgres = PostgresServer(request.param, roomy / "server", settings).start()
    try:
        postgres.create(LIVE, *SEEDED)
        trial = Trial(postgres, LIVE, roomy)
        programs = Programs({"PATH": os.environ["PATH"]}, tag=roomy)
        archive = FilesOfWal(trial.server, programs, wal=roomy / "wal", bases=roomy / "bases")
        await archive.make_base("base", Heard())
        stores = dataclasses.replace(trial.stores, archive=archive)
        trial.world = dataclasses.replace(trial.world, stores=stores)
        yield trial
    finally:
        postgres.stop()


async def test_a_point_in_time_becomes_the_candidate(archived: Trial) -> None:
    """All that was committed before the fault, and nothing of what came with it."""
    postgres = archived.postgres
    write(postgres, "INSERT INTO users VALUES ('late', 'just in time', NULL)")
    wanted = await tables_of(archived.server)
    onset = (await archived.server.facts()).now
    write(postgres, "UPDATE users SET name = 'broken'", "DROP TABLE transactions")
    archive = archived.world.stores.archive if archived.world.stores else None
    assert archive is not None
    await archive.reach_now(30)
    change = DataChange(POINT_IN_TIME, recovery_point=onset, onset=onset + AFTER, loss_at_most=0)
    action = archived.action(BuildCandidate, replace(archived.inputs(), restore=change))
    await action.perform(Heard())
    assert await tables_of(archived.server, BESIDE) == wanted
    proof = await action.verify()
    assert proof.words == f"{BESIDE} holds point in time, 7004 rows, proven"
    assert (await action.probe()).found == "done"
    before_all = replace(change, recovery_point=onset - 3600 * AFTER)
    with pytest.raises(ArchiveError):
        await archived.action(BuildCandidate, replace(archived.inputs(), restore=before_all)).perform(Heard())
    assert databases(postgres, f"{LIVE}%") == [LIVE, BESIDE], "what was proven is there until it is replaced"
