"""`warroom check` against a drill that is well: every target is asked, and there is no false alarm."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.core.checked import Sign
from console.core.exits import Exit
from console.drill.world import stop_world
from tests.faults import world
from tests.integration.cli.checking import Said, about, run, said, wrong
from tests.integration.cli.commands import CommandLine, healthy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a production world with an archive, a cache, and an engine that watches it."""
    folder = tmp_path_factory.mktemp("check").resolve()
    try:
        asyncio.run(healthy(folder))
        yield folder
    finally:
        asyncio.run(stop_world(folder, lambda _words: None))
    assert world.left_running(folder) == []


@pytest.fixture(scope="module")
def remarks(folder: Path) -> list[Said]:
    """Everything that is said."""
    done = CommandLine(folder)("backup", "--base")
    assert done.returncode == Exit.DONE, done.stderr
    return said(folder / "strategy.yaml")


def test_there_is_no_false_alarm(remarks: list[Said]) -> None:
    assert wrong(remarks) == []


def test_every_target_was_asked(remarks: list[Said]) -> None:
    for _each in remarks:
        pass
    assert {each.target for each in remarks if each.sign == Sign.GOOD} >= {
        "secrets",
        "repository",
        "releases",
        "deploy",
        "source metrics",
        "source health",
        "source database",
        "database",
        "cache",
        "backups",
        "archive",
        "commands",
        "programs",
    }


def test_nothing_is_changed(folder: Path, remarks: list[Said]) -> None:
    """Neither the journal nor the repository, in a world whose users go on."""

    def seen() -> tuple[int, str]:
        files = sorted(path for path in (folder / "remote.git").rglob("*") if path.is_file())
        digest = hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files))
        return len(world.events(folder, "production")), digest.hexdigest()

    before = seen()
    done = run(folder / "strategy.yaml")
    assert done.returncode == Exit.DONE, done.stderr
    assert done.stdout.splitlines()[-1] == "nothing to do: every target is as the strategy needs it"
    assert seen() == before


def test_what_is_there_is_named(folder: Path, remarks: list[Said]) -> None:
    """What answers, which release runs, and how old the window is that can be gone back to."""
    assert "it runs v1.5.0" in about(remarks, "source health")
    assert about(remarks, "deploy") == ["the drill's keeper answers, v1.5.0 is deployed"]
    assert about(remarks, "archive")[0].startswith("any moment from ")
    assert about(remarks, "metrics", Sign.NOTE)[0].startswith("NO SOURCE for security_audit_failed, ")
