"""A restorable point is as old as the moment that it shows, however it is made, and gives way to users."""

import asyncio
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actions.action import Action, ActionError, Slot
from actions.restorable_point import SLOT_RESTORABLE, RestorablePoint
from console.core.backups import Manifest
from console.core.clock import Stamp
from console.core.data import Backups
from console.store.clock import SystemClock
from console.targets.postgres.reach import ArchiveError
from console.targets.process import orphans
from tests.integration.data.trials import TOKEN, Heard, Trial
from tests.integration.postgres.archives import LIVE as ARCHIVED
from tests.integration.postgres.archives import Archived
from tests.integration.postgres.dumps import BULK, SEEDED
from tests.servers import PostgresServer, wait_until

LIVE = "restorable_live"


@pytest.fixture
def trial(postgres_18: PostgresServer, tmp_path: Path) -> Trial:
    """An environment whose database has three tables with rows."""
    postgres_18.create(LIVE, *SEEDED)
    return Trial(postgres_18, LIVE, tmp_path)


def equip(trial: Trial, **stores: Any) -> Trial:
    """The same environment, and some of its stores are others."""
    trial.stores = dataclasses.replace(trial.stores, **stores)
    trial.world = dataclasses.replace(trial.world, stores=trial.stores)
    return trial


def point(trial: Trial, **backups: Any) -> Action:
    """The step, with that in the strategy's `backups`."""
    equip(trial, backups=Backups.model_validate({"folder": "backups", "jobs": 2, **backups}))
    return trial.action(RestorablePoint, trial.inputs())


async def proven(action: Action) -> Slot:
    """What it leaves for the gate."""
    await action.perform(Heard())
    assert (await action.probe()).found == "done"
    (slot,) = (await action.verify()).evidence
    assert slot.name == SLOT_RESTORABLE
    return slot


def manifests(trial: Trial) -> list[Manifest]:
    """Of all complete backups, oldest first."""
    return [backup.manifest for backup in trial.vault.backups() if backup.manifest]


# -- a fresh dump ---------------------------------------------------------------------------------------


async def test_a_dump_is_as_old_as_its_snapshot_and_not_as_its_end(trial: Trial) -> None:
    """What users have written since the snapshot is not in it, however fresh the file is."""
    slot = await proven(point(trial))
    (manifest,) = manifests(trial)
    assert slot.shows == manifest.ends < manifest.finished


async def test_a_dump_that_took_longer_than_it_may_be_old_is_too_old_when_it_is_done(trial: Trial) -> None:
    """And the strategy's rate is kept: at full speed it takes a tenth of a second."""
    action = point(trial, rate="150kB", fresh="1s")
    await action.perform(Heard())
    (manifest,) = manifests(trial)
    assert manifest.finished - manifest.ends > 1_500_000
    assert (await action.probe()).found == "not done"
    with pytest.raises(ActionError, match="old, at most 00:01 wanted: retry; .* raise `fresh`"):
        await action.verify()


@pytest.mark.parametrize("off_s", [-3600, 3600], ids=["behind", "ahead"])
async def test_a_servers_clock_that_differs_from_ours_makes_no_point_old_or_new(
    trial: Trial, off_s: int
) -> None:
    """An hour behind it would never be fresh, an hour ahead always."""
    action = point(trial)
    await action.perform(Heard())
    (manifest,) = manifests(trial)
    trial.rewrite(replace(manifest, ends=manifest.ends + off_s * 1_000_000))
    (slot,) = (await action.verify()).evidence
    assert slot.shows is not None
    assert manifest.began <= slot.shows <= manifest.finished


class Held(SystemClock):
    """The system's clock, stopped at the beginning of its next second."""

    def __init__(self) -> None:
        super().__init__()
        at = super().now()
        self._at = replace(at, utc_us=at.utc_us - at.utc_us % 1_000_000 + 1_000_000)

    def now(self) -> Stamp:
        return self._at

    def move(self, microseconds: int) -> None:
        self._at = replace(
            self._at, utc_us=self._at.utc_us + microseconds, boot_us=self._at.boot_us + microseconds
        )


async def test_two_attempts_within_one_second_are_two_backups(trial: Trial) -> None:
    """A backup's name tells the millisecond; the second attempt replaces nothing, and is not lost."""
    clock = Held()
    trial.world = dataclasses.replace(trial.world, clock=clock)
    action = point(trial)
    await action.perform(Heard())
    clock.move(1_000)
    await action.perform(Heard())
    first, second = manifests(trial)
    assert first.id < second.id
    assert [one.id[15:20] for one in (first, second)] == [".000Z", ".001Z"]
    (slot,) = (await action.verify()).evidence
    assert slot.inputs == second.id


async def test_a_dump_is_given_up_when_a_metric_gets_worse(trial: Trial) -> None:
    """It loads the server, and can wait; nothing of it is left, in the folder or as a program."""
    trial.postgres.create(LIVE, *SEEDED, *BULK)
    action, heard = point(trial, rate="20kB"), Heard()
    performing = asyncio.create_task(action.perform(heard))
    await asyncio.to_thread(wait_until, lambda: bool(orphans(trial.folder)), "the dump does not begin")
    heard.worsened = "error_rate went from warn to mandatory"
    with pytest.raises(ActionError, match="stopped, because error_rate went from warn to mandatory"):
        await performing
    assert list(trial.vault.folder.iterdir()) == []
    await asyncio.to_thread(wait_until, lambda: not orphans(trial.folder), "a program goes on")


