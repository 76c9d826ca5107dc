"""`warroom backup list` where no engine runs: the vault itself is read, and nothing is asked of anybody."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.core.backups import DatabaseFacts, Manifest, TableFacts
from console.core.exits import Exit
from console.targets.vault import Vault

BUNDLED = Path("console/config/bundled/strategy.yaml")
ENDS = 1_772_028_557_000_000
"""2026-02-25 14:09:17 UTC."""


def manifest(backup_id: str, **changes: Any) -> Manifest:
    """Of a backup of 40 users."""
    database = DatabaseFacts(
        name="walletconnect",
        system_identifier="7",
        version="18.6",
        bytes=9_000_000,
        format="custom",
        tables={"public.users": TableFacts(40, "aa")},
    )
    fields: dict[str, Any] = {
        "id": backup_id,
        "environment": "production",
        "incident": None,
        "began": ENDS - 1,
        "ends": ENDS,
        "finished": ENDS + 1,
        "database": database,
        "cache": None,
        "files": (),
        "journal_seq": 1,
        "journal_head": "0" * 64,
    }
    return Manifest(**{**fields, **changes})


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """An empty vault, and a strategy beside it that names it by a path relative to itself."""
    written = BUNDLED.read_text().replace("/var/backups/warroom/production", "kept")
    assert "folder: kept" in written
    (tmp_path / "strategy.yaml").write_text(written)
    return Vault(tmp_path / "kept")


def warroom(vault: Vault, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line in the strategy's folder, where nothing has ever run."""
    home = {"HOME": str(vault.folder.parent), "PATH": os.environ["PATH"]}
    argv = [sys.executable, "-m", "console", *words]
    argv += ["--strategy", str(vault.folder.parent / "strategy.yaml")]
    return subprocess.run(argv, capture_output=True, text=True, check=False, env=home, timeout=60)


def listed(vault: Vault) -> Any:
    """What it answers with --json."""
    done = warroom(vault, "backup", "list", "--env", "production", "--json")
    assert done.returncode == Exit.DONE, done.stderr
    return msgspec.json.decode(done.stdout)


def test_an_empty_vault_is_no_error(vault: Vault) -> None:
    done = warroom(vault, "backup", "list", "--env", "production")
    assert (done.returncode, done.stdout) == (Exit.DONE, "there is no backup of production\n")
    assert "no engine runs" in done.stderr
    assert not vault.folder.exists(), "looking makes nothing"


def test_each_backup_says_its_age_and_whether_it_was_verified(vault: Vault) -> None:
    for name, ends in (("one", ENDS), ("two", ENDS + 60_000_000)):
        vault.begin(name)
        vault.finish(manifest(name, ends=ends))
    vault.prove("one", ENDS + 5_000_000, "restored and compared")
    vault.begin("three")
    answer = listed(vault)
    assert (answer["schema"], answer["told_by"], answer["onset"]) == ("warroom.backups/1", "vault", None)
    two, one = answer["backups"]
    assert (one["id"], one["ends"], one["before_onset"]) == ("one", "2026-02-25T14:09:17Z", None)
    assert one["age_s"] - two["age_s"] == pytest.approx(60)
    assert one["proof"].startswith("restored and compared")
    assert (two["id"], two["proof"], two["why_not"]) == ("two", "", "")
    lines = warroom(vault, "backup", "list", "--env", "production").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["two", "one"]
    assert "not verified" in lines[0]


def test_one_that_is_none_says_why(vault: Vault) -> None:
    (vault.folder / "torn").mkdir(parents=True)
    (item,) = listed(vault)["backups"]
    assert item["why_not"] == "it has no manifest: it was never completed"
    assert (item["ends"], item["age_s"]) == ("", None)


def test_an_environment_without_backups_says_so(vault: Vault) -> None:
    done = warroom(vault, "backup", "list", "--env", "testnet")
    assert (done.returncode, done.stdout) == (Exit.FAILED, "")
    assert done.stderr == "the strategy names no `backups` of testnet\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["onset", "25:00", "--reason", "x"], "'25:00' is no moment: write 14:05:30"),
        (["restore", "one", "--at", "-5m"], "one shows one moment alone"),
        (["restore", "--at", "soon"], "'soon' is no moment"),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(vault: Vault, words: list[str], why: str) -> None:
    """Said at once, whether an engine runs or not."""
    done = warroom(vault, *words, "--env", "production")
    assert done.returncode == Exit.USAGE
    assert why in done.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["cache", "invalidate"], "invalidate: say which: `warroom cache invalidate PREFIX`"),
        (["cache", "flush", "session:"], "flush: it takes all keys"),
    ],
)
def test_the_cache_is_told_what_it_needs_and_no_more(vault: Vault, words: list[str], why: str) -> None:
    done = warroom(vault, *words, "--env", "production")
    assert done.returncode == Exit.USAGE
    assert why in done.stderr
