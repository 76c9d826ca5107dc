"""The vault: nothing is a backup before it is whole, and nothing takes a backup's place."""

from pathlib import Path

import pytest

from console.core.backups import Manifest
from console.targets.vault import Vault, VaultError, facts_of


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """An empty one."""
    return Vault(tmp_path / "backups")


def keep(vault: Vault, backup_id: str, words: str) -> None:
    """Make a backup that holds these words, from beginning to end."""
    folder = vault.begin(backup_id)
    (folder / "file").write_text(words)
    manifest = Manifest(
        id=backup_id,
        environment="testnet",
        incident=None,
        began=1,
        ends=2,
        finished=3,
        database=None,
        cache=None,
        files=facts_of(folder),
        journal_seq=1,
        journal_head="00" * 32,
    )
    vault.finish(manifest)


def test_a_name_that_a_backup_has_is_refused_before_anything_is_saved(vault: Vault) -> None:
    """Two attempts within the millisecond that the name tells: the first one's backup stays as it is."""
    keep(vault, "one", "first")
    with pytest.raises(VaultError, match="there is a backup one already: retry"):
        vault.begin("one")
    assert [path.name for path in vault.folder.iterdir()] == ["one"]
    assert (vault.path("one") / "file").read_text() == "first"


def test_a_name_that_is_being_made_is_refused(vault: Vault) -> None:
    """Two at work on one folder would both be wrong."""
    (vault.begin("one") / "file").write_text("first")
    with pytest.raises(VaultError, match=r"cannot make .*one\.partial: File exists"):
        vault.begin("one")
    assert vault.backups() == ()
    assert vault.begun() == ("one",)


def test_what_was_begun_is_discarded_and_what_is_complete_never(vault: Vault) -> None:
    keep(vault, "one", "first")
    vault.begin("two")
    for name in ("one", "two", "three"):
        vault.discard(name)
    assert [path.name for path in vault.folder.iterdir()] == ["one"]