# -- the archive ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[15, 18], ids=["PostgreSQL 15", "PostgreSQL 18"])
def archived(request: pytest.FixtureRequest) -> Iterator[Archived]:
    """A server that archives its WAL, with a base backup."""
    folder = Path(tempfile.mkdtemp(prefix="warroom-test-"))
    made: Archived | None = None
    try:
        made = Archived(request.param, folder)
        asyncio.run(made.archive.make_base("first", Heard()))
        yield made
    finally:
        if made is not None:
            made.postgres.stop()
        shutil.rmtree(folder)


@pytest.fixture
def archiving(archived: Archived, tmp_path: Path) -> Trial:
    """An environment of that server."""
    return equip(Trial(archived.postgres, ARCHIVED, tmp_path), archive=archived.archive)


ARCHIVE = {"kind": "archive"}


async def test_archived_wal_is_a_restorable_point_up_to_the_moment_it_was_asked_for(
    archived: Archived, archiving: Trial
) -> None:
    """What was committed before can be restored; nothing is dumped."""
    committed = archived.commit(len(archived.moments))
    action = point(archiving, restorable=ARCHIVE)
    assert (await action.probe()).found == "not done"
    slot = await proven(action)
    assert slot.shows is not None
    assert committed < slot.shows < int(slot.inputs) <= archived.now()
    window = await archived.archive.window()
    assert window is not None
    assert window.begins <= committed <= window.ends == int(slot.inputs)
    assert archiving.vault.backups() == ()


async def test_archived_wal_that_has_gone_since_is_no_restorable_point(
    archived: Archived, archiving: Trial
) -> None:
    """It is looked for again, where it is."""
    archived.commit(len(archived.moments))
    action = point(archiving, restorable=ARCHIVE)
    await proven(action)
    last = archived.segments()[-1]
    last.rename(archived.folder / "away")
    try:
        with pytest.raises(ActionError, match="and does so no more: `warroom check` says what is missing"):
            await action.verify()
    finally:
        (archived.folder / "away").rename(last)


async def test_archived_wal_grows_old_as_a_dump_does(archived: Archived, archiving: Trial) -> None:
    action = point(archiving, restorable=ARCHIVE)
    await proven(action)
    equip(archiving, backups=archiving.stores.backups.model_copy(update={"fresh": 0.0}))
    aged = RestorablePoint(action.params, archiving.world, TOKEN)
    assert (await aged.probe()).found == "not done"
    with pytest.raises(ActionError, match="old, at most 00:00 wanted: retry"):
        await aged.verify()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [("false", "archive_command fails: "), ("sleep 2; false", "within 1 s|within 00:01")],
    ids=["fails", "takes longer than the time box"],
)
async def test_a_server_that_does_not_archive_gives_no_restorable_point(
    archived: Archived, archiving: Trial, command: str, sentence: str
) -> None:
    within = "1s" if "sleep" in command else "60s"
    action = point(archiving, restorable=ARCHIVE, within=within)
    archived.archive_by(command)
    try:
        with pytest.raises((ArchiveError, ActionError), match=sentence):
            await action.perform(Heard())
    finally:
        archived.archive_again()
    assert (await action.probe()).found == "not done"
    with pytest.raises(ActionError, match="there is no restorable point yet"):
        await action.verify()
    await archived.archive.reach_now(60)


async def test_an_abort_does_not_wait_for_the_archive(archived: Archived, archiving: Trial) -> None:
    heard = Heard()
    heard.stopping = True
    archived.archive_by("sleep 2; false")
    try:
        with pytest.raises(ActionError, match="stopped as was asked for"):
            await point(archiving, restorable=ARCHIVE).perform(heard)
    finally:
        archived.archive_again()
    await archived.archive.reach_now(60)


async def test_without_an_archive_it_is_said_when_the_plan_is_made(trial: Trial) -> None:
    with pytest.raises(ActionError, match="the strategy names no `archive` of testnet"):
        point(trial, restorable=ARCHIVE)


# -- the strategy's own snapshot ------------------------------------------------------------------------


async def test_a_snapshot_is_as_old_as_the_command_that_made_it(trial: Trial) -> None:
    """When within its run the command took it, it does not say."""
    began = trial.clock.now().utc_us
    command = {"kind": "command", "argv": ["sh", "-c", "sleep 1.2; echo snap-0042"]}
    action = point(trial, restorable=command)
    slot = await proven(action)
    assert slot.shows is not None
    assert 0 <= slot.shows - began < 1_000_000
    equip(trial, backups=trial.stores.backups.model_copy(update={"fresh": 1.0}))
    aged = RestorablePoint(action.params, trial.world, TOKEN)
    with pytest.raises(ActionError, match="snapshot snap-0042, .* old, at most 00:01 wanted"):
        await aged.verify()


async def test_a_command_is_ended_when_a_metric_gets_worse(trial: Trial) -> None:
    action, heard = point(trial, restorable={"kind": "command", "argv": ["sleep", "30"]}), Heard()
    heard.worsened = "error_rate went from warn to mandatory"
    with pytest.raises(ActionError, match="stopped, because error_rate"):
        await action.perform(heard)
    assert (await action.probe()).found == "not done"
    await asyncio.to_thread(wait_until, lambda: not orphans(trial.folder), "a program goes on")
