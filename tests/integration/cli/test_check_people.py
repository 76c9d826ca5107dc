"""`warroom check` and the people: whoever does not count today is no help, and who lacks a key is told."""

import subprocess
import sys
from pathlib import Path

from console.config.paths import BUNDLED
from console.core.exits import Exit


def check(folder: Path, roster: str) -> subprocess.CompletedProcess[str]:
    """On the bundled testnet alone, which one engineer approves."""
    head, _, _ = (BUNDLED / "strategy.yaml").read_text().partition("  mainnet-staging:\n")
    strategy = folder / "strategy.yaml"
    strategy.write_text(head)
    (folder / "roster.yaml").write_text(f"schema: warroom.roster/1\npeople:\n  - {roster}\n")
    argv = [sys.executable, "-m", "console", "check", "--offline", str(strategy)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_an_engineer_who_has_left_approves_nothing(tmp_path: Path) -> None:
    done = check(tmp_path, "{handle: eng-1, roles: [engineer], valid_until: 2020-01-01}")
    assert done.returncode == Exit.USAGE
    assert done.stderr.endswith("1 of role `engineer` must approve, the roster has none: add them to it\n"), (
        done.stderr
    )
    assert check(tmp_path, "{handle: eng-1, roles: [engineer], valid_until: 9999-12-31}").returncode == 0


def test_the_bundled_files_have_nobody_who_can_sign(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "console", "check", "--offline", str(BUNDLED / "strategy.yaml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stderr
    said = "mainnet-staging, production: signatures open the gate, and nobody in the roster has a key yet"
    assert done.stdout.count(said) == 1
