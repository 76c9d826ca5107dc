"""Where the strategy names pgBackRest, base backup, restorable point and candidate come from its stanza."""

import asyncio
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from actions.base_backup import SLOT_BASE, BaseBackup
from actions.build_candidate import SLOT_CANDIDATE, BuildCandidate
from actions.restorable_point import SLOT_RESTORABLE, RestorablePoint
from console.config.secrets import Secrets
from console.core.backups import TableFacts
from console.core.exits import Exit
from console.core.plan import POINT_IN_TIME, DataChange
from console.engine.stores import StoreMaker
from console.targets.postgres.pgbackrest import PgBackRestArchive
from console.targets.postgres.reach import ArchiveError
from tests.conftest import require_program
from tests.integration.data.trials import AFTER, Heard, Trial
from tests.integration.postgres.dumps import databases, tables_of
from tests.integration.postgres.stanzas import LIVE, STANZA, Kept
from tests.servers import PostgresServer
from tests.unit.engine.kit import environment

BESIDE = f"{LIVE}_restore_inc_7qk2"
SMALL = Path("tests/unit/strategies/small.yaml")


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """A server that archives into a stanza, without a base backup."""
    require_program("pgbackrest", "pgbackrest")
    folder = Path(tempfile.mkdtemp(prefix="warroom-test-"))
    made: Kept | None = None
    try:
        made = Kept(folder)
        yield made
    finally:
        if made is not None:
            made.postgres.stop()
        shutil.rmtree(folder)


@pytest.fixture
def trial(kept: Kept, roomy: Path) -> Trial:
    """An environment of that server, whose stores are made from a strategy as an engine makes them."""
    shutil.copy(kept.config, roomy / "pgbackrest.conf")
    named = environment(
        data={"dsn": "env:DSN", "tables": {"events": "n"}, "may_be_reset": False},
        backups={"folder": "backups", "restorable": {"kind": "archive"}},
        archive={"kind": "pgbackrest", "stanza": STANZA, "config": "pgbackrest.conf"},
    )
    trial = Trial(kept.postgres, LIVE, roomy)
    secrets = Secrets({"DSN": kept.postgres.dsn(LIVE)})
    stores = StoreMaker(trial.world.programs, secrets, roomy, roomy / "state").make(named)
    assert stores is not None
    trial.stores = stores
    trial.world = dataclasses.replace(trial.world, stores=stores)
    return trial


def archive_of(trial: Trial) -> PgBackRestArchive:
    """The archive that the strategy's words have become."""
    archive = trial.stores.archive
    assert isinstance(archive, PgBackRestArchive)
    return archive


async def restored(kept: Kept, trial: Trial, point: int) -> dict[str, TableFacts]:
    """What a candidate of that moment holds."""
    change = DataChange(POINT_IN_TIME, recovery_point=point, onset=point + AFTER, loss_at_most=0)
    action = trial.action(BuildCandidate, replace(trial.inputs(), restore=change))
    assert (await action.probe()).found == "not done"
    await action.perform(Heard())
    proof = await action.verify()
    (slot,) = proof.evidence
    assert (slot.name, slot.holds) == (SLOT_CANDIDATE, True)
    return await tables_of(trial.server, BESIDE)


async def test_from_the_base_backup_to_the_candidate_at_a_point_in_time(kept: Kept, trial: Trial) -> None:
    """All by the steps of a runbook: the stanza is empty at first, and the damage is not in the candidate."""
    base = trial.action(BaseBackup, trial.inputs())
    assert (await base.probe()).found == "not done"
    await base.perform(Heard())
    assert (await base.probe()).found == "done"
    (slot,) = (await base.verify()).evidence
    (made,) = await archive_of(trial).bases()
    assert (slot.name, slot.inputs) == (SLOT_BASE, made.id)

    kept.ask("INSERT INTO events VALUES (1), (2)")
    wanted, onset = await tables_of(trial.server), kept.now()
    kept.ask("UPDATE events SET n = -n")
    point = trial.action(RestorablePoint, trial.inputs())
    await point.perform(Heard())
    (slot,) = (await point.verify()).evidence
    assert slot.name == SLOT_RESTORABLE
    assert int(slot.inputs) > onset

    live = await tables_of(trial.server)
    assert live != wanted
    assert await restored(kept, trial, onset) == wanted
    assert await tables_of(trial.server) == live
    with pytest.raises(ArchiveError, match="before the end of the oldest base backup"):
        await restored(kept, trial, made.ends - 1)
    assert databases(kept.postgres, f"{LIVE}%") == [LIVE, BESIDE], "what was proven is there until replaced"


def checked(kept: Kept, asked: PostgresServer, folder: Path) -> list[str]:
    """What `warroom check` says of the stanza, for a strategy with that server."""
    data = '    data: {dsn: "env:DSN", tables: {users: id}, may_be_reset: true}\n'
    archive = f"    archive: {{kind: pgbackrest, stanza: {STANZA}, config: {kept.config}}}\n"
    path = folder / "strategy.yaml"
    path.write_text(SMALL.read_text().replace(data, f"{data}    backups: {{folder: kept}}\n{archive}"))
    home = {"HOME": str(folder), "PATH": os.environ["PATH"], "DSN": asked.dsn()}
    argv = [sys.executable, "-m", "console", "check", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=home, timeout=60)
    assert done.returncode == Exit.DONE, done.stderr
    of_archive = done.stdout.partition("  archive\n")[2]
    return [line.lstrip(" ✓✗!·→") for line in of_archive.splitlines() if line.startswith("    ")]


def test_check_tells_what_the_stanza_reaches(kept: Kept, tmp_path: Path) -> None:
    if not asyncio.run(kept.archive.bases()):
        asyncio.run(kept.fill())
    lines = checked(kept, kept.postgres, tmp_path)
    assert lines[0].startswith("any moment from ")
    assert "continuous archiving is set up and works" in lines


def test_check_tells_a_server_that_does_not_archive_the_command_of_pgbackrest(
    kept: Kept, postgres_18: PostgresServer, tmp_path: Path
) -> None:
    command = f"pgbackrest --config={kept.config} --stanza={STANZA} archive-push %p"
    assert f"archive_command = '{command}'" in checked(kept, postgres_18, tmp_path)
