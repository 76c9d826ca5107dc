"""Backups of a server inside a container are verified there: its own programs, fed by a stream."""

import dataclasses
from pathlib import Path

import pytest

from actions.build_candidate import BuildCandidate
from actions.verify_backup import VerifyBackup
from console.core.data import Backups
from console.targets.docker.engine import Docker
from console.targets.docker.shell import ContainerShell
from console.targets.postgres.dump import dump
from console.targets.postgres.load import Dump, LoadError, load
from console.targets.postgres.server import Server
from console.targets.sealing import Unsealed
from tests.docker_servers import PostgresContainer
from tests.integration.data.trials import Heard, Trial
from tests.integration.postgres.dumps import SEEDED, databases, tables_of

LIVE = "inside_live"


@pytest.fixture
def trial(docker: Docker, postgres_15_container: PostgresContainer, tmp_path: Path) -> Trial:
    """An environment whose database is inside a container, and its programs too."""
    postgres_15_container.create(LIVE, *SEEDED)
    trial = Trial(postgres_15_container, LIVE, tmp_path)
    shell = ContainerShell(docker, postgres_15_container.name, tmp_path)
    trial.server = Server(lambda: postgres_15_container.dsn(LIVE), shell)
    trial.stores = dataclasses.replace(trial.stores, server=trial.server)
    trial.world = dataclasses.replace(trial.world, stores=trial.stores)
    return trial


async def back_up(trial: Trial) -> None:
    """A backup as it is made of such a server."""

    async def dumped(folder: Path) -> None:
        await dump(trial.server.named("backup"), folder, Backups(folder="b"), Unsealed(), Heard())

    await trial.keep("b1", dumped)


async def test_a_backup_is_verified_inside_the_container(trial: Trial) -> None:
    await back_up(trial)
    action = trial.action(VerifyBackup, trial.inputs())
    await action.perform(Heard())
    proof = await action.verify()
    assert proof.words == "b1: 3 tables with 7003 rows as saved, heaps and indexes sound"
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]


async def test_a_candidate_is_built_inside_the_container(trial: Trial) -> None:
    await back_up(trial)
    action = trial.action(BuildCandidate, trial.inputs())
    await action.perform(Heard())
    beside = (await action.verify()).facts["database"]
    assert await tables_of(trial.server, beside) == await tables_of(trial.server)
    trial.postgres.drop(beside)


async def test_a_folder_cannot_be_streamed_into_a_container_and_says_so(trial: Trial, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="is a folder, which container .* cannot be given: back up in custom"):
        await load(trial.server, Dump(tmp_path, 1, Unsealed()), LIVE, jobs=2, progress=Heard())
