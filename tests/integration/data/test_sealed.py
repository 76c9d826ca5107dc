"""A sealed backup is proven and gone back to by whoever has the key, and by nobody else."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from actions.action import Action, Inputs, Proof
from actions.backup import Backup
from actions.build_candidate import BuildCandidate
from actions.verify_backup import VerifyBackup
from console.core.backups import Manifest
from console.core.data import Recipient
from console.core.errors import StatedError
from console.targets.process import Programs
from console.targets.sealing import Seal, Sealing, Unsealed
from tests.integration.data.trials import Heard, Trial
from tests.integration.postgres.dumps import SEEDED, databases, tables_of
from tests.seals import SEALS, age_seal
from tests.servers import PostgresServer

LIVE = "sealed_live"
BESIDE = f"{LIVE}_restore_inc_7qk2"


@pytest.fixture
def trial(postgres: PostgresServer, roomy: Path) -> Trial:
    """An environment whose database has three tables with rows."""
    postgres.drop(BESIDE)
    postgres.create(LIVE, *SEEDED)
    return Trial(postgres, LIVE, roomy)


@pytest.fixture(params=["age", "gpg"])
def sealed(request: pytest.FixtureRequest, trial: Trial) -> Iterator[Trial]:
    """The same, and its backups are encrypted for a key that there is."""
    with SEALS[request.param](trial.folder) as seal:
        yield with_key(trial, seal)


def with_key(trial: Trial, sealing: Sealing) -> Trial:
    """The environment, whose engine seals and opens in that way from now on."""
    trial.stores = dataclasses.replace(trial.stores, sealing=sealing)
    trial.world = dataclasses.replace(trial.world, stores=trial.stores)
    return trial


async def done(trial: Trial, action: type[Action], inputs: Inputs) -> Proof:
    """Perform and verify."""
    made = trial.action(action, inputs)
    await made.perform(Heard())
    return await made.verify()


async def backed_up(trial: Trial) -> Manifest:
    """The manifest of a backup from before the incident."""
    now = trial.clock.now().utc_us // 1_000_000
    proof = await done(trial, Backup, Inputs("ERR-0001", "eng-1", now, now))
    manifest = trial.vault.get(proof.facts["backup"]).manifest
    assert manifest is not None
    return manifest


async def refused(trial: Trial, backup: str) -> str:
    """Why neither a proof nor a candidate comes of it, one sentence for both; nothing is left of it."""
    said = []
    for action in (VerifyBackup, BuildCandidate):
        with pytest.raises(StatedError) as caught:
            await trial.action(action, trial.inputs(backup, backup=backup)).perform(Heard())
        said.append(str(caught.value))
    assert databases(trial.postgres, f"{LIVE}%") == [LIVE]
    assert trial.vault.get(backup).proof is None
    assert len(set(said)) == 1
    assert "\n" not in said[0]
    return said[0]


async def test_what_is_sealed_is_proven_and_gone_back_to(sealed: Trial) -> None:
    manifest = await backed_up(sealed)
    for file in manifest.files:
        raw = (sealed.vault.path(manifest.id) / file.path).read_bytes()
        assert not any(plain in raw for plain in (b"PGDMP", b"CREATE ROLE", b"user-1")), file.path
    proof = await done(sealed, VerifyBackup, sealed.inputs(backup=manifest.id))
    assert "3 tables with 7003 rows as saved" in proof.words
    good = await tables_of(sealed.server)
    with psycopg.connect(sealed.postgres.dsn(LIVE)) as users:
        users.execute("DROP TABLE ledger.notes")
        users.execute("UPDATE users SET name = 'damaged'")
    await done(sealed, BuildCandidate, sealed.inputs(manifest.id))
    assert await tables_of(sealed.server, BESIDE) == good


async def test_another_key_than_its_own_does_not_open_it(trial: Trial, tmp_path: Path) -> None:
    """A key that was replaced opens no backup of the one before it."""
    with age_seal(trial.folder) as seal, age_seal(tmp_path) as other:
        manifest = await backed_up(with_key(trial, seal))
        said = await refused(with_key(trial, other), manifest.id)
    assert "cannot decrypt" in said
    assert "no identity matched" in said


@pytest.mark.parametrize("program", ["age", "gpg"])
async def test_where_the_private_key_is_not_that_is_said(trial: Trial, tmp_path: Path, program: str) -> None:
    """The engine that makes backups need not be one that can read them."""
    with SEALS[program](trial.folder) as seal:
        manifest = await backed_up(with_key(trial, seal))
        home = {"PATH": os.environ["PATH"], "GNUPGHOME": str(tmp_path)}
        recipient = Recipient.model_validate({"program": program, "key": (seal.words or "").split()[1]})
        blind = Seal(Programs(home, tag=trial.folder), recipient)
        said = await refused(with_key(trial, blind), manifest.id)
    assert "cannot decrypt" in said
    assert ("backups.recipient.identity" if program == "age" else "secret key") in said


async def test_a_strategy_that_names_no_recipient_any_more_says_whose_it_is(trial: Trial) -> None:
    with age_seal(trial.folder) as seal:
        manifest = await backed_up(with_key(trial, seal))
    said = await refused(with_key(trial, Unsealed()), manifest.id)
    assert f"is encrypted for {seal.words}" in said
    assert "backups.recipient" in said
