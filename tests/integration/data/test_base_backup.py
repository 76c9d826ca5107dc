"""The step that makes a base backup: verified, and only worth something once WAL leads on from it."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.action import Action, ActionError
from actions.base_backup import SLOT_BASE, BaseBackup
from console.core.backups import Window
from console.targets.postgres.reach import ArchiveError
from tests.integration.data.trials import Heard, Trial
from tests.integration.postgres.archives import LIVE, Archived


@pytest.fixture
def archived(roomy: Path) -> Iterator[Archived]:
    """A server that archives its WAL, without a base backup."""
    made = Archived(18, roomy)
    yield made
    made.postgres.stop()


@pytest.fixture
def trial(archived: Archived, roomy: Path) -> Trial:
    """An environment of that server."""
    made = Trial(archived.postgres, LIVE, roomy)
    stores = dataclasses.replace(made.stores, archive=archived.archive)
    made.world = dataclasses.replace(made.world, stores=stores)
    return made


def step(trial: Trial) -> Action:
    return trial.action(BaseBackup, trial.inputs())


async def test_a_base_backup_is_made_verified_and_led_on_from(archived: Archived, trial: Trial) -> None:
    action = step(trial)
    assert (await action.probe()).found == "not done"
    await action.perform(Heard())
    assert (await action.probe()).found == "done"
    proof = await action.verify()
    (base,) = await archived.archive.bases()
    assert proof.words.startswith(f"{base.id}: ")
    assert proof.words.endswith("pg_verifybackup 18: backup successfully verified")
    assert [(slot.name, slot.inputs) for slot in proof.evidence] == [(SLOT_BASE, base.id)]
    window = await archived.archive.window()
    assert isinstance(window, Window)
    assert window.begins == base.ends < window.ends


async def test_what_an_attempt_before_it_left_goes_first(archived: Archived, trial: Trial) -> None:
    action = step(trial)
    partial = archived.bases / f"{action.params['base']}.partial"
    (partial / "data").mkdir(parents=True)
    (partial / "data" / "half").write_text("half")
    assert (await action.probe()).found == "not done"
    await action.perform(Heard())
    assert [path.name for path in archived.bases.iterdir()] == [action.params["base"]]


async def test_performed_again_it_makes_no_second_one(archived: Archived, trial: Trial) -> None:
    action = step(trial)
    await action.perform(Heard())
    made = await archived.archive.bases()
    await action.perform(Heard())
    assert await archived.archive.bases() == made


async def test_an_abort_leaves_nothing(archived: Archived, trial: Trial) -> None:
    heard = Heard()
    heard.stopping = True
    slow = trial.stores.backups.model_copy(update={"rate": 2_000_000})
    stores = dataclasses.replace(trial.stores, archive=archived.archive, backups=slow)
    trial.world = dataclasses.replace(trial.world, stores=stores)
    with pytest.raises(ActionError, match="stopped as was asked for; nothing of it is left"):
        await step(trial).perform(heard)
    assert list(archived.bases.iterdir()) == []


async def test_a_base_backup_without_wal_after_it_is_a_failed_step(archived: Archived, trial: Trial) -> None:
    archived.archive_by("false")
    action = step(trial)
    with pytest.raises(ArchiveError, match="archive_command fails: "):
        await action.perform(Heard())
    with pytest.raises(ArchiveError, match="nothing that was committed after the base backup is in"):
        await action.verify()


async def test_without_an_archive_there_is_no_place_for_it(trial: Trial) -> None:
    trial.world = dataclasses.replace(trial.world, stores=trial.stores)
    with pytest.raises(ActionError, match="the strategy names no `archive` of testnet"):
        step(trial)
